"""Pools: at most so many runs at a time, the rest in order."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from azureml.core import Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.exceptions import ComputeTargetException
from tests.conftest import only_thorough
from tests.sdk.conftest import Submit

SPAN = """
import os, sys, time
begin = time.time()
time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else 0.05)
open(os.path.join(os.environ["SPANS"], os.environ["AZUREML_RUN_ID"]), "w").write(f"{begin} {time.time()}")
"""


@pytest.fixture
def spans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where scripts write from when to when they ran."""
    folder = tmp_path / "spans"
    folder.mkdir()
    monkeypatch.setenv("SPANS", str(folder))
    return folder


def _pool(ws: Workspace, nodes: int, name: str = "cpu-cluster") -> ComputeTarget:
    target = ComputeTarget.create(
        ws, name, AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=nodes)
    )
    target.wait_for_completion(show_output=True)
    return target


def _times(spans: Path, runs: list[Run]) -> list[tuple[float, float]]:
    found = []
    for run in runs:
        begin, end = (spans / run.id).read_text().split()
        found.append((float(begin), float(end)))
    return found


def _most_at_once(times: list[tuple[float, float]]) -> int:
    changes = sorted([(begin, 1) for begin, _ in times] + [(end, -1) for _, end in times])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


@only_thorough
def test_many_runs_on_four_nodes(submit: Submit, ws: Workspace, spans: Path) -> None:
    _pool(ws, 4)
    runs = [submit(SPAN, compute_target="cpu-cluster") for _ in range(100)]
    for run in runs:
        run.wait_for_completion()
    times = _times(spans, runs)
    assert 1 < _most_at_once(times) <= 4
    begins = [begin for begin, _ in times]
    # Each takes its turn when one of four ends: none comes before one that was submitted four earlier.
    assert all(begins[i] <= begins[j] for i in range(100) for j in range(i + 4, 100))
    assert {run.get_status() for run in runs} == {"Completed"}


def test_a_second_experiment_has_its_turn_before_the_first_is_through(
    submit: Submit, ws: Workspace, spans: Path, source: Path
) -> None:
    _pool(ws, 1)
    first = [submit(SPAN, compute_target="cpu-cluster", arguments=[0.5]) for _ in range(5)]
    other = Experiment(ws, "other").submit(ScriptRunConfig(str(source), "train.py", compute_target="cpu-cluster"))
    for run in [*first, other]:
        run.wait_for_completion()
    begins = [begin for begin, _ in _times(spans, first)]
    assert begins == sorted(begins)
    assert _times(spans, [other])[0][0] < begins[-1]


def test_a_run_that_waits_for_its_turn_is_queued_and_can_be_cancelled(submit: Submit, ws: Workspace) -> None:
    _pool(ws, 1)
    busy = submit("import time; time.sleep(600)", compute_target="cpu-cluster")
    waiting = submit("print('never')", compute_target="cpu-cluster")
    until = time.monotonic() + 60
    while waiting.get_status() != "Queued" or busy.get_status() != "Running":
        assert time.monotonic() < until
        time.sleep(0.05)
    waiting.cancel()
    assert waiting.wait_for_completion()["status"] == "Canceled"
    assert "azureml-logs/70_driver_log.txt" not in waiting.get_file_names()
    assert busy.get_status() == "Running"
    assert [run.id for run in ComputeTarget(ws, "cpu-cluster").get_active_runs()] == [busy.id]


def test_the_queue_goes_on_after_its_agent_was_killed(submit: Submit, ws: Workspace, spans: Path) -> None:
    import psutil

    _pool(ws, 1)
    runs = [submit(SPAN, compute_target="cpu-cluster", arguments=[1]) for _ in range(4)]
    time.sleep(1)
    for process in psutil.process_iter():
        try:
            if str(ws._recorder.folder) in process.cmdline() and "agent" in process.cmdline():
                process.kill()
        except psutil.Error:
            continue
    for run in runs:
        assert run.wait_for_completion()["status"] == "Completed"
    assert _most_at_once(_times(spans, runs)) == 1


def test_a_run_of_several_nodes_takes_as_many(submit: Submit, ws: Workspace, spans: Path) -> None:
    from azureml.core.runconfig import MpiConfiguration

    _pool(ws, 2)
    narrow = submit(SPAN, compute_target="cpu-cluster", arguments=[1])
    wide = submit(
        SPAN, compute_target="cpu-cluster", arguments=[0.2], distributed_job_config=MpiConfiguration(node_count=2)
    )
    for run in (narrow, wide):
        run.wait_for_completion()
    assert _most_at_once(_times(spans, [narrow, wide])) == 1


def test_more_nodes_than_the_pool_has_are_refused(submit: Submit, ws: Workspace) -> None:
    from azureml.core.runconfig import MpiConfiguration

    _pool(ws, 2)
    with pytest.raises(Exception, match="2"):
        submit(SPAN, compute_target="cpu-cluster", distributed_job_config=MpiConfiguration(node_count=3))


def test_a_pool_that_is_not_there_is_refused_by_name(submit: Submit) -> None:
    with pytest.raises(ComputeTargetException, match="no-such-pool"):
        submit("print(1)", compute_target="no-such-pool")


def test_a_pool_that_grows_takes_more_at_once(submit: Submit, ws: Workspace) -> None:
    pool = _pool(ws, 1)
    runs = [submit("import time; time.sleep(600)", compute_target="cpu-cluster") for _ in range(2)]
    pool.update(max_nodes=2)
    until = time.monotonic() + 60
    while {run.get_status() for run in runs} != {"Running"}:
        assert time.monotonic() < until
        time.sleep(0.1)
