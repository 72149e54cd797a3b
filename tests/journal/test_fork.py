"""A child of a process that logs writes a journal of its own; each one's death is noticed by itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import pytest

from milepost.journal import format as fmt
from milepost.journal.lock import FileLock
from milepost.journal.reader import read_files
from milepost.journal.recovery import journal_ids, live_journals, take_dead
from milepost.journal.writer import JournalWriter, SeriesName
from tests.journal.conftest import sizes
from tests.journal.reading import LiveReader, records, values_of

_ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")

_own: JournalWriter | None = None
"""The parent's writer, as a forked child finds it."""


def log(writer: JournalWriter, name: str, upto: int, start: int = 0) -> None:
    run = writer.run("r")
    for value in range(start, upto):
        run.append_scalar(SeriesName("r", name, "series"), fmt.INT, value)


def read(folder: Path, journal_id: str, name: str) -> list[int]:
    return values_of(records(read_files(folder / journal_id)), name)


def _wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.01)


# -- children of a pool or a data loader -------------------------------------------------------------------------


def _child_logs(folder: str, told: str) -> None:
    with sizes():
        writer = _own if _own is not None else JournalWriter(Path(folder))
        assert not writer.started
        log(writer, "child", 500)
    Path(told + ".new").write_text(writer.journal_id)
    Path(told + ".new").replace(told)
    time.sleep(600)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_of_multiprocessing_writes_a_journal_of_its_own(tmp_path: Path, method: str) -> None:
    global _own
    folder = tmp_path / "journals"
    with sizes():
        writer = JournalWriter(folder)
        log(writer, "parent", 100)
        writer.prepare_spare()
        _own = writer
        try:
            process = multiprocessing.get_context(method).Process(  # type: ignore[attr-defined]
                target=_child_logs, args=(str(folder), str(tmp_path / "told"))
            )
            process.start()
        finally:
            _own = None
        try:
            _wait_for(tmp_path / "told")
            child = (tmp_path / "told").read_text()
            log(writer, "parent", 1000, start=100)
            assert child != writer.journal_id
            assert sorted(live_journals(folder)) == sorted([child, writer.journal_id])
        finally:
            process.kill()
            process.join()
    assert read(folder, child, "child") == list(range(500))
    assert read(folder, child, "parent") == []
    assert read(folder, writer.journal_id, "parent") == list(range(1000))
    assert read(folder, writer.journal_id, "child") == []
    # The child's death is noticed while its parent lives.
    assert live_journals(folder) == [writer.journal_id]
    with take_dead(folder, child) as dead:
        assert dead is not None
    with take_dead(folder, writer.journal_id) as dead:
        assert dead is None


def test_a_forked_child_that_ends_takes_nothing_of_its_parents_along(tmp_path: Path) -> None:
    with sizes():
        writer = JournalWriter(tmp_path)
        log(writer, "parent", 300)
        writer.prepare_spare()
        reader = LiveReader(writer)
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                try:
                    log(writer, "child", 200)
                    own = LiveReader(writer)
                    own.read_and_release()
                    writer.close(remove=True)
                    os._exit(0 if values_of(own.found, "child") == list(range(200)) else 3)
                finally:
                    os._exit(4)
            assert os.waitpid(pid, 0)[1] == 0
        log(writer, "parent", 900, start=300)
        assert reader.read()
    assert values_of(reader.found, "parent") == list(range(900))
    assert read(tmp_path, writer.journal_id, "parent") == list(range(900))
    assert journal_ids(tmp_path) == live_journals(tmp_path) == [writer.journal_id]


def test_a_child_that_does_not_log_makes_nothing(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    log(writer, "parent", 10)
    before = sorted(tmp_path.rglob("*"))
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_grandchild_too(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    log(writer, "generation 0", 10)
    pid = os.fork()
    if pid == 0:
        log(writer, "generation 1", 10)
        inner = os.fork()
        if inner == 0:
            log(writer, "generation 2", 10)
            os._exit(0)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))
    assert os.waitpid(pid, 0)[1] == 0
    ids = journal_ids(tmp_path)
    assert len(ids) == 3
    for number in range(3):
        holders = [each for each in ids if read(tmp_path, each, f"generation {number}") == list(range(10))]
        assert len(holders) == 1


# -- deaths ------------------------------------------------------------------------------------------------------

_PARENT = """
import os, sys, time
from pathlib import Path
from milepost.journal.writer import JournalWriter
from tests.journal.test_fork import log

writer = JournalWriter(Path(sys.argv[1]))
log(writer, "parent", 100)
parent = writer.journal_id
pid = os.fork()
if pid == 0:
    if sys.argv[2] == "logs":
        log(writer, "child", 100)
    print(parent, writer.journal_id, os.getpid(), flush=True)
time.sleep(600)
"""


def _start(folder: Path, child: str) -> tuple[subprocess.Popen[str], str, str, int]:
    process = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(folder), child], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    output: IO[str] | None = process.stdout
    assert output is not None
    parent_journal, child_journal, child_pid = output.readline().split()
    return process, parent_journal, child_journal, int(child_pid)


def _kill_and_wait_until_dead(pid: int, folder: Path, journal_id: str) -> bool:
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with take_dead(folder, journal_id) as dead:
            if dead is not None:
                return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("child", ["logs", "is silent"])
def test_the_parents_death_is_noticed_while_its_child_lives(tmp_path: Path, child: str) -> None:
    process, parent_journal, child_journal, child_pid = _start(tmp_path, child)
    try:
        assert parent_journal in live_journals(tmp_path)
        process.kill()
        process.wait()
        with take_dead(tmp_path, parent_journal) as dead:
            assert dead is not None
            assert values_of(records(read_files(dead.path)), "parent") == list(range(100))
        assert live_journals(tmp_path) == ([child_journal] if child == "logs" else [])
    finally:
        os.kill(child_pid, signal.SIGKILL)
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_the_childs_death_is_noticed_while_its_parent_lives(tmp_path: Path) -> None:
    process, parent_journal, child_journal, child_pid = _start(tmp_path, "logs")
    try:
        assert sorted(live_journals(tmp_path)) == sorted([parent_journal, child_journal])
        assert _kill_and_wait_until_dead(child_pid, tmp_path, child_journal)
        assert read(tmp_path, child_journal, "child") == list(range(100))
        assert live_journals(tmp_path) == [parent_journal]
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


# -- forks while other threads are at work -----------------------------------------------------------------------


def test_a_thread_appends_while_another_forks_in_a_loop(tmp_path: Path) -> None:
    with sizes():
        writer = JournalWriter(tmp_path)
        log(writer, "parent", 1)
        stop = threading.Event()
        upto = [1]
        parent_journal = writer.journal_id

        def append() -> None:
            while not stop.is_set():
                log(writer, "parent", upto[0] + 100, start=upto[0])
                upto[0] += 100
                writer.prepare_spare()

        thread = threading.Thread(target=append)
        thread.start()
        try:
            statuses = []
            for number in range(60):
                pid = os.fork()
                if pid == 0:
                    code = 1
                    try:
                        log(writer, f"child {number}", 150)
                        code = 0
                    finally:
                        os._exit(code)
                statuses.append(os.waitpid(pid, 0)[1])
        finally:
            stop.set()
            thread.join()
    assert statuses == [0] * 60
    assert read(tmp_path, parent_journal, "parent") == list(range(upto[0]))
    children = [each for each in journal_ids(tmp_path) if each != parent_journal]
    assert len(children) == 60
    found = [records(read_files(tmp_path / each)) for each in children]
    for each in found:
        (name,) = {record.name for record in each}
        assert values_of(each, name) == list(range(150))
    assert len({each[0].name for each in found}) == 60
    assert live_journals(tmp_path) == [parent_journal]


def test_a_lock_taken_while_another_thread_forks_is_not_kept_by_the_children(tmp_path: Path) -> None:
    stop = threading.Event()
    children: list[int] = []

    def fork() -> None:
        while not stop.is_set():
            pid = os.fork()
            if pid == 0:
                try:
                    time.sleep(600)
                finally:
                    os._exit(0)
            children.append(pid)
            if len(children) > 20:
                _end(children.pop(0))
            time.sleep(0.0005)

    def _end(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    thread = threading.Thread(target=fork)
    thread.start()
    kept = []
    try:
        for number in range(300):
            lock = FileLock(tmp_path / f"{number}.lock")
            assert lock.acquire()
            if number % 2:
                lock.release()
            else:
                lock.forget_in_child()  # as the death of this process would close it
            again = FileLock(tmp_path / f"{number}.lock")
            if not again.acquire_within(30):  # a child lets go at its first step, which it has to come to
                kept.append(number)
            again.release()
    finally:
        stop.set()
        thread.join()
        for pid in children:
            _end(pid)
    assert kept == []


def test_a_dead_journal_held_while_this_process_forks_is_free_afterwards(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    log(writer, "x", 10)
    journal_id = writer.journal_id
    writer.close(remove=False)
    with take_dead(tmp_path, journal_id) as dead:
        assert dead is not None
        pid = os.fork()
        if pid == 0:
            time.sleep(600)
            os._exit(0)
        assert live_journals(tmp_path) == [journal_id]
    try:
        with take_dead(tmp_path, journal_id) as dead:
            assert dead is not None
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
