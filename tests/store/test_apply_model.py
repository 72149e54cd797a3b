"""Random histories of several journals, held against a plain model of what a store must know."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from milepost.store.batch import Batch, Event, SeriesBlock
from milepost.store.engine import write
from milepost.store.errors import OffsetMismatch
from milepost.store.points import cells
from milepost.store.records import RunQuery
from milepost.store.schema import deleted_runs
from milepost.store.status import FORWARD, TERMINAL, judge
from milepost.store.store import Store, open_store
from tests.store.builders import event, series
from tests.store.test_points import same_values

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = ["a", "b", "c", "deleted"]
JOURNALS = ["one", "two", "three"]
TIMES = st.integers(0, 10**6).map(lambda us: us * 1000)
KEYS = st.sampled_from(["k", "K", "l"])
VALUES = st.sampled_from([None, "", "1", "x" * 300])
STATUSES = st.sampled_from([*FORWARD, *sorted(TERMINAL), "NotResponding", "CancelRequested"])


@st.composite
def sayings(draw: st.DrawFn) -> Event | SeriesBlock:
    run_id = draw(st.sampled_from(RUNS))
    time_ns = draw(TIMES)
    kind = draw(st.sampled_from(["run", "status", "tags", "properties", "describe", "series", "series"]))
    if kind == "series":
        values = draw(st.lists(st.one_of(st.floats(), st.integers(), st.text(max_size=3)), min_size=1, max_size=5))
        return series(run_id, draw(st.sampled_from(["loss", "acc"])), values)
    if kind == "run":
        data: dict[str, Any] = {"experiment": draw(st.sampled_from(["e", "f"]))}
        data["status"] = draw(st.sampled_from(["NotStarted", "Running"]))
        data["tags"] = draw(st.dictionaries(KEYS, VALUES, max_size=2))
        data["properties"] = draw(st.dictionaries(KEYS, VALUES.filter(lambda value: value is not None), max_size=2))
        return event("run", run_id, time_ns, **data)
    if kind == "status":
        return event("status", run_id, time_ns, status=draw(STATUSES))
    if kind == "tags":
        return event(
            "tags",
            run_id,
            time_ns,
            set=draw(st.dictionaries(KEYS, VALUES, max_size=2)),
            remove=draw(st.lists(KEYS, max_size=1)),
        )
    if kind == "properties":
        return event(
            "properties", run_id, time_ns, set=draw(st.dictionaries(KEYS, st.sampled_from(["1", "2"]), max_size=2))
        )
    return event("describe", run_id, time_ns, description=draw(VALUES))


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """(journal, what is said in one batch, or how many batches back a stale retry begins)."""
    steps = []
    for _ in range(draw(st.integers(1, 25))):
        journal = draw(st.sampled_from(JOURNALS))
        said = st.lists(sayings(), max_size=6)
        steps.append((journal, draw(st.one_of(said, said, said, st.integers(1, 3)))))
    return steps


@dataclass
class ModelRun:
    known: bool = False
    experiment: str | None = None
    number: int | None = None
    status: str = "NotStarted"
    started: int | None = None
    ended: int | None = None
    created: int | None = None
    description: str | None = None
    tags: dict[str, str | None] = field(default_factory=dict)
    first_tags: dict[str, str | None] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[Any]] = field(default_factory=dict)


class Model:
    """What the store must know after the same batches."""

    def __init__(self) -> None:
        self.runs: dict[str, ModelRun] = {}
        self.numbers: dict[str, int] = {}

    def apply(self, events: list[Event], blocks: list[SeriesBlock]) -> None:
        for said in events:
            if said.run_id != "deleted":
                getattr(self, said.kind)(self.runs.setdefault(said.run_id, ModelRun()), said)
        for block in blocks:
            if block.run_id != "deleted":
                run = self.runs.setdefault(block.run_id, ModelRun())
                run.metrics.setdefault(block.name, []).extend(cells(block.points.columns[""]))

    def run(self, run: ModelRun, said: Event) -> None:
        if run.known:
            return
        run.known = True
        run.experiment = said.data["experiment"]
        run.number = self.numbers[run.experiment] = self.numbers.get(run.experiment, 0) + 1
        run.created = said.time_ns
        status = said.data["status"]
        if judge(status, run.status, has_run=run.started is not None, taken_for_dead=False) != "accept":
            run.status = status
        if status == "Running":
            run.started = min(said.time_ns, run.started or said.time_ns) if run.started is not None else said.time_ns
        run.tags = {**said.data["tags"], **run.tags}
        run.properties = {**said.data["properties"], **run.properties}

    def status(self, run: ModelRun, said: Event) -> None:
        wanted = said.data["status"]
        if judge(run.status, wanted, has_run=run.started is not None, taken_for_dead=False) == "accept":
            run.status = wanted
            if wanted == "Running" and run.started is None:
                run.started = said.time_ns
            if wanted in TERMINAL:
                run.ended = said.time_ns

    def tags(self, run: ModelRun, said: Event) -> None:
        run.tags.update(said.data["set"])
        for key in said.data["remove"]:
            run.tags.pop(key, None)

    def properties(self, run: ModelRun, said: Event) -> None:
        run.properties = {**said.data["set"], **run.properties}

    def describe(self, run: ModelRun, said: Event) -> None:
        run.description = said.data["description"]


@pytest.fixture
def stores(database_url: str) -> Iterator[Iterator[Store]]:
    """A new workspace in one database for each history."""
    opened = []

    def fresh() -> Iterator[Store]:
        for number in itertools.count():
            opened.append(open_store(database_url, f"w{number}", blobs_url=""))
            with write(opened[-1].engine) as connection:
                row = {"workspace_key": opened[-1].workspace_key, "run_id": "deleted", "deleted_ns": 1}
                connection.execute(insert(deleted_runs).values(row))
            yield opened[-1]
            opened[-1].close()

    yield fresh()
    for store in opened:
        store.close()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(histories())
def test_the_store_knows_what_was_said_once_and_in_order(
    stores: Iterator[Store], history: list[tuple[str, Any]]
) -> None:
    store, model = next(stores), Model()
    sent: dict[str, list[Batch]] = {journal: [] for journal in JOURNALS}
    for journal, said in history:
        batches = sent[journal]
        end = batches[-1].end if batches else 0
        if isinstance(said, int):
            for stale in batches[-said:]:
                assert store.apply(stale) == end
            with pytest.raises(OffsetMismatch):
                store.apply(Batch(journal, end + 1, end + 2, [event("describe", "a", description="never")]))
            continue
        events = [one for one in said if isinstance(one, Event)]
        blocks = [one for one in said if isinstance(one, SeriesBlock)]
        batches.append(Batch(journal, end, end + 1 + len(said), events, blocks))
        assert store.apply(batches[-1]) == batches[-1].end
        model.apply(events, blocks)
    assert store.known_journals() == {journal: batches[-1].end for journal, batches in sent.items() if batches}
    known = {run_id: run for run_id, run in model.runs.items() if run.known}
    found = {run.run_id: run for run in store.runs(RunQuery()).runs}
    assert found.keys() == known.keys()
    for run_id, run in known.items():
        record = found[run_id]
        assert (record.experiment, record.number, record.created_ns) == (run.experiment, run.number, run.created)
        assert (record.status, record.started_ns, record.ended_ns) == (run.status, run.started, run.ended)
        assert (record.description, record.tags, record.properties) == (run.description, run.tags, run.properties)
        for name, logged in run.metrics.items():
            value = store.metric_values(run_id, name)[name]
            assert same_values(value if len(logged) > 1 else [value], logged)
        assert store.metric_values(run_id).keys() == run.metrics.keys()
