"""A workspace is carried into another store: all of it, identically, once; also after growth and interruptions."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from milepost.store.carrying.carrier import Carried, Carrier
from milepost.store.carrying.source import StoreSource
from milepost.store.errors import BadInput
from milepost.store.store import Store, open_store
from milepost.store.together import together
from tests.store.builders import run_event, say, series
from tests.store.whole import differences, everything, fill, grow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milepost.store.batch import Batch


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Store]:
    """A workspace of this machine with a bit of everything."""
    found = _embedded(tmp_path / "source")
    yield found
    found.close()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    found = _embedded(tmp_path / "target")
    yield found
    found.close()


def _embedded(folder: Path) -> Store:
    folder.mkdir()
    return open_store(
        f"sqlite:///{folder / 'store.db'}", "here", blobs_url=str(folder / "blobs"), workspace_id=str(uuid4())
    )


def carry(source: Store, target: Store) -> Carried:
    return Carrier(StoreSource(source), target).carry()


def test_all_of_it_arrives_as_it_was_and_nothing_twice(source: Store, target: Store) -> None:
    fill(source)
    first = carry(source, target)
    assert first.refused == {}
    assert first.new_runs == first.runs == source.info().runs
    assert sorted(first.active) == ["archived", "asked", "child", "orphan", "silent", "values", "waiting"]
    before = everything(source)
    assert differences(before, everything(target)) == {}
    again = carry(source, target)
    assert (again.new_runs, again.changed_runs, again.points, again.files, again.models) == (0, 0, 0, 0, 0)
    assert differences(before, everything(target)) == {}


def test_what_has_grown_is_added(source: Store, target: Store) -> None:
    fill(source)
    carry(source, target)
    grow(source)
    more = carry(source, target)
    assert (more.new_runs, more.changed_runs, more.points, more.files) == (2, 4, 303, 1)
    assert differences(everything(source), everything(target)) == {}


def test_two_who_carry_the_same_workspace_at_once_carry_it_once(source: Store, target: Store) -> None:
    ids = [f"run-{number:03}" for number in range(150)]
    say(source, *(run_event(run_id) for run_id in ids))
    say(source, *(series(run_id, name, [number] * 300) for number, run_id in enumerate(ids) for name in "ab"))
    done = together(lambda _number: carry(source, target), range(2), 2)
    assert sum(each.new_runs for each in done) == 150
    assert sum(each.points for each in done) == source.info().points
    assert differences(everything(source), everything(target)) == {}


def test_a_run_that_is_refused_there_does_not_hold_up_the_others(
    source: Store, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_id in ("first", "bad", "last"):
        say(source, run_event(run_id), series(run_id, "m", [1, 2]))
    taken = Store.apply

    def refuses(store: Store, batch: Batch) -> int:
        if any(block.run_id == "bad" for block in batch.series):
            raise BadInput("the body is too large")
        return taken(store, batch)

    monkeypatch.setattr(Store, "apply", refuses)
    done = carry(source, target)
    assert done.refused == {"bad": "it was refused there: the body is too large"}
    assert (done.runs, done.new_runs) == (3, 2)
    assert target.metric_values("last") == {"m": [1, 2]}
    monkeypatch.undo()
    assert carry(source, target).refused == {}
    assert target.metric_values("bad") == {"m": [1, 2]}
    assert [target.run(each).number for each in ("first", "last", "bad")] == [1, 3, 4]


def test_runs_whose_numbers_are_taken_there_follow_on_those(source: Store, target: Store) -> None:
    say(target, run_event("theirs"), run_event("theirs too"))
    say(source, run_event("ours"), run_event("ours too"))
    assert carry(source, target).new_runs == 2
    assert [target.run(each).number for each in ("theirs", "theirs too", "ours", "ours too")] == [1, 2, 3, 4]
    assert carry(source, target).changed_runs == 0


def test_the_least_value_of_a_metric_has_no_sign_where_it_is_zero(source: Store) -> None:
    say(source, run_event("run"), series("run", "m", [-0.0, 0.0]), series("run", "n", [0, -0.0]))
    for summary in source.metric_summaries(["run"]):
        assert (str(summary.min), str(summary.max)) == ("0.0", "0.0")
    assert repr(source.metric_values("run")) == "{'m': [-0.0, 0.0], 'n': [0, -0.0]}"
