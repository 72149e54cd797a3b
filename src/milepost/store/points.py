"""The points of a metric as bytes, exactly and small.

A block is a header, then parts one after another:

    header   "MP" | version u8 | 0 u8 | CRC-32 u32 of all that follows | points u32 | columns u32
    part     coding u8 | length u32 | bytes

The parts are: steps, times (in whole microseconds), then for each column its name, kinds, floats, ints, the
lengths of its texts in characters, and the texts in one piece.  All numbers are little-endian.  How many floats,
ints and texts a column has follows from its kinds.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pcodec import ChunkConfig, standalone

from milepost.store.batch import (
    CELL_BIGINT,
    CELL_BOOL,
    CELL_FLOAT,
    CELL_INT,
    CELL_NONE,
    CELL_TEXT,
    Column,
    Points,
)
from milepost.store.errors import BadInput, StoreDamaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

MAX_POINTS: Final = 1 << 20
"""Points in one block.  A block says how many it has; a damaged one must not ask for all memory."""
MAX_CELLS: Final = 1 << 25
"""Points of one block times its columns."""
MAX_TEXT: Final = 1 << 30
"""Bytes of text in one block."""

_MAGIC: Final = b"MP"
_VERSION: Final = 1
_HEADER: Final = struct.Struct("<2sBBIII")
_PART: Final = struct.Struct("<BI")
_INT64: Final = struct.Struct("<q")
_TWO_INT64: Final = struct.Struct("<qq")

# Codings of a part.
_EMPTY: Final = 0
_SAME: Final = 1  # one value, as often as there are points
_STEADY: Final = 2  # first value and difference
_RAW: Final = 3
_PCO: Final = 4
_ZLIB: Final = 5  # u64 length of the plain bytes, then a zlib stream

_TINY: Final = 64  # below this many numbers pcodec costs more time than it saves space
_PCO_CONFIG: Final = ChunkConfig(compression_level=6)
_US_MIN: Final = -(2**63) // 1000 + 1  # the first microsecond whose nanoseconds fit int64


def encode(points: Points) -> bytes:
    """The block of these points.  Times are rounded down to the microsecond; everything else is kept exactly."""
    count = len(points.steps)
    if count > MAX_POINTS or count * len(points.columns) > MAX_CELLS:
        raise BadInput(
            f"{count:,} points with {len(points.columns):,} columns are too many for one block, the limit is "
            f"{MAX_POINTS:,} points and {MAX_CELLS:,} cells; cut them up"
        )
    parts = [_numbers(points.steps), _numbers(_micros(points.times))]
    for name, column in points.columns.items():
        parts.append(_part(_RAW, name.encode("utf-8", "surrogatepass")))
        parts.append(_kinds(column.kinds))
        parts.append(_numbers(column.floats.view(np.int64), column.floats))
        parts.append(_numbers(column.ints))
        parts.append(_numbers(np.fromiter(map(len, column.texts), np.int64, len(column.texts))))
        parts.append(_packed("".join(column.texts).encode("utf-8", "surrogatepass")))
    body = b"".join([struct.pack("<II", count, len(points.columns)), *parts])
    return struct.pack("<2sBBI", _MAGIC, _VERSION, 0, zlib.crc32(body)) + body


def _micros(times: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.maximum(times // 1000, _US_MIN)


def whole_micros(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """The times (ns) as ``encode`` keeps them: rounded down to the microsecond."""
    return _micros(times) * 1000


def decode(data: bytes, most_text: int = MAX_TEXT) -> Points:
    """The points of a block.  ``most_text``: bytes of text in it, at most.

    Raises StoreDamaged where it is not one, or not whole.
    """
    if len(data) < _HEADER.size:
        raise _damaged("it is cut off")
    magic, version, reserved, checksum, count, column_count = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise _damaged("it does not begin like one")
    if version != _VERSION:
        raise StoreDamaged(
            f"a block of metric points has format {version}, this Milepost reads {_VERSION}: it was made by a newer "
            "Milepost; upgrade with pip install -U milepost"
        )
    view = memoryview(data)
    if reserved or zlib.crc32(view[8:]) != checksum:
        raise _damaged("its checksum is wrong")
    too_many = count > MAX_POINTS or count * column_count > MAX_CELLS
    if too_many or column_count * 6 * _PART.size > len(data):
        raise _damaged("it claims more than it can hold")
    reader = _Reader(view, _HEADER.size, most_text)
    steps = reader.numbers(count)
    micros = reader.numbers(count)
    columns: dict[str, Column] = {}
    for _ in range(column_count):
        name = reader.text()
        columns[name] = reader.column(count)
    if reader.position != len(data) or len(columns) != column_count:
        raise _damaged("it does not end where it should")
    return Points(steps, micros * 1000, columns)


def extent(data: bytes) -> tuple[int, int]:
    """How many points and columns a block claims to have.  Raises StoreDamaged where it is none."""
    if len(data) < _HEADER.size:
        raise _damaged("it is cut off")
    _magic, _version, _reserved, _checksum, count, columns = _HEADER.unpack_from(data)
    return count, columns


def _damaged(why: str) -> StoreDamaged:
    return StoreDamaged(
        f"a block of metric points in the store is damaged ({why}); restore the database from a backup, or delete the "
        "run that it belongs to"
    )


def _part(coding: int, data: bytes) -> bytes:
    return _PART.pack(coding, len(data)) + data


def _numbers(bits: NDArray[np.int64], values: NDArray[Any] | None = None) -> bytes:
    """A part of 8-byte numbers.  ``bits`` are the numbers as int64, ``values`` what pcodec shall see of them."""
    count = len(bits)
    if count == 0:
        return _part(_EMPTY, b"")
    first = bits[0]
    if (bits == first).all():
        return _part(_SAME, _INT64.pack(int(first)))
    difference = _wrapping_difference(int(bits[1]), int(first))
    if values is None and count > 2 and (np.diff(bits) == difference).all():
        return _part(_STEADY, _TWO_INT64.pack(int(first), difference))
    numbers = np.ascontiguousarray(bits if values is None else values)
    raw_size = 8 * count
    if count >= _TINY:
        packed = bytes(standalone.simple_compress(numbers, _PCO_CONFIG))
        if len(packed) < raw_size:
            return _part(_PCO, packed)
    return _part(_RAW, numbers.astype("<" + numbers.dtype.str[1:], copy=False).tobytes())


def _wrapping_difference(later: int, earlier: int) -> int:
    return (later - earlier + 2**63) % 2**64 - 2**63


def _kinds(kinds: NDArray[np.uint8]) -> bytes:
    if len(kinds) == 0:
        return _part(_EMPTY, b"")
    if (kinds == kinds[0]).all():
        return _part(_SAME, bytes([int(kinds[0])]))
    return _packed(kinds.tobytes())


def _packed(data: bytes) -> bytes:
    if not data:
        return _part(_EMPTY, b"")
    if len(data) >= _TINY:
        squeezed = zlib.compress(data, 6)
        if len(squeezed) + 8 < len(data):
            return _part(_ZLIB, struct.pack("<Q", len(data)) + squeezed)
    return _part(_RAW, data)


class _Reader:
    """Takes part after part off a block."""

    __slots__ = ("most_text", "position", "view")

    def __init__(self, view: memoryview, position: int, most_text: int) -> None:
        self.view = view
        self.position = position
        self.most_text = most_text

    def part(self) -> tuple[int, memoryview]:
        start = self.position + _PART.size
        if start > len(self.view):
            raise _damaged("a part is missing")
        coding, length = _PART.unpack_from(self.view, self.position)
        self.position = start + length
        if self.position > len(self.view):
            raise _damaged("a part is cut off")
        return coding, self.view[start : self.position]

    def numbers(self, count: int, dtype: str = "<i8") -> NDArray[Any]:
        coding, data = self.part()
        kind: Any = np.int64 if dtype == "<i8" else np.float64
        if coding == _EMPTY and count == 0 and not data:
            return np.empty(0, kind)
        if count > 0:
            if coding == _SAME and len(data) == 8:
                return np.full(count, _INT64.unpack(data)[0], np.int64).view(kind)
            if coding == _STEADY and len(data) == 16 and kind is np.int64:
                first, difference = _TWO_INT64.unpack(data)
                return np.int64(first) + np.arange(count, dtype=np.int64) * np.int64(difference)
            if coding == _RAW and len(data) == 8 * count:
                return np.frombuffer(data, dtype).astype(kind)
            if coding == _PCO:
                return self.unpacked(data, np.empty(count, kind))
        raise _damaged("a part has the wrong length")

    def unpacked(self, data: memoryview, numbers: NDArray[Any]) -> NDArray[Any]:
        try:
            progress = standalone.simple_decompress_into(bytes(data), numbers)
        except (RuntimeError, TypeError, ValueError) as error:
            raise _damaged(str(error)) from error
        if progress.n_processed != len(numbers) or not progress.finished:
            raise _damaged("a part holds another number of values")
        return numbers

    def plain(self, limit: int) -> bytes:
        """The bytes of a part that ``_packed`` wrote."""
        coding, data = self.part()
        if coding == _EMPTY and not data:
            return b""
        if coding == _RAW:
            return bytes(data)
        if coding == _ZLIB and len(data) > 8:
            size = int.from_bytes(data[:8], "little")
            if size > limit:
                raise _damaged("a text claims more than it can hold")
            inflater = zlib.decompressobj()
            try:
                # One byte more than it should be is enough to see that it is too long.
                plain = inflater.decompress(data[8:], size + 1)
            except zlib.error as error:
                raise _damaged(str(error)) from error
            if len(plain) == size and inflater.eof:
                return plain
        raise _damaged("a part has the wrong length")

    def kinds(self, count: int) -> NDArray[np.uint8]:
        if count and self.position < len(self.view) and self.view[self.position] == _SAME:
            _, data = self.part()
            if len(data) != 1:
                raise _damaged("a part has the wrong length")
            kinds = np.full(count, data[0], np.uint8)
        else:
            kinds = np.frombuffer(self.plain(count), np.uint8)
        if len(kinds) != count or (count and int(kinds.max()) > CELL_BIGINT):
            raise _damaged("its kinds of cells are wrong")
        return kinds

    def text(self) -> str:
        try:
            plain = self.plain(self.most_text)
            self.most_text -= len(plain)
            return plain.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise _damaged(str(error)) from error

    def column(self, count: int) -> Column:
        kinds = self.kinds(count)
        float_count, int_count, text_count = _counts(kinds)
        floats = self.numbers(float_count, "<f8")
        ints = self.numbers(int_count)
        lengths = self.numbers(text_count).tolist()
        joined = self.text()
        if any(length < 0 for length in lengths) or sum(lengths) != len(joined):
            raise _damaged("its texts have the wrong length")
        texts = []
        position = 0
        for length in lengths:
            texts.append(joined[position : position + length])
            position += length
        return Column(kinds, floats, ints, texts)


def _counts(kinds: NDArray[np.uint8]) -> tuple[int, int, int]:
    """How many floats, ints (bools among them) and texts (big integers among them) cells of these kinds have."""
    if len(kinds) and kinds[0] == CELL_FLOAT and bool((kinds == CELL_FLOAT).all()):
        return len(kinds), 0, 0
    counts = np.bincount(kinds, minlength=CELL_BIGINT + 1)
    return (
        int(counts[CELL_FLOAT]),
        int(counts[CELL_INT] + counts[CELL_BOOL]),
        int(counts[CELL_TEXT] + counts[CELL_BIGINT]),
    )


def check(points: Points) -> None:
    """Raise BadInput unless the arrays fit each other in length and type."""
    count = len(points.steps)
    if points.steps.dtype != np.int64 or points.times.dtype != np.int64 or len(points.times) != count:
        raise BadInput("steps and times of metric points must be int64 arrays of one length")
    for name, column in points.columns.items():
        fits = (
            column.kinds.dtype == np.uint8
            and column.floats.dtype == np.float64
            and column.ints.dtype == np.int64
            and len(column.kinds) == count
            and (count == 0 or int(column.kinds.max()) <= CELL_BIGINT)
            and _counts(column.kinds) == (len(column.floats), len(column.ints), len(column.texts))
        )
        if not fits:
            raise BadInput(f"the cells of column {name!r} do not fit its {count} points")


def concat(pieces: Sequence[Points]) -> Points:
    """All the points, in order.  A column that a piece has not is CELL_NONE there."""
    if len(pieces) == 1:
        return pieces[0]
    names = dict.fromkeys(name for piece in pieces for name in piece.columns)
    return Points(
        np.concatenate([piece.steps for piece in pieces]) if pieces else np.empty(0, np.int64),
        np.concatenate([piece.times for piece in pieces]) if pieces else np.empty(0, np.int64),
        {name: _join([piece.columns.get(name) or _missing(len(piece.steps)) for piece in pieces]) for name in names},
    )


def _missing(count: int) -> Column:
    return Column(np.full(count, CELL_NONE, np.uint8), np.empty(0), np.empty(0, np.int64), [])


def _join(columns: list[Column]) -> Column:
    return Column(
        np.concatenate([column.kinds for column in columns]),
        np.concatenate([column.floats for column in columns]),
        np.concatenate([column.ints for column in columns]),
        [text for column in columns for text in column.texts],
    )


def take(points: Points, start: int, stop: int) -> Points:
    """The points ``start`` to ``stop`` (left out), as views into the same arrays."""
    count = len(points.steps)
    start, stop = max(0, min(start, count)), max(0, min(stop, count))
    if start == 0 and stop == count:
        return points
    return Points(
        points.steps[start:stop],
        points.times[start:stop],
        {name: _take_column(column, start, stop) for name, column in points.columns.items()},
    )


def _take_column(column: Column, start: int, stop: int) -> Column:
    kinds = column.kinds[start:stop]
    floats, ints, texts = _counts(column.kinds[:start])
    more_floats, more_ints, more_texts = _counts(kinds)
    return Column(
        kinds,
        column.floats[floats : floats + more_floats],
        column.ints[ints : ints + more_ints],
        column.texts[texts : texts + more_texts],
    )


def weight(points: Points) -> int:
    """About how many bytes the points take where they are not compressed."""
    total = 16 * len(points)
    for column in points.columns.values():
        total += len(column.kinds) + 8 * (len(column.floats) + len(column.ints)) + sum(map(len, column.texts))
    return total


def cells(column: Column) -> list[Any]:
    """The column as Python values: float, int, bool, str, or None for CELL_NONE."""
    count = len(column.kinds)
    if len(column.floats) == count:
        return _listed(column.floats)
    kinds = column.kinds
    if len(column.ints) == count and bool((kinds == CELL_INT).all()):
        return _listed(column.ints)
    if len(column.texts) == count and bool((kinds == CELL_TEXT).all()):
        return list(column.texts)
    out = np.empty(count, object)
    out[kinds == CELL_FLOAT] = column.floats.astype(object)
    integral = (kinds == CELL_INT) | (kinds == CELL_BOOL)
    out[integral] = column.ints.astype(object)
    is_bool = kinds[integral] == CELL_BOOL
    out[kinds == CELL_BOOL] = (column.ints[is_bool] != 0).astype(object)
    values = _listed(out)
    where = np.flatnonzero((kinds == CELL_TEXT) | (kinds == CELL_BIGINT)).tolist()
    for position, text in zip(where, column.texts, strict=True):
        values[position] = _big(text) if kinds[position] == CELL_BIGINT else text
    return values


def cell_at(column: Column, position: int) -> Any:
    """The Python value of one cell."""
    return cells(_take_column(column, position, position + 1))[0]


def _listed(array: NDArray[Any]) -> list[Any]:
    values: list[Any] = array.tolist()
    return values


def _big(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:  # more digits than Python turns into a number
        return text


def column_of(values: Iterable[Any]) -> Column:
    """A column of Python values (float, int, bool, str, None).  Raises BadInput for any other type."""
    listed = values if isinstance(values, list) else list(values)
    count = len(listed)
    types = set(map(type, listed))
    none: NDArray[np.int64] = np.empty(0, np.int64)
    if types == {float}:
        return Column(np.full(count, CELL_FLOAT, np.uint8), np.array(listed, np.float64), none, [])
    if types == {int}:
        try:
            return Column(np.full(count, CELL_INT, np.uint8), np.empty(0), np.array(listed, np.int64), [])
        except OverflowError:
            pass
    if types == {str}:
        return Column(np.full(count, CELL_TEXT, np.uint8), np.empty(0), none, listed[:])
    kinds = bytearray()
    floats: list[float] = []
    ints: list[int] = []
    texts: list[str] = []
    for value in listed:
        if value is None:
            kinds.append(CELL_NONE)
        elif isinstance(value, bool):
            kinds.append(CELL_BOOL)
            ints.append(int(value))
        elif isinstance(value, int):
            if -(2**63) <= value < 2**63:
                kinds.append(CELL_INT)
                ints.append(int(value))
            else:
                kinds.append(CELL_BIGINT)
                texts.append(_digits(value))
        elif isinstance(value, float):
            kinds.append(CELL_FLOAT)
            floats.append(float(value))
        elif isinstance(value, str):
            kinds.append(CELL_TEXT)
            texts.append(str(value))
        else:
            raise BadInput(f"a value of type {type(value).__name__} is no float, int, bool, str or None")
    return Column(np.frombuffer(bytes(kinds), np.uint8), np.array(floats, np.float64), np.array(ints, np.int64), texts)


def _digits(value: int) -> str:
    try:
        return int.__repr__(value)
    except ValueError as error:
        raise BadInput(f"an integer of {value.bit_length():,} bits is too long to store; log it as text") from error
