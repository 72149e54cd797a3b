"""The statuses of a run, and which may follow which.

A run's words come from several processes and journals, so they may arrive late.  An active status only ever moves
forward; steps may be left out.  A terminal status stays, with one exception: a run that recovery took for dead
(``ProcessDied``) may still say itself how it ended.
"""

from __future__ import annotations

from typing import Final

NOT_STARTED: Final = "NotStarted"
RUNNING: Final = "Running"
FINALIZING: Final = "Finalizing"
NOT_RESPONDING: Final = "NotResponding"
CANCEL_REQUESTED: Final = "CancelRequested"
COMPLETED: Final = "Completed"
FAILED: Final = "Failed"
CANCELED: Final = "Canceled"

FORWARD: Final = (NOT_STARTED, "Starting", "Provisioning", "Preparing", "Queued", RUNNING, FINALIZING)
"""The active statuses in their order."""
TERMINAL: Final = frozenset({COMPLETED, FAILED, CANCELED})
STATUSES: Final = frozenset({*FORWARD, NOT_RESPONDING, CANCEL_REQUESTED, *TERMINAL})

PROCESS_DIED: Final = "ProcessDied"
"""The error code of a run whose process ended without a word."""

SCRIPT_RUN: Final = "azureml.scriptrun"
"""The type of the run of a submitted script."""
SWEEP: Final = "hyperdrive"
"""The type of the run of a sweep, which has its trials as children."""
AUTOML: Final = "automl"
"""The type of an automated ML run, which has its iterations as children."""
SUBMITTED: Final = frozenset({SCRIPT_RUN, SWEEP, AUTOML})
"""The types of runs that were submitted: some machine has processes of theirs."""

_RANK: Final = {status: rank for rank, status in enumerate(FORWARD)}

ACCEPT: Final = "accept"
STALE: Final = "stale"
REFUSE: Final = "refuse"


def judge(current: str, wanted: str, *, has_run: bool, taken_for_dead: bool) -> str:
    """What to do with a new status: ACCEPT it, pass over it as STALE news, or REFUSE it (worth a warning).

    ``has_run``: the run was Running at some time.  ``taken_for_dead``: it is Failed with ``PROCESS_DIED``.
    """
    if wanted not in STATUSES:
        return REFUSE
    if current in TERMINAL:
        if wanted in TERMINAL and taken_for_dead:
            return ACCEPT
        return REFUSE if wanted in TERMINAL and wanted != current else STALE
    if wanted in TERMINAL:
        return ACCEPT
    if wanted == current or current == CANCEL_REQUESTED:
        return STALE
    if wanted in (CANCEL_REQUESTED, NOT_RESPONDING):
        return ACCEPT
    if current == NOT_RESPONDING:
        # What it was before is not known, except whether it was running already.
        return ACCEPT if not has_run or _RANK[wanted] >= _RANK[RUNNING] else STALE
    return ACCEPT if _RANK[wanted] > _RANK[current] else STALE


def end_elsewhere(current: str, run_type: str | None) -> str:
    """The status to say of a run that is to be cancelled, where that is said on a machine that does not do it.

    A submitted run has processes somewhere: their machine ends them and says that the run is Canceled.  When that is
    asked again, or nothing is heard of that machine, the run is taken for Canceled.  Its processes are ended all the
    same, should the machine come back.
    """
    is_asked_for = run_type in SUBMITTED and current not in (CANCEL_REQUESTED, NOT_RESPONDING)
    return CANCEL_REQUESTED if is_asked_for else CANCELED
