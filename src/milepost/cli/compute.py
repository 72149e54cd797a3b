"""``milepost compute``: the pools of this machine, each with so many runs at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from milepost.cli import output, tables
from milepost.cli.opening import opened, opened_or_made
from milepost.cli.options import AsJson, Misused, WorkspaceName, key_values
from milepost.cli.tables import Column

if TYPE_CHECKING:
    from milepost.sdk.compute_targets.compute import ComputeTarget
    from milepost.sdk.workspaces.workspace import Workspace

compute = typer.Typer(help="The pools that submitted runs wait in.")

PoolName = Annotated[str, typer.Argument(metavar="NAME", help="The pool's name.")]


@compute.command("list")
def list_computes(name: WorkspaceName = None, as_json: AsJson = False) -> None:
    """List the pools, with how many runs each has at work and waiting."""
    from milepost.sdk.compute_targets.compute import ComputeTarget

    with opened(name) as (workspace, _store):
        found = [(each, *_load(workspace, each.name)) for each in ComputeTarget.list(workspace)]
    if as_json:
        rows = [_compute_json(each, running, waiting) for each, running, waiting in found]
        output.write_json({"workspace": workspace.name, "computes": rows})
        return
    if not found:
        output.tell(
            f"workspace {workspace.name!r} has no pools: submitted runs run at once. `milepost compute create NAME` "
            "makes one"
        )
        return
    columns = [
        Column("POOL", whole=False),
        Column("TYPE", drop=2),
        Column("AT A TIME", right=True),
        Column("AT WORK", right=True),
        Column("WAITING", right=True),
        Column("CREATED", drop=1),
        Column("SIZE", whole=False, drop=4),
        Column("DESCRIPTION", whole=False, drop=3),
    ]
    rows_shown = [
        [
            each.name,
            each.type,
            str(_at_a_time(each) or ""),
            str(running),
            str(waiting),
            output.local(each._record.created_ns),
            str(each._record.definition.get("vm_size") or ""),
            output.shortened(each.description or ""),
        ]
        for each, running, waiting in found
    ]
    tables.table(*tables.without_empty(columns, rows_shown, ("DESCRIPTION", "SIZE")))


@compute.command("create")
def create_compute(
    pool: PoolName,
    nodes: Annotated[
        int, typer.Option("--max-nodes", min=1, metavar="N", help="So many runs at a time; the others wait.")
    ] = 4,
    size: Annotated[
        str, typer.Option("--vm-size", metavar="SIZE", help="Kept, and without effect: it is this machine.")
    ] = "",
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="A tag; may be repeated.")] = None,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Make a pool: a queue on this machine that so many of its runs leave at a time."""
    from milepost.sdk.compute_targets.aml_compute import AmlCompute
    from milepost.sdk.compute_targets.compute import ComputeTarget, find_record
    from milepost.sdk.exceptions import ComputeTargetException

    tags = {key: value or "" for key, value in key_values(tag, what="--tag")}
    with opened_or_made(name) as workspace:
        there = find_record(workspace, pool)
        if there is not None:
            raise Misused(
                f"There is a pool {there.name!r} already. `milepost compute update {there.name} --max-nodes N` changes "
                "it."
            )
        try:
            made = ComputeTarget.create(
                workspace,
                pool,
                AmlCompute.provisioning_configuration(
                    vm_size=size, max_nodes=nodes, tags=tags or None, description=description
                ),
            )
        except ComputeTargetException as error:
            raise Misused(error.message) from error
        _tell(workspace, made, "made", as_json)


@compute.command("update")
def update_compute(
    pool: PoolName,
    nodes: Annotated[
        int, typer.Option("--max-nodes", min=1, metavar="N", help="So many runs at a time; those at work go on.")
    ],
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Change how many runs a pool has at a time."""
    from milepost.sdk.compute_targets.aml_compute import AmlCompute
    from milepost.sdk.exceptions import ComputeTargetException

    with opened(name) as (workspace, _store):
        found = _find(workspace, pool)
        if not isinstance(found, AmlCompute):
            raise Misused(f"{found.name!r} is a {found.type}: it has no number of runs at a time.")
        try:
            found.update(max_nodes=nodes)
        except ComputeTargetException as error:
            raise Misused(error.message) from error
        _tell(workspace, found, "changed", as_json)


@compute.command("delete")
def delete_compute(pool: PoolName, name: WorkspaceName = None, as_json: AsJson = False) -> None:
    """Delete a pool that has no runs at work or waiting."""
    with opened(name) as (workspace, _store):
        found = _find(workspace, pool)
        found.delete()
    if as_json:
        output.write_json({"workspace": workspace.name, "deleted": found.name})
    else:
        output.say(f"Deleted the pool {found.name}.")


def _find(workspace: Workspace, name: str) -> ComputeTarget:
    """The compute target.  Raises Misused where there is none."""
    from milepost.sdk.compute_targets.compute import ComputeTarget, find_record

    record = find_record(workspace, name) if name.strip() else None
    if record is None:
        raise Misused(
            f"Workspace {workspace.name!r} has no pool {output.shortened(name)!r}. `milepost compute list` shows those "
            "it has."
        )
    return ComputeTarget._from_record(workspace, record)


def _load(workspace: Workspace, name: str) -> tuple[int, int]:
    """How many runs of the compute target have begun, and how many are to begin."""
    from milepost.sdk.compute_targets.compute import active_runs

    active = active_runs(workspace, name)
    running = sum(each.started_ns is not None for each in active)
    return running, len(active) - running


def _at_a_time(target: ComputeTarget) -> int | None:
    found = target._record.definition.get("max_nodes")
    return found if isinstance(found, int) else None


def _tell(workspace: Workspace, target: ComputeTarget, what: str, as_json: bool) -> None:
    if as_json:
        output.write_json({"workspace": workspace.name, **_compute_json(target, *_load(workspace, target.name))})
        return
    count = _at_a_time(target) or 1
    output.say(f"The pool {target.name} is {what}: {count:,} run{'' if count == 1 else 's'} at a time.")


def _compute_json(target: ComputeTarget, running: int, waiting: int) -> dict[str, Any]:
    return {
        "name": target.name,
        "type": target.type,
        "max_nodes": _at_a_time(target),
        "running": running,
        "waiting": waiting,
        "vm_size": target._record.definition.get("vm_size"),
        "description": target.description,
        "tags": target.tags,
        "created": output.utc(target._record.created_ns),
        "updated": output.utc(target._record.updated_ns),
    }
