"""Fill a workspace as a year of training would: many runs with metrics, tags, parameters, properties and children.

Runs and their metrics go in through the store's batches.  ``count`` is how many runs the experiment "large" has; there
are a tenth as many again in others.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from job import Job

if TYPE_CHECKING:
    from milepost.store.store import Store

METRICS = 20
EXPERIMENT = "large"
OTHERS = 10
PEOPLE = ("ada", "barbara", "edsger", "grace", "tony")
STAGES = ("dev",) * 6 + ("test",) * 3 + ("prod",)
OPTIMIZERS = ("adam", "adamw", "sgd", "lion")
T0 = 1_750_000_000_000_000_000
AT_ONCE = 500
POINTS = 30
"""Of the metric ``loss``; the others have one value."""


def measure(job: Job) -> dict[str, Any]:
    from azureml.core import Workspace
    from milepost.store.store import open_store

    Workspace.create("bench", exist_ok=True)
    folder = job.path / "home" / "workspaces" / "bench"
    store = open_store(f"sqlite:///{folder / 'store.db'}", "bench", blobs_url=str(folder / "blobs"))
    result = fill(store, job.count)
    store.close()
    return {**result, "store_bytes": (folder / "store.db").stat().st_size}


def fill(store: Store, count: int) -> dict[str, Any]:
    """Fill a store; gives how many runs that were, and how long it took."""
    began = time.perf_counter()
    chance = random.Random(5)
    made = 0
    for runs in _batches(_runs(count, chance)):
        _apply(store, runs, made, chance)
        made += len(runs)
    return {"runs": made, "fill_s": time.perf_counter() - began, "runs_per_s": made / (time.perf_counter() - began)}


def _runs(count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    parent = None
    for number in range(count):
        run = _run(number, EXPERIMENT, chance)
        yield run
        if number % 500 == 7:
            parent = run["run_id"]
        elif parent is not None and number % 500 < 10:
            for child in range(6):
                yield {**_run(number, EXPERIMENT, chance), "run_id": f"{parent}_{number}_{child}", "parent_id": parent}
    for number in range(count // 10):
        yield _run(count + number, f"other {number % OTHERS}", chance)


def _run(number: int, experiment: str, chance: random.Random) -> dict[str, Any]:
    status = chance.choices(("Completed", "Failed", "Canceled", "Running", "Queued"), (880, 70, 45, 4, 1))[0]
    return {
        "run_id": f"{experiment.replace(' ', '-')}_{number:07}_{chance.randrange(16**8):08x}",
        "experiment": experiment,
        "created": T0 + number * 60_000_000_000 + chance.randrange(10**9),
        "status": status,
        "display_name": f"{chance.choice(OPTIMIZERS)} {chance.randrange(10_000)}" if number % 5 < 3 else None,
        "target": f"pool-{chance.randrange(4)}" if number % 10 < 3 else None,
        "type": "azureml.scriptrun" if number % 10 < 3 else None,
        "submitted_by": chance.choice(PEOPLE),
        "seconds": chance.lognormvariate(6, 1.5),
        "tags": {
            "stage": chance.choice(STAGES),
            "group": str(number % 100),
            "lr": repr(round(10 ** chance.uniform(-5, -1), 7)),
            "team": "vision",
            "note": f"run {number} with {chance.choice(OPTIMIZERS)}, looked at by {chance.choice(PEOPLE)}",
            **({"champion": str(number)} if number % 100 == 3 else {}),
        },
        "properties": {
            "azureml.git.commit": f"{number // 1500:040x}",
            "seed": str(chance.randrange(1000)),
            "framework": "pytorch",
        },
        "params": {
            "alpha": repr(chance.random()),
            "depth": str(chance.randrange(2, 12)),
            "optimizer": chance.choice(OPTIMIZERS),
        },
    }


def _batches(runs: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for run in runs:
        batch.append(run)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _apply(store: Store, runs: list[dict[str, Any]], made: int, chance: random.Random) -> None:
    from milepost.store.batch import Batch, Event

    events = []
    for run in runs:
        created, run_id = run["created"], run["run_id"]
        data = {
            name: run[name]
            for name in (
                "experiment",
                "display_name",
                "target",
                "type",
                "submitted_by",
                "tags",
                "properties",
                "parent_id",
            )
            if run.get(name) is not None
        }
        events.append(Event("run", run_id, created, {**data, "status": "Queued"}))
        if run["status"] != "Queued":
            events.append(Event("status", run_id, created + 3 * 10**9, {"status": "Running"}))
        if run["status"] not in ("Queued", "Running"):
            ended = created + int((3 + run["seconds"]) * 1e9)
            events.append(Event("status", run_id, ended, {"status": run["status"]}))
    blocks = [block for place, run in enumerate(runs) for block in _blocks(run, made + place, chance)]
    store.apply(Batch(f"fill-{made}", 0, 1, events, blocks))
    _set_parameters(store, runs)


def _blocks(run: dict[str, Any], number: int, chance: random.Random) -> Iterator[Any]:
    import numpy as np

    from milepost.store.batch import NO_STEP, SERIES, Points, SeriesBlock
    from milepost.store.points import column_of

    if run["status"] == "Queued":
        return
    start = run["created"] + 5 * 10**9

    def block(name: str, values: list[float | int]) -> Any:
        times = start + 1_000_000_000 * np.arange(len(values), dtype=np.int64)
        points = Points(np.full(len(values), NO_STEP, np.int64), times, {"": column_of(values)})
        return SeriesBlock(run["run_id"], name, SERIES, points)

    end = chance.random()
    yield block("loss", [end + 3.0 / (step + 1) + 0.01 * chance.random() for step in range(POINTS)])
    yield block("epoch", [chance.randrange(1, 101)])
    yield block("accuracy", [float("nan") if number % 50 == 11 else 1 - end * chance.random()])
    for metric in range(METRICS - 3):
        yield block(f"metric_{metric:02}", [chance.gauss(0, 1)])
    if number % 100 == 42:
        yield block("rare", [chance.random()])


def _set_parameters(store: Store, runs: list[dict[str, Any]]) -> None:
    """As a client of MLflow would; the SDK has no parameters."""
    from sqlalchemy import select

    from milepost.store.engine import write
    from milepost.store.schema import parameters
    from milepost.store.schema import runs as table

    with write(store.engine) as connection:
        ids = [run["run_id"] for run in runs]
        here = table.c.workspace_key == store.workspace_key
        keys = dict(
            connection.execute(select(table.c.run_id, table.c.key).where(here, table.c.run_id.in_(ids))).tuples().all()
        )
        connection.execute(
            parameters.insert(),
            [
                {"run_key": keys[run["run_id"]], "workspace_key": store.workspace_key, "name": name, "value": value}
                for run in runs
                for name, value in run["params"].items()
            ],
        )
