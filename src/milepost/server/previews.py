"""The beginning of a file, as people want to look at it.  What it holds is read as text, never run or unpickled."""

from __future__ import annotations

import codecs
import csv
import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from milepost.server.column_types import column_types
from milepost.server.shown_types import PDF, SAFE_IMAGES

if TYPE_CHECKING:
    from milepost.server.delivery import Content
    from milepost.store.blobs import Blobs

HEAD: Final = 256 << 10
"""Bytes of a file that are looked at."""
MOST_ROWS: Final = 200
MOST_COLUMNS: Final = 500
MOST_CHARACTERS: Final = 1000
"""Of a table's cell."""

Kind = Literal["text", "json", "table", "image", "pdf", "binary"]

_TABLES: Final = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_JSON: Final = (".json", ".ipynb", ".geojson")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before that of UTF-16, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Control characters that texts have: tab, line feed, form feed, carriage return, backspace, escape (colours), bell.
_IN_TEXTS: Final = frozenset(b"\t\n\x0c\r\x08\x1b\x07")
_CONTROLS: Final = frozenset(range(32)) - _IN_TEXTS
_FEW: Final = 0.005
"""The share of other control characters that a text may have: logs are full of surprises."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What can be shown of a file."""

    kind: Kind
    truncated: bool = False
    """The file goes on behind what is shown."""
    text: str | None = None
    """Of kinds text and json."""
    encoding: str | None = None
    """Of kinds text, json and table."""
    columns: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    """Of the columns."""
    rows: list[list[str]] = field(default_factory=list)
    """Of kind table: up to 200 rows of texts, each as long as ``columns``."""
    total_rows: int | None = None
    """Of kind table, where it is known."""
    note: str | None = None
    """Why there is no better preview."""


def preview_of(blobs: Blobs, content: Content) -> Preview:
    """What can be shown of a content.  Raises NotFound, StoreUnavailable."""
    kind = content.content_type.partition(";")[0].strip().lower()
    if kind in SAFE_IMAGES:
        return Preview("image")
    if kind == PDF:
        return Preview("pdf")
    name = content.name.lower()
    if name.endswith((".parquet", ".pq")):
        return Preview(
            "binary", note="The portal's page shows the first rows of Parquet; programs read the file itself."
        )
    return preview_of_text(name, blobs.read_range(content.digest, 0, min(HEAD, content.size)), content.size)


def preview_of_text(name: str, head: bytes, size: int) -> Preview:
    """A preview of a file with that (lower-case) name, its first bytes and its size; binary where it is no text."""
    cut = size > len(head)
    found = decoded(head, cut=cut)
    if found is None:
        return Preview("binary", truncated=cut)
    text, encoding = found
    ending = next((each for each in _TABLES if name.endswith(each)), None)
    if ending is not None and text.strip():
        table = _table(text, _TABLES[ending], cut=cut)
        if table is not None:
            columns, rows, whole = table
            total = len(rows) if whole else None
            return Preview(
                "table",
                truncated=not whole,
                encoding=encoding,
                columns=columns,
                types=column_types(rows[:MOST_ROWS]) or ["empty"] * len(columns),
                rows=rows[:MOST_ROWS],
                total_rows=total,
            )
    kind: Kind = "json" if name.endswith(_JSON) and not cut and _is_json(text) else "text"
    return Preview(kind, truncated=cut, text=text, encoding=encoding)


def decoded(head: bytes, *, cut: bool) -> tuple[str, str] | None:
    """The text that some bytes are, and its encoding; None for what is no text.

    ``cut``: more bytes follow, so that the last character may be incomplete.
    """
    mark = next((encoding for start, encoding in _MARKS if head.startswith(start)), None)
    if mark is None and head and sum(map(head.count, map(_byte, _CONTROLS))) > len(head) * _FEW:
        return None
    for encoding in (mark,) if mark else ("utf-8", "cp1252"):
        try:
            text = codecs.getincrementaldecoder(encoding)("strict").decode(head, final=not cut)
        except UnicodeDecodeError:
            continue
        return text, encoding.removesuffix("-sig")
    if mark is not None:
        return None
    return head.decode("latin-1"), "latin-1"


def _byte(code: int) -> bytes:
    return bytes((code,))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _table(text: str, usual: str, *, cut: bool) -> tuple[list[str], list[list[str]], bool] | None:
    """The header, the rows, and whether that is all; None for what is no table."""
    delimiter = _delimiter(text, usual)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(rows) > MOST_ROWS + 1:
                break  # a short file may have very many rows, and one wide one makes all of them wide
            if row:
                rows.append([_shortened(cell) for cell in row[: MOST_COLUMNS + 1]])
        else:
            if cut and len(rows) > 1:
                rows.pop()  # its end is missing
    except csv.Error:  # a cell that never ends, a NUL
        return None
    if not rows:
        return None
    width = max(len(row) for row in rows[: MOST_ROWS + 1])
    whole = not cut and width <= MOST_COLUMNS and len(rows) - 1 <= MOST_ROWS
    width = min(width, MOST_COLUMNS)
    fitted = [(row + [""] * width)[:width] for row in rows]
    return fitted[0], fitted[1:], whole


def _shortened(cell: str) -> str:
    return cell if len(cell) <= MOST_CHARACTERS else f"{cell[:MOST_CHARACTERS]}…"


def _delimiter(text: str, usual: str) -> str:
    """The usual one unless the first line has none of it: tables of some countries and programs are told by that."""
    first = text.partition("\n")[0]
    if usual in first:
        return usual
    return max((";", "\t", "|", usual), key=first.count)
