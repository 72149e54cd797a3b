"""A table of runs as CSV, made while it is sent."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from fastapi.responses import StreamingResponse

from milepost.server.delivery import disposition, safety_headers
from milepost.server.run_rows import run_rows

if TYPE_CHECKING:
    from milepost.server.schemas.runs import RunRow
    from milepost.store.filters import Field
    from milepost.store.records import RunPage, RunQuery
    from milepost.store.store import Store

CSV: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
"""What the OpenAPI document says of such an answer."""
FACTS: Final[dict[str, Callable[[RunRow], Any]]] = {
    "status": lambda run: run.status,
    "type": lambda run: run.type,
    "experiment": lambda run: run.experiment,
    "created": lambda run: run.created,
    "started": lambda run: run.started,
    "ended": lambda run: run.ended,
    "duration": lambda run: run.duration_s,
    "target": lambda run: run.target,
    "submitted_by": lambda run: run.submitted_by,
    "parent": lambda run: run.parent_id,
    "children": lambda run: run.child_count,
    "error": lambda run: run.error_message,
}
"""What every run has, by the name of its column."""

_AT_ONCE: Final = 1000
# Table programs take what begins so for a formula, some also with the letters of full width.
_FORMULA: Final = re.compile(r"[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def deliver_csv(
    store: Store, query: RunQuery, names: Sequence[str], columns: Mapping[str, Field], title: str | None
) -> StreamingResponse:
    """All runs of a query, with the columns of these names: of ``FACTS`` or of ``columns``.

    Raises what the query raises, before anything is sent.
    """
    first = store.runs(replace(query, limit=_AT_ONCE, cursor=None, most_pairs=0))
    headers = {
        **safety_headers(),
        "Content-Disposition": disposition(f"{(title or 'all').replace('/', '_')}-runs.csv", attached=True),
        "Cache-Control": "no-store",
    }
    pieces = _pieces(store, query, first, names, columns)
    return StreamingResponse(pieces, 200, headers, media_type="text/csv; charset=utf-8")


def _pieces(
    store: Store, query: RunQuery, page: RunPage, names: Sequence[str], columns: Mapping[str, Field]
) -> Iterator[bytes]:
    # The mark without which some table programs take UTF-8 for something else.
    yield "\ufeff".encode() + _lines([["number", "name", "run_id", *names]])
    while True:
        rows = run_rows(store, page.runs, columns)
        yield _lines([[row.number, row.name, row.run_id, *(_value(row, name) for name in names)] for row in rows])
        if page.next_cursor is None:
            return
        page = store.runs(replace(query, limit=_AT_ONCE, cursor=page.next_cursor, most_pairs=0))


def _value(row: RunRow, name: str) -> Any:
    fact = FACTS.get(name)
    return row.values.get(name) if fact is None else fact(row)


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([[cell(value) for value in row] for row in rows])
    return text.getvalue().encode("utf-8", "replace")


def cell(value: Any) -> str:
    """A value as a cell that no table program takes for a formula."""
    if value is None:
        return ""
    text = str(value)
    if isinstance(value, str) and _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
