"""A disk that is full, read-only or gone: one warning, no crash, nothing lost while there is memory."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from milepost.journal import format as fmt
from milepost.journal import writer as journal_writer
from milepost.journal.reader import read_files
from milepost.journal.recovery import live_journals
from milepost.journal.writer import JournalFull, JournalWriter, SeriesName
from tests.journal.conftest import sizes
from tests.journal.reading import LiveReader, records, values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

KIB = 1 << 10
MIB = 1 << 20


def log(writer: JournalWriter, upto: int, start: int = 0) -> None:
    run, series = writer.run("r"), SeriesName("r", "x", "series")
    for value in range(start, upto):
        run.append_scalar(series, fmt.INT, value)


def log_bytes(writer: JournalWriter, size: int, start: int = 0) -> int:
    """Log about that much, and give the number after the last one."""
    upto = start + size // fmt.SLOT
    log(writer, upto, start)
    return upto


def log_until_refused(writer: JournalWriter) -> tuple[int, JournalFull]:
    """How many were taken, and what the next one raised."""
    for value in range(10 * MIB // fmt.SLOT):
        try:
            log(writer, value + 1, value)
        except JournalFull as error:
            return value, error
    raise AssertionError("it was never refused")


def in_files(writer: JournalWriter) -> list[int]:
    return values_of(records(read_files(writer.path)), "x")


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small file system")
    if not _mount("-t", "tmpfs", "-o", "size=2m", "milepost-test", str(folder)):
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


@contextmanager
def disk_sizes() -> Iterator[None]:
    with sizes(128 * KIB, 256 * KIB, 64 * KIB):
        yield


def test_a_segments_blocks_are_reserved_when_it_is_made(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    log(writer, 1)
    (path,) = writer.path.glob("*.seg")
    assert path.stat().st_size == journal_writer.FIRST_SEGMENT
    if hasattr(os, "posix_fallocate"):
        assert path.stat().st_blocks * 512 >= journal_writer.FIRST_SEGMENT


def test_without_posix_fallocate_written_zeros_reserve_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    monkeypatch.setattr(journal_writer, "FIRST_SEGMENT", 3 * MIB + 64 * KIB)
    writer = JournalWriter(tmp_path)
    log(writer, 1000)
    (path,) = writer.path.glob("*.seg")
    assert path.stat().st_size == 3 * MIB + 64 * KIB
    if os.name != "nt":
        assert path.stat().st_blocks * 512 >= path.stat().st_size
    assert in_files(writer) == list(range(1000))


@pytest.mark.parametrize("reserve", ["posix_fallocate", "zeros"])
def test_a_full_disk_warns_once_and_loses_nothing(
    small_disk: Path, reserve: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reserve == "zeros":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(MIB))
    with disk_sizes():
        writer = JournalWriter(small_disk / "journals")
        with pytest.warns(RuntimeWarning, match="the disk is full.*kept in memory and written as soon as") as caught:
            upto = log_bytes(writer, 4 * MIB)
        assert len(caught) == 1
        assert str(small_disk / "journals") in str(caught[0].message)
        # What is on the disk is a beginning of it, and the live reader has all.
        written = in_files(writer)
        assert 0 < len(written) < upto
        assert written == list(range(len(written)))
        reader = LiveReader(writer)
        assert reader.read()
        assert values_of(reader.found, "x") == list(range(upto))
        assert writer.dropped == 0
        # Nothing half-made is left, and as long as the disk is full nothing more is written.
        assert not list(writer.path.glob("*.new"))
        assert not writer.move_to_disk()


def test_when_space_is_freed_what_is_in_memory_is_written(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(MIB))
    with disk_sizes():
        writer = JournalWriter(small_disk / "journals")
        with pytest.warns(RuntimeWarning, match="the disk is full"):
            upto = log_bytes(writer, 1700 * KIB)
        assert len(in_files(writer)) < upto
        (small_disk / "ballast").unlink()
        assert writer.move_to_disk()
        assert in_files(writer) == list(range(upto))
        # The current segment is on the disk too: what follows goes there.
        log(writer, upto + 100, upto)
        assert in_files(writer) == list(range(upto + 100))


def test_a_disk_that_fills_up_again_is_told_again(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with disk_sizes():
        writer = JournalWriter(small_disk / "journals")
        upto = log_bytes(writer, 100 * KIB)
        for _ in range(2):
            ballast.write_bytes(b"")
            with ballast.open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError:
                    pass
            with pytest.warns(RuntimeWarning, match="the disk is full") as caught:
                upto = log_bytes(writer, 512 * KIB, upto)
            assert len(caught) == 1
            ballast.unlink()
            assert writer.move_to_disk()
        reader = LiveReader(writer)
        reader.read_and_release()
        assert values_of(reader.found, "x") == list(range(upto))


def test_a_drain_that_releases_makes_room_by_itself(small_disk: Path) -> None:
    with disk_sizes():
        writer = JournalWriter(small_disk / "journals")
        reader = LiveReader(writer)
        upto = 0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(20):  # five times what the disk can hold
                upto = log_bytes(writer, 512 * KIB, upto)
                reader.read_and_release()
                writer.prepare_spare()
        assert values_of(reader.found, "x") == list(range(upto))


@pytest.mark.parametrize("remove", [False, True])
def test_closing_writes_what_is_in_memory_or_says_that_it_is_lost(small_disk: Path, remove: bool) -> None:
    (small_disk / "ballast").write_bytes(bytes(MIB))
    with disk_sizes():
        writer = JournalWriter(small_disk / "journals")
        with pytest.warns(RuntimeWarning, match="the disk is full"):
            upto = log_bytes(writer, 1700 * KIB)
        path = writer.path
        (small_disk / "ballast").unlink()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert not writer.close(remove=remove)
        assert values_of(records(read_files(path)), "x") == list(range(upto))
        shutil.rmtree(path)

        (small_disk / "ballast").write_bytes(bytes(MIB))
        with pytest.warns(RuntimeWarning, match="the disk is full"):
            log_bytes(writer, 1700 * KIB)
        with pytest.warns(RuntimeWarning, match="what was logged while .* could not be written is lost") as caught:
            writer.close(remove=remove)
        assert len(caught) == 1


def test_beyond_the_memory_limit_logging_raises_and_goes_on_later(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_writer, "MEMORY_LIMIT", MIB)
    (small_disk / "ballast").write_bytes(bytes(MIB))
    with disk_sizes():
        writer = JournalWriter(small_disk / "journals")
        with pytest.warns(RuntimeWarning, match="the disk is full") as caught:
            upto, error = log_until_refused(writer)
        assert len(caught) == 1
        assert re.search(r"the disk is full; .*memory set aside for it \(1 MiB\)\. Free disk space", str(error))
        assert sum(segment.size for segment, _ in writer.snapshot()[0] if segment.in_memory) <= MIB
        assert writer.dropped == 1
        with pytest.raises(JournalFull):
            writer.event("warning", "r", {})
        with pytest.raises(KeyError):
            writer.run("r").append_float("x", 1.0)
        assert writer.dropped == 2
        reader = LiveReader(writer)
        assert reader.read()
        assert values_of(reader.found, "x") == list(range(upto))
        # Space is there again.
        (small_disk / "ballast").unlink()
        log(writer, upto + 1000, upto)
        writer.release(reader.reached)
        assert writer.move_to_disk()
        assert reader.read()
        assert values_of(reader.found, "x") == list(range(upto + 1000))


def test_a_record_too_large_for_disk_and_memory_is_refused_and_smaller_ones_go_on(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_writer, "MEMORY_LIMIT", MIB)
    with disk_sizes():
        writer = JournalWriter(small_disk / "journals")
        log(writer, 100)
        with pytest.raises(JournalFull):
            writer.append_payload(fmt.EVENT, bytes(5 * MIB))
        log(writer, 200, 100)
        assert in_files(writer) == list(range(200))


# -- folders -----------------------------------------------------------------------------------------------------


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder where nothing can be made, until its file ``unlock`` in the parent is called."""
    folder = tmp_path / "locked"
    folder.mkdir()
    if os.name == "nt":
        pytest.skip("folders have no such mode there")
    if os.geteuid() != 0:
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
        return
    if not _mount("-t", "tmpfs", "-o", "size=8m,ro", "milepost-test", str(folder)):
        pytest.skip("root can write everywhere, and a read-only file system cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def _make_writable(folder: Path) -> None:
    if os.geteuid() != 0:
        folder.chmod(0o700)
    else:
        assert _mount("-o", "remount,rw", str(folder))


def test_a_read_only_folder_warns_once_and_keeps_all_in_memory(read_only: Path) -> None:
    with disk_sizes():
        writer = JournalWriter(read_only / "journals")
        with pytest.warns(
            RuntimeWarning, match="Milepost cannot write its journal in .*: (Read-only|Permission)"
        ) as caught:
            upto = log_bytes(writer, MIB)
        assert len(caught) == 1
        assert not writer.move_to_disk()
        writer.prepare_spare()
        writer.sync()
        reader = LiveReader(writer)
        assert reader.read()
        assert values_of(reader.found, "x") == list(range(upto))
        _make_writable(read_only)
        assert writer.move_to_disk()
        log(writer, upto + 10, upto)
        assert in_files(writer) == list(range(upto + 10))
        assert live_journals(writer.folder) == [writer.journal_id]


def test_a_file_where_the_folder_should_be_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "journals").write_text("a file")
    writer = JournalWriter(tmp_path / "journals")
    with pytest.warns(RuntimeWarning, match=r"cannot write its journal in .*journals: File exists"):
        log(writer, 10)
    (tmp_path / "journals").unlink()
    assert writer.move_to_disk()
    assert in_files(writer) == list(range(10))


@pytest.mark.parametrize("what", ["all journals", "this journal", "its files", "the lock"])
@pytest.mark.usefixtures("small_segments")
def test_a_folder_that_vanishes_while_logging_is_made_again_with_all_that_is_not_drained(
    tmp_path: Path, what: str
) -> None:
    writer = JournalWriter(tmp_path / "journals")
    log(writer, 1000)
    reader = LiveReader(writer)
    reader.read_and_release()
    log(writer, 1500, 1000)
    if what == "all journals":
        shutil.rmtree(tmp_path / "journals")
    elif what == "this journal":
        shutil.rmtree(writer.path)
    elif what == "its files":
        for path in writer.path.iterdir():
            path.unlink()
    else:
        (writer.folder / f"{writer.journal_id}.lock").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log(writer, 2000, 1500)
        writer.prepare_spare()  # as the drain does, a few times a second
    # A process that looks for dead journals leaves this one alone, and one that dies now leaves all behind.
    assert live_journals(writer.folder) == [writer.journal_id]
    rest = values_of(records(read_files(writer.path, reader.reached)), "x")
    assert rest == list(range(1000, 2000))
    assert reader.read()
    assert values_of(reader.found, "x") == list(range(2000))
    writer.sync()
    writer.release(reader.reached)
    assert writer.close(remove=True)
    assert not list(writer.folder.iterdir())
