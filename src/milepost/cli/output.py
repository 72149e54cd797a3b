"""What commands print: lines for people, JSON for programs, and nothing that could drive a terminal.

Names, tags and messages were written by whoever logged them.  They go out through ``safe``, or as ASCII JSON.
"""

from __future__ import annotations

import json
import math
import re
import sys
from datetime import datetime, timezone
from typing import Any, Final

# Control characters (C0, DEL, C1), halves of surrogate pairs, line separators, and what turns the direction of text
# or cannot be seen: a name must not look like another one, nor move the cursor.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\x1b": "\\x1b"}


def safe(text: object) -> str:
    """The text on one line, with what could drive a terminal written as escapes (``\\x1b``)."""
    return _UNSAFE.sub(_escape, str(text))


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    return _SHORT.get(character) or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )


# -- to standard error -----------------------------------------------------------------------------------------------


def tell(text: object) -> None:
    """One line on standard error."""
    sys.stderr.write(f"milepost: {safe(' '.join(str(text).split()))}\n")
    sys.stderr.flush()


def hear_warnings() -> None:
    """From now on warnings of the libraries below are one line each on standard error, too."""
    import logging
    import warnings

    class Teller(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell(f"warning: {record.getMessage()}")

    log = logging.getLogger("milepost")
    if not any(type(handler).__name__ == "Teller" for handler in log.handlers):
        log.addHandler(Teller(logging.WARNING))
        log.propagate = False
    # Each time, and in these words only: the place in our source says nothing to a user.
    warnings.simplefilter("always", RuntimeWarning)
    warnings.showwarning = lambda message, *_rest, **_more: tell(f"warning: {message}")


def say(text: object) -> None:
    """One line on standard output."""
    sys.stdout.write(safe(text) + "\n")


# -- JSON ------------------------------------------------------------------------------------------------------------


def write_json(value: Any) -> None:
    """The value as JSON on standard output: ASCII only, so that it is safe for every terminal and encoding."""
    sys.stdout.write(json.dumps(jsonable(value), indent=2, allow_nan=False) + "\n")


def jsonable(value: Any) -> Any:
    """The value with the strings "NaN", "Infinity" and "-Infinity" for numbers that JSON has not."""
    if isinstance(value, float) and not math.isfinite(value):
        return non_finite(value)
    if isinstance(value, dict):
        return {str(key): jsonable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(each) for each in value]
    return value


def non_finite(value: float) -> str:
    """The name of a number that is not finite."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


# -- values in words -------------------------------------------------------------------------------------------------


def utc(ns: int | None) -> str | None:
    """ISO 8601 with microseconds, UTC; None where there is no time."""
    if ns is None:
        return None
    seconds, rest = divmod(ns, 1_000_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):  # a clock that was far off
        return None
    return moment.replace(microsecond=rest // 1000).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def local(ns: int | None) -> str:
    """Date and time of this machine's zone, to the second."""
    if ns is None:
        return ""
    try:
        return datetime.fromtimestamp(ns // 1_000_000_000, timezone.utc).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""


def duration(ns: int | None) -> str:
    """``25 ms``, ``2.50 s``, ``12.3 s``, ``5m 02s``, ``3h 07m``, ``2d 4h``."""
    if ns is None:
        return ""
    seconds = max(ns, 0) / 1e9
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, second = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {second:02d}s"
    hours, minute = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h {minute:02d}m"
    return f"{hours // 24}d {hours % 24}h"


def size(count: int | None) -> str:
    """Bytes in words: ``17 B``, ``1.2 MB`` (powers of 1,000)."""
    if count is None:
        return ""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def number(value: object) -> str:
    """A logged value for a table: floats with 6 significant digits, texts shortened to 60 characters."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else non_finite(value)
    if isinstance(value, int):
        return shortened(str(value) if abs(value) < 10**60 else f"an integer of {value.bit_length()} bits")
    return shortened(str(value))


def shortened(text: str, length: int = 60) -> str:
    """The text, cut where it is longer."""
    return text if len(text) <= length else text[: length - 3] + "..."


def tags_text(tags: dict[str, str | None]) -> str:
    """``key=value key2``."""
    return " ".join(key if value is None else f"{key}={value}" for key, value in tags.items())
