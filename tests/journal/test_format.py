"""The bytes of a segment's header, and how many slots a record takes."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.journal import format as fmt

_int64 = st.integers(-(2**63), 2**63 - 1)

headers = st.builds(
    fmt.SegmentHeader,
    journal_id=st.binary(min_size=16, max_size=16).map(bytes.hex),
    base=st.integers(0, 2**63 - 1),
    size=st.integers(fmt.HEADER_SIZE, 2**63 - 1),
    created_ns=_int64,
    pid=st.integers(0, 2**64 - 1),
)


@given(headers)
def test_a_header_comes_back_as_it_was(header: fmt.SegmentHeader) -> None:
    data = fmt.pack_header(header)
    assert len(data) == fmt.HEADER_SIZE
    assert fmt.parse_header(data) == header


@given(headers, st.binary(max_size=1000))
def test_what_follows_the_header_does_not_matter(header: fmt.SegmentHeader, rest: bytes) -> None:
    assert fmt.parse_header(fmt.pack_header(header) + rest) == header


@given(st.binary(max_size=400))
def test_random_bytes_are_damaged_and_nothing_worse(data: bytes) -> None:
    with pytest.raises(fmt.JournalDamaged):
        fmt.parse_header(data)


@given(headers, st.binary(max_size=200))
def test_random_bytes_behind_the_magic_are_damaged_and_nothing_worse(header: fmt.SegmentHeader, rest: bytes) -> None:
    data = (fmt.pack_header(header)[:8] + rest).ljust(fmt.HEADER_SIZE, b"\0")
    with pytest.raises(fmt.JournalDamaged):
        fmt.parse_header(data)


@given(headers, st.integers(0, 68 * 8 - 1))
def test_a_flipped_bit_is_damage_and_does_not_pass_for_another_version_or_machine(
    header: fmt.SegmentHeader, bit: int
) -> None:
    data = bytearray(fmt.pack_header(header))
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(fmt.JournalDamaged) as caught:
        fmt.parse_header(bytes(data))
    assert not isinstance(caught.value, fmt.JournalForeign)


@given(headers, st.integers(0, fmt.HEADER_SIZE - 1))
def test_a_cut_header_is_damaged(header: fmt.SegmentHeader, length: int) -> None:
    with pytest.raises(fmt.JournalDamaged, match="shorter"):
        fmt.parse_header(fmt.pack_header(header)[:length])


def _header(order: str, byte_order_word: int, version: int, base: int = 0, size: int = 4096) -> bytes:
    body = struct.pack(order + "8sII16sqqqQ", b"Milepost", byte_order_word, version, bytes(16), base, size, 0, 1)
    return (body + struct.pack(order + "I", zlib.crc32(body))).ljust(fmt.HEADER_SIZE, b"\0")


def test_a_newer_version_is_foreign_and_the_message_says_what_to_do() -> None:
    with pytest.raises(fmt.JournalForeign, match="format 2.*upgrade with pip install -U milepost"):
        fmt.parse_header(_header("=", 0x01020304, 2))


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_other_byte_order_is_foreign_and_the_own_one_is_not(order: str) -> None:
    data = _header(order, 0x01020304, fmt.VERSION)
    if struct.pack(order + "H", 1) == struct.pack("=H", 1):
        assert fmt.parse_header(data).size == 4096
    else:
        with pytest.raises(fmt.JournalForeign, match="another byte order"):
            fmt.parse_header(data)


@pytest.mark.parametrize(("base", "size"), [(-1, 4096), (0, 0), (0, -4096), (0, 127)])
def test_impossible_places_are_damage(base: int, size: int) -> None:
    with pytest.raises(fmt.JournalDamaged, match="impossible"):
        fmt.parse_header(_header("=", 0x01020304, fmt.VERSION, base, size))


def test_a_slot_has_32_bytes_and_divides_the_header_and_a_disk_sector() -> None:
    assert fmt.FLOAT_SLOT.size == fmt.INT_SLOT.size == fmt.PAYLOAD_SLOT.size == fmt.SLOT == 32
    assert fmt.HEADER_SIZE % fmt.SLOT == 0
    assert 512 % fmt.SLOT == 0


def test_the_mark_is_the_last_word_of_a_slot() -> None:
    for slot, values in ((fmt.FLOAT_SLOT, (1, 2, 0.5, 3)), (fmt.PAYLOAD_SLOT, (1, 2, 3, 4, 5))):
        packed = slot.pack(*values, fmt.RESERVED)
        assert fmt.MARK.unpack_from(packed, fmt.MARK_AT) == (fmt.RESERVED,)
    assert fmt.MARK_AT + fmt.MARK.size == fmt.SLOT


def test_marks_are_all_different_and_none_is_zero() -> None:
    marks = [*fmt.SCALARS, *fmt.PAYLOADS, fmt.RESERVED]
    assert len(set(marks)) == len(marks)
    assert 0 not in marks


@pytest.mark.parametrize(("length", "slots"), [(0, 1), (1, 2), (32, 2), (33, 3), (2**32 - 1, 1 + 2**27)])
def test_a_payload_takes_whole_slots(length: int, slots: int) -> None:
    assert fmt.slots_for(length) == slots


@given(_int64, _int64, st.integers(0, 2**32 - 1), st.sampled_from(fmt.PAYLOADS), st.binary(max_size=100), st.data())
def test_the_checksum_covers_every_field_and_byte(
    step: int, time_ns: int, series: int, mark: int, payload: bytes, data: st.DataObject
) -> None:
    right = fmt.checksum(step, time_ns, series, mark, payload)
    assert fmt.checksum(step, time_ns, series, mark, memoryview(payload)) == right
    assert fmt.checksum(step ^ 1, time_ns, series, mark, payload) != right
    assert fmt.checksum(step, time_ns ^ 1, series, mark, payload) != right
    assert fmt.checksum(step, time_ns, series ^ 1, mark, payload) != right
    assert fmt.checksum(step, time_ns, series, mark ^ 1, payload) != right
    if payload:
        at = data.draw(st.integers(0, len(payload) - 1))
        changed = bytearray(payload)
        changed[at] ^= 0x10
        assert fmt.checksum(step, time_ns, series, mark, bytes(changed)) != right
