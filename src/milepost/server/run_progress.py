"""How far a run has come, as the API tells it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from milepost.server.schemas.progress import ProgressAnswer, RunProgress
from milepost.server.times import utc
from milepost.store.progress import progress_of
from milepost.store.status import TERMINAL

if TYPE_CHECKING:
    from milepost.store.store import Store


def run_progress(store: Store, run_id: str) -> ProgressAnswer:
    """What the run's script said last with ``run.set_progress(done, total)``.  Raises NotFound."""
    run = store.run(run_id)
    found = progress_of(store, [run.run_id]).get(run.run_id)
    if found is None:
        return ProgressAnswer(progress=None)
    return ProgressAnswer(
        progress=RunProgress(
            done=found.done,
            total=found.total,
            updated=utc(found.updated_ns),
            remaining_s=None if run.status in TERMINAL else found.remaining_s(time.time_ns()),
        )
    )
