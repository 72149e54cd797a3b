"""Lines as bytes, for ``application/vnd.milepost.series``.

    u32 magic ("MPS1") | u32 length of the JSON in bytes | JSON, UTF-8 | zeros up to a multiple of 8 | numbers

All numbers are little-endian.  The JSON is ``{"x": ..., "series": [...]}``; each of the series tells where its numbers
lie, in bytes from the beginning of the whole answer's numbers (the first multiple of 8 after the JSON):

    at offset       float64 x[count], float64 y[count]
    at band_offset  float64 min[count], float64 max[count]; null where the series is exact

NaN in y is a gap (then NaN in min and max too).
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from milepost.store.downsampling import Drawn, drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from milepost.store.windows import Window

MEDIA_TYPE: Final = "application/vnd.milepost.series"
MAGIC: Final = 0x3153504D

_HEADER: Final = struct.Struct("<II")
_EXACT_EDGES: Final = 2  # a window comes with a point before and one after it


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: what the JSON says of it, and its numbers."""

    about: dict[str, Any]
    numbers: Drawn


@dataclass(frozen=True, slots=True)
class DecodedSeries:
    """A series as a reader has it; arrays are float64 of one length."""

    about: dict[str, Any]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    low: NDArray[np.float64] | None
    high: NDArray[np.float64] | None


def series_of(window: Window, points: int) -> Series:
    """A window as it is sent: all its points where it has up to ``points``, else thinned out, with a band."""
    exact = window.inside <= points and not window.thinned
    numbers = drawn(window.x, window.y, points + _EXACT_EDGES if exact else points, banded=window.thinned)
    wanted = window.wanted
    nans, plus, minus = window.odd
    about = {
        "run_id": wanted.run_id,
        "name": wanted.name,
        "namespace": wanted.namespace,
        "column": wanted.column,
        "x_column": wanted.across,
        "count": len(numbers.x),
        "total": window.inside,
        "exact": numbers.low is None,
        "nan": nans,
        "plus_infinity": plus,
        "minus_infinity": minus,
        "reordered": window.reordered,
        "problem": window.problem,
    }
    return Series(about, numbers)


def encode(series: Sequence[Series], x: str) -> list[bytes]:
    """The answer in pieces.  ``x``: what the x axis is (step, time, relative)."""
    told = []
    parts: list[bytes] = []
    offset = 0
    for each in series:
        numbers = each.numbers
        size = 16 * len(numbers.x)
        banded = numbers.low is not None
        told.append({**each.about, "offset": offset, "band_offset": offset + size if banded else None})
        arrays = (numbers.x, numbers.y, numbers.low, numbers.high)
        parts += [array.astype("<f8", copy=False).tobytes() for array in arrays if array is not None]
        offset += 2 * size if banded else size
    text = json.dumps({"x": x, "series": told}, separators=(",", ":")).encode()
    padding = -(_HEADER.size + len(text)) % 8
    return [_HEADER.pack(MAGIC, len(text)), text, bytes(padding), *parts]


def decode(data: bytes) -> tuple[dict[str, Any], list[DecodedSeries]]:
    """The JSON of an answer, and its series.  Raises ValueError for what is no such answer."""
    magic, length = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise ValueError("these bytes do not begin as an answer with series does")
    about = json.loads(data[_HEADER.size : _HEADER.size + length])
    begin = _HEADER.size + length + -(_HEADER.size + length) % 8

    def two(offset: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        both = np.frombuffer(data, "<f8", 2 * count, begin + offset)
        return both[:count], both[count:]

    found = []
    for told in about["series"]:
        x, y = two(told["offset"], told["count"])
        low, high = (None, None) if told["band_offset"] is None else two(told["band_offset"], told["count"])
        found.append(DecodedSeries(told, x, y, low, high))
    return about, found
