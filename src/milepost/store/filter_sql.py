"""A filter as a condition that SQLite and PostgreSQL understand alike.

Whatever comes from the filter is a bound value.  No condition is ever NULL, so that ``not`` of it means what it says.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Double,
    Numeric,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
)

from milepost.store.batch import USER
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
    runs,
    tags,
)
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Select, Table

    from milepost.store.filters import Condition, Field, Literal, Part
    from milepost.store.store import Store

_PAIRS: Final = {"tags": tags, "properties": properties, "params": parameters}
_NUMBERS: Final = {"": "last_number", "last": "last_number", "min": "min_number", "max": "max_number"}
_COMPARE: Final = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MAX_NS: Final = 9e18


def condition(store: Store, part: Part, *, sqlite: bool, negated: bool = False) -> ColumnElement[bool]:
    """Whether a filter is true (or, ``negated``, false) of a row of ``runs``."""
    # NOT is brought down to the single conditions: SQLite's parser does not take statements that are nested too deep.
    if isinstance(part, Not):
        return condition(store, part.part, sqlite=sqlite, negated=not negated)
    if isinstance(part, And | Or):
        join = and_ if isinstance(part, And) != negated else or_
        return join(*(condition(store, each, sqlite=sqlite, negated=negated) for each in part.parts)).self_group()
    found = _single(store, part, sqlite)
    return not_(found) if negated else found


def _single(store: Store, part: Condition, sqlite: bool) -> ColumnElement[bool]:
    field = part.field
    if field.kind == METRICS:
        return _of_metric(store, part)
    if field.kind in _PAIRS:
        return _of_pair(store, part, _PAIRS[field.kind], sqlite)
    if field.kind == "experiment":
        if isinstance(part, IsNull):  # every run has one
            return true() if part.negated else false()
        known = select(experiments.c.key).where(
            experiments.c.workspace_key == store.workspace_key, _of_value(experiments.c.name, part, sqlite)
        )
        return runs.c.experiment_key.in_(known)
    if field.kind == "target":
        return _of_target(part, sqlite)
    column = _columns()[field.kind]
    if isinstance(part, IsNull):
        return column.is_not(None) if part.negated else column.is_(None)
    return and_(column.is_not(None), _of_value(column, part, sqlite))


def number_of(value: ColumnElement[Any], *, sqlite: bool) -> ColumnElement[Any]:
    """A text column as a number; NULL where it is none.  Numbers are written as JSON and Python write them."""
    # What the index on values holds; longer ones are no numbers.
    text = func.substr(value, literal_column("1"), literal_column(str(INDEXED_CHARACTERS)))
    short = func.length(text) < INDEXED_CHARACTERS
    # CASE, for it looks at nothing before it is safe to.
    if sqlite:
        # JSON of these characters only is a number.  Exponents have three digits or fewer, as below.
        begins: ColumnElement[str] = literal_column("'[-0-9]*'")
        others: ColumnElement[str] = literal_column("'*[^-+.eE0-9]*'")
        exponent: ColumnElement[str] = literal_column("'*[eE]*[0-9][0-9][0-9][0-9]'")
        glob = text.op("GLOB", is_comparison=True)
        written = and_(glob(begins), not_(glob(others)), not_(glob(exponent)), short, func.json_valid(text) == 1)
        return case((written, cast(text, Double)))
    exact = cast(text, Numeric)
    nearest = case(
        (exact >= literal_column("1.7976931348623158e308"), literal_column("'Infinity'::float8")),
        (exact <= literal_column("-1.7976931348623158e308"), literal_column("'-Infinity'::float8")),
        (func.abs(exact) < literal_column("2.3e-308"), literal_column("0::float8")),
        else_=cast(exact, Double),
    )
    pattern: ColumnElement[str] = literal_column(r"'^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$'")
    written = and_(short, text.op("~", is_comparison=True)(pattern))
    return case((written, nearest))


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
        "duration": runs.c.ended_ns - runs.c.started_ns,
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
    return and_(column.is_not(None), _of_value(func.lower(column), part, sqlite, fold=True))


def _of_value(column: ColumnElement[Any], part: Condition, sqlite: bool, *, fold: bool = False) -> ColumnElement[bool]:
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


def _of_metric(store: Store, part: Condition) -> ColumnElement[bool]:
    number = metrics.c[_NUMBERS[part.field.function]]
    found: Select[Any] = select(metrics.c.run_key).where(
        metrics.c.workspace_key == store.workspace_key,
        metrics.c.namespace == USER,
        metrics.c.name == fit_name(part.field.name),
    )
    if isinstance(part, Has):
        return runs.c.key.in_(found)
    found = found.where(number.is_not(None))
    if isinstance(part, IsNull):
        there = runs.c.key.in_(found)
        return there if part.negated else not_(there)
    return runs.c.key.in_(found.where(_of_value(number, part, sqlite=True)))


def _of_pair(store: Store, part: Condition, table: Table, sqlite: bool) -> ColumnElement[bool]:
    found: Select[Any] = select(table.c.run_key).where(
        table.c.workspace_key == store.workspace_key, table.c.name == fit_name(part.field.name)
    )
    if isinstance(part, Has):
        return runs.c.key.in_(found)
    if isinstance(part, IsNull):
        there = runs.c.key.in_(found.where(table.c.value.is_not(None)))
        return there if part.negated else not_(there)
    if isinstance(part, Like):
        return runs.c.key.in_(found.where(table.c.value.is_not(None), _of_value(table.c.value, part, sqlite)))
    if isinstance(part, Compare):
        return runs.c.key.in_(found.where(_pair_value(table, part, sqlite)))
    among = or_(*_pair_among(table, part, sqlite))
    # A text that is no number equals none: what is negated must not be NULL.
    chosen = and_(table.c.value.is_not(None), not_(func.coalesce(among, false()))) if part.negated else among
    return runs.c.key.in_(found.where(chosen.self_group()))


def _pair_value(table: Table, part: Compare, sqlite: bool) -> ColumnElement[bool]:
    compare, value = _COMPARE[part.operator], part.value
    if not isinstance(value, str):
        return _bound(value, part.field, number_of(table.c.value, sqlite=sqlite), compare, sqlite, False)
    if compare is operator.eq:
        return _texts(table, [clean(value)])
    return _bound(value, part.field, table.c.value, compare, sqlite, False)


def _pair_among(table: Table, part: In, sqlite: bool) -> Iterator[ColumnElement[bool]]:
    texts = [clean(value) for value in part.values if isinstance(value, str)]
    numbers = tuple(value for value in part.values if not isinstance(value, str))
    if texts:
        yield _texts(table, texts)
    if numbers:
        yield _among(number_of(table.c.value, sqlite=sqlite), In(part.field, numbers))


def _texts(table: Table, texts: list[str]) -> ColumnElement[bool]:
    # As the index has it: the beginning of the value.
    beginning = func.substr(table.c.value, literal_column("1"), literal_column(str(INDEXED_CHARACTERS)))
    found = beginning.in_([literal(text[:INDEXED_CHARACTERS], Text) for text in texts])
    whole = all(len(text) < INDEXED_CHARACTERS for text in texts)
    return found if whole else and_(found, table.c.value.in_([literal(text, Text) for text in texts]))
