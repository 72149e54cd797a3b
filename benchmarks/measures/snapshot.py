"""Keep a folder of many small files with a run: for the first time, and again when nothing has changed."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from job import Job

FOLDERS = 3
"""That many different ones are kept for the first time."""
AGAIN = 5


def measure(job: Job) -> dict[str, Any]:
    sources = [_source(job.path / f"source-{number}", number, job.count) for number in range(FOLDERS + 1)]
    keep = {"milepost": _milepost, "mlflow": _mlflow}[job.tool](job)
    _timed(keep, sources.pop())  # makes the tables, loads what is loaded late
    time.sleep(3.0)  # a file that was changed a moment ago is read again to be sure
    first = [_timed(keep, source) for source in sources]
    again = [_timed(keep, sources[0]) for _ in range(AGAIN)]
    return {
        "files": job.count,
        "first_ms": statistics.median(first),
        "first_max_ms": max(first),
        "again_ms": statistics.median(again),
        "again_max_ms": max(again),
    }


def _source(folder: Path, number: int, count: int) -> Path:
    """Files of 100 to 4,000 bytes, 50 in each folder, no two alike."""
    rng = random.Random(number)
    for each in range(count):
        path = folder / f"package_{each // 50:03}" / f"module_{each:05}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(rng.randint(50, 2_000)).hex().encode())
    return folder


def _timed(keep: Callable[[Path], None], source: Path) -> float:
    began = time.perf_counter()
    keep(source)
    return (time.perf_counter() - began) * 1000


def _milepost(job: Job) -> Callable[[Path], None]:
    from azureml.core import Experiment, Workspace

    run = Experiment(Workspace.create("bench", exist_ok=True), "snapshot").start_logging(snapshot_directory=None)
    run.log("warm", 0.5)
    run.flush()

    def keep(source: Path) -> None:
        run.take_snapshot(str(source))

    return keep


def _mlflow(job: Job) -> Callable[[Path], None]:
    import mlflow
    from adapters.mlflow import prepare

    client = prepare(job.path)
    run_id = mlflow.start_run().info.run_id

    def keep(source: Path) -> None:
        client.log_artifacts(run_id, str(source), "code")

    return keep
