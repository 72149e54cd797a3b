from __future__ import annotations

from functools import cache
from pathlib import Path

import mlflow
from mlflow import MlflowClient

from adapters import Recording

DISTRIBUTION = "mlflow"
IMPORT = "import mlflow"
CALL = 'mlflow.log_metric("loss", value, step=i)'
BATCH = 1


@cache
def prepare(folder: Path) -> MlflowClient:
    address = f"sqlite:///{folder / 'mlflow.db'}"
    mlflow.set_tracking_uri(address)
    client = MlflowClient(address)
    if client.get_experiment_by_name("bench") is None:
        client.create_experiment("bench", artifact_location=str(folder / "artifacts"))
    mlflow.set_experiment("bench")
    return client


def start(folder: Path, name: str) -> Recording:
    client = prepare(folder)
    run = mlflow.start_run(run_name=name)
    return Recording(run.info.run_id, {"mlflow": mlflow, "client": client}, mlflow.end_run)


def join(folder: Path, run_id: str) -> Recording:
    client = prepare(folder)
    mlflow.start_run(run_id=run_id)
    return Recording(run_id, {"mlflow": mlflow, "client": client}, lambda: None)


def settle(recording: Recording) -> None:
    """Have the connection behind us."""
    mlflow.log_metric("warm", 0.5, step=0)


def values(folder: Path, run_id: str) -> list[float]:
    history = prepare(folder).get_metric_history(run_id, "loss")
    return [each.value for each in sorted(history, key=lambda each: each.step)]
