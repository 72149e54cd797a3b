"""The journal does not use up what a process has of file handles and disk space."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from pathlib import Path

import pytest

from milepost.journal import format as fmt
from milepost.journal import writer as journal_writer
from milepost.journal.reader import read_files
from milepost.journal.writer import JournalWriter, SeriesName
from tests.journal.conftest import sizes
from tests.journal.reading import LiveReader, records, values_of

_HANDLES = Path("/proc/self/fd")
pytestmark = pytest.mark.skipif(not _HANDLES.is_dir(), reason="open handles are counted in /proc")


def handles(folder: Path) -> int:
    """Open handles on files of the folder; other tests of this process may have some of their own."""
    gc.collect()
    found = 0
    for each in _HANDLES.iterdir():
        with contextlib.suppress(FileNotFoundError):  # the handle that lists them
            found += str(each.readlink()).startswith(f"{folder}/")
    return found


def mappings(folder: Path) -> int:
    """Mapped segments of the folder."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return sum(".seg" in line and f"{folder}/" in line for line in lines)


def log(writer: JournalWriter, upto: int, start: int = 0) -> None:
    run, series = writer.run("r"), SeriesName("r", "x", "series")
    for value in range(start, upto):
        run.append_scalar(series, fmt.INT, value)


def test_a_thousand_segments_that_wait_for_a_store_keep_few_handles(tmp_path: Path) -> None:
    before = handles(tmp_path)
    with sizes(1024, 1024, 1024):
        writer = JournalWriter(tmp_path)
        upto = 0
        while len(list(writer.path.glob("*.seg"))) < 1000:
            log(writer, upto + 500, upto)
            upto += 500
        assert handles(tmp_path) - before <= journal_writer.MAPPED + 5
        assert mappings(tmp_path) <= journal_writer.MAPPED + 5
        # The store is back: all of it is read, from the mapped and from the resting ones.
        reader = LiveReader(writer)
        assert reader.read()
        assert values_of(reader.found, "x") == list(range(upto))
        assert handles(tmp_path) - before <= journal_writer.MAPPED + 5
        assert values_of(records(read_files(writer.path)), "x") == list(range(upto))
        writer.sync()
        writer.release(reader.reached)
        assert len(list(writer.path.glob("*.seg"))) == 1
        assert handles(tmp_path) - before <= 5
        assert mappings(tmp_path) <= 1
    writer.close(remove=True)
    assert handles(tmp_path) == before
    assert mappings(tmp_path) == 0


@pytest.mark.parametrize("remove", [True, False])
def test_a_thousand_writers_that_were_closed_leave_no_handle(tmp_path: Path, remove: bool) -> None:
    before = handles(tmp_path)
    with sizes():
        for number in range(1000):
            writer = JournalWriter(tmp_path / str(number % 10))
            log(writer, 5)
            writer.release(writer.segment.offset_of(writer.segment.position()))
            assert writer.close(remove=remove) is remove
    del writer
    assert handles(tmp_path) == before
    assert mappings(tmp_path) == 0
    if remove:
        assert not [path for path in tmp_path.rglob("*") if path.parent != tmp_path]


def test_one_writer_closed_a_thousand_times_leaves_no_handle(tmp_path: Path) -> None:
    before = handles(tmp_path)
    writer = JournalWriter(tmp_path)
    with sizes():
        for _ in range(1000):
            log(writer, 5)
            writer.prepare_spare()
            writer.release(writer.segment.offset_of(writer.segment.position()))
            writer.close(remove=True)
    assert handles(tmp_path) == before
    assert not list(tmp_path.iterdir())


def test_a_segment_that_was_released_is_unmapped_and_removed(tmp_path: Path) -> None:
    with sizes():
        writer = JournalWriter(tmp_path)
        reader = LiveReader(writer)
        upto = 0
        for _ in range(200):
            log(writer, upto + 300, upto)
            upto += 300
            reader.read_and_release()
            writer.prepare_spare()
            assert mappings(tmp_path) <= 4
            assert len(list(writer.path.iterdir())) <= 3
    assert values_of(reader.found, "x") == list(range(upto))


def test_segments_that_rest_are_read_while_others_are_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_writer, "MAPPED", 1)
    with sizes():
        writer = JournalWriter(tmp_path)
        reader = LiveReader(writer)
        thread = threading.Thread(target=log, args=(writer, 20_000))
        thread.start()
        while thread.is_alive():
            reader.read()
        assert reader.read()
    assert values_of(reader.found, "x") == list(range(20_000))


def test_a_resting_segment_whose_file_was_removed_warns_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_writer, "MAPPED", 1)
    with sizes():
        writer = JournalWriter(tmp_path)
        log(writer, 1000)
        resting = [segment for segment, _ in writer.snapshot()[0] if not segment.mapped]
        assert len(resting) > 3
        assert resting[2].path is not None
        resting[2].path.unlink()
        reader = LiveReader(writer)
        with pytest.warns(RuntimeWarning, match="was removed by another program; what was logged there is lost"):
            assert reader.read()
    values = values_of(reader.found, "x")
    assert len(values) < 1000
    assert values == sorted(set(values))
    assert values[-1] == 999


def test_snapshots_take_nothing(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    log(writer, 100)
    before, position = handles(tmp_path), writer.segment.position()
    for _ in range(1000):
        segments, final = writer.snapshot()
        assert (len(segments), final) == (1, True)
    assert writer.segment.position() == position
    assert handles(tmp_path) == before
    assert os.path.exists(writer.path)  # noqa: PTH110
