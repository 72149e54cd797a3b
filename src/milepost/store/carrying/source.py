"""What can be carried: a store, or a folder that one was exported to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from milepost.store.points import take, weight
from milepost.store.records import RunQuery

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from milepost.store.batch import Points
    from milepost.store.blobs import Blobs
    from milepost.store.records import (
        ComputeRecord,
        EnvironmentRecord,
        ExperimentRecord,
        MetricSummary,
        ModelRecord,
        RunState,
    )
    from milepost.store.store import Store

    Tails: TypeAlias = dict[tuple[str, str, str, str], tuple[int, Points]]

RUNS_AT_ONCE: Final = 50
_FIRST_POINTS: Final = 256
_FIRST_NUMBERS: Final = 1 << 14
"""The first piece of a metric that begins and ends with a number: all of most metrics in one question."""
_MOST_POINTS: Final = 1 << 16
_LIGHT: Final = 1 << 21
"""A piece of points that takes less (bytes) is followed by a larger one, ..."""
_HEAVY: Final = 1 << 23
"""... one that takes more by a smaller one: texts may be of any length."""


class Source(Protocol):
    """A workspace to be read from end to end.  All methods raise the store's errors."""

    workspace_id: str
    """A UUID, by which what was carried from here is known."""
    workspace_name: str

    @property
    def contents(self) -> Blobs:
        """The contents of its files."""

    def experiments(self) -> list[ExperimentRecord]:
        """All of them, the oldest first."""

    def count_runs(self) -> int:
        """How many there are."""

    def runs(self) -> Iterator[list[RunState]]:
        """All runs, some at a time; those of one experiment in the order of their numbers."""

    def pieces(self, metric: MetricSummary, start: int) -> Iterator[Points]:
        """The points of a metric from ``start`` on up to those that its summary counts, in pieces of moderate size."""

    def models(self) -> list[ModelRecord]:
        """All versions; those of one name in the order of their numbers."""

    def environments(self) -> list[EnvironmentRecord]:
        """All versions; those of one name in the order of their numbers."""

    def computes(self) -> list[ComputeRecord]:
        """All compute targets."""


@dataclass
class StoreSource:
    """A store, of this machine or of a server."""

    store: Store

    def __post_init__(self) -> None:
        self.workspace_id = self.store.workspace_id
        self.workspace_name = self.store.workspace_name
        self._tails: Tails = {}

    @property
    def contents(self) -> Blobs:
        """See ``Source``."""
        return self.store.blobs

    def experiments(self) -> list[ExperimentRecord]:
        """See ``Source``."""
        return self.store.experiments("all")[::-1]

    def count_runs(self) -> int:
        """See ``Source``."""
        return self.store.info().runs

    def runs(self) -> Iterator[list[RunState]]:
        """See ``Source``."""
        for experiment in self.experiments():
            query = RunQuery(experiment=experiment.name, archived=None, order_by="number", descending=False)
            waiting: list[str] = []
            for run in self.store.all_runs(query):
                waiting.append(run.run_id)
                if len(waiting) == RUNS_AT_ONCE:
                    yield self._states(waiting)
                    waiting = []
            if waiting:
                yield self._states(waiting)

    def _states(self, run_ids: Sequence[str]) -> list[RunState]:
        found = self.store.run_states(run_ids)
        self._tails = self.store.metric_tails(run_ids)
        return found

    def pieces(self, metric: MetricSummary, start: int) -> Iterator[Points]:
        """See ``Source``."""
        first, tail = self._tails.get((metric.run_id, metric.namespace, metric.name, metric.kind), (0, None))
        if tail is not None and first <= start and metric.count <= first + len(tail):
            yield take(tail, start - first, metric.count - first)
            return
        are_numbers = isinstance(metric.first, (int, float)) and isinstance(metric.last, (int, float))
        size = _FIRST_NUMBERS if are_numbers else _FIRST_POINTS
        while start < metric.count:
            stop = min(start + size, metric.count)
            points = self.store.metric_points(
                metric.run_id, metric.name, metric.namespace, metric.kind, start=start, stop=stop
            )
            yield points
            start = stop
            taken = weight(points)
            if taken < _LIGHT:
                size = min(4 * size, _MOST_POINTS)
            elif taken > _HEAVY:
                size = max(1, size // 4)

    def models(self) -> list[ModelRecord]:
        """See ``Source``."""
        return sorted(self.store.models(), key=lambda each: (each.name, each.version))

    def environments(self) -> list[EnvironmentRecord]:
        """See ``Source``."""
        return sorted(self.store.environments(), key=lambda each: (each.name, each.version))

    def computes(self) -> list[ComputeRecord]:
        """See ``Source``."""
        return self.store.computes()
