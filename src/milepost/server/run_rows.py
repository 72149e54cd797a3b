"""Runs of the store as the API tells them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from milepost.server.schemas.runs import RunRow
from milepost.server.times import maybe_utc, seconds_between, utc
from milepost.store.filters import Field
from milepost.store.records import RunRecord
from milepost.store.run_values import child_counts, values_of
from milepost.store.store import Store

_MAX_MESSAGE: Final = 2000
_MAX_TEXT: Final = 2000
"""Characters of a value in a table."""
MAX_TAGS: Final = 50
"""Of a run in a table, the first by name; the run itself tells more."""
_SAFE: Final = 2**53


def run_rows(store: Store, records: Sequence[RunRecord], columns: Mapping[str, Field]) -> list[RunRow]:
    """Runs as rows, with the asked columns."""
    ids = [record.run_id for record in records]
    children = child_counts(store, ids)
    values = values_of(store, ids, set(columns.values())) if columns else {}
    return [
        RunRow(
            **row_facts(record, children.get(record.run_id, 0)),
            values={
                name: shown(values[record.run_id][field])
                for name, field in columns.items()
                if field in values[record.run_id]
            },
        )
        for record in records
    ]


def row_facts(record: RunRecord, child_count: int) -> dict[str, Any]:
    """What ``RunRow`` says of a run, but for ``values``."""
    return {
        "run_id": record.run_id,
        "number": record.number,
        "name": shown(record.display_name),
        "experiment": record.experiment,
        "type": record.type,
        "status": record.status,
        "created": utc(record.created_ns),
        "started": maybe_utc(record.started_ns),
        "ended": maybe_utc(record.ended_ns),
        "duration_s": seconds_between(record.started_ns, record.ended_ns),
        "archived": maybe_utc(record.archived_ns),
        "parent_id": record.parent_id,
        "target": record.target,
        "submitted_by": record.submitted_by,
        "tags": {name: shown(value) for name, value in islice(record.tags.items(), MAX_TAGS)},
        "child_count": child_count,
        "error_message": error_message(record.error),
    }


def error_message(error: dict[str, Any] | None) -> str | None:
    """The sentence of a run's error."""
    if not error:
        return None
    inner = error.get("error") if isinstance(error.get("error"), dict) else error
    message = inner.get("message") if isinstance(inner, dict) else None
    return str(message)[:_MAX_MESSAGE] if message else None


def shown(value: Any) -> Any:
    """A value of a table's cell: long texts are cut, and what JSON or a browser has no number for is a text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _SAFE:
        return str(value)
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        return value[: _MAX_TEXT - 1] + "…"
    return value


def plain_json(value: Any, longest: int | None = None) -> Any:
    """Any JSON with texts for the numbers that JSON has not; texts of more than ``longest`` characters are cut."""
    if isinstance(value, dict):
        return {key: plain_json(each, longest) for key, each in value.items()}
    if isinstance(value, list):
        return [plain_json(each, longest) for each in value]
    if longest is not None and isinstance(value, str) and len(value) > longest:
        return f"{value[: longest - 1]}…"
    return shown(value) if isinstance(value, float) else value
