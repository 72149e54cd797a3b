"""Agents, fork servers, supervisors, scripts are killed at random: no run and no value is lost, no process stays."""

from __future__ import annotations

import random
import time
from pathlib import Path

import psutil
import pytest

from azureml.core import Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from milepost.sdk.job_process import ensure_agent
from tests.sdk.conftest import Submit

RUNS = 12
NODES = 3
SCRIPT = """
import os, time
from azureml.core import Run
run = Run.get_context()
name = os.path.join(os.environ["SPANS"], run.id)
acknowledged = open(name, "w", buffering=1)
alive = os.open(name + ".lock", os.O_CREAT | os.O_RDWR)
import fcntl
fcntl.flock(alive, fcntl.LOCK_EX)
for number in range(1500):
    run.log("value", float(number))
    acknowledged.write(f"{number}\\n")
    time.sleep(0.001)
"""


def _ours(workspace: Path, run_ids: list[str]) -> list[tuple[str, psutil.Process]]:
    """The processes of a workspace's jobs, each with what it is."""
    found = []
    for process in psutil.process_iter():
        try:
            arguments = process.cmdline()
            if str(workspace) in arguments and "agent" in arguments:
                found.append(("agent", process))
            elif str(workspace) in arguments and "fork" in arguments:
                found.append(("fork server", process))
            elif str(workspace) in arguments and "supervise" in arguments:
                found.append(("supervisor", process))
            elif "train.py" in arguments and process.environ().get("MILEPOST_JOB") in run_ids:
                found.append(("script", process))
        except psutil.Error:
            continue
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kills_at_random_moments(
    submit: Submit, ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = tmp_path / "spans"
    spans.mkdir()
    monkeypatch.setenv("SPANS", str(spans))
    ComputeTarget.create(ws, "pool", AmlCompute.provisioning_configuration("any", max_nodes=NODES))
    runs = [submit(SCRIPT, compute_target="pool") for _ in range(RUNS)]
    ids = [run.id for run in runs]
    chance = random.Random(20261124)
    workspace = ws._recorder.folder
    killed = {"agent": 0, "fork server": 0, "supervisor": 0, "script": 0}
    until = time.monotonic() + 20
    while time.monotonic() < until:
        time.sleep(chance.uniform(0.1, 1.0))
        processes = _ours(workspace, ids)
        assert sum(kind == "script" for kind, _ in processes) <= NODES
        if processes:
            kind, process = chance.choice(processes)
            try:
                process.kill()
                killed[kind] += 1
            except psutil.Error:
                continue
        ensure_agent(workspace)

    ends = [run.wait_for_completion(raise_on_error=False) for run in runs]
    assert sum(killed.values()) > 5
    assert {each["status"] for each in ends} <= {"Completed", "Failed"}
    for run, end in zip(runs, ends, strict=True):
        if end["status"] == "Failed":
            assert end["error"]["error"]["message"]
        written = spans / run.id
        acknowledged = len(written.read_text().split()) if written.exists() else 0
        values = run.get_metrics().get("value", [])
        values = values if isinstance(values, list) else [values]
        assert values == [float(number) for number in range(len(values))]
        assert len(values) >= acknowledged
        if end["status"] == "Completed":
            assert len(values) == 1500
    assert [kind for kind, _ in _ours(workspace, ids) if kind == "script"] == []
    assert not any((workspace / "jobs" / run_id).exists() for run_id in ids)
