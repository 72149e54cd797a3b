"""MLflow's data sets, written into its own tables as its tracking store writes them: its calls would take hours."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from adapters.mlflow import prepare

from portal.data import DataSet, table_runs

_APART_MS = 60_000


def lines(folder: Path, data: DataSet) -> list[str]:
    with closing(_open(folder)) as database:
        names = data.names()
        ids = []
        for number in range(data.runs):
            run_id = uuid.uuid4().hex
            begin = int(time.time() * 1000) - data.points
            _add(database, "runs", [_run(folder, run_id, f"run-{number:03}", begin)])
            _add(database, "tags", _own_tags(run_id, f"run-{number:03}", {}))
            for place, name in enumerate(names):
                values = data.values(number, place)
                _add(database, "metrics", _points(run_id, name, begin, values))
                _add(database, "latest_metrics", _points(run_id, name, begin, values, only_last=True))
            ids.append(run_id)
        database.commit()
    return ids


def table(folder: Path, data: DataSet) -> list[str]:
    begin = int(time.time() * 1000) - data.runs * _APART_MS
    with closing(_open(folder)) as database:
        for run in table_runs(data.runs):
            run_id, at = uuid.uuid4().hex, begin + run.number * _APART_MS
            _add(database, "runs", [_run(folder, run_id, run.name, at)])
            _add(database, "tags", _own_tags(run_id, run.name, run.tags))
            _add(database, "params", [{"key": k, "value": v, "run_uuid": run_id} for k, v in run.params.items()])
            for name, value in run.metrics.items():
                for kept in ("metrics", "latest_metrics"):
                    _add(database, kept, _points(run_id, name, at, [value]))
        database.commit()
    return []


def _open(folder: Path) -> sqlite3.Connection:
    """The database with the schema and the experiment that MLflow itself has made."""
    prepare(folder)
    return sqlite3.connect(folder / "mlflow.db")


def _add(database: sqlite3.Connection, into: str, rows: Iterable[dict[str, Any]]) -> None:
    rows = iter(rows)
    first = next(rows)
    names = ", ".join(first)
    places = ", ".join(f":{name}" for name in first)
    database.executemany(f"INSERT INTO {into} ({names}) VALUES ({places})", _with(first, rows))


def _with(first: dict[str, Any], rest: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield first
    yield from rest


def _run(folder: Path, run_id: str, name: str, begin: int) -> dict[str, Any]:
    return {
        "run_uuid": run_id,
        "name": name,
        "source_type": "UNKNOWN",
        "source_name": "",
        "entry_point_name": "",
        "user_id": "bench",
        "status": "FINISHED",
        "start_time": begin,
        "end_time": begin + 30_000,
        "source_version": "",
        "lifecycle_stage": "active",
        "artifact_uri": str(folder / "artifacts" / run_id / "artifacts"),
        "experiment_id": 1,
    }


def _own_tags(run_id: str, name: str, tags: dict[str, str]) -> list[dict[str, Any]]:
    own = {"mlflow.runName": name, "mlflow.user": "bench", "mlflow.source.name": "train.py"}
    own["mlflow.source.type"] = "LOCAL"
    return [{"key": key, "value": value, "run_uuid": run_id} for key, value in {**own, **tags}.items()]


def _points(
    run_id: str, name: str, begin: int, values: list[float], *, only_last: bool = False
) -> Iterator[dict[str, Any]]:
    for step in range(len(values) - 1 if only_last else 0, len(values)):
        yield {
            "key": name,
            "value": values[step],
            "timestamp": begin + step,
            "step": step,
            "is_nan": False,
            "run_uuid": run_id,
        }
