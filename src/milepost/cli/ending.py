"""``milepost runs cancel`` and ``wait``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from milepost.cli import output
from milepost.cli.following import exit_code, tell_end, watch, watching
from milepost.cli.opening import opened
from milepost.cli.options import AsJson, Misused, RunId, WorkspaceName, seconds
from milepost.cli.runs import find_run, run_json, runs

if TYPE_CHECKING:
    from milepost.store.records import RunRecord


@runs.command("cancel")
def cancel_runs(
    ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="The runs' ids, or as much of their beginnings as is unique.")
    ],
    waits: Annotated[bool, typer.Option("--wait", help="Wait until no process of theirs is left.")] = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Cancel runs: their processes are ended, those that were submitted by them too.

    Runs that have ended already are told, with exit code 2, after the others were canceled.
    """
    from milepost.sdk.runs.run import Run
    from milepost.sdk.runs.run_life import TERMINAL
    from milepost.store.status import SUBMITTED

    with opened(name, deed="cancel runs") as (workspace, store):
        # All are looked up before the first is canceled.
        chosen = {record.run_id: record for record in (find_run(store, each) for each in ids)}
        over = [each for each in chosen.values() if each.status in TERMINAL]
        going = [Run.get(workspace, each.run_id) for each in chosen.values() if each.status not in TERMINAL]
        for run in going:
            run.cancel()
            if chosen[run.id].type not in SUBMITTED:
                output.tell(
                    f"run {run.id} was not submitted: it is marked as Canceled, and the process that records it goes on"
                )
        if waits:
            for run in going:
                with watching(run.id):
                    watch(run)
        ends = [run._record() for run in going]
    if as_json:
        rows = [{"id": each.run_id, "status": each.status} for each in (*ends, *over)]
        output.write_json({"workspace": workspace.name, "runs": rows})
    else:
        for each in ends:
            output.say(f"{each.run_id}: {each.status}")
    if over:
        named = ", ".join(f"{each.run_id} ({each.status})" for each in over[:10]) + (", ..." if over[10:] else "")
        raise Misused(f"{'These runs have' if len(over) > 1 else 'This run has'} ended already: {named}.")


@runs.command("wait")
def wait_for_run(
    run: RunId,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Wait no longer than that: 90s, 30m, 2h.")
    ] = None,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Wait until a run has ended.

    Exit codes: 0 Completed, 1 Failed, 3 Canceled, 4 it has not ended in the time of --timeout.
    """
    from milepost.sdk.runs.run import Run

    limit = None if timeout is None else seconds(timeout, what="--timeout")
    with opened(name) as (workspace, store):
        found = Run.get(workspace, find_run(store, run).run_id)
        with watching(found.id):
            record = watch(found, timeout_s=limit)
    if as_json:
        output.write_json({"workspace": workspace.name, **run_json(record)})
    else:
        tell_end(record)
    end_by(record)


def end_by(record: RunRecord) -> None:
    """End the command with the exit code that tells how the run ended."""
    code = exit_code(record.status)
    if code:
        raise typer.Exit(code)
