"""What a table shows of a page of runs besides the runs themselves: a few queries, however many runs and columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from milepost.store.batch import USER
from milepost.store.engine import MAX_PARAMETERS, pieces
from milepost.store.filters import METRICS
from milepost.store.metrics import load_cell
from milepost.store.run_pairs import PAIRS
from milepost.store.schema import documents, metrics, run_snapshots, runs, snapshots
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Table

    from milepost.store.filters import Field
    from milepost.store.store import Store


def values_of(store: Store, run_ids: Sequence[str], fields: Iterable[Field]) -> dict[str, dict[Field, Any]]:
    """run id -> field -> value, for fields of ``filters.GROUPS``; what a run does not have is left out.

    Of a metric the last value as it was logged, or its minimum or maximum.
    """
    found: dict[str, dict[Field, Any]] = {run_id: {} for run_id in run_ids}
    by_kind: dict[str, list[Field]] = {}
    for field in fields:
        by_kind.setdefault(field.kind, []).append(field)
    with store.reading() as connection:
        for piece in pieces(run_ids, MAX_PARAMETERS // 2):
            for kind, wanted in by_kind.items():
                if kind == METRICS:
                    _add_metrics(connection, store, piece, wanted, found)
                else:
                    _add_pairs(connection, store, piece, PAIRS[kind], wanted, found)
    return found


def child_counts(store: Store, run_ids: Sequence[str]) -> dict[str, int]:
    """run id -> number of its direct children, archived ones too; runs without children are left out."""
    found: dict[str, int] = {}
    with store.reading() as connection:
        for piece in pieces(run_ids, MAX_PARAMETERS // 2):
            rows = connection.execute(
                select(runs.c.parent_id, func.count().label("children"))
                .where(
                    runs.c.workspace_key == store.workspace_key,
                    runs.c.parent_id.in_(piece),
                    runs.c.experiment_key.is_not(None),
                )
                .group_by(runs.c.parent_id)
            )
            found.update({row.parent_id: row.children for row in rows})
    return found


def _add_metrics(
    connection: Connection,
    store: Store,
    run_ids: list[str],
    wanted: list[Field],
    found: dict[str, dict[Field, Any]],
) -> None:
    named: dict[str, list[Field]] = {}
    for field in wanted:
        named.setdefault(fit_name(field.name), []).append(field)
    rows = connection.execute(
        select(runs.c.run_id, metrics.c.name, metrics.c.last_cell, metrics.c.min_number, metrics.c.max_number)
        .join(metrics, metrics.c.run_key == runs.c.key)
        .where(
            runs.c.workspace_key == store.workspace_key,
            runs.c.run_id.in_(run_ids),
            metrics.c.namespace == USER,
            metrics.c.name.in_(list(named)),
        )
        .order_by(metrics.c.key)
    )
    for run_id, name, last_cell, lowest, highest in rows:
        values = {"": load_cell(last_cell)[0], "min": lowest, "max": highest}
        for field in named[name]:
            value = values["" if field.function == "last" else field.function]
            if value is not None:
                found[run_id].setdefault(field, value)


def _add_pairs(
    connection: Connection,
    store: Store,
    run_ids: list[str],
    table: Table,
    wanted: list[Field],
    found: dict[str, dict[Field, Any]],
) -> None:
    named = {fit_name(field.name): field for field in wanted}
    rows = connection.execute(
        select(runs.c.run_id, table.c.name, table.c.value)
        .join(table, table.c.run_key == runs.c.key)
        .where(runs.c.workspace_key == store.workspace_key, runs.c.run_id.in_(run_ids), table.c.name.in_(list(named)))
    )
    for run_id, name, value in rows:
        found[run_id][named[name]] = value


def documents_of(store: Store, run_ids: Sequence[str], names: Sequence[str], longest: int) -> dict[str, dict[str, Any]]:
    """run id -> name -> content of these documents, but for those of more than ``longest`` characters as JSON."""
    found: dict[str, dict[str, Any]] = {run_id: {} for run_id in run_ids}
    with store.reading() as connection:
        for piece in pieces(run_ids, MAX_PARAMETERS // 2):
            rows = connection.execute(
                select(runs.c.run_id, documents.c.name, documents.c.content)
                .join(documents, documents.c.run_key == runs.c.key)
                .where(
                    runs.c.workspace_key == store.workspace_key,
                    runs.c.run_id.in_(piece),
                    documents.c.name.in_(list(names)),
                    func.length(documents.c.content) <= longest,
                )
            )
            for run_id, name, content in rows:
                found[run_id][name] = json.loads(content)
    return found


def first_snapshots(store: Store, run_ids: Sequence[str]) -> dict[str, str]:
    """run id -> id of the run's own snapshot, the first that was taken; runs without one are left out."""
    found: dict[str, str] = {}
    with store.reading() as connection:
        for piece in pieces(run_ids, MAX_PARAMETERS // 2):
            rows = connection.execute(
                select(runs.c.run_id, snapshots.c.id)
                .join(run_snapshots, run_snapshots.c.run_key == runs.c.key)
                .join(snapshots, snapshots.c.key == run_snapshots.c.snapshot_key)
                .where(runs.c.workspace_key == store.workspace_key, runs.c.run_id.in_(piece))
                .order_by(run_snapshots.c.taken_ns, run_snapshots.c.key)
            )
            for run_id, snapshot_id in rows:
                found.setdefault(run_id, snapshot_id)
    return found
