"""How far runs have come: so many steps done of so many, as their scripts said last.

It is kept as three series of a namespace of its own, of which only the last values are read: ``done``; ``total``; and
``begin``, said where the counting began, or began anew, which tells how fast it goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from milepost.store.batch import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.store.store import Store

DONE: Final = "done"
TOTAL: Final = "total"
BEGIN: Final = "begin"


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` steps of ``total`` (above 0), said at ``updated_ns``."""

    done: float
    total: float
    updated_ns: int
    rate: float | None
    """Steps a second since the counting began; None where that cannot be told yet."""

    @property
    def fraction(self) -> float:
        """From 0 to 1."""
        return min(self.done / self.total, 1.0)

    def remaining_s(self, now_ns: int) -> float | None:
        """Seconds until all is done, if it goes on as fast; None where that cannot be told."""
        if self.rate is None:
            return None
        return max((self.total - self.done) / self.rate - (now_ns - self.updated_ns) / 1e9, 0.0)


def progress_of(store: Store, run_ids: Sequence[str]) -> dict[str, Progress]:
    """run id -> how far it has come; runs that never said are left out."""
    said: dict[str, dict[str, tuple[float, int]]] = {}
    for each in store.metric_summaries(run_ids, namespace=PROGRESS):
        if isinstance(each.last, float) and each.last_ns is not None:
            said.setdefault(each.run_id, {})[each.name] = (each.last, each.last_ns)
    found = {run_id: _progress(values) for run_id, values in said.items()}
    return {run_id: each for run_id, each in found.items() if each is not None}


def _progress(said: dict[str, tuple[float, int]]) -> Progress | None:
    total = said.get(TOTAL, (0.0, 0))[0]
    if DONE not in said or not total > 0:
        return None
    done, updated_ns = said[DONE]
    begin, begun_ns = said.get(BEGIN, said[DONE])
    rate = (done - begin) / (updated_ns - begun_ns) * 1e9 if done > begin and updated_ns > begun_ns else None
    return Progress(done, total, updated_ns, rate)
