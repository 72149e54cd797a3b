"""The bytes of a journal.

A journal is a row of segment files.  A segment is a header of 128 bytes and slots of 32 bytes, zero where
nothing was written.  Numbers are in the machine's own byte order; a header word tells it.

A scalar takes one slot, a record with a payload takes a header slot and as many more as the payload fills:

    scalar    step i64 | time i64 ns | value f64 or i64          | series u32 | mark u32
    payload   step i64 | time i64 ns | length u32 | checksum u32 | series u32 | mark u32 | payload, zero-padded

The mark is the last thing written, so a slot that a killed process left half-done has none: it is a hole, and
readers pass over it.  A payload record first carries the mark ``RESERVED``: its length is then known, and the
record can be passed over too.  No slot crosses a disk sector, so a power cut leaves it whole or as it was.

Offsets count bytes over the whole journal without the headers; each segment says at which offset it begins.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

SLOT: Final = 32
HEADER_SIZE: Final = 128
VERSION: Final = 1
NO_STEP: Final = -(2**63)

# "@" (native) and not "<": the native packer copies words, the portable one moves single bytes.
FLOAT_SLOT: Final = struct.Struct("@qqdII")
INT_SLOT: Final = struct.Struct("@qqqII")
PAYLOAD_SLOT: Final = struct.Struct("@qqIIII")
MARK: Final = struct.Struct("@I")
MARK_AT: Final = 28

_MAGIC: Final = b"Milepost"
_BYTE_ORDER: Final = 0x01020304
_HEADER: Final = struct.Struct("@8sII16sqqqQ")

# A mark is this constant with the kind of the record in its lowest byte.
MARK_BASE: Final = 0x4D504A00
FLOAT: Final = MARK_BASE | 0x01
INT: Final = MARK_BASE | 0x02
BOOL: Final = MARK_BASE | 0x03
SERIES: Final = MARK_BASE | 0x10
"""Payload: JSON of a ``SeriesName``.  Gives the series number that other records of the same segment use."""
FLOATS: Final = MARK_BASE | 0x11
"""Payload: float64 values of one list.  ``step`` is 1 for the first part of a list, 0 for what continues it."""
INTS: Final = MARK_BASE | 0x12
"""The same with int64 values."""
CELLS: Final = MARK_BASE | 0x13
"""Payload: JSON, values that fit no fixed form (texts, mixed lists, tables)."""
EVENT: Final = MARK_BASE | 0x20
"""Payload: JSON of anything else that happened.  ``series`` is 0."""
RESERVED: Final = MARK_BASE | 0x7F
"""A payload record that is being written."""

SCALARS: Final = (FLOAT, INT, BOOL)
PAYLOADS: Final = (SERIES, FLOATS, INTS, CELLS, EVENT)


class JournalDamaged(Exception):
    """A segment's header cannot be read as one of this version and byte order."""


class JournalForeign(JournalDamaged):
    """A sound segment of another machine's byte order or of a newer Milepost: to be read there, not here."""


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """``base``: the offset of the segment's first slot in the journal; ``size``: of the file, in bytes."""

    journal_id: str
    base: int
    size: int
    created_ns: int
    pid: int


def pack_header(header: SegmentHeader) -> bytes:
    """The header's 128 bytes."""
    body = _HEADER.pack(
        _MAGIC,
        _BYTE_ORDER,
        VERSION,
        bytes.fromhex(header.journal_id),
        header.base,
        header.size,
        header.created_ns,
        header.pid,
    )
    return (body + MARK.pack(zlib.crc32(body))).ljust(HEADER_SIZE, b"\0")


def parse_header(data: bytes) -> SegmentHeader:
    """Read a segment's header.  Raises JournalDamaged, saying what is wrong with it, or JournalForeign."""
    if len(data) < HEADER_SIZE:
        raise JournalDamaged("it is shorter than a header")
    body = data[: _HEADER.size]
    magic, order, version, journal_id, base, size, created_ns, pid = _HEADER.unpack(body)
    if magic != _MAGIC:
        raise JournalDamaged("it is not a journal segment")
    # The checksum comes first: a flipped bit must not pass for another machine's or another version's segment.
    # These fields and the checksum's place are the same in every version.
    (check,) = MARK.unpack_from(data, _HEADER.size)
    if check not in (zlib.crc32(body), int.from_bytes(zlib.crc32(body).to_bytes(4, "big"), "little")):
        raise JournalDamaged("its header's checksum is wrong")
    if order != _BYTE_ORDER:
        raise JournalForeign("it was written on a machine of another byte order; read it on one of that kind")
    if version != VERSION:
        raise JournalForeign(
            f"it has format {version}, this Milepost reads {VERSION}; upgrade with pip install -U milepost"
        )
    if base < 0 or size < HEADER_SIZE:
        raise JournalDamaged(f"its header gives the impossible place {base} and size {size}")
    return SegmentHeader(journal_id.hex(), base, size, created_ns, pid)


def slots_for(payload_length: int) -> int:
    """Slots of a record with a payload of that many bytes, the header slot included."""
    return 1 + (payload_length + SLOT - 1) // SLOT


def checksum(step: int, time_ns: int, series: int, mark: int, payload: bytes | memoryview) -> int:
    """CRC-32 over a payload record's fields and payload."""
    return zlib.crc32(payload, zlib.crc32(PAYLOAD_SLOT.pack(step, time_ns, len(payload), 0, series, mark)))
