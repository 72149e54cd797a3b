"""Which of the waiting jobs of a pool come next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """A job that waits for ``nodes`` of its pool."""

    run_id: str
    experiment: str
    submitted_ns: int
    nodes: int = 1


def next_jobs(
    waiting: Iterable[Waiting], running: Iterable[Waiting], nodes: int, served: Mapping[str, int] | None = None
) -> list[Waiting]:
    """The jobs to start now in a pool of ``nodes``, in their order.

    Of the experiments that wait, the one that has the fewest nodes at work comes first; between equals the one that
    was served longer ago (``served``: experiment -> when), then the one whose oldest job is older.  Within an
    experiment they go in the order of submission.  A job that needs more nodes than are free is waited for: nobody
    behind it overtakes it, or it would never have its turn.
    """
    rows: dict[str, list[Waiting]] = {}
    for job in sorted(waiting, key=lambda each: (each.submitted_ns, each.run_id)):
        rows.setdefault(job.experiment, []).append(job)
    at_work: Counter[str] = Counter()
    for job in running:
        at_work[job.experiment] += job.nodes
    free = nodes - at_work.total()
    turns = dict(served or {})
    chosen: list[Waiting] = []
    while rows and free > 0:
        experiment = min(rows, key=lambda name: (at_work[name], turns.get(name, 0), _age(rows[name])))
        job = rows[experiment][0]
        if job.nodes > free:
            break
        del rows[experiment][0]
        if not rows[experiment]:
            del rows[experiment]
        chosen.append(job)
        free -= job.nodes
        at_work[experiment] += job.nodes
        turns[experiment] = max(turns.values(), default=0) + 1
    return chosen


def _age(row: Sequence[Waiting]) -> tuple[int, str]:
    return row[0].submitted_ns, row[0].run_id
