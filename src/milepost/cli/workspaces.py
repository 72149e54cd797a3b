"""``milepost experiments``, ``models``, ``workspace`` and ``sync``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from milepost.cli import output, tables
from milepost.cli.opening import chosen, opened
from milepost.cli.options import AsJson, Failed, WorkspaceName, key_values
from milepost.cli.server_workspaces import Here, Server, server_in_play
from milepost.cli.tables import Column

if TYPE_CHECKING:
    from pathlib import Path

    from milepost.cli.opening import Chosen
    from milepost.sdk.workspaces.home import WorkspacePlace
    from milepost.store.records import ExperimentRecord, ModelRecord

experiments = typer.Typer(help="The experiments of a workspace.")
models = typer.Typer(help="The registered models of a workspace.")
workspace = typer.Typer(help="The workspaces of a server, or of this machine.")


# -- experiments -----------------------------------------------------------------------------------------------------


@experiments.command("list")
def list_experiments(
    archived: Annotated[bool, typer.Option("--archived", help="The archived ones instead of the active ones.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Active and archived ones.")] = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """List experiments, newest first."""
    with opened(name) as (here, store):
        found = store.experiments("all" if every else "archived" if archived else "active")
    if as_json:
        output.write_json({"workspace": here.name, "experiments": [_experiment(each) for each in found]})
        return
    if not found:
        output.tell(f"workspace {here.name!r} has no {'archived ' if archived else ''}experiments")
        return
    columns = [
        Column("EXPERIMENT", whole=False),
        Column("RUNS", right=True),
        Column("LAST RUN"),
        Column("CREATED", drop=2),
        *([Column("ARCHIVED", drop=1)] if archived or every else []),
        Column("TAGS", whole=False, drop=4),
        Column("DESCRIPTION", whole=False, drop=3),
    ]
    rows = [
        [
            each.name,
            str(each.run_count),
            output.local(each.last_run_ns),
            output.local(each.created_ns),
            *([output.local(each.archived_ns)] if archived or every else []),
            output.tags_text(each.tags),
            output.shortened(each.description),
        ]
        for each in found
    ]
    tables.table(*tables.without_empty(columns, rows, ("TAGS", "DESCRIPTION")))


def _experiment(record: ExperimentRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "id": record.id,
        "description": record.description,
        "tags": record.tags,
        "runs": record.run_count,
        "created": output.utc(record.created_ns),
        "last_run": output.utc(record.last_run_ns),
        "archived": output.utc(record.archived_ns),
    }


# -- models ----------------------------------------------------------------------------------------------------------


@models.command("list")
def list_models(
    model: Annotated[str | None, typer.Option("--name", metavar="MODEL", help="Only versions of this model.")] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="KEY[=VALUE]", help="Only models with this tag; may be repeated."),
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Only the newest version of each.")] = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """List registered models with their versions."""
    from milepost.store.records import ANY

    tags = {key: ANY if value is None else value for key, value in key_values(tag, what="--tag")}
    with opened(name) as (here, store):
        found = store.models(name=model, tags=tags, latest=latest)
    if as_json:
        output.write_json({"workspace": here.name, "models": [_model(each) for each in found]})
        return
    if not found:
        output.tell(f"workspace {here.name!r} has no such models")
        return
    columns = [
        Column("MODEL", whole=False),
        Column("VERSION", right=True),
        Column("CREATED"),
        Column("SIZE", right=True, drop=1),
        Column("FRAMEWORK", whole=False, drop=3),
        Column("EXPERIMENT", whole=False, drop=2),
        Column("RUN", drop=5),
        Column("TAGS", whole=False, drop=4),
    ]
    rows = [
        [
            each.name,
            str(each.version),
            output.local(each.created_ns),
            output.size(sum(file.size for file in each.files)),
            " ".join(part for part in (each.framework, each.framework_version) if part),
            each.experiment or "",
            each.run_id or "",
            output.tags_text(each.tags),
        ]
        for each in found
    ]
    tables.table(*tables.without_empty(columns, rows, ("FRAMEWORK", "EXPERIMENT", "RUN", "TAGS")))


def _model(record: ModelRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "version": record.version,
        "description": record.description,
        "framework": record.framework,
        "framework_version": record.framework_version,
        "experiment": record.experiment,
        "run_id": record.run_id,
        "tags": record.tags,
        "properties": record.properties,
        "created": output.utc(record.created_ns),
        "updated": output.utc(record.updated_ns),
        "path": record.path,
        "files": [{"name": file.name, "size": file.size, "digest": file.digest} for file in record.files],
    }


# -- workspaces ------------------------------------------------------------------------------------------------------


@workspace.command("list")
def list_workspaces(server: Server = None, here: Here = False, as_json: AsJson = False) -> None:
    """List the workspaces of the server in play, else of this machine; "*" marks the one that commands take here."""
    from milepost.sdk.exceptions import UserErrorException

    current: Chosen | None = None
    try:
        current = chosen(None)
    except UserErrorException as error:  # a config.json or a MILEPOST_URL that cannot be used
        output.tell(f"warning: {error.message}")
    where = server_in_play(server, here=here or (server is None and current is None))
    if where is not None:
        _list_there(where, current, as_json=as_json)
    else:
        _list_here(current, as_json=as_json)


def _list_there(server: str, current: Chosen | None, *, as_json: bool) -> None:
    from milepost.cli.server_workspaces import list_there

    found = list_there(server)
    marks = [_is_current(each.name, server, current) for each in found]
    if as_json:
        rows = [
            {"name": each.name, "id": each.id, "role": each.role, "current": mark}
            for each, mark in zip(found, marks, strict=True)
        ]
        output.write_json({"server": server, "workspaces": rows})
        return
    if found:
        columns = [Column(""), Column("WORKSPACE", whole=False), Column("ROLE"), Column("ID", drop=1)]
        tables.table(
            columns,
            [["*" if mark else "", each.name, each.role, each.id] for each, mark in zip(found, marks, strict=True)],
        )
        output.tell(f"these are on {server}; those of this machine: milepost workspace list --here")
    else:
        output.tell(
            f"{server} has no workspace that you may see; make one: milepost workspace create NAME. Those of this "
            "machine: milepost workspace list --here"
        )


def _list_here(current: Chosen | None, *, as_json: bool) -> None:
    from milepost.sdk.workspaces import home

    broken: list[str] = []
    found = home.list_workspaces(on_error=lambda error: broken.append(error.message))
    for message in broken:
        output.tell(f"warning: {message}")
    if as_json:
        rows = [{**_place(each), "current": _is_current(each.name, None, current)} for each in found]
        output.write_json({"home": str(home.home()), "workspaces": rows})
    elif found:
        columns = [Column(""), Column("WORKSPACE", whole=False), Column("CREATED"), Column("FOLDER", drop=1)]
        tables.table(
            columns,
            [
                ["*" if _is_current(each.name, None, current) else "", each.name, _created(each), str(each.folder)]
                for each in found
            ],
        )
    else:
        output.tell(f"there is no workspace in {home.workspaces_folder()} yet")
    if broken:
        raise Failed(f"{len(broken)} of the workspaces cannot be read; `milepost doctor` says more.")


def _is_current(name: str, server: str | None, current: Chosen | None) -> bool:
    return current is not None and current.server == server and current.name.lower() == name.lower()


@workspace.command("create")
def create_workspace(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name: letters, digits, '_', '-' and '.'.")],
    server: Server = None,
    here: Here = False,
    as_json: AsJson = False,
) -> None:
    """Make a workspace: on the server in play, where you are its owner, else on this machine."""
    from milepost.cli.server_workspaces import create_there
    from milepost.sdk.workspaces import home

    where = server_in_play(server, here=here)
    if where is not None:
        there = create_there(where, name)
        if as_json:
            output.write_json({"server": where, "name": there.name, "id": there.id, "role": there.role})
        else:
            output.say(f"Made the workspace {there.name!r} on {where}. Your role there is {there.role!r}.")
        return
    place, made = home.create_workspace(name)
    if not made:
        raise Failed(f"There is a workspace {place.name!r} on this machine already, in {place.folder}.")
    if as_json:
        output.write_json(_place(place))
    else:
        output.say(f"Made the workspace {place.name!r} in {place.folder}.")


@workspace.command("info")
def workspace_info(
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Say what a workspace holds and how much room it takes."""
    with opened(name) as (found, store):
        info = store.info()
        place = found._place
        file = place.folder / "store.db"  # of one on a server there is none here
        counts = {
            "schema": info.schema,
            "experiments": info.experiments,
            "runs": info.runs,
            "active_runs": info.active_runs,
            "metrics": info.metrics,
            "points": info.points,
            "artifacts": info.artifacts,
            "models": info.models,
            "store_bytes": (store_bytes := _bytes(file)),
            "blob_bytes": info.blob_bytes,
            "artifact_bytes": info.artifact_bytes,
        }
    source = chosen(name).source
    if as_json:
        output.write_json({**_place(place), "chosen_by": source, **counts})
        return
    tables.details(
        [
            ("Workspace", place.name),
            ("Chosen by", source),
            *([("Server", place.server)] if place.server is not None else []),
            ("Folder", str(place.folder)),
            ("Id", place.id),
            ("Created", _created(place)),
            ("Experiments", f"{info.experiments:,}"),
            ("Runs", f"{info.runs:,} ({info.active_runs:,} active)"),
            ("Metrics", f"{info.metrics:,} with {info.points:,} points"),
            ("Models", f"{info.models:,}"),
            ("Files", f"{info.artifacts:,}, {output.size(info.artifact_bytes)} in all"),
            ("On disk", f"{output.size(store_bytes)} database, {output.size(info.blob_bytes)} files")
            if place.server is None
            else ("On the server", f"{output.size(info.blob_bytes)} files"),
        ]
    )


def _place(place: WorkspacePlace) -> dict[str, Any]:
    found = {"name": place.name, "id": place.id, "created": place.created, "folder": str(place.folder)}
    return found if place.server is None else {**found, "server": place.server}


def _created(place: WorkspacePlace) -> str:
    from datetime import datetime

    try:
        return datetime.fromisoformat(place.created).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return place.created


def _bytes(file: Path) -> int:
    """Of SQLite's file and its write-ahead log."""
    return sum(each.stat().st_size for each in (file, file.with_name(file.name + "-wal")) if each.is_file())
