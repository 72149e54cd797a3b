"""Aim's data sets, tracked with its own calls."""

from __future__ import annotations

from pathlib import Path

from aim import Run

from portal.data import DataSet, table_runs


def lines(folder: Path, data: DataSet) -> list[str]:
    names = data.names()
    ids = []
    for number in range(data.runs):
        run = _begin(folder, data, f"run-{number:03}")
        for place, name in enumerate(names):
            for step, value in enumerate(data.values(number, place)):
                run.track(value, name=name, step=step)
        run.close()
        ids.append(run.hash)
    return ids


def table(folder: Path, data: DataSet) -> list[str]:
    for each in table_runs(data.runs):
        run = _begin(folder, data, each.name)
        run["hparams"] = {"lr": float(each.params["lr"]), "batch_size": int(each.params["batch_size"]), **each.tags}
        for name, value in each.metrics.items():
            run.track(value, name=name, step=0)
        run.close()
    return []


def _begin(folder: Path, data: DataSet, name: str) -> Run:
    run = Run(repo=str(folder), experiment=data.name, system_tracking_interval=None, capture_terminal_logs=False)
    run.name = name
    return run
