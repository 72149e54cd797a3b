"""In a fresh process, over the runs of ``many_runs``: those with a tag, the top 20 by a metric, all as a data frame."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from job import Job


def measure(job: Job) -> dict[str, Any]:
    by_tag, top, frame = {"milepost": _milepost, "mlflow": _mlflow}[job.tool](job)
    result: dict[str, Any] = {}
    for name, query in (("by_tag", by_tag), ("top", top)):
        first, found = _timed(query)
        result[f"{name}_first_ms"] = first
        result[f"{name}_ms"] = statistics.median(_timed(query)[0] for _ in range(10))
        result[f"{name}_found"] = found
    frame()  # pandas is loaded by then, with either
    took = [_timed(frame) for _ in range(5)]
    result["frame_ms"] = statistics.median(ms for ms, _ in took)
    result["frame_found"] = took[0][1]
    return result


def _timed(query: Callable[[], Any]) -> tuple[float, int]:
    began = time.perf_counter()
    found = query()
    return (time.perf_counter() - began) * 1000, len(found)


def _milepost(job: Job) -> tuple[Callable[[], Any], ...]:
    from azureml.core import Experiment, Workspace
    from milepost.store.records import RunQuery
    from milepost.store.store import open_store

    workspace = Workspace.get("bench")
    experiment = Experiment(workspace, "many")
    folder = job.path / "home" / "workspaces" / "bench"
    store = open_store(f"sqlite:///{folder / 'store.db'}", "bench", blobs_url=str(folder / "blobs"), create=False)
    best = RunQuery(experiment="many", order_by="metric:metric_00", limit=20)
    return (
        lambda: list(experiment.get_runs(tags={"group": "7"})),
        lambda: list(store.runs(best).runs),
        lambda: experiment.to_dataframe(library="pandas"),
    )


def _mlflow(job: Job) -> tuple[Callable[[], Any], ...]:
    import mlflow
    from adapters.mlflow import prepare

    client = prepare(job.path)
    experiment = client.get_experiment_by_name("bench").experiment_id
    return (
        lambda: list(client.search_runs([experiment], filter_string="tags.`group` = '7'")),
        lambda: list(client.search_runs([experiment], order_by=["metrics.metric_00 DESC"], max_results=20)),
        lambda: mlflow.search_runs([experiment], output_format="pandas"),
    )
