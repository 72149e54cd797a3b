"""Any thread may append at any time, and so may a signal handler, even in the middle of an append."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from milepost.journal import format as fmt
from milepost.journal.reader import read_files
from milepost.journal.recovery import journal_ids
from milepost.journal.writer import JournalWriter, SeriesName
from tests.journal.conftest import sizes
from tests.journal.reading import LiveReader, Record, records, values_of

_ROOT = Path(__file__).parents[2]
_needs_timers = pytest.mark.skipif(os.name == "nt", reason="Windows has no interval timers")


def run_child(name: str, folder: Path, seconds: float, interval: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.journal.signal_child", name, str(folder), str(seconds), str(interval)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr == "", done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def floats_of(found: list[Record], name: str) -> list[float]:
    bits = values_of(found, name)
    return list(struct.unpack(f"={len(bits)}d", struct.pack(f"={len(bits)}q", *bits)))


# -- threads -----------------------------------------------------------------------------------------------------


def _append_all(writer: JournalWriter, number: int, upto: int) -> None:
    run = writer.run(f"run{number}")
    name = f"thread{number}"
    for value in range(upto):
        if value % 100 == 99:
            run.append_payload(
                SeriesName(run.run_id, f"list{number}", "series"), fmt.INTS, struct.pack("=q", value) * 70
            )
        try:
            run.append_float(name, float(value))
        except KeyError:
            run.append_scalar(SeriesName(run.run_id, name, "series"), fmt.FLOAT, float(value))


def test_eight_threads_and_a_drain_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    upto = 5000
    with sizes():
        writer = JournalWriter(tmp_path)
        reader = LiveReader(writer)
        threads = [threading.Thread(target=_append_all, args=(writer, number, upto)) for number in range(8)]
        for each in threads:
            each.start()
        while any(each.is_alive() for each in threads):
            reader.read_and_release()
            writer.prepare_spare()
        assert reader.read()
    for number in range(8):
        assert floats_of(reader.found, f"thread{number}") == list(range(upto))
        lists = [struct.unpack("=70q", each.value)[0] for each in reader.found if each.name == f"list{number}"]  # type: ignore[arg-type]
        assert lists == list(range(99, upto, 100))
    assert reader.damaged == 0
    assert len(reader.found) == 8 * (upto + upto // 100)
    assert len({each.run_id for each in reader.found}) == 8
    assert writer.close(remove=False) is False


def test_eight_threads_without_a_drain_are_all_in_the_files(tmp_path: Path) -> None:
    upto = 3000
    with sizes():
        writer = JournalWriter(tmp_path)
        threads = [threading.Thread(target=_append_all, args=(writer, number, upto)) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    pieces = list(read_files(writer.path))
    found = records(pieces)
    for number in range(8):
        assert floats_of(found, f"thread{number}") == list(range(upto))
    assert not any(piece.damaged for piece in pieces)


def test_threads_that_make_appenders_at_once_get_different_ones(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    start = threading.Barrier(8)

    def log(number: int) -> None:
        start.wait()
        for each in range(50):
            run_id = f"{number}-{each}"
            writer.run(run_id).append_scalar(SeriesName(run_id, "x", "series"), fmt.INT, number * 50 + each)

    threads = [threading.Thread(target=log, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {each.run_id: each.value for each in records(read_files(writer.path))}
    assert found == {f"{number}-{each}": number * 50 + each for number in range(8) for each in range(50)}


def test_spares_are_safe_against_segment_changes_and_close(tmp_path: Path) -> None:
    with sizes():
        writer = JournalWriter(tmp_path)
        stop = threading.Event()
        failures: list[BaseException] = []

        def prepare() -> None:
            try:
                while not stop.is_set():
                    writer.prepare_spare()
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=prepare) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(30):
                run = writer.run("r")
                for value in range(400):
                    run.append_scalar(SeriesName("r", "x", "series"), fmt.INT, value)
                reader = LiveReader(writer)
                reader.read_and_release()
                assert values_of(reader.found, "x") == list(range(400))
                writer.close(remove=True)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert failures == []
    for journal_id in journal_ids(tmp_path):  # a spare that came just when the folder was removed may keep it
        assert records(read_files(tmp_path / journal_id)) == []


def test_a_snapshot_that_cannot_have_the_lock_is_not_final(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path)
    writer.event("warning", "r", {})
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with writer.lock:
            held.set()
            free.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        segments, final = writer.snapshot(timeout=0.01)
        assert len(segments) == 1
        assert not final
        # Nor does anything else that the drain does wait for ever.
        writer.release(segments[0][0].end)
        writer.prepare_spare()
        assert not writer.move_to_disk()
        writer.sync()
    finally:
        free.set()
        thread.join()
    assert writer.snapshot()[1]


# -- signals -----------------------------------------------------------------------------------------------------


@_needs_timers
@pytest.mark.parametrize("interval", [0.0002, 0.001])
@pytest.mark.parametrize("program", ["handler_logs", "hot_path_and_handler"])
def test_a_signal_handler_that_logs_in_the_middle_of_appends_loses_and_doubles_nothing(
    tmp_path: Path, program: str, interval: float
) -> None:
    said = run_child(program, tmp_path, 1.5, interval)
    assert said["in_appends"] > 20, "too few signals came in the middle of an append to show anything"
    pieces = list(read_files(tmp_path / said["journal"]))
    found = records(pieces)
    assert not any(piece.damaged for piece in pieces)
    read = values_of if program == "handler_logs" else floats_of
    assert read(found, "main") == list(range(said["main"]))
    # Handlers may interrupt each other, so their order is that of their appends.
    assert Counter(read(found, "handler")) == Counter(said["handler"])
    if program == "handler_logs":
        lists = Counter(
            (each.name, int.from_bytes(each.value[:8], sys.byteorder))
            for each in found
            if isinstance(each.value, bytes)
        )
        wanted = [("main list", number) for number in range(49, said["main"], 50)]
        wanted += [("handler list", number) for number in said["handler"] if number % 10 == 0]
        assert lists == Counter(wanted)


@_needs_timers
@pytest.mark.parametrize("interval", [0.0005, 0.003])
def test_an_interrupt_in_the_middle_of_an_append_costs_that_record_at_most(tmp_path: Path, interval: float) -> None:
    said = run_child("interrupted", tmp_path, 2, interval)
    assert said["broken"] > 20, "too few interrupts came in the middle of an append to show anything"
    pieces = list(read_files(tmp_path / said["journal"]))
    values = values_of(records(pieces), "main")
    assert sorted(set(values)) == values, "in order, each once"
    assert set(said["acknowledged"]) <= set(values)
    assert not any(piece.damaged for piece in pieces)
    assert said["final"], "the lock was left behind"
    assert said["handles"] < 150


@_needs_timers
def test_a_handler_in_the_middle_of_an_append_can_wait_for_the_drain(tmp_path: Path) -> None:
    said = run_child("handler_waits_for_the_drain", tmp_path, 60, 0.001)
    assert len(said["waits"]) >= 3
    assert not any(said["waits"]), "what is read in the middle of an append must not pass for complete"
    assert not any(said["own"])
    assert said["last"]
    assert said["complete"]


@_needs_timers
def test_a_handler_in_the_middle_of_an_append_can_fork(tmp_path: Path) -> None:
    said = run_child("forks_in_the_handler", tmp_path, 30, 0.001)
    assert said["exits"] == [0] * 10
    assert values_of(records(read_files(tmp_path / said["journal"])), "main") == list(range(said["main"]))
    others = [each for each in journal_ids(tmp_path) if each != said["journal"]]
    assert len(others) == 10
    for journal_id in others:
        assert values_of(records(read_files(tmp_path / journal_id)), "child") == list(range(200))
