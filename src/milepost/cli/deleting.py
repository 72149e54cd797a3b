"""``milepost runs delete``: runs with all that is theirs, and the space that they took."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from milepost.cli import output
from milepost.cli.opening import opened
from milepost.cli.options import AsJson, Failed, Misused, WorkspaceName
from milepost.cli.runs import MOST_NAMED, find_run, runs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from milepost.store.records import RunRecord
    from milepost.store.store import Store


@runs.command("delete")
def delete_runs(
    ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="The runs' ids, or as much of their beginnings as is unique.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Delete runs with their metrics, files and child runs. Registered models keep their files."""
    from milepost.store.errors import NotFound
    from milepost.store.records import RunQuery

    with opened(name) as (workspace, store):
        # All are looked up before the first is deleted.
        chosen = {run.run_id: run for run in (find_run(store, each) for each in ids)}
        below = {
            child.run_id: child
            for run_id in chosen
            for child in store.all_runs(RunQuery(ancestor_id=run_id, archived=None))
        }
        doomed = {**chosen, **below}
        _check_ended(workspace._recorder.folder, list(doomed))
        if not yes:
            _ask(workspace.name, list(doomed.values()))
        for run_id in chosen:
            if run_id not in below:
                try:
                    store.delete_run(run_id)
                except NotFound:  # another process was faster
                    output.tell(f"run {run_id} was gone already")
        freed = _free(store, workspace._recorder.writer.folder)
    if as_json:
        output.write_json({"workspace": workspace.name, "deleted": list(doomed), "freed_bytes": freed})
    else:
        space = f" and freed {output.size(freed)}" if freed else ""
        output.say(f"Deleted {len(doomed):,} run{'' if len(doomed) == 1 else 's'}{space}.")


def _check_ended(workspace: Path, run_ids: Sequence[str]) -> None:
    """Raises Failed where one of the runs is still on its way: its processes would go on, and nobody see to them."""
    from milepost.jobs.job import job_folder

    busy = [run_id for run_id in run_ids if job_folder(workspace, run_id).is_dir()]
    if busy:
        raise Failed(
            f"Nothing was deleted: {busy[0]} is on its way. Cancel it first: milepost runs cancel {' '.join(busy[:5])}"
        )


def _ask(workspace: str, doomed: Sequence[RunRecord]) -> None:
    """Go on only after a yes.  Raises Failed for any other answer, Misused where nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Misused("runs delete asks before it deletes, and there is no terminal to ask on. Give --yes.")
    for each in doomed[:MOST_NAMED]:
        child = " (child)" if each.parent_id else ""
        output.tell(f"{each.run_id}{child}  {each.experiment} #{each.number}  {each.display_name or ''} {each.status}")
    if len(doomed) > MOST_NAMED:
        output.tell(f"... and {len(doomed) - MOST_NAMED:,} more")
    sys.stderr.write(output.safe(f"Delete {len(doomed):,} of the runs of workspace {workspace!r} for good? [y/N] "))
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failed("Nothing was deleted.")


def _free(store: Store, journals: Path) -> int:
    """Give back the space of what nothing names any more, in bytes.  Where that cannot be done it is told, no more."""
    from milepost.journal.format import JournalDamaged
    from milepost.sdk.recording.freeing import free_space
    from milepost.store.errors import StoreError

    try:
        return free_space(store, journals)
    except (StoreError, JournalDamaged, OSError) as error:
        output.tell(f"warning: the space was not freed, a later deletion does it: {error}")
        return 0
