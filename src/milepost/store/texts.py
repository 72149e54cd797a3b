"""Texts as both databases can keep them, and JSON that PostgreSQL takes."""

from __future__ import annotations

import hashlib
import math
import re
from typing import Any, Final

MAX_NAME_BYTES: Final = 2048
"""Of a name in UTF-8.  PostgreSQL takes no index entries over 2,700 bytes; a longer name is shortened."""

_MAX_NS: Final = 2**63 - 1

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_MAX_DEPTH: Final = 50


def clean(text: str) -> str:
    """The text with U+FFFD for NUL and lone surrogates, which databases refuse."""
    return _UNSTORABLE.sub("\ufffd", text) if _UNSTORABLE.search(text) else text


def fit_name(text: str) -> str:
    """A clean text of at most MAX_NAME_BYTES; a longer one ends in a digest that keeps it apart from others."""
    text = clean(text)
    if len(text) * 4 <= MAX_NAME_BYTES:
        return text
    data = text.encode()
    if len(data) <= MAX_NAME_BYTES:
        return text
    digest = hashlib.sha256(data).hexdigest()[:16]
    return data[: MAX_NAME_BYTES - 20].decode(errors="ignore") + "..." + digest


def fit_time(time_ns: Any) -> int:
    """The time (ns) as databases can keep it; 0 for what is none."""
    return max(0, min(time_ns, _MAX_NS)) if isinstance(time_ns, int) else 0


def fit_experiment_name(text: str) -> str:
    """1 to 255 characters without control characters."""
    return _CONTROL.sub("_", text).strip()[:255] or "unnamed"


def clean_json(value: Any, depth: int = 0) -> Any:
    """The value as JSON both databases take: no NaN, no infinities, no unstorable texts, no foreign types."""
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if depth < _MAX_DEPTH:
        if isinstance(value, dict):
            return {clean(str(key)): clean_json(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [clean_json(item, depth + 1) for item in value]
    return clean(str(value))
