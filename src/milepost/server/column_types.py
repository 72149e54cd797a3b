"""What the columns of a text table hold, told by their first cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_TYPES: Final = (
    ("boolean", re.compile(r"true|false", re.IGNORECASE)),
    ("integer", re.compile(r"[+-]?\d{1,19}")),
    ("number", re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)|nan", re.IGNORECASE)),
    ("date", re.compile(r"\d{4}-\d\d-\d\d")),
    ("time", re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")),
)
_MISSING: Final = frozenset({"", "NA", "N/A", "null", "None", "NULL"})


def column_types(rows: Sequence[Sequence[str]]) -> list[str]:
    """Of each column the first of boolean, integer, number, date, time that all its cells are, else text.

    Cells that hold nothing are looked over; a column of such cells alone is ``empty``.
    """
    if not rows:
        return []
    return [_type([row[place] for row in rows]) for place in range(len(rows[0]))]


def _type(cells: Sequence[str]) -> str:
    told = [cell.strip() for cell in cells if cell.strip() not in _MISSING]
    if not told:
        return "empty"
    for name, pattern in _TYPES:
        if all(pattern.fullmatch(cell) for cell in told):
            return name
    return "text"
