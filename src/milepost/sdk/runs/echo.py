"""What an offline run prints."""

from __future__ import annotations

import sys
from typing import Final

_LONGEST_SHOWN: Final = 1000
"""Values of a list; the others are counted only."""


def echo(line: str, *values: object) -> None:
    """Print a line and each value on a line of its own, in one write: lines of several threads do not mix."""
    if sys.stdout is None:  # a program without a console
        return
    text = "\n".join([line, *map(_shown, values)]) + "\n"
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _shown(value: object) -> str:
    if isinstance(value, list) and len(value) > _LONGEST_SHOWN:
        return f"{str(value[:_LONGEST_SHOWN])[:-1]}, ... ({len(value):,} values)]"
    return str(value)
