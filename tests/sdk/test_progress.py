"""How far a run has come: said at every step, cheap, kept through kills, and given back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from azureml.core import Experiment, Run, Workspace
from azureml.exceptions import UserErrorException
from milepost.sdk.runs import run_progress
from milepost.store import batch, progress
from tests.sdk.conftest import Submit


def _counts(run: Run) -> dict[str, int]:
    summaries = run._recorder.fresh().metric_summaries([run.id], namespace=batch.PROGRESS)
    return {each.name: each.count for each in summaries}


def test_a_run_that_says_nothing_has_no_progress(run: Run) -> None:
    assert run.get_progress() is None


def test_what_was_said_last_is_given_back_by_any_object_of_the_run(ws: Workspace, run: Run) -> None:
    run.set_progress(1, 8)
    run.set_progress(2)
    found = ws.get_run(run.id).get_progress()
    assert found is not None
    assert (found["done"], found["total"]) == (2, 8)
    assert found["remaining_s"] >= 0
    run.set_progress(0.25, 1)
    assert run.get_progress() == {"done": 0.25, "total": 1, "remaining_s": None}
    run.complete()


def test_it_is_no_metric(run: Run) -> None:
    run.set_progress(1, 8)
    run.log("loss", 0.5)
    assert run.get_metrics() == {"loss": 0.5}


def test_an_ended_run_keeps_where_it_stopped_and_promises_no_end(run: Run) -> None:
    run.set_progress(0, 8)
    run.set_progress(3)
    run.fail("enough")
    assert run.get_progress() == {"done": 3, "total": 8, "remaining_s": None}


def test_a_million_steps_are_few_points_and_the_last_one_is_there(run: Run) -> None:
    total = 1_000_000
    for step in range(total):
        run.set_progress(step + 1, total)
    found = run.get_progress()
    assert found is not None
    assert found["done"] == total
    assert _counts(run)["done"] < 20_000  # 10,000, and two a second


def test_a_smaller_number_begins_anew(run: Run) -> None:
    run.set_progress(0, 4)
    run.set_progress(4)
    run.set_progress(0, 2)
    assert run.get_progress() == {"done": 0, "total": 2, "remaining_s": None}
    assert _counts(run) == {"total": 2, "begin": 2, "done": 3}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((1,), "the total"),
        ((1, 0), "above 0"),
        ((1, -5), "above 0"),
        ((-1, 5), "below 0"),
        ((float("nan"), 5), "finite"),
        ((1, float("inf")), "finite"),
        ((1, 10**400), "finite"),
        (("half", 5), "finite"),
        ((True, 5), "finite"),
        (([1], 5), "progress"),
    ],
)
def test_what_is_no_progress_is_refused_in_words(run: Run, given: tuple[Any, ...], says: str) -> None:
    with pytest.raises(UserErrorException, match=says):
        run.set_progress(*given)
    assert run.get_progress() is None


def test_numbers_of_numpy_are_numbers(run: Run) -> None:
    import numpy as np

    run.set_progress(np.int64(3), np.float32(8))
    found = run.get_progress()
    assert found is not None
    assert (found["done"], found["total"]) == (3, 8)


def test_it_survives_the_process_that_said_it(ws: Workspace) -> None:
    script = """
        import os, signal
        from azureml.core import Experiment, Workspace
        run = Experiment(Workspace.get("test"), "killed").start_logging(snapshot_directory=None)
        for step in range(1001):
            run.set_progress(step, 1000)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    run = next(Experiment(ws, "killed").get_runs())
    assert run.get_progress() == {"done": 1000, "total": 1000, "remaining_s": None}
    assert run.status == "Failed"


def test_a_submitted_script_says_it_of_its_run(submit: Submit) -> None:
    run = submit(
        """
        from azureml.core import Run
        run = Run.get_context()
        for epoch in range(3):
            run.set_progress(epoch + 1, 3)
        """
    )
    run.wait_for_completion()
    assert run.get_progress() == {"done": 3, "total": 3, "remaining_s": None}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_goes_on_counting(run: Run) -> None:
    run.set_progress(1, 4)
    run.flush()
    child = os.fork()
    if not child:
        run.set_progress(2)
        run.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    found = run.get_progress()
    assert found is not None
    assert found["done"] == 2


def test_outside_a_run_it_prints_nothing(home: object, capsys: pytest.CaptureFixture[str]) -> None:
    Run._context = None
    offline = Run.get_context()
    offline.set_progress(3, 10)
    assert offline.get_progress() == {"done": 3, "total": 10, "remaining_s": None}
    assert capsys.readouterr().out == ""


def test_the_names_are_those_of_the_store() -> None:
    assert run_progress._NAMESPACE == batch.PROGRESS
    assert run_progress._SERIES == batch.SERIES
    assert (run_progress._DONE, run_progress._TOTAL, run_progress._BEGIN) == (
        progress.DONE,
        progress.TOTAL,
        progress.BEGIN,
    )


def test_the_time_that_is_left_goes_by_the_speed_since_the_beginning() -> None:
    half = progress.Progress(done=50, total=100, updated_ns=1_000_000_000, rate=5)
    assert half.fraction == 0.5
    assert half.remaining_s(1_000_000_000) == 10
    assert half.remaining_s(3_000_000_000) == 8
    assert half.remaining_s(99_000_000_000) == 0
    assert progress.Progress(done=120, total=100, updated_ns=0, rate=5).fraction == 1
