"""What is appended comes back, in the same order, each record once; from files and live, whole and damaged."""

from __future__ import annotations

import json
import math
import struct
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.journal import format as fmt
from milepost.journal import writer as journal_writer
from milepost.journal.reader import SegmentReader, parse_event, read_files
from milepost.journal.writer import JournalWriter, RunJournal, SeriesName
from tests.journal.conftest import sizes
from tests.journal.reading import LiveReader, Record, placed_records, records, values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_int64 = st.integers(-(2**63), 2**63 - 1)
_steps = st.one_of(st.just(fmt.NO_STEP), _int64)
_names = st.sampled_from(["loss", "accuracy", "größe \U0001f600", "x" * 300, "\ud800"])
_runs = st.integers(0, 2)

_floats = st.tuples(st.just("float"), _runs, _names, st.floats(), st.just(fmt.NO_STEP))
_stepped = st.tuples(st.just("float"), _runs, _names, st.floats(), _steps)
_ints = st.tuples(st.just("int"), _runs, _names, _int64, _steps)
_bools = st.tuples(st.just("bool"), _runs, _names, st.booleans(), _steps)
_float_lists = st.tuples(
    st.just("floats"), _runs, _names, st.lists(st.floats(), max_size=40).map(lambda v: struct.pack(f"={len(v)}d", *v))
)
_long_lists = st.tuples(
    st.just("ints"), _runs, _names, st.integers(100, 3000).map(lambda n: struct.pack(f"={n}q", *range(n)))
)
_cells = st.tuples(
    st.just("cells"), _runs, _names, st.lists(st.text(max_size=50), max_size=8).map(lambda v: json.dumps(v).encode())
)
_events = st.tuples(st.just("event"), _runs, st.text(max_size=20), st.dictionaries(st.text(), st.text(), max_size=3))
_bursts = st.tuples(st.just("burst"), _runs, _names, st.integers(1, 150))

appends = st.one_of(_floats, _stepped, _ints, _bools, _float_lists, _long_lists, _cells, _events, _bursts)
drains = st.one_of(
    st.tuples(st.just("read"), st.integers(0, 2**32)), st.tuples(st.just("release")), st.tuples(st.just("spare"))
)
_PAYLOADS = {"floats": fmt.FLOATS, "ints": fmt.INTS, "cells": fmt.CELLS}


@dataclass
class Journal:
    """A writer and what was appended to it, in order."""

    writer: JournalWriter
    runs: list[RunJournal]
    expected: list[Record] = field(default_factory=list)

    def do(self, operation: tuple[Any, ...]) -> None:
        kind, *rest = operation
        if kind == "event":
            number, word, data = rest
            self.writer.event(word, f"run{number}", data)
            text = json.dumps({"kind": word, "run_id": f"run{number}", "data": data}, separators=(",", ":"))
            self.expected.append(Record("", "", fmt.EVENT, fmt.NO_STEP, text.encode()))
            return
        number, name, value, *step = rest
        run = self.runs[number]
        series = SeriesName(run.run_id, name, "series", description="of a metric")
        if kind == "burst":
            for each in range(value):
                self._float(run, series, float(each), fmt.NO_STEP)
        elif kind == "float":
            self._float(run, series, value, step[0])
        elif kind in _PAYLOADS:
            run.append_payload(series, _PAYLOADS[kind], value, 1)
            self.expected.append(Record(run.run_id, name, _PAYLOADS[kind], 1, value))
        else:
            mark = fmt.INT if kind == "int" else fmt.BOOL
            run.append_scalar(series, mark, value, step[0])
            self.expected.append(Record(run.run_id, name, mark, step[0], int(value)))

    def _float(self, run: RunJournal, series: SeriesName, value: float, step: int) -> None:
        try:
            if step != fmt.NO_STEP:
                raise KeyError
            run.append_float(series.name, value)
        except KeyError:
            run.append_scalar(series, fmt.FLOAT, value, step)
        (bits,) = struct.unpack("=q", struct.pack("=d", value))
        self.expected.append(Record(run.run_id, series.name, fmt.FLOAT, step, bits))


@contextmanager
def new_journal(largest: int = 4096) -> Iterator[Journal]:
    with sizes(2048, largest), tempfile.TemporaryDirectory() as folder:
        writer = JournalWriter(Path(folder) / "journals")
        try:
            yield Journal(writer, [writer.run(f"run{number}") for number in range(3)])
        finally:
            writer.close(remove=False)


@given(st.lists(appends, max_size=40), st.sampled_from([2048, 4096, 16384]))
def test_files_give_back_all_in_order_and_once(operations: list[tuple[Any, ...]], largest: int) -> None:
    with new_journal(largest) as journal:
        for operation in operations:
            journal.do(operation)
        pieces = list(read_files(journal.writer.path))
        assert records(pieces) == journal.expected
        assert not any(piece.damaged for piece in pieces)
        reached = 0
        for piece in pieces:
            assert piece.start == reached, "one segment begins where the last one ends"
            reached = piece.end


@given(st.lists(st.one_of(appends, appends, drains), max_size=50), st.sampled_from([2048, 4096, 16384]))
def test_a_live_reader_gets_all_in_order_and_once_wherever_it_cuts(
    operations: list[tuple[Any, ...]], largest: int
) -> None:
    with new_journal(largest) as journal:
        reader = LiveReader(journal.writer, seed=len(operations))
        for operation in operations:
            if operation[0] == "read":
                reader.read()
                assert reader.found == journal.expected, "a final read gets all that was appended"
            elif operation[0] == "release":
                reader.read_and_release()
            elif operation[0] == "spare":
                journal.writer.prepare_spare()
            else:
                journal.do(operation)
        assert reader.read()
        assert reader.found == journal.expected
        assert reader.damaged == 0
        # What a process that dies now leaves behind completes what the reader had.
        assert records(read_files(journal.writer.path, reader.reached)) == []


@given(st.lists(appends, min_size=1, max_size=40), st.lists(appends, min_size=1, max_size=20))
def test_the_files_give_the_rest_from_where_a_drain_had_come(
    before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]
) -> None:
    with new_journal() as journal:
        for operation in before:
            journal.do(operation)
        reader = LiveReader(journal.writer)
        reader.read_and_release()
        journal.writer.prepare_spare()
        for operation in after:
            journal.do(operation)
        pieces = list(read_files(journal.writer.path, reader.reached))
        assert reader.found + records(pieces) == journal.expected
        assert all(piece.start >= reader.reached for piece in pieces)


# -- damage ------------------------------------------------------------------------------------------------------


@dataclass
class Whole:
    """What one file of a journal held before it was damaged: records with the bytes that they take."""

    path: Path
    content: bytes
    records: list[tuple[int, int, Record]]


def whole_files(folder: Path) -> list[Whole]:
    found = []
    for path in sorted(folder.glob("*.seg")):
        content = path.read_bytes()
        piece = SegmentReader(fmt.parse_header(content).base).read(memoryview(content))
        placed = [
            (fmt.HEADER_SIZE + first * fmt.SLOT, fmt.HEADER_SIZE + last * fmt.SLOT, record)
            for first, last, record in placed_records(piece)
        ]
        found.append(Whole(path, content, placed))
    return found


def series_places(whole: Whole) -> dict[tuple[str, str], tuple[int, int]]:
    """Where in the file each series is named."""
    places = {}
    at = fmt.HEADER_SIZE
    while at < len(whole.content):
        _step, _time, length, _check, _series, mark = fmt.PAYLOAD_SLOT.unpack_from(whole.content, at)
        slots = fmt.slots_for(length) if mark in fmt.PAYLOADS else 1
        if mark == fmt.SERIES:
            name = json.loads(whole.content[at + fmt.SLOT : at + fmt.SLOT + length])
            places[name["run_id"], name["name"]] = (at, at + slots * fmt.SLOT)
        at += slots * fmt.SLOT
    return places


def is_within(part: list[Record], whole: list[Record]) -> bool:
    """True if ``part`` is left when some of ``whole`` are taken out."""
    rest = iter(whole)
    return all(any(each == other for other in rest) for each in part)


@given(st.lists(appends, min_size=5, max_size=30), st.data())
def test_a_file_cut_at_any_byte_gives_what_is_whole_before_the_cut(
    operations: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    with new_journal(16384) as journal:
        for operation in operations:
            journal.do(operation)
        files = whole_files(journal.writer.path)
        cut = files[data.draw(st.integers(0, len(files) - 1))]
        length = data.draw(st.integers(0, len(cut.content)))
        cut.path.write_bytes(cut.content[:length])
        expected = [
            record for each in files for _first, end, record in each.records if each is not cut or end <= length
        ]
        pieces = list(read_files(journal.writer.path))
        assert records(pieces) == expected
        assert bool(sum(piece.damaged for piece in pieces)) == (length < len(cut.content))


@given(st.lists(appends, min_size=5, max_size=30), st.data())
def test_bytes_changed_anywhere_cost_only_the_records_they_touch(
    operations: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    with new_journal(16384) as journal:
        for operation in operations:
            journal.do(operation)
        files = whole_files(journal.writer.path)
        hit = files[data.draw(st.integers(0, len(files) - 1))]
        begin = data.draw(st.integers(0, len(hit.content) - 1))
        noise = data.draw(st.binary(min_size=1, max_size=100))
        changed = bytearray(hit.content)
        changed[begin : begin + len(noise)] = noise
        del changed[len(hit.content) :]
        hit.path.write_bytes(changed)
        end = begin + len(noise)

        def untouched(first: int, last: int) -> bool:
            return last <= begin or first >= end

        named = series_places(hit)
        expected = []
        for each in files:
            for first, last, record in each.records:
                place = named.get((record.run_id, record.name)) if record.mark != fmt.EVENT else None
                if each is not hit or (untouched(first, last) and (place is None or untouched(*place))):
                    expected.append(record)
        found = records(read_files(journal.writer.path))
        assert is_within(expected, found)


@given(st.binary(max_size=20_000), st.booleans(), st.booleans())
def test_garbage_behind_a_header_gives_nothing_and_ends(garbage: bytes, final: bool, more: bool) -> None:
    content = bytes(fmt.HEADER_SIZE) + garbage
    reader = SegmentReader(0)
    piece = reader.read(memoryview(content), final=final, more=more)
    assert len(piece) == 0
    assert 0 <= piece.end <= len(garbage)


def test_a_large_file_of_garbage_is_passed_over() -> None:
    # Every slot has the mark of a payload record, and a length that may or may not pass the end.
    slots = [fmt.PAYLOAD_SLOT.pack(1, 2, number * 977 % 2**32, 4, 5, fmt.FLOATS) for number in range(5000)]
    piece = SegmentReader(0).read(memoryview(bytes(fmt.HEADER_SIZE) + b"".join(slots)))
    assert len(piece) == 0
    assert piece.damaged == 5000


def test_a_length_beyond_the_end_allocates_nothing(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    writer.run("r").append_scalar(SeriesName("r", "x", "series"), fmt.INT, 7)
    segment = writer.segment
    at = segment.position()
    fmt.PAYLOAD_SLOT.pack_into(segment.buf, at, 0, 0, 2**32 - 1, 0, 1, fmt.FLOATS)
    fmt.INT_SLOT.pack_into(segment.buf, at + fmt.SLOT, 0, 0, 8, 1, fmt.INT)
    (piece,) = read_files(writer.path)
    assert values_of(records([piece]), "x") == [7, 8]
    assert piece.damaged == 1


def test_a_reserved_record_with_a_wrong_length_hides_nothing(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    run, series = writer.run("r"), SeriesName("r", "x", "series")
    for value in range(10):
        run.append_scalar(series, fmt.INT, value)
    # One flipped bit in the mark of a scalar makes it look like a record that is being written, of any length.
    at = writer.segment.position() - 10 * fmt.SLOT
    fmt.PAYLOAD_SLOT.pack_into(writer.segment.buf, at, 0, 0, 200, 0, 1, fmt.RESERVED)
    assert values_of(records(read_files(writer.path)), "x") == list(range(1, 10))


def test_values_of_a_series_that_nobody_named_are_counted_as_damage(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    writer.run("r").append_scalar(SeriesName("r", "x", "series"), fmt.INT, 7)
    at = writer.segment.position()
    fmt.INT_SLOT.pack_into(writer.segment.buf, at, 0, 0, 8, 99, fmt.INT)
    check = fmt.checksum(1, 0, 98, fmt.FLOATS, b"")
    fmt.PAYLOAD_SLOT.pack_into(writer.segment.buf, at + fmt.SLOT, 1, 0, 0, check, 98, fmt.FLOATS)
    (piece,) = read_files(writer.path)
    assert values_of(records([piece]), "x") == [7]
    assert piece.damaged == 2


def test_a_file_that_is_no_segment_at_all_is_counted_and_the_others_are_read(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    writer.run("r").append_scalar(SeriesName("r", "x", "series"), fmt.INT, 7)
    (writer.path / "notes.seg").write_bytes(b"hello")
    pieces = list(read_files(writer.path, 0))
    assert values_of(records(pieces), "x") == [7]
    assert sum(piece.damaged for piece in pieces) == 1


def test_a_foreign_segment_is_told_before_anything_is_given(tmp_path: Path) -> None:
    with sizes():
        writer = JournalWriter(tmp_path)
        run = writer.run("r")
        for value in range(500):
            run.append_scalar(SeriesName("r", "x", "series"), fmt.INT, value)
    last = max(writer.path.glob("*.seg"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fmt, "VERSION", fmt.VERSION + 1)
        header = fmt.pack_header(writer.segment.header)
    last.write_bytes(header + last.read_bytes()[fmt.HEADER_SIZE :])
    pieces = read_files(writer.path)
    with pytest.raises(fmt.JournalForeign):
        next(pieces)


# -- single cases ------------------------------------------------------------------------------------------------


def test_nothing_is_made_before_the_first_append(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "journals"
    writer = JournalWriter(folder)
    run = writer.run("r")
    assert not writer.started
    assert writer.snapshot() == ([], True)
    writer.prepare_spare()
    writer.release(0)
    writer.sync()
    assert writer.move_to_disk()
    assert writer.close(remove=True)
    assert not folder.exists()
    with pytest.raises(KeyError):
        run.append_float("x", 1.0)
    assert not folder.exists()


def test_special_floats_come_back_bit_for_bit(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    run, series = writer.run("r"), SeriesName("r", "x", "series")
    values = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308]
    run.append_scalar(series, fmt.FLOAT, values[0])
    for value in values[1:]:
        run.append_float("x", value)
    (piece,) = read_files(writer.path)
    assert piece.scalars["value"].tolist() == [struct.unpack("=q", struct.pack("=d", v))[0] for v in values]


def test_an_event_comes_back_with_the_time_that_its_append_gave(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    time_ns = writer.event("tags", "r", {"set": {"größe": None}})
    (piece,) = read_files(writer.path)
    assert parse_event(piece.payloads[0]) == {"kind": "tags", "run_id": "r", "data": {"set": {"größe": None}}}
    assert piece.payloads[0].time_ns == time_ns


def test_the_same_name_in_two_runs_is_two_series(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    for number in range(3):
        writer.run(f"r{number}").append_scalar(SeriesName(f"r{number}", "x", "series"), fmt.INT, number)
    found = records(read_files(writer.path))
    assert [(each.run_id, each.value) for each in found] == [("r0", 0), ("r1", 1), ("r2", 2)]


@pytest.mark.parametrize("name_length", [10, 16_000, 20_000, 100_000])
@pytest.mark.parametrize("payload_length", [0, 60_000, 131_000, 1_000_000])
def test_a_long_name_and_a_payload_larger_than_a_segment_fit_together(
    tmp_path: Path, name_length: int, payload_length: int
) -> None:
    with sizes(2048, 4096, 65536):
        writer = JournalWriter(tmp_path)
        run, series = writer.run("r"), SeriesName("r", "n" * name_length, "series")
        for _ in range(3):
            run.append_payload(series, fmt.FLOATS, b"\x01" * payload_length)
    found = records(read_files(writer.path))
    assert found == [Record("r", series.name, fmt.FLOATS, fmt.NO_STEP, b"\x01" * payload_length)] * 3


def test_a_payload_beyond_4_gib_is_refused_before_anything_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_writer, "LARGEST_PAYLOAD", 100)
    writer = JournalWriter(tmp_path)
    writer.event("warning", "r", {})
    before = writer.segment.position()
    with pytest.raises(ValueError, match="101 bytes does not fit into the journal; log it in parts"):
        writer.append_payload(fmt.EVENT, bytes(101))
    assert writer.segment.position() == before


@pytest.mark.usefixtures("small_segments")
def test_a_value_that_cannot_be_packed_leaves_a_hole_that_readers_pass_over(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    run, series = writer.run("r"), SeriesName("r", "x", "series")
    reader = LiveReader(writer)
    run.append_scalar(series, fmt.INT, 1)
    for wrong in (2**63, "text", None):
        with pytest.raises(struct.error):
            run.append_scalar(series, fmt.INT, wrong)  # type: ignore[arg-type]
        with pytest.raises(struct.error):
            run.append_float("x", "text")  # type: ignore[arg-type]
        reader.read()
    run.append_scalar(series, fmt.INT, 2)
    reader.read()
    assert values_of(reader.found, "x") == values_of(records(read_files(writer.path)), "x") == [1, 2]


def test_the_drain_is_woken_when_a_segment_opens_and_then_every_mebibyte(tmp_path: Path) -> None:
    woken: list[int] = []
    with sizes(4 << 20, 4 << 20):
        writer = JournalWriter(tmp_path, lambda: woken.append(writer.segment.position()))
        run, series = writer.run("r"), SeriesName("r", "x", "series")
        for _ in range((3 << 20) // fmt.SLOT):
            try:
                run.append_float("x", 1.0)
            except KeyError:
                run.append_scalar(series, fmt.FLOAT, 1.0)
    assert woken[0] == fmt.HEADER_SIZE
    assert len(woken) == 3
    assert all(abs(position - number * journal_writer.WAKE_BYTES) < 1000 for number, position in enumerate(woken))


@pytest.mark.usefixtures("small_segments")
def test_close_removes_what_was_released_and_keeps_what_was_appended_since(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    run, series = writer.run("r"), SeriesName("r", "x", "series")
    reader = LiveReader(writer)
    for value in range(300):
        run.append_scalar(series, fmt.INT, value)
    reader.read_and_release()
    run.append_scalar(series, fmt.INT, 300)  # another thread, after the last drain
    path = writer.path
    assert not writer.close(remove=True)
    assert values_of(records(read_files(path, reader.reached)), "x") == [300]

    run.append_scalar(series, fmt.INT, 301)
    assert writer.path != path
    reader = LiveReader(writer)
    reader.read_and_release()
    path = writer.path
    assert writer.close(remove=True)
    assert not path.exists()
    assert values_of(reader.found, "x") == [301]


@pytest.mark.usefixtures("small_segments")
def test_a_reader_that_is_not_final_stops_at_a_hole_and_goes_on_there(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    run, series = writer.run("r"), SeriesName("r", "x", "series")
    run.append_scalar(series, fmt.INT, 1)
    hole = next(writer.segment.claim)  # an append that is interrupted here
    run.append_scalar(series, fmt.INT, 3)
    content = memoryview(bytes(writer.segment.buf))
    reader = SegmentReader(0)
    assert values_of(records([reader.read(content, final=False)]), "x") == [1]
    assert values_of(records([reader.read(content, final=False)]), "x") == []
    fmt.INT_SLOT.pack_into(writer.segment.buf, hole, fmt.NO_STEP, 0, 2, 1, fmt.INT)
    content = memoryview(bytes(writer.segment.buf))
    assert values_of(records([reader.read(content, final=False)]), "x") == [2, 3]


@pytest.mark.usefixtures("small_segments")
def test_an_unused_spare_beside_the_segment_that_took_its_place_is_not_read(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    run, series = writer.run("r"), SeriesName("r", "x", "series")
    for value in range(40):
        run.append_scalar(series, fmt.INT, value)
    writer.prepare_spare()
    files = {path: path.read_bytes() for path in writer.path.glob("*.seg")}
    assert len(files) == 2
    # Too large for the spare: another segment follows.  A kill may come before the spare's file is removed.
    run.append_payload(series, fmt.INTS, b"\x07" * 5000)
    for path, content in files.items():
        if not path.exists():
            path.write_bytes(content)
    assert len({path.name[:16] for path in writer.path.glob("*.seg")}) == 2
    assert len(list(writer.path.glob("*.seg"))) == 3
    found = records(read_files(writer.path))
    assert values_of(found, "x") == list(range(40))
    assert found[-1].value == b"\x07" * 5000
    assert sum(1 for _ in read_files(writer.path)) == 2
