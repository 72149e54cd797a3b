"""Runs whose process has fallen silent, and what happens when it is heard of again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from milepost.store.records import RunQuery
from milepost.store.silence import hear, mark_silent, wake_heard
from tests.store.builders import T0, event, run_event, say

if TYPE_CHECKING:
    from milepost.store.store import Store

LATER_NS = 10**12


def silence(store: Store) -> list[str]:
    """Mark the runs as if nothing had been heard for long."""
    return mark_silent(store.engine, time.time_ns() + LATER_NS)


def test_only_runs_that_go_on_with_a_process_that_is_silent_do_not_respond(store: Store) -> None:
    say(store, run_event("silent", owner=True), run_event("ended", owner=True), journal="one")
    say(store, event("status", "ended", T0 + 1, status="Completed"), journal="one")
    say(store, run_event("cancelling", owner=True), event("status", "cancelling", status="CancelRequested"))
    say(store, run_event("queued", status="Queued"))
    since = time.time_ns()
    say(store, run_event("heard", owner=True), journal="two")
    assert mark_silent(store.engine, since) == ["silent"]
    assert mark_silent(store.engine, since) == []
    found = {run.run_id: run.status for run in store.all_runs()}
    assert found == {
        "silent": "NotResponding",
        "ended": "Completed",
        "cancelling": "CancelRequested",
        "queued": "Queued",
        "heard": "Running",
    }
    run = store.run("silent")
    assert run.error is not None
    assert run.error["message"].startswith("Nothing was heard of this run's process since 20")
    assert run.ended_ns is None
    assert [each.run_id for each in store.all_runs(RunQuery(filter='status = "NotResponding"'))] == ["silent"]


def test_it_goes_on_as_it_was_when_its_process_says_that_it_lives(store: Store) -> None:
    statuses = ("Finalizing", "Preparing", "Running")
    say(store, *(run_event(status, status=status, owner=True) for status in statuses))
    assert sorted(silence(store)) == sorted(statuses)
    assert {run.status for run in store.all_runs()} == {"NotResponding"}
    assert hear(store, "journal")
    assert {run.run_id: (run.status, run.error) for run in store.all_runs()} == {
        each: (each, None) for each in statuses
    }


def test_it_goes_on_when_its_journal_brings_something(store: Store) -> None:
    say(store, run_event("r", owner=True))
    since = time.time_ns()
    silence(store)
    assert wake_heard(store.engine, since) == []
    say(store, event("tags", "r", set={"k": "v"}))
    assert wake_heard(store.engine, since) == ["r"]
    assert (store.run("r").status, store.run("r").error) == ("Running", None)


def test_what_it_says_itself_counts(store: Store) -> None:
    said = {"Completed": None, "Finalizing": None, "Canceled": {"code": "c"}}
    say(store, *(run_event(status, owner=True) for status in said))
    silence(store)
    say(store, *(event("status", status, T0 + 1, status=status, error=error) for status, error in said.items()))
    assert {run.run_id: (run.status, run.error) for run in store.all_runs()} == {k: (k, v) for k, v in said.items()}
    assert wake_heard(store.engine, 0) == []


def test_a_process_that_is_known_to_be_dead_leaves_a_run_that_failed(store: Store) -> None:
    say(store, run_event("r", owner=True))
    silence(store)
    assert store.close_journal("journal", "it was killed") == ["r"]
    assert store.run("r").status == "Failed"
    assert not hear(store, "journal")


def test_nobody_waits_for_a_process_without_a_run(store: Store) -> None:
    assert not hear(store, "unknown")
    say(store, run_event("r", owner=True))
    assert hear(store, "journal")
    say(store, event("status", "r", T0 + 1, status="Completed"))
    assert not hear(store, "journal")
    assert store.applied("unknown") == 0


def test_a_sweep_outlives_its_controllers_and_is_silent_with_the_last_one(store: Store) -> None:
    say(store, run_event("sweep", type="hyperdrive"), event("owner", "sweep"), journal="first controller")
    assert store.close_journal("first controller", "it was killed") == []
    assert store.run("sweep").status == "Running"
    say(store, event("owner", "sweep"), journal="second controller")
    since = time.time_ns()
    say(store, run_event("other"), journal="first controller")
    assert mark_silent(store.engine, since) == ["sweep"]
    assert hear(store, "second controller")
    assert (store.run("sweep").status, store.run("sweep").error) == ("Running", None)


def test_a_submitted_run_that_waits_is_silent_with_the_process_that_is_to_begin_it(store: Store) -> None:
    say(store, run_event("r", type="azureml.scriptrun", status="Queued"), journal="submitter")
    say(store, event("waiting", "r"), journal="agent")
    since = time.time_ns()
    say(store, run_event("other"), journal="submitter")
    assert mark_silent(store.engine, since) == ["r"]
    assert hear(store, "agent")
    assert (store.run("r").status, store.run("r").error) == ("Queued", None)


def test_one_that_waits_outlives_the_process_that_was_to_begin_it(store: Store) -> None:
    say(store, run_event("r", type="azureml.scriptrun", status="Preparing"), event("waiting", "r"), journal="first")
    silence(store)
    assert store.close_journal("first", "it was killed") == []
    assert store.run("r").status == "NotResponding"
    since = time.time_ns()
    say(store, event("waiting", "r"), journal="second")
    assert wake_heard(store.engine, since) == ["r"]
    assert store.run("r").status == "Preparing"
    say(store, event("owner", "r"), event("status", "r", T0 + 1, status="Running"), journal="supervisor")
    assert store.close_journal("second", "it had nothing more to do") == []
    assert store.run("r").status == "Running"
    assert store.close_journal("supervisor", "it was killed") == ["r"]


def test_a_word_of_waiting_that_comes_late_takes_no_run_from_its_process(store: Store) -> None:
    say(store, run_event("r", type="azureml.scriptrun"), event("owner", "r"), journal="supervisor")
    say(store, event("waiting", "r"), journal="agent")
    assert not hear(store, "agent")
    assert hear(store, "supervisor")
    say(store, run_event("own", owner=True, status="NotStarted"), event("waiting", "own"), journal="script")
    assert store.close_journal("script", "it was killed") == ["own"]
