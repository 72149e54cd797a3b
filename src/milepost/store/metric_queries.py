"""Read metrics back: summaries, points, and values in the shape of ``Run.get_metrics()``."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, select

from milepost.store.batch import CELL_NONE, TABLE, USER, Column, Points
from milepost.store.engine import MAX_PARAMETERS, read
from milepost.store.errors import NotFound
from milepost.store.metrics import load_cell
from milepost.store.points import cells, column_of, concat, decode, take
from milepost.store.records import MetricSummary, StoredMetric
from milepost.store.schema import metric_chunks, metrics, runs
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping, Select

    from milepost.store.store import Store


_NO_INTS = np.empty(0, np.int64)


def _rows(
    connection: Connection,
    store: Store,
    run_ids: Sequence[str],
    names: Sequence[str] | None,
    namespace: str | None,
    *wanted: Any,
    kind: str | None = None,
) -> list[tuple[str, RowMapping]]:
    """(run id, row) of the metrics of these runs, in order of first logging.  Placeholders have none."""
    found = []
    run_ids = [fit_name(run_id) for run_id in run_ids]
    for position in range(0, len(run_ids), MAX_PARAMETERS // 2):
        query: Select[Any] = (
            select(runs.c.run_id, *wanted)
            .join(metrics, metrics.c.run_key == runs.c.key)
            .where(
                runs.c.workspace_key == store.workspace_key,
                runs.c.run_id.in_(run_ids[position : position + MAX_PARAMETERS // 2]),
                runs.c.experiment_key.is_not(None),
            )
            .order_by(metrics.c.key)
        )
        if namespace is not None:
            query = query.where(metrics.c.namespace == namespace)
        if kind is not None:
            query = query.where(metrics.c.kind == kind)
        if names is not None:
            query = query.where(metrics.c.name.in_([fit_name(name) for name in names]))
        found += [(row["run_id"], row) for row in connection.execute(query).mappings()]
    return found


def summaries(
    store: Store,
    run_ids: Sequence[str],
    names: Sequence[str] | None = None,
    namespace: str | None = USER,
    kind: str | None = None,
) -> list[MetricSummary]:
    """The metrics of these runs in order of first logging.  ``namespace`` or ``kind`` None means all; unknown runs
    have none.
    """
    wanted = [column for column in metrics.c if column.name != "tail"]
    with read(store.engine) as connection:
        found = _rows(connection, store, run_ids, names, namespace, *wanted, kind=kind)
    return [
        MetricSummary(
            run_id=run_id,
            namespace=row["namespace"],
            name=row["name"],
            kind=row["kind"],
            description=row["description"],
            is_list=row["is_list"],
            calls=row["calls"],
            count=row["count"],
            first=load_cell(row["first_cell"])[0],
            last=load_cell(row["last_cell"])[0],
            min=_unsigned(row["min_number"]),
            max=_unsigned(row["max_number"]),
            nan_count=row["nan_count"],
            first_step=row["first_step"],
            last_step=row["last_step"],
            first_ns=row["first_ns"],
            last_ns=row["last_ns"],
            columns=tuple(row["columns"]),
            scalar_columns=tuple(row["scalar_columns"]),
        )
        for run_id, row in found
    ]


def _unsigned(number: float | None) -> float | None:
    """PostgreSQL may have -0.0 from earlier versions; see ``metrics._summarize_column``."""
    return None if number is None else number + 0.0


def tails(store: Store, run_ids: Sequence[str]) -> dict[tuple[str, str, str, str], tuple[int, Points]]:
    """(run id, namespace, name, kind) -> index of the first point, points: the newest ones of the runs' metrics, where
    they are in no chunk yet.  Those of short metrics are all they have, read for many runs at once.
    """
    named = (metrics.c.namespace, metrics.c.name, metrics.c.kind, metrics.c["count"].label("points"), metrics.c.tail)
    with read(store.engine) as connection:
        rows = _rows(connection, store, run_ids, None, None, *named)
    found = {}
    for run_id, row in rows:
        if row["tail"] is not None:
            points = decode(row["tail"])
            found[run_id, row["namespace"], row["name"], row["kind"]] = (row["points"] - len(points), points)
    return found


def first_names(store: Store, run_ids: Sequence[str], most: int) -> tuple[list[str], int]:
    """Names of what these runs have logged, the first ones of each run, and how many more there are."""
    rank = func.row_number().over(partition_by=metrics.c.run_key, order_by=metrics.c.key).label("rank")
    ranked = (
        select(metrics.c.name, rank)
        .join(runs, metrics.c.run_key == runs.c.key)
        .where(
            runs.c.workspace_key == store.workspace_key,
            runs.c.run_id.in_([fit_name(run_id) for run_id in run_ids]),
            metrics.c.namespace == USER,
        )
        .subquery()
    )
    first = func.min(ranked.c.rank)
    with read(store.engine) as connection:
        names = list(
            connection.scalars(
                select(ranked.c.name).group_by(ranked.c.name).order_by(first, ranked.c.name).limit(most + 1)
            )
        )
        if len(names) <= most:
            return names, 0
        total = int(connection.scalar(select(func.count(ranked.c.name.distinct()))) or 0)
    return names[:most], total - most


def points(
    store: Store,
    run_id: str,
    name: str,
    namespace: str = USER,
    kind: str | None = None,
    start: int | None = None,
    stop: int | None = None,
) -> Points:
    """The points ``start`` to ``stop`` (left out) of one metric, by their index in it; by default all.

    ``kind`` None takes the kind that was logged first under this name.  Reads only the chunks it needs.
    Raises NotFound where the run or the metric is not there.
    """
    with read(store.engine) as connection:
        found = _rows(
            connection,
            store,
            [run_id],
            [name],
            namespace,
            metrics.c.key,
            metrics.c.kind,
            metrics.c["count"].label("points"),
            metrics.c.columns,
            metrics.c.tail,
        )
        rows = [row for _, row in found if kind in (None, row["kind"])]
        if not rows:
            raise NotFound(f"run {run_id} has no metric {name!r}{f' of kind {kind}' if kind else ''}")
        row = rows[0]
        begin = min(max(start or 0, 0), row["points"])
        end = row["points"] if stop is None else min(max(stop, begin), row["points"])
        chunks = connection.execute(
            select(metric_chunks.c.start, metric_chunks.c.data)
            .where(
                metric_chunks.c.metric_key == row["key"],
                metric_chunks.c.start < end,
                metric_chunks.c.start + metric_chunks.c["count"] > begin,
            )
            .order_by(metric_chunks.c.start)
        ).all()
    pieces = []
    for first, data in chunks:
        pieces.append(take(decode(data), begin - first, end - first))
    if row["tail"] is not None:
        tail = decode(row["tail"])
        first = row["points"] - len(tail)
        pieces.append(take(tail, begin - first, end - first))
    empty = Points(_NO_INTS, _NO_INTS, {column: column_of([]) for column in row["columns"]})
    return concat([empty, *pieces])


def values(store: Store, run_id: str, name: str | None = None, namespace: str = USER) -> dict[str, Any]:
    """What ``Run.get_metrics()`` gives: name to value, list, or table, in order of first logging.

    Raises NotFound for an unknown run.
    """
    with read(store.engine) as connection:
        known = connection.scalar(
            select(runs.c.key).where(
                runs.c.workspace_key == store.workspace_key,
                runs.c.run_id == fit_name(run_id),
                runs.c.experiment_key.is_not(None),
            )
        )
        if known is None:
            raise NotFound(f"there is no run {run_id!r} in workspace {store.workspace_name}")
        return shaped(_stored(connection, store, [run_id], name, namespace)).get(fit_name(run_id), {})


def values_many(
    store: Store, run_ids: Sequence[str], name: str | None = None, namespace: str = USER
) -> dict[str, dict[str, Any]]:
    """``values`` of many runs at once, in the order given; unknown runs have none."""
    found = shaped(stored(store, run_ids, name, namespace))
    return {run_id: found.get(fit_name(run_id), {}) for run_id in run_ids}


def stored(store: Store, run_ids: Sequence[str], name: str | None = None, namespace: str = USER) -> list[StoredMetric]:
    """The metrics of these runs as they lie in the store, in order of first logging; unknown runs have none."""
    with read(store.engine) as connection:
        return _stored(connection, store, run_ids, name, namespace)


def _stored(
    connection: Connection, store: Store, run_ids: Sequence[str], name: str | None, namespace: str
) -> list[StoredMetric]:
    rows = _rows(
        connection,
        store,
        run_ids,
        None if name is None else [name],
        namespace,
        *(
            metrics.c[column]
            for column in ("key", "name", "kind", "is_list", "calls", "first_cell", "columns", "scalar_columns", "tail")
        ),
        metrics.c["count"].label("points"),
    )
    first = {row["key"]: load_cell(row["first_cell"]) for _, row in rows if _is_single(row)}
    alone = {key: (value,) for key, (value, whole) in first.items() if whole}
    chunked = _chunks(connection, [row["key"] for _, row in rows if row["key"] not in alone])
    found = []
    for run_id, row in rows:
        blocks = chunked.get(row["key"], [])
        if row["tail"] is not None and row["key"] not in alone:
            blocks = [*blocks, row["tail"]]
        found.append(
            StoredMetric(
                run_id,
                row["name"],
                row["kind"],
                row["is_list"],
                row["calls"],
                row["points"],
                tuple(row["columns"]),
                tuple(row["scalar_columns"]),
                alone.get(row["key"]),
                tuple(blocks),
            )
        )
    return found


def _is_single(row: RowMapping) -> bool:
    return row["kind"] != TABLE and not row["is_list"] and row["points"] == 1


def _chunks(connection: Connection, keys: list[int]) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = defaultdict(list)
    for position in range(0, len(keys), MAX_PARAMETERS):
        rows = connection.execute(
            select(metric_chunks.c.metric_key, metric_chunks.c.data)
            .where(metric_chunks.c.metric_key.in_(keys[position : position + MAX_PARAMETERS]))
            .order_by(metric_chunks.c.metric_key, metric_chunks.c.start)
        )
        for key, data in rows:
            found[key].append(data)
    return found


def shaped(found: Sequence[StoredMetric]) -> dict[str, dict[str, Any]]:
    """Run id to what ``Run.get_metrics()`` gives of it, for the runs that have metrics."""
    named: dict[str, set[str]] = defaultdict(set)
    for each in found:
        named[each.run_id].add(each.name)
    out: dict[str, dict[str, Any]] = defaultdict(dict)
    for each in found:
        out[each.run_id][_label(each, out[each.run_id], named[each.run_id])] = _value(each)
    return dict(out)


def _label(metric: StoredMetric, taken: dict[str, Any], names: set[str]) -> str:
    """The name, or ``NAME (KIND)`` where an earlier metric of another kind has it."""
    label = metric.name
    if label in taken:
        label = f"{metric.name} ({metric.kind})"
        while label in taken or label in names:
            label += "'"
    return label


def _value(metric: StoredMetric) -> Any:
    if metric.alone is not None:
        return metric.alone[0]
    whole = concat([decode(block) for block in metric.blocks])
    if metric.kind == TABLE:
        return _table(metric, whole)
    column = whole.columns.get("")
    listed = [] if column is None else cells(column)
    return listed[0] if listed and not metric.is_list and metric.points == 1 else listed


def _table(metric: StoredMetric, whole: Points) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in metric.columns:
        column = whole.columns.get(name)
        if metric.calls > 1:
            out[name] = [None] * len(whole) if column is None else cells(column)
        elif name in metric.scalar_columns:
            out[name] = next(iter(_given(column)), None)
        else:
            out[name] = _given(column)
    return out


def _given(column: Column | None) -> list[Any]:
    """The cells up to the last one that has a value: columns of one table need not be of one length."""
    if column is None:
        return []
    with_value = (column.kinds != CELL_NONE).nonzero()[0]
    return cells(column)[: int(with_value[-1]) + 1] if len(with_value) else []
