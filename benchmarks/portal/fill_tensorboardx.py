"""TensorBoard's data sets: event files as TensorBoardX writes them."""

from __future__ import annotations

from pathlib import Path

from tensorboardX import SummaryWriter

from portal.data import DataSet, table_runs


def lines(folder: Path, data: DataSet) -> list[str]:
    names = data.names()
    ids = []
    for number in range(data.runs):
        name = f"run-{number:03}"
        with SummaryWriter(str(folder / "runs" / name), max_queue=10_000) as writer:
            for place, metric in enumerate(names):
                for step, value in enumerate(data.values(number, place)):
                    writer.add_scalar(metric, value, step)
        ids.append(name)
    return ids


def table(folder: Path, data: DataSet) -> list[str]:
    """Runs with hyperparameters, which are what TensorBoard has a table for."""
    for run in table_runs(data.runs):
        with SummaryWriter(str(folder / "runs")) as writer:
            hparams = {"lr": float(run.params["lr"]), "batch_size": int(run.params["batch_size"]), **run.tags}
            writer.add_hparams(hparams, run.metrics, name=run.name, global_step=0)
    return []
