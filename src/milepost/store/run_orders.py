"""What runs can be sorted by, and cursors: where a page of sorted runs ends.

First come the runs that have the value, then those without it; ties and the latter go by key.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, FromClause, Integer, and_, func, literal_column, select

from milepost.store.batch import USER
from milepost.store.errors import BadInput
from milepost.store.schema import (
    INDEXED_CHARACTERS,
    SORTED_CHARACTERS,
    experiments,
    metrics,
    parameters,
    properties,
    run_duration,
    run_name,
    runs,
    tags,
)
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from milepost.store.records import RunQuery


@dataclass(frozen=True, slots=True)
class Order:
    """What runs are sorted by."""

    value: ColumnElement[Any]
    key: ColumnElement[Any]
    source: FromClause | None = None
    """The table that has the value; None where it is ``runs``."""
    link: ColumnElement[bool] | None = None
    """Which row of the source belongs to a run."""
    of: ColumnElement[bool] | None = None
    """Which rows of the source have such values."""
    here: ColumnElement[bool] | None = None
    """The workspace of the source's rows.  With it the database reads an index in the order of the values."""
    is_outer: bool = False
    """Whether a run without a row in the source has a value, too."""
    may_miss: bool = True
    walks: bool = False
    """Whether there is such an index, so that the first runs are found without a look at all of them."""


def order_of(query: RunQuery, workspace_key: int, *, sqlite: bool) -> Order:
    """What a query's runs are sorted by.  Raises BadInput for an unknown order."""
    kind, _, name = query.order_by.partition(":")
    if query.order_by in _PLAIN:
        return _plain(query, sqlite)
    source: FromClause
    value: ColumnElement[Any]
    if query.order_by == "experiment":
        source = experiments.alias("ordering")
        link = source.c.key == runs.c.experiment_key
        return Order(by_bytes(source.c.name, sqlite), runs.c.key, source, link, may_miss=False)
    if query.order_by == "children":
        child = runs.alias("child")
        named = (child.c.workspace_key == workspace_key, child.c.parent_id.is_not(None))
        counts = select(child.c.parent_id, func.count().label("children"))
        source = counts.where(*named, child.c.experiment_key.is_not(None)).group_by(child.c.parent_id).subquery()
        link = source.c.parent_id == runs.c.run_id
        return Order(func.coalesce(source.c.children, 0), runs.c.key, source, link, is_outer=True, may_miss=False)
    if kind in _METRIC_VALUES and name:
        source = metrics.alias("ordering")
        value = source.c[_METRIC_VALUES[kind]]
        of = and_(source.c.namespace == USER, source.c.name == fit_name(name))
    elif kind in _PAIRS and name:
        source = _PAIRS[kind].alias("ordering")
        value = by_bytes(func.substr(source.c.value, literal_column("1"), _INDEXED), sqlite)
        of = source.c.name == fit_name(name)
    else:
        raise BadInput(
            f"runs cannot be ordered by {query.order_by[:100]!r}; give one of {', '.join((*_PLAIN, 'experiment'))}, "
            "children, metric:NAME, metric_min:NAME, metric_max:NAME, tag:KEY, property:KEY, param:KEY"
        )
    here = source.c.workspace_key == workspace_key
    walks = kind == "metric" or kind in _PAIRS
    return Order(value, source.c.run_key, source, source.c.run_key == runs.c.key, of, here, walks=walks)


def _plain(query: RunQuery, sqlite: bool) -> Order:
    value = _PLAIN[query.order_by]
    if query.order_by in _TEXTS:
        value = by_bytes(value, sqlite)
    # See the indexes of the schema.
    if query.experiment is None:
        walks = query.order_by in ("created", "status")
    else:
        is_listed = not query.include_children and query.archived is False
        walks = is_listed and query.order_by in _INDEXED_ORDERS
        walks = walks or query.order_by == "created" or (query.order_by == "status" and query.archived is False)
    return Order(value, runs.c.key, may_miss=query.order_by not in _ALWAYS, walks=walks)


def by_bytes(value: ColumnElement[Any], sqlite: bool) -> ColumnElement[Any]:
    """Texts in the order of their bytes, whatever the database's locale."""
    return value if sqlite else value.collate("C")


# Written out, not bound: only so do the databases see that it is the expression of an index.
_INDEXED: Final = literal_column(str(INDEXED_CHARACTERS), Integer)


def _beginning(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.substr(column, 1, SORTED_CHARACTERS)


_PLAIN: Final[dict[str, ColumnElement[Any]]] = {
    "run_id": runs.c.run_id,
    "created": runs.c.created_ns,
    "number": runs.c.number,
    "status": runs.c.status,
    "name": run_name,
    "target": _beginning(runs.c.target),
    "type": _beginning(runs.c.type),
    "submitted_by": _beginning(runs.c.submitted_by),
    "started": runs.c.started_ns,
    "ended": runs.c.ended_ns,
    "duration": run_duration,
}
_TEXTS: Final = ("run_id", "name", "target", "type", "submitted_by")
_ALWAYS: Final = ("run_id", "created", "status", "name")
_INDEXED_ORDERS: Final = ("created", "number", "name", "started", "ended", "duration")
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
        of_texts = query.order_by in ("status", "experiment", *_TEXTS) or query.order_by.partition(":")[0] in _PAIRS
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
