"""Whether a condition of a filter leaves over a few runs only, as an index of SQLite shows at once.

Then all else has to be asked of these alone.  PostgreSQL finds that out by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select, text

from milepost.store.batch import USER
from milepost.store.filter_sql import NUMBERS, PAIRS, Search, condition, value_condition
from milepost.store.filters import METRICS, And, Compare, Has, In, IsNull
from milepost.store.schema import INDEXED_CHARACTERS, metrics, runs
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Executable, Table

    from milepost.store.filters import Condition, Part

MOST: Final = 1000
"""So many runs are few."""

_PLAIN: Final = ("run_id", "parent", "status", "target", "number", "created")
"""Fields that have indexes."""


def few_keys(search: Search, part: Part, plain: list[ColumnElement[bool]]) -> list[int] | None:
    """Keys of up to ``MOST`` runs, among which are all that the filter is true of; None where no index shows it.

    ``plain``: what else is asked of a row of ``runs``.
    """
    for each in _conjuncts(part):
        query = _indexed(search, each, plain)
        if query is not None:
            keys = list(search.connection.scalars(query))
            if len(keys) <= MOST:
                return keys
    return None


def _conjuncts(part: Part) -> Iterator[Condition]:
    if isinstance(part, And):
        for each in part.parts:
            yield from _conjuncts(each)
    elif isinstance(part, Compare | In | IsNull | Has):
        yield part


def _indexed(search: Search, part: Condition, plain: list[ColumnElement[bool]]) -> Executable | None:
    """A query for up to ``MOST`` + 1 keys that walks an index; None where there is none."""
    excludes = (isinstance(part, In) and part.negated) or (isinstance(part, Compare) and part.operator == "!=")
    if excludes or (isinstance(part, IsNull) and not part.negated):
        return None
    kind = part.field.kind
    if kind == METRICS:
        number = metrics.c[NUMBERS[part.field.function]]
        if isinstance(part, Compare | In) and number is not metrics.c.last_number:
            return None
        found = select(metrics.c.run_key).where(
            metrics.c.workspace_key == search.workspace_key,
            metrics.c.namespace == USER,
            metrics.c.name == fit_name(part.field.name),
        )
        if not isinstance(part, Has):
            found = found.where(number.is_not(None))
        if isinstance(part, Compare | In):
            found = found.where(value_condition(number, part, sqlite=True))
        return found.limit(MOST + 1)
    if kind in PAIRS:
        return _of_pair(search, part, PAIRS[kind])
    if kind in _PLAIN:
        here = runs.c.workspace_key == search.workspace_key
        return select(runs.c.key).where(here, *plain, condition(search, part)).limit(MOST + 1)
    return None


def _of_pair(search: Search, part: Condition, table: Table) -> Executable | None:
    name = fit_name(part.field.name)
    if isinstance(part, Has | IsNull):
        found = select(table.c.run_key).where(table.c.workspace_key == search.workspace_key, table.c.name == name)
        return found.limit(MOST + 1)
    values: tuple[Any, ...] = ()
    if isinstance(part, In):
        values = part.values
    elif isinstance(part, Compare) and part.operator == "=":
        values = (part.value,)
    if not values or not all(isinstance(value, str) for value in values):
        return None
    # SQLite knows no reason to prefer this index to the table, where all that one name has lies together.
    return text(
        f"SELECT run_key FROM {table.name} INDEXED BY ix_{table.name}_value WHERE workspace_key = :workspace "  # noqa: S608
        f"AND name = :name AND substr(value, 1, {INDEXED_CHARACTERS}) IN :beginnings LIMIT :most"
    ).bindparams(
        bindparam("beginnings", [clean(value)[:INDEXED_CHARACTERS] for value in values], expanding=True),
        workspace=search.workspace_key,
        name=name,
        most=MOST + 1,
    )
