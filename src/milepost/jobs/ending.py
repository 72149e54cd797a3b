"""Ask for the end of runs that were submitted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from milepost.jobs.job import Request, ask, job_folder

if TYPE_CHECKING:
    from milepost.store.store import Store


def ask_below(workspace: Path, store: Store, run_id: str) -> None:
    """Ask for the end of all runs on their way that belong to this one.  Raises the store's errors."""
    from milepost.store.records import RunQuery
    from milepost.store.status import CANCELED, TERMINAL

    message = f"The run {run_id} that it belongs to was ended."
    request = Request(CANCELED, {"code": "ParentCanceled", "message": message, "details": ""})
    for child in list(store.all_runs(RunQuery(ancestor_id=run_id, archived=None))):
        if child.status not in TERMINAL:
            ask(job_folder(workspace, child.run_id), request)
