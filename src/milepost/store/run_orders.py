"""What runs can be sorted by, and cursors: where a page of sorted runs ends.

First come the runs that have the value, then those without it; ties and the latter go by key.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, FromClause, Integer, and_, func, literal_column

from milepost.store.batch import USER
from milepost.store.errors import BadInput
from milepost.store.schema import INDEXED_CHARACTERS, experiments, metrics, parameters, properties, runs, tags
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from milepost.store.records import RunQuery
    from milepost.store.store import Store


@dataclass(frozen=True, slots=True)
class Order:
    """What runs are sorted by."""

    value: ColumnElement[Any]
    key: ColumnElement[Any]
    source: FromClause | None = None
    """What to join the runs with to have the value; None where the run has it."""
    joined: ColumnElement[bool] | None = None
    indexed: ColumnElement[bool] | None = None
    """A condition that always holds; with it the database can walk an index in the order of the value."""
    may_miss: bool = True


def order_of(store: Store, query: RunQuery, *, sqlite: bool) -> Order:
    """What a query's runs are sorted by.  Raises BadInput for an unknown order."""
    kind, _, name = query.order_by.partition(":")
    # SQLite has no statistics and would rather walk all runs in order than fetch a few and sort them.
    few = any(chosen is not None for chosen in (query.run_ids, query.parent_id, query.ancestor_id))
    plain = _PLAIN.get(query.order_by)
    if plain is not None:
        return replace(plain, value=func.coalesce(plain.value, 0)) if few and query.order_by == "created" else plain
    value: ColumnElement[Any]
    if query.order_by == "name":
        value = func.substr(func.coalesce(runs.c.display_name, runs.c.run_id), 1, _SORTED_CHARACTERS)
        return Order(by_bytes(value, sqlite), runs.c.key, may_miss=False)
    if query.order_by in ("target", "type", "submitted_by"):
        return Order(by_bytes(func.substr(runs.c[query.order_by], 1, _SORTED_CHARACTERS), sqlite), runs.c.key)
    source: FromClause
    if query.order_by == "experiment":
        source = experiments.alias("ordering")
        joined = source.c.key == runs.c.experiment_key
        return Order(by_bytes(source.c.name, sqlite), runs.c.key, source, joined, may_miss=False)
    if kind in _METRIC_VALUES and name:
        # The index holds last value, run, minimum and maximum of a name: neither the order nor the key look at rows.
        source = metrics.alias("ordering")
        value = source.c[_METRIC_VALUES[kind]]
        joined = and_(source.c.namespace == USER, source.c.name == fit_name(name))
    elif kind in _PAIRS and name:
        source = _PAIRS[kind].alias("ordering")
        value = by_bytes(func.substr(source.c.value, literal_column("1"), _INDEXED), sqlite)
        joined = source.c.name == fit_name(name)
    else:
        raise BadInput(
            f"runs cannot be ordered by {query.order_by[:100]!r}; give one of {', '.join((*_PLAIN, *_TEXTS))}, "
            "metric:NAME, metric_min:NAME, metric_max:NAME, tag:KEY, property:KEY, param:KEY"
        )
    indexed = None if few else source.c.workspace_key == store.workspace_key
    return Order(value, source.c.run_key, source, and_(joined, source.c.run_key == runs.c.key), indexed)


def by_bytes(value: ColumnElement[Any], sqlite: bool) -> ColumnElement[Any]:
    """Texts in the order of their bytes, whatever the database's locale."""
    return value if sqlite else value.collate("C")


_SORTED_CHARACTERS: Final = 200  # of a name, so that cursors stay short

# Written out, not bound: only so do the databases see that it is the expression of an index.
_INDEXED: Final = literal_column(str(INDEXED_CHARACTERS), Integer)

_PLAIN: Final = {
    "created": Order(runs.c.created_ns, runs.c.key, may_miss=False),
    "number": Order(runs.c.number, runs.c.key),
    "status": Order(runs.c.status, runs.c.key, may_miss=False),
    "started": Order(runs.c.started_ns, runs.c.key),
    "ended": Order(runs.c.ended_ns, runs.c.key),
    "duration": Order(runs.c.ended_ns - runs.c.started_ns, runs.c.key),
}
_TEXTS: Final = ("name", "experiment", "target", "type", "submitted_by")
_PAIRS: Final = {"tag": tags, "property": properties, "param": parameters}
_METRIC_VALUES: Final = {"metric": "last_number", "metric_min": "min_number", "metric_max": "max_number"}


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last run of a page: its value and its key."""

    missing: bool
    value: Any
    key: int


def dump_cursor(query: RunQuery, row: RowMapping) -> str:
    """The cursor behind this row of a query."""
    value = row["sorted_by"]
    packed = json.dumps([_VERSION, query.order_by, query.descending, value is None, value, row["key"]])
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def load_cursor(query: RunQuery) -> Cursor | None:
    """The query's cursor.  Raises BadInput for a damaged one, and for one of another order."""
    if query.cursor is None:
        return None
    try:
        padded = query.cursor + "=" * (-len(query.cursor) % 4)
        version, order_by, descending, missing, value, key = json.loads(base64.b64decode(padded, b"-_", validate=True))
        whole = version == _VERSION and isinstance(missing, bool) and _is_int64(key)
        of_texts = query.order_by == "status" or query.order_by in _TEXTS or query.order_by.partition(":")[0] in _PAIRS
        whole = whole and (value is None if missing else isinstance(value, str) if of_texts else _is_number(value))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput("the cursor is damaged; begin again without one") from error
    if order_by != query.order_by or descending != query.descending:
        raise BadInput("the cursor belongs to another query; begin again without one")
    if not whole:
        raise BadInput("the cursor is damaged; begin again without one")
    return Cursor(missing, clean(value) if of_texts and value else value, key)


def _is_int64(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _is_number(value: Any) -> bool:
    return _is_int64(value) or (type(value) is float and value == value)


_VERSION: Final = 1
