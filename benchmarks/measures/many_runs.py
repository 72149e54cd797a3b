"""Make many runs of 20 metrics each, every one with a tag, and end each in order."""

from __future__ import annotations

import random
import time
from typing import Any

from job import Job

METRICS = 20
GROUPS = 100
"""The tag ``group`` has this many values: a filter for one finds a hundredth of the runs."""


def measure(job: Job) -> dict[str, Any]:
    values = random.Random(3)
    names = [f"metric_{number:02}" for number in range(METRICS)]
    create = {"milepost": _milepost, "mlflow": _mlflow}[job.tool](job, names)
    create(0, [values.random() for _ in names])  # makes the experiment, the tables
    began = time.perf_counter()
    for number in range(1, job.count):
        create(number, [values.random() for _ in names])
    seconds = time.perf_counter() - began
    return {"runs": job.count, "seconds": seconds, "runs_per_s": (job.count - 1) / seconds}


def _milepost(job: Job, names: list[str]) -> Any:
    from azureml.core import Experiment, Workspace

    experiment = Experiment(Workspace.create("bench", exist_ok=True), "many")

    def create(number: int, values: list[float]) -> None:
        run = experiment.start_logging(snapshot_directory=None, tags={"group": str(number % GROUPS)})
        for name, value in zip(names, values, strict=True):
            run.log(name, value)
        run.complete()

    return create


def _mlflow(job: Job, names: list[str]) -> Any:
    import mlflow
    from adapters.mlflow import prepare

    prepare(job.path)

    def create(number: int, values: list[float]) -> None:
        with mlflow.start_run(tags={"group": str(number % GROUPS)}):
            mlflow.log_metrics(dict(zip(names, values, strict=True)))

    return create
