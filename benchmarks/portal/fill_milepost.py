"""Milepost's data sets: lines are logged by scripts' own calls; the table's runs go to the store in batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from azureml.core import Experiment, Workspace
from milepost.store.batch import NO_STEP, Batch, Event, Points, SeriesBlock
from milepost.store.points import column_of
from milepost.store.store import open_store
from portal.data import DataSet, TableRun, table_runs

_AT_ONCE = 1000
_APART_NS = 60 * 10**9


def lines(folder: Path, data: DataSet) -> list[str]:
    experiment = Experiment(Workspace.create("bench", exist_ok=True), data.name)
    names = data.names()
    ids = []
    for number in range(data.runs):
        run = experiment.start_logging(snapshot_directory=None, display_name=f"run-{number:03}")
        columns = [data.values(number, metric) for metric in range(len(names))]
        for values in zip(*columns, strict=True):
            for name, value in zip(names, values, strict=True):
                run.log(name, value)
        run.complete()
        ids.append(run.id)
    return ids


def table(folder: Path, data: DataSet) -> list[str]:
    """As the drains of so many processes would have brought them."""
    Workspace.create("bench", exist_ok=True)
    home = folder / "home" / "workspaces" / "bench"
    store = open_store(f"sqlite:///{home / 'store.db'}", "bench", blobs_url=str(home / "blobs"))
    begin = time.time_ns() - data.runs * _APART_NS
    for number, some in enumerate(_portions(data)):
        store.apply(_batch(number, some, data.name, begin))
    store.close()
    return []


def _portions(data: DataSet) -> Iterator[list[TableRun]]:
    runs = table_runs(data.runs)
    while some := list(islice(runs, _AT_ONCE)):
        yield some


def _batch(number: int, some: list[TableRun], experiment: str, begin: int) -> Batch:
    batch = Batch(f"bench-{number}", 0, 1)
    for run in some:
        run_id = f"bench-{run.number:06}"
        at = begin + run.number * _APART_NS
        told = {
            "experiment": experiment,
            "status": "Running",
            "display_name": run.name,
            "tags": run.tags,
            "properties": run.params,
        }
        batch.events += [
            Event("run", run_id, at, told),
            Event("status", run_id, at + _APART_NS // 2, {"status": "Completed"}),
        ]
        for name, value in run.metrics.items():
            points = Points(np.array([NO_STEP]), np.array([at + 10**9]), {"": column_of([value])})
            batch.series.append(SeriesBlock(run_id, name, "series", points))
    return batch
