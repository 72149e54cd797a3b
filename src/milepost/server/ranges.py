"""Which bytes of a content a request asks for: one range, or all of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ONE: Final = re.compile(r"(\d{1,19})-(\d{0,19})|-(\d{1,19})", re.ASCII)
_UNIT: Final = "bytes="


class RangeRefused(Exception):
    """The range cannot be given; the message says why.  To be answered by 416 with ``Content-Range: bytes */SIZE``."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes ``start`` to ``stop`` (left out) of a content."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.stop - self.start

    def header(self, size: int) -> str:
        """As the answer's ``Content-Range`` says it."""
        return f"bytes {self.start}-{self.stop - 1}/{size}"


def wanted_range(header: str | None, size: int) -> ByteRange | None:
    """What a ``Range`` header asks for of a content of ``size`` bytes; None for all of it.

    As HTTP wants it, a header of another unit or one that makes no sense counts as none.  Raises RangeRefused for
    several ranges at once, and for one that begins behind the content's end.
    """
    if header is None or not header.strip().lower().startswith(_UNIT):
        return None
    asked = header.strip()[len(_UNIT) :]
    if "," in asked:
        raise RangeRefused("several ranges at once are not given: ask for one after the other")
    found = _ONE.fullmatch(asked.strip())
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, stop = max(0, size - int(suffix)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size or stop <= start:
        raise RangeRefused(f"the range {asked[:60]!r} lies outside of the content, which has {size:,} bytes")
    return ByteRange(start, stop)
