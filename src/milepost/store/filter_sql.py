"""A filter as a condition that SQLite and PostgreSQL understand alike.

Whatever comes from the filter is a bound value.  No condition is ever NULL, so that ``not`` of it means what it says.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Double,
    Text,
    UnaryExpression,
    and_,
    exists,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.sql.operators import custom_op

from milepost.store.batch import USER
from milepost.store.engine import is_sqlite
from milepost.store.filters import (
    METRICS,
    And,
    Compare,
    Has,
    In,
    IsNull,
    Like,
    Moment,
    Not,
    Or,
)
from milepost.store.schema import (
    INDEXED_CHARACTERS,
    experiments,
    folded_target,
    metrics,
    parameters,
    properties,
    run_duration,
    runs,
    tags,
)
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection, Select, Table

    from milepost.store.filters import Condition, Field, Literal, Part

PAIRS: Final = {"tags": tags, "properties": properties, "params": parameters}
NUMBERS: Final = {"": "last_number", "last": "last_number", "min": "min_number", "max": "max_number"}
_COMPARE: Final = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MAX_NS: Final = 9e18


@dataclass(frozen=True, slots=True)
class Search:
    """In which database runs are searched, and how."""

    connection: Connection
    workspace_key: int
    each: bool = False
    """What a run has is looked up run by run, which is right for a few of them.  Else all that match are gathered
    first."""

    @property
    def sqlite(self) -> bool:
        """Whether this is SQLite (else it is PostgreSQL)."""
        return is_sqlite(self.connection)


def condition(search: Search, part: Part, *, negated: bool = False) -> ColumnElement[bool]:
    """Whether a filter is true (or, ``negated``, false) of a row of ``runs``."""
    # NOT is brought down to the single conditions: SQLite's parser does not take statements that are nested too deep.
    if isinstance(part, Not):
        return condition(search, part.part, negated=not negated)
    if isinstance(part, And | Or):
        join = and_ if isinstance(part, And) != negated else or_
        return join(*(condition(search, each, negated=negated) for each in part.parts)).self_group()
    found = _single(search, part)
    return not_(found) if negated else found


def _single(search: Search, part: Condition) -> ColumnElement[bool]:
    field = part.field
    if field.kind == METRICS:
        return _of_metric(search, part)
    if field.kind in PAIRS:
        return _of_pair(search, part, PAIRS[field.kind])
    if field.kind == "experiment":
        if isinstance(part, IsNull):  # every run has one
            return true() if part.negated else false()
        known = select(experiments.c.key).where(
            experiments.c.workspace_key == search.workspace_key,
            value_condition(experiments.c.name, part, search.sqlite),
        )
        return runs.c.experiment_key.in_(known)
    if field.kind == "target":
        return _of_target(part, search.sqlite)
    column = _columns()[field.kind]
    if isinstance(part, IsNull):
        return column.is_not(None) if part.negated else column.is_(None)
    return and_(column.is_not(None), value_condition(column, part, search.sqlite))


# Plain columns.


def _columns() -> dict[str, ColumnElement[Any]]:
    return {
        "run_id": runs.c.run_id,
        "name": func.coalesce(runs.c.display_name, runs.c.run_id),
        "number": runs.c.number,
        "status": runs.c.status,
        "type": runs.c.type,
        "submitted_by": runs.c.submitted_by,
        "description": runs.c.description,
        "parent": runs.c.parent_id,
        "created": runs.c.created_ns,
        "started": runs.c.started_ns,
        "ended": runs.c.ended_ns,
        "duration": run_duration,
    }


def _of_target(part: Condition, sqlite: bool) -> ColumnElement[bool]:
    # Names of targets mean the same in any case of letters.
    column = runs.c.target
    if isinstance(part, IsNull):
        return column.is_not(None) if part.negated else column.is_(None)
    if isinstance(part, Compare) and part.operator == "=" and isinstance(part.value, str):
        target = clean(part.value)
        # As its index has it.
        found = [column.is_not(None), folded_target == func.lower(target[:INDEXED_CHARACTERS])]
        if len(target) >= INDEXED_CHARACTERS:
            found.append(func.lower(column) == func.lower(target))
        return and_(*found)
    return and_(column.is_not(None), value_condition(func.lower(column), part, sqlite, fold=True))


def value_condition(
    column: ColumnElement[Any], part: Condition, sqlite: bool, *, fold: bool = False
) -> ColumnElement[bool]:
    """The condition on a column that is not NULL."""
    if isinstance(part, Like):
        found = _like(column, part.pattern, sqlite)
        return not_(found) if part.negated else found
    if isinstance(part, In):
        among = _among(column, part, fold=fold)
        return not_(among) if part.negated else among
    assert isinstance(part, Compare)
    return _bound(part.value, part.field, column, _COMPARE[part.operator], sqlite, fold)


def _bound(
    value: Literal, field: Field, column: ColumnElement[Any], compare: Any, sqlite: bool, fold: bool
) -> ColumnElement[bool]:
    if isinstance(value, str) and compare not in (operator.eq, operator.ne):
        column = _by_bytes(column, sqlite)
    found: ColumnElement[bool] = compare(column, _bind(value, field, fold=fold))
    return found


def _among(column: ColumnElement[Any], part: In, *, fold: bool = False) -> ColumnElement[bool]:
    # IN and not many ORs: databases limit how deep a condition is.
    return column.in_([_bind(value, part.field, fold=fold) for value in part.values])


def _bind(value: Literal, field: Field, *, fold: bool = False) -> ColumnElement[Any]:
    if isinstance(value, str):
        text = literal(clean(value), Text)
        return func.lower(text) if fold else text
    if isinstance(value, Moment):
        value = value.ns
    elif field.kind == "duration":
        value = value * 1e9
        value = round(value) if abs(value) < _MAX_NS else value
    # Of its own type: the column's would round it, or not take it.
    return literal(value, BigInteger if isinstance(value, int) else Double)


def _like(column: ColumnElement[Any], pattern: str, sqlite: bool) -> ColumnElement[bool]:
    # ASCII letters in any case, on both: lower() knows others as the database's locale does, or not at all.
    folded = "".join(character.lower() if character.isascii() else character for character in clean(pattern))
    return func.lower(_by_bytes(column, sqlite)).like(literal(folded, Text), escape="\\")


def _by_bytes(column: ColumnElement[Any], sqlite: bool) -> ColumnElement[Any]:
    return column if sqlite else column.collate("C")


# What runs have under names of their own.


def _of_metric(search: Search, part: Condition) -> ColumnElement[bool]:
    number = metrics.c[NUMBERS[part.field.function]]
    found: Select[Any] = select(metrics.c.run_key).where(
        metrics.c.workspace_key == search.workspace_key,
        metrics.c.namespace == USER,
        metrics.c.name == fit_name(part.field.name),
    )
    if isinstance(part, Has):
        return _among_runs(search, metrics, found)
    there = found.where(number.is_not(None))
    if isinstance(part, IsNull):
        has = _among_runs(search, metrics, there)
        return has if part.negated else not_(has)
    chosen = there.where(value_condition(number, part, sqlite=True))
    equals = (isinstance(part, In) and not part.negated) or (isinstance(part, Compare) and part.operator == "=")
    if search.sqlite and not search.each and not equals:
        # Gathering keys is slow out of their order, and the index by values has only equal ones in it.  So: from the
        # other index, which is the better one if it has a condition more, and this one's is none for an index.
        chosen = there.where(
            metrics.c.run_key > literal_column("0"), value_condition(unindexed(number), part, sqlite=True)
        )
    return _among_runs(search, metrics, chosen)


def _of_pair(search: Search, part: Condition, table: Table) -> ColumnElement[bool]:
    found: Select[Any] = select(table.c.run_key).where(
        table.c.workspace_key == search.workspace_key, table.c.name == fit_name(part.field.name)
    )
    if isinstance(part, Has):
        return _among_runs(search, table, found)
    if isinstance(part, IsNull):
        has = _among_runs(search, table, found.where(table.c.value.is_not(None)))
        return has if part.negated else not_(has)
    if isinstance(part, Like):
        like = value_condition(table.c.value, part, search.sqlite)
        return _among_runs(search, table, found.where(table.c.value.is_not(None), like))
    if isinstance(part, Compare):
        return _among_runs(search, table, found.where(_pair_value(table, part, search.sqlite)))
    among = or_(*_pair_among(table, part, search.sqlite))
    # A text that is no number equals none: what is negated must not be NULL.
    chosen = and_(table.c.value.is_not(None), not_(func.coalesce(among, false()))) if part.negated else among
    return _among_runs(search, table, found.where(chosen.self_group()))


def _among_runs(search: Search, table: Table, found: Select[Any]) -> ColumnElement[bool]:
    """Whether a run is one of those that were found in a table."""
    if search.each:
        return exists(found.with_only_columns(literal_column("1")).where(table.c.run_key == runs.c.key))
    return runs.c.key.in_(found)


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column for which SQLite uses no index."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)


def _pair_value(table: Table, part: Compare, sqlite: bool) -> ColumnElement[bool]:
    compare, value = _COMPARE[part.operator], part.value
    if not isinstance(value, str):
        return _bound(value, part.field, table.c.number, compare, sqlite, False)
    if compare is operator.eq:
        return _texts(table, [clean(value)], sqlite)
    return _bound(value, part.field, table.c.value, compare, sqlite, False)


def _pair_among(table: Table, part: In, sqlite: bool) -> Iterator[ColumnElement[bool]]:
    texts = [clean(value) for value in part.values if isinstance(value, str)]
    numbers = tuple(value for value in part.values if not isinstance(value, str))
    if texts:
        yield _texts(table, texts, sqlite)
    if numbers:
        yield _among(table.c.number, In(part.field, numbers))


def _texts(table: Table, texts: list[str], sqlite: bool) -> ColumnElement[bool]:
    same = table.c.value.in_([literal(text, Text) for text in texts])
    if sqlite:  # it reads the table, where all of one name lies together
        return same
    # As the index has it: the beginning of the value.
    beginning = func.substr(table.c.value, literal_column("1"), literal_column(str(INDEXED_CHARACTERS)))
    found = beginning.in_([literal(text[:INDEXED_CHARACTERS], Text) for text in texts])
    return found if all(len(text) < INDEXED_CHARACTERS for text in texts) else and_(found, same)
