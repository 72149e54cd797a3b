"""``milepost runs list`` and ``tag``, and how a command's run is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from milepost.cli import output, tables
from milepost.cli.opening import opened
from milepost.cli.options import AsJson, Misused, RunId, WorkspaceName, key_values
from milepost.cli.tables import Cell, Column, Styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.store.records import MetricSummary, RunQuery, RunRecord
    from milepost.store.store import Store


class _InOrder(TyperGroup):
    """Lists the commands in the order in which people need them, not in that of their modules."""

    ORDER: Final = (
        "list",
        "show",
        "logs",
        "metrics",
        "files",
        "download",
        "snapshot",
        "diff",
        "wait",
        "cancel",
        "rerun",
    )

    def list_commands(self, ctx: Any) -> list[str]:
        there = super().list_commands(ctx)
        return [*(each for each in self.ORDER if each in there), *(each for each in there if each not in self.ORDER)]


runs = typer.Typer(help="The runs of a workspace.", cls=_InOrder)

SORTS: Final = ("created", "started", "ended", "number", "status", "name", "experiment", "target", "duration")
METRIC_SORTS: Final = ("metric", "metric_min", "metric_max", "tag", "property", "param")
_ASCENDING: Final = ("status", "name", "experiment", "target", "tag", "property", "param")
_STYLES: Final = {
    "Completed": "green",
    "Failed": "red",
    "Canceled": "yellow",
    "NotResponding": "yellow",
    "Running": "cyan",
}
_SHORT_ID: Final = 8
MOST_NAMED: Final = 10
"""How many runs an error or a question names."""


# -- list ------------------------------------------------------------------------------------------------------------


@runs.command("list")
def list_runs(
    experiment: Annotated[
        str | None, typer.Option("--experiment", "-e", metavar="NAME", help="Only runs of this experiment.")
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", "-s", metavar="STATUS", help="Only runs with this status; may be repeated."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", "-t", metavar="KEY[=VALUE]", help="Only runs with this tag; may be repeated."),
    ] = None,
    filter_text: Annotated[
        str | None,
        typer.Option(
            "--filter",
            "-f",
            metavar="FILTER",
            help="Only runs for which this is true, such as 'metrics.mse < 0.3 and tags.stage = \"prod\"'.",
        ),
    ] = None,
    children: Annotated[bool, typer.Option("--children", help="Child runs, too.")] = False,
    parent: Annotated[
        str | None, typer.Option("--parent", metavar="ID", help="Only the direct children of this run.")
    ] = None,
    archived: Annotated[bool, typer.Option("--archived", help="The archived runs instead of the active ones.")] = False,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", "-m", metavar="NAME", help="Show this metric's last value; may be repeated."),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            metavar="ORDER",
            help="created, started, ended, number, status, name, experiment, target, duration, metric:NAME (its last "
            "value), metric_min:NAME, metric_max:NAME, tag:KEY, property:KEY or param:KEY. Runs without the value come "
            "last.",
        ),
    ] = "created",
    ascending: Annotated[
        bool | None,
        typer.Option("--asc/--desc", help="Default: texts ascending, all else descending."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="At most so many runs; 0 for all.")] = 50,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    from milepost.store.records import ANY, RunQuery

    order = check_order(sort)
    statuses = tuple(check_status(each) for each in status or [])
    tags = {key: ANY if value is None else value for key, value in key_values(tag, what="--tag")}
    metrics = list(dict.fromkeys(metric or []))
    check_filter(filter_text)
    with opened(name) as (workspace, store):
        if experiment is not None:
            store.experiment(experiment)  # an unknown one is an error, not an empty list
        query = RunQuery(
            experiment=experiment,
            statuses=statuses or None,
            tags=tags,
            filter=filter_text,
            parent_id=find_run(store, parent).run_id if parent is not None else None,
            include_children=children or parent is not None,
            archived=archived,
            order_by=sort,
            descending=order not in _ASCENDING if ascending is None else not ascending,
        )
        found, more = _some(store, query, limit)
        last = last_values(store, found, metrics)
        if as_json:
            output.write_json(
                {
                    "workspace": workspace.name,
                    "runs": [
                        {**run_json(each), **({"metrics": last[each.run_id]} if metrics else {})} for each in found
                    ],
                    "more": more,
                }
            )
            return
        if not found:
            output.tell(f"workspace {workspace.name!r} has no such runs")
            return
        _show(store, found, metrics, last)
    if more:
        these = "this is 1 run" if len(found) == 1 else f"these are {len(found):,} runs"
        output.tell(f"{these}; there are more (--limit 0 shows all)")


def check_filter(text: str | None) -> None:
    """Raises Misused for a filter that is wrong; it says at which character."""
    if text is None:
        return
    from milepost.store.filter_grammar import parse
    from milepost.store.filters import BadFilter

    try:
        parse(text)
    except BadFilter as error:
        raise Misused(f"--filter cannot be read: {error}.") from error


def check_order(sort: str) -> str:
    """The kind of order that ``sort`` names.  Raises Misused."""
    kind, colon, rest = sort.partition(":")
    if (kind in METRIC_SORTS and rest) or (kind in SORTS and not colon):
        return kind
    raise Misused(
        f"--sort takes {', '.join(SORTS)}, {', '.join(f'{each}:NAME' for each in METRIC_SORTS[:3])}, tag:KEY, "
        f"property:KEY or param:KEY, not {sort!r}."
    )


def check_status(given: str) -> str:
    """The status in its own spelling, whatever the case it was given in.  Raises Misused."""
    from milepost.store.status import STATUSES

    for status in STATUSES:
        if status.lower() == given.lower():
            return status
    raise Misused(f"--status takes one of {', '.join(sorted(STATUSES))}, not {given!r}.")


def _some(store: Store, query: RunQuery, limit: int) -> tuple[list[RunRecord], bool]:
    """Up to ``limit`` runs (0: all), and whether there are more."""
    from dataclasses import replace

    if not limit:
        return list(store.all_runs(query)), False
    page = store.runs(replace(query, limit=limit))
    return page.runs, page.next_cursor is not None


def last_values(store: Store, found: Sequence[RunRecord], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """run id -> metric -> last value; None where the run has no such series."""
    values: dict[str, dict[str, Any]] = {each.run_id: dict.fromkeys(names) for each in found}
    if names:
        for summary in store.metric_summaries(list(values), names):
            if values[summary.run_id][summary.name] is None:
                values[summary.run_id][summary.name] = summary.last
    return values


def _show(store: Store, found: Sequence[RunRecord], metrics: Sequence[str], last: dict[str, dict[str, Any]]) -> None:
    columns = [
        Column("ID"),
        Column("EXPERIMENT", whole=False, drop=1),
        Column("#", right=True, drop=3),
        Column("NAME", whole=False, drop=4),
        Column("STATUS"),
        Column("CREATED", drop=2),
        Column("DURATION", right=True, drop=5),
        *(Column(each, right=True) for each in metrics),
        Column("TAGS", whole=False, drop=6),
    ]
    rows: list[list[Cell]] = [
        [
            each.run_id,
            each.experiment,
            str(each.number),
            each.display_name or "",
            status_cell(each.status),
            output.local(each.created_ns),
            output.duration(run_duration(each)),
            *(output.number(last[each.run_id][name]) for name in metrics),
            output.tags_text(each.tags),
        ]
        for each in found
    ]
    columns, rows = tables.without_empty(columns, rows, ("NAME", "TAGS"))
    if not tables.fits(columns, rows):
        short = short_ids(store, [each.run_id for each in found])
        for row, each in zip(rows, found, strict=True):
            row[0] = short[each.run_id]
    tables.table(columns, rows)


def status_cell(status: str) -> Cell:
    """The status in its colour."""
    return Styled(status, _STYLES.get(status, ""))


def run_duration(run: RunRecord) -> int | None:
    """From its start to its end, or until now, in ns; None where it has not started."""
    import time

    if run.started_ns is None:
        return None
    return (time.time_ns() if run.ended_ns is None else run.ended_ns) - run.started_ns


# -- finding runs ----------------------------------------------------------------------------------------------------


def find_run(store: Store, given: str) -> RunRecord:
    """The run with this id, or the only one whose id begins so.  Raises Misused; it lists those that begin so."""
    from milepost.store.errors import NotFound
    from milepost.store.texts import clean

    if not given:
        raise Misused("An empty text is no run's id.")
    try:
        return store.run(given)
    except NotFound:
        beginning = clean(given)
        ids = store.ids_beginning([beginning], MOST_NAMED + 1)[beginning]
    if len(ids) == 1:
        return store.run(ids[0])
    if not ids:
        raise Misused(
            f"Workspace {store.workspace_name!r} has no run whose id begins with {output.shortened(given)!r}. "
            "`milepost runs list` shows those it has."
        )
    named = ", ".join(ids[:MOST_NAMED]) + (", ..." if len(ids) > MOST_NAMED else "")
    raise Misused(f"Several runs have ids that begin with {given!r}: {named}. Give more of the id.")


def short_ids(store: Store, run_ids: Sequence[str]) -> dict[str, str]:
    """id -> its beginning that no other run has, of 8 characters or more.  Asks once for each length."""
    from milepost.store.texts import clean

    found: dict[str, str] = {}
    left = {clean(each): each for each in run_ids}
    length = _SHORT_ID
    while left:
        whole = [each for each in left if len(each) <= length]
        found |= {left.pop(each): each for each in whole}
        ids = store.ids_beginning(list(dict.fromkeys(each[:length] for each in left)), 2) if left else {}
        alone = [each for each in left if len(ids[each[:length]]) < 2]
        found |= {left.pop(each): each[:length] for each in alone}
        length += 4
    return found


# -- tag -------------------------------------------------------------------------------------------------------------


@runs.command("tag")
def tag_run(
    run: RunId,
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Tags to set; KEY alone has no value.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="KEY", help="A tag to remove; may be repeated.")
    ] = None,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Set or remove tags of a run."""
    from milepost.sdk.runs.run import Run

    changes = dict(key_values(tags, what="runs tag"))
    if not changes and not remove:
        raise Misused("runs tag takes at least one KEY=VALUE, or --remove KEY.")
    both = sorted(set(changes).intersection(remove or []))
    if both:
        raise Misused(f"The tag {both[0]!r} is to be set and removed at once.")
    with opened(name, deed="tag runs") as (workspace, store):
        found = Run.get(workspace, find_run(store, run).run_id)
        if remove:
            found.remove_tags(remove)
        if changes:
            found.set_tags(changes)
        workspace._recorder.flush()
        now = store.run(found.id).tags
    if as_json:
        output.write_json({"workspace": workspace.name, "id": found.id, "tags": now})
    else:
        output.say(f"{found.id}: {output.tags_text(now) or 'no tags'}")


# -- as JSON ----------------------------------------------------------------------------------------------------------


def run_json(run: RunRecord) -> dict[str, Any]:
    """The run as ``--json`` writes it."""
    ended = run.ended_ns is not None and run.started_ns is not None
    return {
        "id": run.run_id,
        "experiment": run.experiment,
        "number": run.number,
        "name": run.display_name,
        "description": run.description,
        "type": run.type,
        "status": run.status,
        "parent_id": run.parent_id,
        "root_id": run.root_id,
        "target": run.target,
        "submitted_by": run.submitted_by,
        "created": output.utc(run.created_ns),
        "started": output.utc(run.started_ns),
        "ended": output.utc(run.ended_ns),
        "duration_s": ((run.ended_ns or 0) - (run.started_ns or 0)) / 1e9 if ended else None,
        "archived": output.utc(run.archived_ns),
        "tags": run.tags,
        "properties": run.properties,
        "error": run.error,
        "warnings": run.warnings,
    }


def summary_json(summary: MetricSummary) -> dict[str, Any]:
    """A metric's summary as ``--json`` writes it."""
    return {
        "name": summary.name,
        "kind": summary.kind,
        "namespace": summary.namespace,
        "description": summary.description,
        "calls": summary.calls,
        "count": summary.count,
        "first": summary.first,
        "last": summary.last,
        "min": summary.min,
        "max": summary.max,
        "nan_count": summary.nan_count,
        "first_step": summary.first_step,
        "last_step": summary.last_step,
        "first_time": output.utc(summary.first_ns),
        "last_time": output.utc(summary.last_ns),
        "columns": [each for each in summary.columns if each],
    }
