"""Journals that a process left behind are found, held by one recoverer at a time, and removed or set aside."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from milepost.journal import format as fmt
from milepost.journal import lock as journal_lock
from milepost.journal.lock import FileLock
from milepost.journal.reader import read_files
from milepost.journal.recovery import DAMAGED, journal_ids, live_journals, take_dead
from milepost.journal.writer import JournalWriter, SeriesName
from tests.journal.reading import records, values_of

_ROOT = Path(__file__).parents[2]


def dead_journal(folder: Path, values: int = 10) -> str:
    """A journal that its process has left behind."""
    writer = JournalWriter(folder)
    run = writer.run("r")
    for value in range(values):
        run.append_scalar(SeriesName("r", "x", "series"), fmt.INT, value)
    journal_id = writer.journal_id
    writer.close(remove=False)
    return journal_id


def live_journal(folder: Path) -> JournalWriter:
    writer = JournalWriter(folder)
    writer.event("warning", "r", {})
    return writer


# -- finding -----------------------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_has_no_journals(tmp_path: Path) -> None:
    assert journal_ids(tmp_path / "none") == []
    assert live_journals(tmp_path / "none") == []


def test_live_and_dead_journals_are_told_apart(tmp_path: Path) -> None:
    dead = [dead_journal(tmp_path) for _ in range(3)]
    live = [live_journal(tmp_path) for _ in range(3)]
    ids = sorted(writer.journal_id for writer in live)
    assert journal_ids(tmp_path) == sorted([*dead, *ids])
    assert live_journals(tmp_path) == ids
    live[0].close(remove=False)
    assert len(live_journals(tmp_path)) == 2


def test_other_files_and_folders_are_not_taken_for_journals(tmp_path: Path) -> None:
    (tmp_path / ("a" * 32)).write_text("a file")
    (tmp_path / "notes").mkdir()
    (tmp_path / f"{DAMAGED}{'b' * 32}").mkdir()
    (tmp_path / f"{'c' * 32}.lock").touch()
    assert journal_ids(tmp_path) == []


# -- taking ------------------------------------------------------------------------------------------------------


def test_a_dead_journal_is_taken_read_and_removed(tmp_path: Path) -> None:
    journal_id = dead_journal(tmp_path)
    with take_dead(tmp_path, journal_id) as dead:
        assert dead is not None
        assert dead.journal_id == journal_id
        assert values_of(records(read_files(dead.path)), "x") == list(range(10))
        dead.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_live_journal_is_not_taken(tmp_path: Path) -> None:
    writer = live_journal(tmp_path)
    with take_dead(tmp_path, writer.journal_id) as dead:
        assert dead is None
    assert writer.path.is_dir()


def test_a_journal_that_is_gone_is_not_taken_and_leaves_no_lock(tmp_path: Path) -> None:
    with take_dead(tmp_path, "d" * 32) as dead:
        assert dead is None
    assert list(tmp_path.iterdir()) == []


def test_a_journal_without_a_lock_file_is_dead(tmp_path: Path) -> None:
    journal_id = dead_journal(tmp_path)
    (tmp_path / f"{journal_id}.lock").unlink()
    with take_dead(tmp_path, journal_id) as dead:
        assert dead is not None
        dead.remove()
    assert list(tmp_path.iterdir()) == []


def test_it_is_held_while_it_is_read_and_free_after_an_error(tmp_path: Path) -> None:
    journal_id = dead_journal(tmp_path)
    with take_dead(tmp_path, journal_id) as dead:
        assert dead is not None
        with take_dead(tmp_path, journal_id) as second:
            assert second is None
        assert live_journals(tmp_path) == [journal_id]
    with pytest.raises(ZeroDivisionError), take_dead(tmp_path, journal_id):
        raise ZeroDivisionError
    with take_dead(tmp_path, journal_id) as dead:
        assert dead is not None


def test_an_empty_folder_is_a_dead_journal_without_records(tmp_path: Path) -> None:
    (tmp_path / ("e" * 32)).mkdir()
    with take_dead(tmp_path, "e" * 32) as dead:
        assert dead is not None
        assert list(read_files(dead.path)) == []
        dead.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_leaves_of_a_segment_in_the_making_is_neither_damage_nor_in_the_way(tmp_path: Path) -> None:
    journal_id = dead_journal(tmp_path)
    (tmp_path / journal_id / "0000000000001000-7.seg.new").write_bytes(bytes(4096))
    with take_dead(tmp_path, journal_id) as dead:
        assert dead is not None
        pieces = list(read_files(dead.path))
        assert values_of(records(pieces), "x") == list(range(10))
        assert not any(piece.damaged for piece in pieces)
        dead.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_somebody_else_is_kept_and_the_journal_is_no_longer_in_the_way(tmp_path: Path) -> None:
    journal_id = dead_journal(tmp_path)
    (tmp_path / journal_id / "notes.txt").write_text("mine")
    with take_dead(tmp_path, journal_id) as dead:
        assert dead is not None
        dead.remove()
    assert journal_ids(tmp_path) == []
    assert [path.name for path in tmp_path.rglob("*")] == [f"{DAMAGED}{journal_id}", "notes.txt"]


def test_set_aside_keeps_the_files_where_no_drain_looks(tmp_path: Path) -> None:
    journal_id = dead_journal(tmp_path)
    with take_dead(tmp_path, journal_id) as dead:
        assert dead is not None
        aside = dead.set_aside()
    assert aside == tmp_path / f"{DAMAGED}{journal_id}"
    assert values_of(records(read_files(aside)), "x") == list(range(10))
    assert journal_ids(tmp_path) == []
    assert list(tmp_path.iterdir()) == [aside]


def test_set_aside_twice_overwrites_nothing(tmp_path: Path) -> None:
    journal_id = dead_journal(tmp_path)
    for number in (1, 2, 3):
        (tmp_path / journal_id).mkdir(exist_ok=True)
        (tmp_path / journal_id / "number").write_text(str(number))
        with take_dead(tmp_path, journal_id) as dead:
            assert dead is not None
            aside = dead.set_aside()
        assert (aside / "number").read_text() == str(number)
    assert len(list(tmp_path.iterdir())) == 3


# -- what cannot be read here ------------------------------------------------------------------------------------


def _with_header_of(path: Path, **constants: int) -> None:
    content = path.read_bytes()
    header = fmt.parse_header(content)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in constants.items():
            patch.setattr(fmt, name, value)
        path.write_bytes(fmt.pack_header(header) + content[fmt.HEADER_SIZE :])


def test_a_segment_of_a_newer_version_is_foreign_and_left_alone(tmp_path: Path) -> None:
    journal_id = dead_journal(tmp_path)
    (path,) = (tmp_path / journal_id).glob("*.seg")
    _with_header_of(path, VERSION=fmt.VERSION + 1)
    before = path.read_bytes()
    with take_dead(tmp_path, journal_id) as dead:
        assert dead is not None
        with pytest.raises(fmt.JournalForeign, match="upgrade"):
            list(read_files(dead.path))
    assert path.read_bytes() == before


def test_a_segment_of_another_byte_order_is_foreign(tmp_path: Path) -> None:
    journal_id = dead_journal(tmp_path)
    (path,) = (tmp_path / journal_id).glob("*.seg")
    _with_header_of(path, _BYTE_ORDER=0x04030201)
    with pytest.raises(fmt.JournalForeign, match="byte order"):
        list(read_files(path.parent))


def test_a_broken_header_costs_no_record(tmp_path: Path) -> None:
    journal_id = dead_journal(tmp_path)
    (path,) = (tmp_path / journal_id).glob("*.seg")
    content = bytearray(path.read_bytes())
    content[: fmt.HEADER_SIZE] = os.urandom(fmt.HEADER_SIZE)
    path.write_bytes(content)
    (piece,) = read_files(path.parent)
    assert values_of(records([piece]), "x") == list(range(10))
    assert piece.damaged == 1


# -- races -------------------------------------------------------------------------------------------------------


def _recover(folder: str, told: str) -> None:
    """Take and remove all dead journals; note which ones."""
    taken = []
    rounds = 0
    while rounds < 3:
        ids = journal_ids(Path(folder))
        rounds += not ids
        for journal_id in ids:
            with take_dead(Path(folder), journal_id) as dead:
                if dead is None:
                    continue
                # A recoverer that comes when it is half removed must not count it a second time.
                if values_of(records(read_files(dead.path)), "x") == list(range(10)):
                    taken.append(journal_id)
                dead.remove()
    Path(told).write_text("\n".join(taken))


def test_of_several_recoverers_one_gets_each_journal(tmp_path: Path) -> None:
    folder = tmp_path / "journals"
    ids = [dead_journal(folder) for _ in range(120)]
    context = multiprocessing.get_context("spawn")
    files = [tmp_path / f"taken{number}" for number in range(4)]
    processes = [context.Process(target=_recover, args=(str(folder), str(each))) for each in files]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    taken = [journal_id for each in files for journal_id in each.read_text().split()]
    assert sorted(taken) == sorted(ids)
    assert journal_ids(folder) == []


def _begin_and_look(folder: str, seconds: float) -> None:
    """Begin and close journals, which no recoverer may ever take."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        writer = live_journal(Path(folder))
        assert writer.path.is_dir()
        assert writer.segment.path is not None, "the lock was not to be had"
        assert writer.segment.path.exists()
        writer.release(writer.segment.offset_of(writer.segment.position()))
        assert writer.close(remove=True)


def test_a_recoverer_never_takes_a_journal_that_begins_or_ends_just_then(tmp_path: Path) -> None:
    folder = tmp_path / "journals"
    folder.mkdir()
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_begin_and_look, args=(str(folder), 2.0)) for _ in range(2)]
    for process in writers:
        process.start()
    held = 0
    while any(process.is_alive() for process in writers):
        for journal_id in journal_ids(folder):
            with take_dead(folder, journal_id) as dead:
                held += dead is None
                assert dead is None, f"{journal_id} is alive"
    for process in writers:
        process.join()
        assert process.exitcode == 0
    assert held > 0
    assert journal_ids(folder) == []


# -- the lock ----------------------------------------------------------------------------------------------------


def test_a_lock_is_taken_once_and_again_after_its_release(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "a.lock"), FileLock(tmp_path / "a.lock")
    assert first.acquire()
    assert first.held
    assert first.acquire(), "who has it has it"
    assert not second.acquire()
    assert not second.held
    first.release()
    first.release()
    assert not first.held
    assert second.acquire()
    second.remove()
    assert not (tmp_path / "a.lock").exists()


def test_a_lock_whose_file_was_removed_is_taken_anew(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "a.lock")
    assert lock.acquire()
    (tmp_path / "a.lock").unlink()
    assert not lock.in_place()
    assert lock.acquire()
    assert lock.in_place()
    assert not FileLock(tmp_path / "a.lock").acquire()


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_a_lock_on_a_file_that_is_removed_in_the_meantime_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another process opens the file, its holder removes it, and only then the other locks what it has opened.
    path = tmp_path / "a.lock"
    holder, late = FileLock(path), FileLock(path)
    assert holder.acquire()
    real = journal_lock._try_lock
    calls: list[int] = []

    def slow(fd: int) -> bool:
        calls.append(fd)
        if len(calls) == 1:
            holder.remove()
        return real(fd)

    monkeypatch.setattr(journal_lock, "_try_lock", slow)
    assert late.acquire()
    assert len(calls) == 2
    assert late.in_place()
    assert not FileLock(path).acquire()


_AS_ANOTHER_USER = """
import os, sys
from pathlib import Path
from milepost.journal.recovery import live_journals, take_dead
import milepost.journal.reader

folder = Path(sys.argv[1])
os.setgid(65534)
os.setuid(65534)
with take_dead(folder, sys.argv[2]) as dead:
    assert dead is None
print(live_journals(folder) == [sys.argv[2]])
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_a_journal_of_another_user_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "journals"
    journal_id = dead_journal(folder)
    for each in (folder, *folder.parents):
        if each == Path("/tmp"):
            break
        each.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", _AS_ANOTHER_USER, str(folder), journal_id],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "Permission denied" in done.stderr and str(folder) not in done.stderr:
        pytest.skip("another user cannot run this Python")
    assert done.stdout.strip() == "True", done.stderr
    with take_dead(folder, journal_id) as dead:
        assert dead is not None
