"""Carries a workspace: reads it from end to end, and tells another store what that does not have yet.

What is new is found by comparing the two, run by run, so a workspace can be carried again after it has grown, or after
the way there was interrupted.  That nothing is told twice is a journal's doing: the batches are those of one journal,
named after the workspace.  Each begins where the other store says that this journal ends, and ends at a number that
nobody else can guess.  So of two who carry the same workspace at the same time, one finds that the other was faster,
and compares anew.
"""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from milepost.store.batch import Batch, Event, Points, SeriesBlock
from milepost.store.carrying.catalogue import carry_catalogue, carry_experiments
from milepost.store.carrying.news import Clash, by_name, check_same, news
from milepost.store.errors import BadInput, Busy, NotFound, Offline, OffsetMismatch, StoreError, StoreUnavailable
from milepost.store.manifest import digests as digests_of
from milepost.store.points import column_of, take, weight
from milepost.store.status import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milepost.store.carrying.source import Source
    from milepost.store.records import MetricSummary, RunState
    from milepost.store.store import Store

_T = TypeVar("_T")

CARRIED: Final = "carried-"
"""The names of journals of carried workspaces begin so."""

BATCH_BYTES: Final = 8 << 20
"""About so much of events and points goes in one batch: little enough for a server's memory."""
BATCH_EVENTS: Final = 5000
BATCH_FILE_BYTES: Final = 256 << 20
"""Contents that go before one batch: they must be named within the grace period of the other store."""
_PATIENCE_S: Final = 600.0
_SILENCE_S: Final = 60.0
_RACES: Final = 50


@dataclass
class Carried:
    """What has been carried so far."""

    runs: int = 0
    """That were looked at."""
    new_runs: int = 0
    changed_runs: int = 0
    """That were there, and had something to be added."""
    points: int = 0
    files: int = 0
    """Contents that were not there yet."""
    bytes: int = 0
    """Of these contents."""
    models: int = 0
    active: list[str] = field(default_factory=list)
    """Runs that have not ended: what they have by now was carried, the rest is the next time."""
    refused: dict[str, str] = field(default_factory=dict)
    """Runs that could not be carried, or not wholly, and why."""


class Carrier:
    """Carries one workspace into one store."""

    def __init__(
        self,
        source: Source,
        target: Store,
        *,
        progress: Callable[[Carried], None] = lambda _carried: None,
        waits: Callable[[StoreError, float], None] = lambda _error, _seconds: None,
    ) -> None:
        """``progress`` is called now and then, ``waits`` before a pause (seconds) and with its reason."""
        self._source = source
        self._target = target
        self._progress = progress
        self._waits = waits
        self._journal = f"{CARRIED}{source.workspace_id}"
        self._applied = 0
        self._sizes: dict[str, int] = {}
        self._given_up: set[str] = set()
        self._changed: set[str] = set()
        self.carried = Carried()

    def carry(self) -> Carried:
        """Carry all that is not there yet.  Raises the store's errors; what was carried until then stays."""
        self._applied = self._target.applied(self._journal)
        self._patiently(lambda: carry_experiments(self._source, self._target))
        for states in self._source.runs():
            self._again(lambda states=states: self._carry_runs(states))  # type: ignore[misc]
            self._progress(self.carried)
        self.carried.models = carry_catalogue(self._source, self._target, self._bring, self._patiently)
        self._patiently(lambda: self._target.close_journal(self._journal, ""))
        self._progress(self.carried)
        return self.carried

    def _again(self, work: Callable[[], None]) -> None:
        """Do it, and compare anew where somebody else carries the same workspace."""
        for _ in range(_RACES):
            try:
                work()
            except OffsetMismatch:
                self._applied = self._patiently(lambda: self._target.applied(self._journal))
            else:
                return
        raise StoreUnavailable(
            f"workspace {self._source.workspace_name!r} is carried there by several at the same time: wait until the "
            "others are done, and begin anew"
        )

    def _patiently(self, work: Callable[[], _T]) -> _T:
        """Do it, waiting where the other store has too much to do or is away for a moment."""
        begun = time.monotonic()
        pause = 0.2
        reason: StoreUnavailable
        while True:
            try:
                return work()
            except Busy as error:
                reason, seconds, longest = error, error.after_s, _PATIENCE_S
            except Offline:
                raise
            except StoreUnavailable as error:
                reason, seconds, longest = error, pause, _SILENCE_S
                pause = min(2 * pause, 5.0)
            if time.monotonic() + seconds > begun + longest:
                raise reason
            self._waits(reason, seconds)
            time.sleep(seconds)

    # -- runs --------------------------------------------------------------------------------------------------

    def _carry_runs(self, states: list[RunState]) -> None:
        known = {
            each.run.run_id: each
            for each in self._patiently(
                lambda: self._target.run_states([each.run.run_id for each in states], documents=False)
            )
        }
        batch = _Draft()
        for here in states:
            there = known.get(here.run.run_id)
            try:
                if there is not None:
                    check_same(here, there)
                batch = self._carry_run(here, there, batch)
            except Clash as clash:
                self.carried.refused[here.run.run_id] = str(clash)
        self._send(batch)
        self.carried.runs += len(states)
        self.carried.active += [each.run.run_id for each in states if each.run.status not in TERMINAL]

    def _carry_run(self, here: RunState, there: RunState | None, batch: _Draft) -> _Draft:
        """Put what is new of a run into the batch, sending it when it is full; gives the one to go on with."""
        if there is None:
            batch.new.add(here.run.run_id)
        is_changed = False
        for event in news(here, there):
            files = self._files_of(event)
            if files is None:
                self.carried.refused[here.run.run_id] = (
                    f"the content of {event.data.get('name') or 'its snapshot'} is not in the workspace's files"
                )
                continue
            is_changed = True
            batch.add_event(event, files)
            batch = self._sent(batch)
            if here.run.run_id in self._given_up:
                return batch
        theirs = {} if there is None else by_name(there)
        for identity, metric in by_name(here).items():
            for block in self._there(self._blocks(metric, theirs.get(identity))):
                is_changed = True
                batch.add_block(block)
                batch = self._sent(batch)
                if here.run.run_id in self._given_up:
                    return batch  # what follows would take the place of what is missing
        if is_changed and there is not None:
            self._changed.add(here.run.run_id)
            self.carried.changed_runs = len(self._changed)
        return batch

    def _there(self, blocks: Iterator[SeriesBlock]) -> Iterator[SeriesBlock]:
        """The blocks.  Raises Clash where the run is deleted here meanwhile."""
        try:
            yield from blocks
        except NotFound as error:
            raise Clash("it was deleted meanwhile") from error

    def _blocks(self, here: MetricSummary, there: MetricSummary | None) -> Iterator[SeriesBlock]:
        """What a metric has more than the other one.  Raises Clash where they differ in what both have."""
        calls = here.calls - (there.calls if there else 0)
        start = there.count if there else 0
        is_told = there is not None and (
            not calls and (there.is_list or not here.is_list) and (bool(there.description) or not here.description)
        )
        for points in self._new_points(here, there, start):
            yield _block(here, points, calls)
            calls, is_told = 0, True
        if not is_told:
            yield _block(here, _no_points(here), calls)

    def _new_points(self, here: MetricSummary, there: MetricSummary | None, start: int) -> Iterator[Points]:
        if start == here.count:
            return
        if there is None or not start:
            yield from self._source.pieces(here, 0)
            return
        # With the last of those that are there: it must be the same here.
        pieces = self._source.pieces(here, start - 1)
        first = next(pieces)
        if (int(first.steps[0]), int(first.times[0])) != (there.last_step, there.last_ns):
            raise Clash(f"its metric {here.name!r} has other points there")
        if len(first) > 1:
            yield take(first, 1, len(first))
        yield from pieces

    # -- what belongs to it ------------------------------------------------------------------------------------

    def _files_of(self, event: Event) -> dict[str, int] | None:
        """digest -> bytes of the contents that an event names; None where one of them is not in the source."""
        contents = self._source.contents
        if event.kind == "artifact":
            digest, size = event.data["digest"], event.data["size"]
            return {digest: size} if digest in self._sizes or contents.exists(digest) else None
        if event.kind != "snapshot":
            return {}
        manifest = event.data["manifest"]
        try:
            with contents.open(manifest) as stream:
                data = stream.read()
            found = {manifest: len(data)}
            for digest in digests_of(data):
                if digest not in self._sizes:
                    self._sizes[digest] = contents.size(digest)
                found[digest] = self._sizes[digest]
        except NotFound:
            return None
        return found

    def _bring(self, sizes: dict[str, int]) -> None:
        brought = self._patiently(lambda: self._target.bring(self._source.contents, sizes))
        self.carried.files += len(brought)
        self.carried.bytes += sum(brought.values())

    def _sent(self, batch: _Draft) -> _Draft:
        if not batch.is_full:
            return batch
        self._send(batch)
        return _Draft()

    def _send(self, batch: _Draft) -> None:
        """Raises OffsetMismatch where somebody else has carried something meanwhile."""
        if not (batch.events or batch.series):
            return
        try:
            self._apply(batch)
        except BadInput as error:
            parts = batch.by_run()
            if len(parts) == 1:
                self._given_up |= parts.keys()
                self.carried.refused |= dict.fromkeys(parts, f"it was refused there: {error}")
                return
            for part in parts.values():
                self._send(part)

    def _apply(self, batch: _Draft) -> None:
        """Raises BadInput where it is refused: nothing of it is there then."""
        if batch.files:
            self._bring(batch.files)
        end = self._applied + 1 + secrets.randbits(31)
        whole = Batch(self._journal, self._applied, end, batch.events, batch.series)
        reached = self._patiently(lambda: self._target.apply(whole))
        if reached != end:
            raise OffsetMismatch(self._journal, whole.start, reached)
        self._applied = end
        self.carried.points += sum(len(block.points) for block in batch.series)
        self.carried.new_runs += len(batch.new)
        self._progress(self.carried)


@dataclass
class _Draft:
    """A batch that is being filled, and the contents of files that go before it."""

    events: list[Event] = field(default_factory=list)
    series: list[SeriesBlock] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)
    """The runs that are made by it."""
    _files_of: list[dict[str, int]] = field(default_factory=list)
    _weight: int = 0

    def add_event(self, event: Event, files: dict[str, int]) -> None:
        self.events.append(event)
        self._files_of.append(files)
        self.files |= files
        self._weight += 200
        if event.kind == "document":
            self._weight += len(str(event.data["content"]))

    def add_block(self, block: SeriesBlock) -> None:
        self.series.append(block)
        self._weight += 200 + weight(block.points)

    def by_run(self) -> dict[str, _Draft]:
        """The same as a batch for each run, in their order."""
        parts: defaultdict[str, _Draft] = defaultdict(_Draft)
        for event, files in zip(self.events, self._files_of, strict=True):
            parts[event.run_id].add_event(event, files)
            parts[event.run_id].new |= self.new & {event.run_id}
        for block in self.series:
            parts[block.run_id].add_block(block)
        return dict(parts)

    @property
    def is_full(self) -> bool:
        return (
            self._weight >= BATCH_BYTES
            or len(self.events) >= BATCH_EVENTS
            or sum(self.files.values()) >= BATCH_FILE_BYTES
        )


def _block(metric: MetricSummary, points: Points, calls: int) -> SeriesBlock:
    return SeriesBlock(
        metric.run_id,
        metric.name,
        metric.kind,
        points,
        metric.namespace,
        metric.description,
        calls,
        metric.is_list,
        metric.scalar_columns,
    )


def _no_points(metric: MetricSummary) -> Points:
    import numpy as np

    nothing = np.empty(0, np.int64)
    return Points(nothing, nothing, {name: column_of([]) for name in metric.columns})
