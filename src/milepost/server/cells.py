"""Values that scripts have logged, as JSON that a browser reads without loss."""

from __future__ import annotations

import math
from typing import Any, Final

from milepost.store.texts import clean

LONGEST: Final = 4000
"""Characters of a text in a page of values; longer ones are cut, and end in "..."."""
_EXACT: Final = 2**53
"""Integers from here on are no exact numbers in a browser; they are given as texts."""
_DEEPEST: Final = 100


def cell(value: Any, longest: int | None = LONGEST) -> str | float | int | bool | None:
    """A value: NaN, the infinities and large integers as texts, texts without what UTF-8 has not."""
    if isinstance(value, str):
        text = clean(value)
        return text if longest is None or len(text) <= longest else text[: longest - 3] + "..."
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_EXACT < value < _EXACT else _digits(value)
    if isinstance(value, float):
        return (
            value if math.isfinite(value) else ("NaN" if value != value else "Infinity" if value > 0 else "-Infinity")
        )
    return clean(str(value))


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # more digits than Python writes
        return hex(value)


def is_cut(value: Any) -> bool:
    """Whether ``cell`` gives only the beginning of a value."""
    return isinstance(value, str) and len(value) > LONGEST


def document(value: Any, depth: int = 0) -> Any:
    """A JSON value of any depth up to 100 with ``cell`` for its leaves.  Raises ValueError for a deeper one."""
    if depth > _DEEPEST:
        raise ValueError(f"it is nested deeper than {_DEEPEST} levels")
    if isinstance(value, dict):
        return {clean(str(key)): document(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [document(each, depth + 1) for each in value]
    return cell(value, None)
