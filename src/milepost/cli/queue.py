"""``milepost queue``: the submitted runs that are on their way, and whose turn it is."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from milepost.cli import output, tables
from milepost.cli.opening import opened, place_of
from milepost.cli.options import AsJson, Misused, WorkspaceName
from milepost.cli.tables import Cell, Column, Styled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from milepost.jobs.listing import ListedJob
    from milepost.store.store import Store

_STYLES: Final = {"running": "cyan", "ending": "yellow"}
_POLL_S: Final = 1.0
_CLEAR: Final = "\x1b[H\x1b[2J"


def show_queue(
    target: Annotated[
        str | None, typer.Option("--target", "-t", metavar="POOL", help='Only the runs of this pool, or of "local".')
    ] = None,
    watches: Annotated[bool, typer.Option("--watch", help="Show it again and again until it is empty.")] = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Show the submitted runs that are on their way: those at work, then those that wait, in their order.

    The place of a waiting run counts within its pool. Pools are fair between experiments, so that a run that is
    submitted later may come in before it.
    """
    if watches and as_json:
        raise Misused("--watch and --json cannot be had at once.")
    with opened(name) as (workspace, store):
        if target is not None and target.lower() != "local":
            _check_pool(store, target)
        # Looking at the workspace has also started an agent where runs were waiting without one.
        folder = workspace._recorder.folder
        found = _jobs(folder, target)
        if as_json:
            places = places_in_line(found)
            output.write_json(
                {"workspace": workspace.name, "jobs": [_job_json(each, places.get(each.run_id)) for each in found]}
            )
            return
        if not watches:
            _show(found, workspace.name)
            return
    _watch(place_of(name).folder, workspace.name, target)


def _check_pool(store: Store, name: str) -> None:
    from milepost.store.errors import NotFound

    try:
        store.compute(name)
    except NotFound as error:
        raise Misused(f"{error}. `milepost compute list` shows the pools.") from error


def _jobs(folder: Path, target: str | None) -> list[ListedJob]:
    from milepost.jobs.listing import listing

    return [each for each in listing(folder) if target is None or each.target.lower() == target.lower()]


def places_in_line(found: Sequence[ListedJob]) -> dict[str, int]:
    """run id -> its place among those that wait for the same pool, from 1.

    It is found by the rule by which the agent chooses, as if all that run now ended after one another.
    """
    from milepost.jobs.queue import Waiting, next_jobs

    places: dict[str, int] = {}
    for pool in {each.target for each in found} - {"local"}:
        here = [each for each in found if each.target == pool]
        line, at_work = (
            [Waiting(each.run_id, each.experiment, each.submitted_ns, each.nodes) for each in here if chosen(each)]
            for chosen in (lambda each: each.state == "waiting", lambda each: each.state in ("running", "ending"))
        )
        # With room for all the rule puts them in their order.
        room = sum(each.nodes for each in (*line, *at_work))
        places |= {each.run_id: place for place, each in enumerate(next_jobs(line, at_work, room), 1)}
    return places


def _show(found: Sequence[ListedJob], workspace: str) -> None:
    if not found:
        output.tell(f"no run of workspace {workspace!r} is on its way")
        return
    places = places_in_line(found)
    columns = [
        Column("RUN"),
        Column("EXPERIMENT", whole=False, drop=2),
        Column("POOL", whole=False, drop=1),
        Column("STATE"),
        Column("PLACE", right=True),
        Column("SUBMITTED", drop=3),
        Column("NODES", right=True, drop=5),
        Column("WHAT", whole=False, drop=4),
    ]
    rows: list[list[Cell]] = [
        [
            each.run_id,
            each.experiment,
            each.target,
            Styled(each.state, _STYLES.get(each.state, "")),
            str(places.get(each.run_id, "")),
            output.local(each.submitted_ns),
            "" if each.nodes == 1 else str(each.nodes),
            output.shortened(each.what),
        ]
        for each in sorted(found, key=lambda each: places.get(each.run_id, 0))
    ]
    tables.table(*tables.without_empty(columns, rows, ("PLACE", "NODES")))


def _watch(folder: Path, workspace: str, target: str | None) -> None:
    """On a terminal the picture is drawn anew each second, elsewhere it is written when it changes."""
    terminal = tables.on_terminal()
    before: list[ListedJob] | None = None
    while True:
        found = _jobs(folder, target)
        if terminal:
            sys.stdout.write(_CLEAR)
            output.say(
                f"{len(found):,} on their way in workspace {workspace}, {time.strftime('%H:%M:%S')}. Ctrl-C ends."
            )
        if terminal or found != before:
            _show(found, workspace)
            if not terminal:
                output.say("")
        sys.stdout.flush()
        if not found:
            return
        before = found
        time.sleep(_POLL_S)


def _job_json(job: ListedJob, place: int | None) -> dict[str, Any]:
    return {
        "id": job.run_id,
        "experiment": job.experiment,
        "target": job.target,
        "state": job.state,
        "place": place,
        "nodes": job.nodes,
        "submitted": output.utc(job.submitted_ns),
        "what": job.what,
    }
