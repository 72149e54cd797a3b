"""Compute targets, and the runs that were sent to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from milepost.store.errors import BadInput, Conflict, NotFound
from milepost.store.records import RunQuery
from tests.store.builders import T0, event, run_event, say

if TYPE_CHECKING:
    from milepost.store.store import Store

POOL = {"vm_size": "STANDARD_D2_V2", "min_nodes": 0, "max_nodes": 4, "tags": {"a": None}}


def test_a_target_comes_back_as_it_was_made(store: Store) -> None:
    made = store.create_compute("cpu-cluster", "AmlCompute", POOL)
    assert (made.name, made.kind, made.definition) == ("cpu-cluster", "AmlCompute", POOL)
    assert made.created_ns == made.updated_ns > T0
    assert store.compute("cpu-cluster") == made
    assert store.computes() == [made]


def test_names_mean_the_same_in_any_case_of_letters(store: Store) -> None:
    made = store.create_compute("CPU-Cluster", "AmlCompute", POOL)
    assert store.compute("cpu-cluster") == store.compute("CPU-CLUSTER") == made
    with pytest.raises(Conflict, match="there is a compute target 'cpu-cluster' .*already"):
        store.create_compute("cpu-cluster", "AmlCompute", {})
    assert store.update_compute("cpu-clusteR", {"max_nodes": 8}).name == "CPU-Cluster"
    store.delete_compute("cpu-CLUSTER")
    assert store.computes() == []
    assert store.create_compute("cpu-cluster", "AmlCompute", {}).name == "cpu-cluster"


def test_a_target_can_be_changed(store: Store) -> None:
    made = store.create_compute("pool", "AmlCompute", POOL)
    changed = store.update_compute("pool", {"max_nodes": 8})
    assert (changed.definition, changed.created_ns, changed.kind) == ({"max_nodes": 8}, made.created_ns, made.kind)
    assert changed.updated_ns > made.updated_ns


def test_targets_are_listed_by_name(store: Store) -> None:
    for name in ("b", "C", "a"):
        store.create_compute(name, "AmlCompute", {})
    assert [each.name for each in store.computes()] == ["a", "b", "C"]


def test_a_target_that_is_not_there_is_told_with_those_like_it(store: Store) -> None:
    store.create_compute("CPU-cluster", "AmlCompute", {})
    for ask in (store.compute, store.delete_compute, lambda name: store.update_compute(name, {})):
        with pytest.raises(NotFound, match="no compute target 'cpu-clutser' .*did you mean 'CPU-cluster'"):
            ask("cpu-clutser")
        with pytest.raises(NotFound, match="no compute target 'zzz' in workspace test$"):
            ask("zzz")


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "x" * 256, "\x00", "nul"])
def test_names_that_cannot_be_kept_are_refused(store: Store, name: str) -> None:
    with pytest.raises(BadInput, match="the name of a compute target"):
        store.create_compute(name, "AmlCompute", {})


# Runs by target.


def sent(store: Store, target: str, **more: object) -> list[str]:
    return [run.run_id for run in store.runs(RunQuery(target=target, descending=False, **more)).runs]  # type: ignore[arg-type]


def test_the_runs_of_a_target_are_found_in_order(store: Store) -> None:
    for number in range(6):
        say(store, run_event(f"r{number}", time_ns=T0 + number, target=("Pool", "local", None)[number % 3]))
    say(store, event("status", "r3", status="Completed"))
    assert sent(store, "pool") == sent(store, "POOL") == ["r0", "r3"]
    assert sent(store, "pool", statuses=("Running",)) == ["r0"]
    assert sent(store, "local") == ["r1", "r4"]
    assert sent(store, "") == sent(store, "\x00") == sent(store, "po") == []
    page = store.runs(RunQuery(target="pool", limit=1))
    assert [run.run_id for run in page.runs] == ["r3"]
    page = store.runs(RunQuery(target="pool", limit=1, cursor=page.next_cursor))
    assert [run.run_id for run in page.runs] == ["r0"]


def test_long_names_of_targets_are_compared_to_their_end(store: Store) -> None:
    say(store, *(run_event(f"r{ending}", target="x" * 5000 + ending) for ending in "ab"))
    assert sent(store, "X" * 5000 + "A") == ["ra"]
    assert sent(store, "x" * 5000) == []
