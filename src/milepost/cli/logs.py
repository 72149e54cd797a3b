"""``milepost runs logs``: what a run printed, and what it prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from milepost.cli import output, tables
from milepost.cli.following import PIECE, Logs, LogWriter, exit_code, follow
from milepost.cli.opening import opened
from milepost.cli.options import AsJson, Failed, Misused, RunId, WorkspaceName
from milepost.cli.runs import find_run, runs
from milepost.cli.tables import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.records import RunRecord
    from milepost.store.store import Store

_MOST_NAMED = 10


@dataclass(frozen=True)
class _Found:
    """A log, how large it is just now, and whether it still grows."""

    name: str
    size: int
    grows: bool


@runs.command("logs")
def show_logs(
    run: RunId,
    following: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the run has ended; the exit code tells how it did.")
    ] = False,
    log: Annotated[
        str | None,
        typer.Option("--name", "-n", metavar="LOG", help="Which log; the end of its name will do. See --list."),
    ] = None,
    last: Annotated[
        int | None, typer.Option("--tail", min=0, metavar="N", help="Only the last N lines, and what follows.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the logs.")] = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Show what a run's script printed, or follow it while it runs.

    Into a pipe or file the bytes go out as they are. On a terminal, colours and progress bars stay, and all that could
    take the terminal over is left out. Exit codes with --follow: 0 Completed, 1 Failed, 3 Canceled.
    """
    from milepost.sdk.runs.run import Run

    if following and (listed or as_json):
        raise Misused(f"--follow and {'--list' if listed else '--json'} cannot be had at once.")
    with opened(name) as (workspace, store):
        record = find_run(store, run)
        there = _logs(workspace, store, record)
        if listed:
            _list(workspace.name, record, there, as_json)
            return
        chosen = _chosen(record, there, log, waits=following)
        start = 0
        if last is not None and chosen in there:
            start = _start_of_lines(workspace, record.run_id, there[chosen], last)
        if as_json:
            pieces: list[bytes] = []
            _read(workspace, record.run_id, chosen, start, pieces.append)
            text = b"".join(pieces).decode("utf-8", "replace")
            output.write_json(
                {"workspace": workspace.name, "id": record.run_id, "status": record.status, "log": chosen, "text": text}
            )
            return
        if following:
            names = [chosen] if log is not None or last is not None else _usual(chosen)
            ended = follow(Run.get(workspace, record.run_id), workspace, names, skip=(chosen, start))
            raise typer.Exit(exit_code(ended.status))
        writer = LogWriter()
        _read(workspace, record.run_id, chosen, start, writer.write)
        writer.end()


def usual_logs() -> list[str]:
    """The logs that are followed where none is named: of building the environment, of a sweep, and of the script."""
    from milepost.sdk.runs.run_logs import BUILD_LOG, DRIVER_LOG, SWEEP_LOG

    return [BUILD_LOG, SWEEP_LOG, DRIVER_LOG]


def _usual(chosen: str) -> list[str]:
    return usual_logs() if chosen in usual_logs() else [chosen]


def _logs(workspace: Workspace, store: Store, record: RunRecord) -> dict[str, _Found]:
    """The run's logs by name."""
    from milepost.jobs.live import live_logs
    from milepost.sdk.runs.run_logs import LOG_FOLDERS

    found = {
        each.name: _Found(each.name, each.size, grows=False)
        for each in store.artifacts(record.run_id)
        if each.name.startswith(LOG_FOLDERS)
    }
    for live, size in live_logs(workspace._recorder.folder, record.run_id).items():
        found[live] = _Found(live, size, grows=True)
    return dict(sorted(found.items()))


def _chosen(record: RunRecord, there: dict[str, _Found], wanted: str | None, *, waits: bool) -> str:
    """The name of the log that is meant.  Raises Failed or Misused where there is none, or several."""
    from milepost.sdk.runs.run_logs import BUILD_LOG, DRIVER_LOG, SWEEP_LOG
    from milepost.store.status import SWEEP

    if wanted is not None:
        if not wanted:
            raise Misused("An empty text is no log's name.")
        ends = [each for each in there if each == wanted] or [each for each in there if each.endswith(f"/{wanted}")]
        if len(ends) == 1:
            return ends[0]
        if waits and not ends and record.ended_ns is None:
            return wanted  # it may come
        if ends:
            raise Misused(f"Several logs of run {record.run_id} end so: {', '.join(ends)}. Give more of the name.")
        raise Misused(f"Run {record.run_id} has no log {output.shortened(wanted)!r}. {_those_there(there)}")
    for usual in (DRIVER_LOG, SWEEP_LOG, BUILD_LOG):
        if usual in there:
            return usual
    if waits and record.ended_ns is None:
        return SWEEP_LOG if record.type == SWEEP else DRIVER_LOG
    raise Failed(f"Run {record.run_id} has not printed anything that was kept ({record.status}). {_those_there(there)}")


def _those_there(there: dict[str, _Found]) -> str:
    if not there:
        return "It has no logs."
    more = ", ..." if len(there) > _MOST_NAMED else ""
    return f"It has: {', '.join(list(there)[:_MOST_NAMED])}{more}; give --name."


def _read(workspace: Workspace, run_id: str, name: str, start: int, write: object) -> None:
    """Write a log from ``start`` to its present end."""
    assert callable(write)
    logs = Logs(workspace, run_id, [name], write)
    logs.begin_at(name, start)
    logs.step(stored=True)


def _start_of_lines(workspace: Workspace, run_id: str, log: _Found, count: int) -> int:
    """Where the last ``count`` lines of a log begin.  Reads no more of it than these lines."""
    from milepost.sdk.runs.run_logs import read_log

    end = log.size
    if not count:
        return end
    wanted, piece = count, PIECE // 16
    while end > 0:
        begin = max(0, end - piece)
        piece = PIECE
        data = read_log(workspace._recorder, run_id, log.name, begin, end - begin) or b""
        if end == log.size and data.endswith(b"\n"):
            wanted += 1  # the last line's own end
        found = data.count(b"\n")
        if found >= wanted:
            at = len(data)
            for _ in range(wanted):
                at = data.rindex(b"\n", 0, at)
            return begin + at + 1
        wanted -= found
        end = begin
    return 0


def _list(workspace: str, record: RunRecord, there: dict[str, _Found], as_json: bool) -> None:
    if as_json:
        rows = [{"name": each.name, "size": each.size, "grows": each.grows} for each in there.values()]
        output.write_json({"workspace": workspace, "id": record.run_id, "status": record.status, "logs": rows})
    elif there:
        _table(list(there.values()))
    else:
        output.tell(f"run {record.run_id} has no logs")


def _table(found: Sequence[_Found]) -> None:
    tables.table(
        [Column("LOG"), Column("SIZE", right=True), Column("")],
        [[each.name, output.size(each.size), "growing" if each.grows else ""] for each in found],
    )
