"""Runs as columns, for data frames: what tens of thousands of runs have, in a few queries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, BigInteger, any_, func, literal, literal_column, select

from milepost.store.batch import SERIES, USER
from milepost.store.engine import MAX_PARAMETERS, is_sqlite, pieces
from milepost.store.errors import BadInput
from milepost.store.field_names import field_of, name_of
from milepost.store.filters import FUNCTIONS, GROUPS, METRICS, Field
from milepost.store.metrics import load_cell
from milepost.store.run_pairs import PAIRS
from milepost.store.schema import metrics, runs
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from milepost.store.store import Store

MAX_CELLS: Final = 100_000_000
"""Of all columns together."""
ALL: Final = ".*"
"""``metrics.*`` is all metrics that some of the runs have, by name; tables are no metrics here."""

Column = list[Any]
"""A value for each run, None where it has none."""


def run_frame(
    store: Store,
    run_ids: Sequence[str],
    columns: Sequence[str],
    reduction: str = "last",
    reductions: Mapping[str, str] | None = None,
) -> list[dict[str, list[Any]]]:
    """For each of the columns asked for, name -> values of these runs: one column, or of ``metrics.*`` many.

    Columns are those of ``field_names``, but for what every run has.  Which value of a metric ``metrics.*`` means
    (``filters.FUNCTIONS``) is told by ``reduction``, and for single metrics by ``reductions``.  Raises BadInput for
    what cannot be understood, and where there are too many values to be held in memory.
    """
    for each in (reduction, *(reductions or {}).values()):
        if each not in FUNCTIONS:
            raise BadInput(f"of a metric there is {', '.join(map(repr, FUNCTIONS))}, and not {each[:100]!r}")
    functions = {"": reduction} | dict(reductions or {})
    with store.reading() as connection:
        places = _places(connection, store, run_ids)
        wanted = [_fields(connection, places, column, functions) for column in columns]
        found = _columns(connection, places, len(run_ids), [field for fields in wanted for field in fields])
    return [{name_of(field): found[field] for field in fields} for fields in wanted]


def joined(parts: Sequence[tuple[int, list[dict[str, Column]]]]) -> list[dict[str, Column]]:
    """What ``run_frame`` gives of all runs from what it gave of some, with how many those were."""
    if len(parts) == 1:
        return parts[0][1]
    found = []
    for alike in zip(*(columns for _, columns in parts), strict=True):
        names = dict.fromkeys(name for columns in alike for name in columns)
        ordered = sorted(names, key=lambda name: field_of(name).name)
        found.append(
            {
                name: [
                    value
                    for (count, _), columns in zip(parts, alike, strict=True)
                    for value in columns.get(name) or [None] * count
                ]
                for name in ordered
            }
        )
    return found


def _places(connection: Connection, store: Store, run_ids: Sequence[str]) -> dict[int, int]:
    """Key of a run -> its place among the ids."""
    at = {run_id: place for place, run_id in enumerate(run_ids)}
    found = {}
    for piece in pieces(run_ids, MAX_PARAMETERS):
        rows = connection.execute(
            select(runs.c.key, runs.c.run_id).where(
                runs.c.workspace_key == store.workspace_key, runs.c.run_id.in_(piece)
            )
        )
        found.update({key: at[run_id] for key, run_id in rows})
    return found


def _fields(
    connection: Connection, places: Mapping[int, int], column: str, functions: Mapping[str, str]
) -> list[Field]:
    kind = column.removesuffix(ALL)
    if kind == column:
        field = field_of(column)
        if field.kind not in GROUPS:
            raise BadInput(
                f"every run has {column!r} already; columns are {', '.join(f'{each}.NAME' for each in GROUPS)}"
            )
        return [field]
    if kind not in GROUPS:
        raise BadInput(f"there is no column {column[:100]!r}; there are {', '.join(each + ALL for each in GROUPS)}")
    table = metrics if kind == METRICS else PAIRS[kind]
    query = select(table.c.name).where(_among(connection, table.c.run_key, places)).distinct()
    if table is metrics:
        query = query.where(metrics.c.namespace == USER, metrics.c.kind == SERIES)
    names = sorted(connection.scalars(query))
    if table is not metrics:
        return [Field(kind, name) for name in names]
    return [Field(kind, name, functions.get(name, functions[""]).replace("last", "")) for name in names]


def _columns(
    connection: Connection, places: dict[int, int], count: int, fields: Sequence[Field]
) -> dict[Field, Column]:
    fields = list(dict.fromkeys(fields))
    if len(fields) * count > MAX_CELLS:
        raise BadInput(
            f"{len(fields):,} columns of {count:,} runs are more than {MAX_CELLS:,} values; name the columns that are "
            "wanted, or take fewer runs"
        )
    columns: dict[Field, Column] = {field: [None] * count for field in fields}
    by_kind: dict[str, list[Field]] = {}
    for field in fields:
        by_kind.setdefault(field.kind, []).append(field)
    for kind, alike in by_kind.items():
        (_fill_metrics if kind == METRICS else _fill_pairs)(connection, places, alike, columns)
    return columns


def _among(connection: Connection, column: ColumnElement[int], keys: Iterable[int | None]) -> ColumnElement[bool]:
    """Whether the column is one of the keys, as one bound value: of thousands each would take its time."""
    known = [key for key in keys if key is not None]
    if is_sqlite(connection):
        return column.in_(select(literal_column("value")).select_from(func.json_each(json.dumps(known))))
    return column == any_(literal(known, ARRAY(BigInteger)))


def _fill_metrics(
    connection: Connection, places: dict[int, int], fields: list[Field], columns: dict[Field, Column]
) -> None:
    named: dict[str, list[tuple[str, Column]]] = {}
    for field in fields:
        named.setdefault(fit_name(field.name), []).append((field.function, columns[field]))
    query = select(
        metrics.c.run_key,
        metrics.c.name,
        metrics.c.last_cell,
        metrics.c.last_number,
        metrics.c.min_number,
        metrics.c.max_number,
    ).where(metrics.c.namespace == USER, metrics.c.kind == SERIES, _among(connection, metrics.c.run_key, places))
    for names in pieces(list(named), MAX_PARAMETERS):
        rows = connection.execute(query.where(metrics.c.name.in_(names))).all()
        for key, name, cell, number, lowest, highest in rows:
            place = places[key]
            for function, column in named[name]:
                if function == "min":
                    column[place] = lowest
                elif function == "max":
                    column[place] = highest
                else:
                    # Most are floats, which need not be read from JSON.
                    column[place] = number if number is not None and "." in cell else load_cell(cell)[0]


def _fill_pairs(
    connection: Connection, places: dict[int, int], fields: list[Field], columns: dict[Field, Column]
) -> None:
    table = PAIRS[fields[0].kind]
    named = {fit_name(field.name): columns[field] for field in fields}
    query = select(table.c.run_key, table.c.name, table.c.value).where(_among(connection, table.c.run_key, places))
    for names in pieces(list(named), MAX_PARAMETERS):
        for key, name, value in connection.execute(query.where(table.c.name.in_(names))).all():
            named[name][places[key]] = value
