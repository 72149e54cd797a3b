"""Which status may follow which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from milepost.store.status import FORWARD, STATUSES, TERMINAL, judge
from tests.store.builders import T0, event, run_event, say

if TYPE_CHECKING:
    from milepost.store.store import Store


@pytest.mark.parametrize("current", FORWARD)
@pytest.mark.parametrize("wanted", FORWARD)
def test_active_statuses_only_move_forward_and_may_leave_steps_out(current: str, wanted: str) -> None:
    verdict = judge(current, wanted, has_run=False, taken_for_dead=False)
    assert verdict == ("accept" if FORWARD.index(wanted) > FORWARD.index(current) else "stale")


@pytest.mark.parametrize("current", sorted(STATUSES - TERMINAL))
@pytest.mark.parametrize("wanted", sorted(TERMINAL))
def test_a_run_may_end_from_every_active_status(current: str, wanted: str) -> None:
    assert judge(current, wanted, has_run=True, taken_for_dead=False) == "accept"


@pytest.mark.parametrize("current", sorted(TERMINAL))
@pytest.mark.parametrize("wanted", sorted(STATUSES))
def test_an_end_is_final_and_another_end_is_worth_a_warning(current: str, wanted: str) -> None:
    verdict = judge(current, wanted, has_run=True, taken_for_dead=False)
    assert verdict == ("refuse" if wanted in TERMINAL and wanted != current else "stale")


@pytest.mark.parametrize("wanted", sorted(STATUSES))
def test_a_run_that_was_taken_for_dead_may_only_say_how_it_ended(wanted: str) -> None:
    assert judge("Failed", wanted, has_run=True, taken_for_dead=True) == ("accept" if wanted in TERMINAL else "stale")


@pytest.mark.parametrize("current", [*FORWARD, "NotResponding"])
def test_every_active_run_may_be_asked_to_cancel(current: str) -> None:
    assert judge(current, "CancelRequested", has_run=False, taken_for_dead=False) == "accept"


@pytest.mark.parametrize("wanted", [*FORWARD, "NotResponding", "CancelRequested"])
def test_after_a_request_to_cancel_only_an_end_counts(wanted: str) -> None:
    assert judge("CancelRequested", wanted, has_run=True, taken_for_dead=False) == "stale"


@pytest.mark.parametrize("status", FORWARD)
def test_not_responding_comes_and_goes(status: str) -> None:
    assert judge(status, "NotResponding", has_run=False, taken_for_dead=False) == "accept"
    assert judge("NotResponding", status, has_run=False, taken_for_dead=False) == "accept"
    ahead = status in ("Running", "Finalizing")
    assert judge("NotResponding", status, has_run=True, taken_for_dead=False) == ("accept" if ahead else "stale")


def test_an_unknown_status_is_refused() -> None:
    assert judge("Running", "Bogus", has_run=True, taken_for_dead=False) == "refuse"


def test_the_times_of_start_and_end_are_kept(store) -> None:
    say(store, run_event("r", status="NotStarted"))
    assert (store.run("r").started_ns, store.run("r").ended_ns) == (None, None)
    for second, status in enumerate(["Queued", "Running", "NotResponding", "Running", "Finalizing", "Completed"], 1):
        say(store, event("status", "r", T0 + second, status=status))
        assert store.run("r").status == status
    run = store.run("r")
    assert (run.created_ns, run.started_ns, run.ended_ns) == (T0, T0 + 2, T0 + 6)
    assert (run.error, run.warnings) == (None, [])


def test_a_failed_run_keeps_its_error_and_a_second_end_becomes_a_warning(store) -> None:
    error = {"code": "UserError", "message": "no such file", "details": {"loss": float("nan"), "text": "a\0b"}}
    say(store, run_event("r"), event("status", "r", T0 + 1, status="Failed", error=error))
    say(store, event("status", "r", T0 + 2, status="Completed"))
    run = store.run("r")
    assert (run.status, run.ended_ns) == ("Failed", T0 + 1)
    assert run.error == {"code": "UserError", "message": "no such file", "details": {"loss": "nan", "text": "a\ufffdb"}}
    assert [warning["message"] for warning in run.warnings] == [
        "the status 'Completed' was not taken: the run is Failed"
    ]


def test_news_that_come_late_change_nothing_and_warn_of_nothing(store) -> None:
    say(store, run_event("r"), event("status", "r", T0 + 5, status="Completed"))
    say(store, event("status", "r", T0 + 1, status="Running"), journal="of a slow child")
    run = store.run("r")
    assert (run.status, run.ended_ns, run.warnings) == ("Completed", T0 + 5, [])


@pytest.mark.parametrize("error", [["x"], "x", 1, True])
def test_an_error_that_is_no_object_is_kept_as_its_text(store: Store, error: Any) -> None:
    say(store, run_event("r"), event("status", "r", T0 + 1, status="Failed", error=error))
    assert store.run("r").error == {"message": str(error)}
