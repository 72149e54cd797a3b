"""From a submission to the first line of the script, which is run by this same interpreter: nothing to install."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from job import Job

# The clock is one for all processes of a machine.
SCRIPT = """import time
began = time.monotonic()
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--told")
with open(parser.parse_args().told, "w") as file:
    file.write(repr(began))
"""
PATIENCE_S = 120.0


def measure(job: Job) -> dict[str, Any]:
    source = job.path / "source"
    source.mkdir(parents=True)
    (source / "train.py").write_text(SCRIPT)
    # `python` is this interpreter for all tools, not a version manager's program that looks for one.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    submit = {"milepost": _milepost, "mlflow": _mlflow}[job.tool](job, source)
    first_lines, calls, wholes = [], [], []
    for number in range(job.count):
        told = job.path / f"told-{number}"
        began = time.monotonic()
        wait = submit(told)
        calls.append((time.monotonic() - began) * 1000)
        wait()  # nothing of this run is left to slow the next one
        wholes.append((time.monotonic() - began) * 1000)
        first_lines.append((float(told.read_text()) - began) * 1000)
    later = first_lines[1:] or first_lines
    return {
        "runs": job.count,
        "first_ms": first_lines[0],
        "ms": statistics.median(later),
        "min_ms": min(later),
        "max_ms": max(later),
        "call_ms": statistics.median(calls[1:] or calls),
        "whole_ms": statistics.median(wholes[1:] or wholes),
    }


def _milepost(job: Job, source: Path) -> Callable[[Path], Callable[[], Any]]:
    from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace

    experiment = Experiment(Workspace.create("bench", exist_ok=True), "submit")
    environment = Environment("here")
    environment.python.user_managed_dependencies = True

    def submit(told: Path) -> Callable[[], Any]:
        config = ScriptRunConfig(str(source), script="train.py", arguments=["--told", str(told)])
        config.run_config.environment = environment
        run = experiment.submit(config)

        def wait() -> None:
            details = run.wait_for_completion()
            assert details["status"] == "Completed", details

        return wait

    return submit


def _mlflow(job: Job, source: Path) -> Callable[[Path], Callable[[], Any]]:
    import mlflow
    from adapters.mlflow import prepare

    prepare(job.path)

    def submit(told: Path) -> Callable[[], Any]:
        run = mlflow.projects.run(
            str(source),
            entry_point="train.py",
            parameters={"told": str(told)},
            experiment_name="bench",
            env_manager="local",
            synchronous=False,
        )

        def wait() -> None:
            assert run.wait(), "the project's run failed"

        return wait

    return submit
