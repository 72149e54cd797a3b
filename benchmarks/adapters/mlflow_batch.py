from __future__ import annotations

import time
from pathlib import Path

from mlflow.entities import Metric

from adapters import Recording, mlflow
from adapters.mlflow import DISTRIBUTION, IMPORT, values

__all__ = ["BATCH", "CALL", "DISTRIBUTION", "IMPORT", "start", "values"]

BATCH = 1000
"""The most that MLflow takes in one call."""
CALL = "log_batch(value, i)"


def start(folder: Path, name: str) -> Recording:
    recording = mlflow.start(folder, name)
    client, run_id = recording.scope["client"], recording.id

    def log_batch(values: list[float], first: int) -> None:
        now = int(time.time() * 1000)
        client.log_batch(run_id, metrics=[Metric("loss", value, now, step) for step, value in enumerate(values, first)])

    recording.scope["log_batch"] = log_batch
    return recording
