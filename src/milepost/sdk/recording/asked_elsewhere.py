"""What was asked, on other machines, of the runs that this machine does.

Their record is on a server, so anybody who may can say there that a run is to end.  The machine that does it looks
there every two seconds, for all its runs at once.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from milepost.jobs.ending import ask_below
from milepost.jobs.job import Request, ask, job_folder
from milepost.jobs.listing import listing
from milepost.store.errors import StoreError
from milepost.store.records import RunQuery
from milepost.store.status import CANCEL_REQUESTED, CANCELED, FAILED, PROCESS_DIED

if TYPE_CHECKING:
    from milepost.sdk.recording.recorder import Recorder
    from milepost.store.store import Store

EVERY_S: Final = 2.0
SELDOM_S: Final = 30.0
"""Where the server does not answer."""
_AT_ONCE: Final = 200


def pass_on(workspace: Path, store: Store) -> list[str]:
    """Ask for the end of each run that is on its way here and is to end, and of the runs below it; gives their ids.

    Raises the store's errors.
    """
    here = [job.run_id for job in listing(workspace) if job.state != "ending"]
    found = []
    for start in range(0, len(here), _AT_ONCE):
        some = tuple(here[start : start + _AT_ONCE])
        query = RunQuery(run_ids=some, statuses=(CANCEL_REQUESTED, CANCELED, FAILED), archived=None)
        for run in list(store.all_runs(query)):
            error = {key: str(value) for key, value in (run.error or {}).items()}
            if error.get("code") == PROCESS_DIED:
                continue  # that is what recovery takes it for; nobody has asked for it
            status = FAILED if run.status == FAILED else CANCELED
            if ask(job_folder(workspace, run.run_id), Request(status, error or None)):
                ask_below(workspace, store, run.run_id)
                found.append(run.run_id)
    return found


def listen(recorder: Recorder) -> None:
    """Do that again and again in a thread, until this process ends."""
    threading.Thread(target=_listen, args=(recorder,), name="milepost-asked-elsewhere", daemon=True).start()


def _listen(recorder: Recorder) -> None:
    pause = EVERY_S
    while True:
        time.sleep(pause)
        try:
            pass_on(recorder.folder, recorder.open_store())
            pause = EVERY_S
        except (StoreError, OSError):
            pause = min(2 * pause, SELDOM_S)  # the runs go on; whoever asked has left word
