"""Processes are killed at random moments; what their calls had said before is read back, in order, once."""

from __future__ import annotations

import json
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Run, Workspace
from azureml.exceptions import ServiceException
from milepost.journal.recovery import journal_ids
from milepost.journal.writer import JournalWriter
from tests.conftest import THOROUGH, only_thorough

from . import kill_target as target

KILLS = 400 if THOROUGH else 100


def killed(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Two processes at a time are killed; what is known of each, as it comes."""
    found: queue.Queue[dict[str, Any] | None] = queue.Queue()
    errors = (tmp_path / "stderr").open("w+")

    def follow(first: int) -> None:
        command = [sys.executable, target.__file__, "serve", str(first), str(KILLS // 2), str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                found.put(json.loads(line))
        found.put(None)

    threads = [threading.Thread(target=follow, args=(first,)) for first in (0, KILLS // 2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        while (each := found.get(timeout=120)) is not None:
            yield each
    for thread in threads:
        thread.join()
    errors.seek(0)
    assert errors.read() == ""


def run_of(ws: Workspace, run_id: str) -> Run | None:
    try:
        return Run.get(ws, run_id)
    except ServiceException as error:
        if error.status_code != 404:
            raise
        return None


def judge(run: Run, calls: int, mode: str) -> tuple[Counter[str], int]:
    """What of so many calls is lost, doubled or out of order; and how many values were found."""
    files = target.has_files(mode)
    metrics = target.as_lists(run.get_metrics())
    tags, names = run.tags, run.get_file_names()
    least, _, _ = target.expected(calls, files)
    # The call that was interrupted may have been written, or not.
    allowed = [target.expected(calls, files), target.expected(calls + 1, files)]
    found = sum(map(len, metrics.values()))
    verdict: Counter[str] = Counter()
    if (metrics, tags, names) not in [(each[0], each[1], each[2]) for each in allowed]:
        most = allowed[1][0]
        for name in least.keys() | metrics.keys():
            there = Counter(metrics.get(name, ()))
            verdict["lost"] += (Counter(least.get(name, ())) - there).total()
            verdict["doubled"] += (there - Counter(most.get(name, ()))).total()
        verdict["lost"] += len(allowed[0][1].keys() - tags.keys()) + len(set(allowed[0][2]) - set(names))
        verdict["wrong"] += 1
    return verdict, found


def test_of_many_killed_processes_every_call_that_had_returned_is_there_once(ws: Workspace, tmp_path: Path) -> None:
    begun = time.monotonic()
    verdict: Counter[str] = Counter()
    acknowledged = values = 0
    modes: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for each in killed(tmp_path):
        started, calls, ending, ended = each["counters"]
        modes[each["mode"]] += 1
        acknowledged += calls
        run = run_of(ws, f"kill-{each['index']}")
        if run is None:
            assert not started
            ends["never begun"] += 1
            continue
        found, count = judge(run, calls, each["mode"])
        assert not found, (each, found)
        verdict += found
        values += count
        record = run.get_details()
        ends[record["status"]] += 1
        if ended:
            assert record["status"] == "Completed"
        elif record["status"] == "Failed":
            assert record["error"]["error"]["code"] == "ProcessDied"
        else:
            assert record["status"] == "Completed"
            assert ending
    print(
        f"{modes.total()} kills ({dict(modes)}), runs {dict(ends)}: {acknowledged:,} calls acknowledged, "
        f"{values:,} values found, {verdict['lost']} lost, {verdict['doubled']} doubled, "
        f"in {time.monotonic() - begun:.0f} s"
    )
    assert modes.total() == KILLS
    assert not verdict
    assert journal_ids(ws._place.folder / "journals") in ([], [ws._recorder.writer.journal_id])
    assert acknowledged > 500 * KILLS


def target_process(*arguments: object, talk: bool = False) -> subprocess.Popen[str]:
    command = [sys.executable, target.__file__, *map(str, arguments)]
    pipe = subprocess.PIPE if talk else None
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str], code: int) -> None:
    _, errors = process.communicate(timeout=120)
    assert errors == ""
    assert process.returncode == code


class TestTheProcessThatDeliversAnothersJournal:
    CALLS = 120_000 if THOROUGH else 60_000

    @pytest.fixture
    def journal(self, ws: Workspace) -> Path:
        """A journal of several segments whose process was killed before anything of it was delivered."""
        ended(target_process("fill", "left", self.CALLS), -signal.SIGKILL)
        (journal_id,) = journal_ids(ws._place.folder / "journals")
        return ws._place.folder / "journals" / journal_id

    def all_is_there_once(self, ws: Workspace, journal: Path) -> None:
        run = Run.get(ws, "left")
        assert judge(run, self.CALLS, "own")[0] == Counter()
        assert run.status == "Failed"
        assert not journal.exists()

    @pytest.mark.parametrize("cut", [0, 1 << 18], ids=["by segments", "in small batches"])
    def test_is_killed_in_the_middle_of_a_transaction_and_another_goes_on(
        self, ws: Workspace, journal: Path, cut: int
    ) -> None:
        store = ws._recorder.open_store()
        before = store.applied(journal.name)
        for transactions in (0, 1, 0, 1):
            ended(target_process("drain", transactions, cut), -signal.SIGKILL)
            after = store.applied(journal.name)
            assert after > before if transactions else after == before
            before = after
        self.all_is_there_once(ws, journal)

    def test_cuts_its_batches_differently_from_the_one_before(self, ws: Workspace, journal: Path) -> None:
        store = ws._recorder.open_store()
        rng = random.Random(7)
        reached = [0]
        for _ in range(8):
            ended(target_process("drain", rng.randrange(1, 4), rng.randrange(1 << 13, 1 << 16)), -signal.SIGKILL)
            reached.append(store.applied(journal.name))
        assert reached == sorted(set(reached))
        self.all_is_there_once(ws, journal)

    def test_two_deliver_it_at_once(self, ws: Workspace, journal: Path) -> None:
        never = 1 << 30
        both = [target_process("drain", never, 1 << 14) for _ in range(2)]
        for process in both:
            ended(process, 0)
        self.all_is_there_once(ws, journal)

    @pytest.mark.parametrize(
        "cuts",
        [(0, 1 << 14), *(pytest.param(each, marks=only_thorough) for each in ((0, 0), (1 << 14, 10_000)))],
        ids=str,
    )
    def test_two_deliver_it_at_once_where_the_lock_keeps_neither_away(
        self, ws: Workspace, journal: Path, cuts: tuple[int, int]
    ) -> None:
        both = [target_process("deliver", journal, cut, talk=True) for cut in cuts]
        for process in both:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in both:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for process in both:
            ended(process, 0)
        self.all_is_there_once(ws, journal)

    def test_a_reader_waits_for_the_process_that_delivers_it(self, ws: Workspace, journal: Path) -> None:
        other = target_process("drain", 1 << 30, 1 << 14)
        store = ws._recorder.open_store()
        while not store.applied(journal.name):
            time.sleep(0.001)
        # The other has begun, and holds the journal: what it has not delivered yet is to be seen all the same.
        self.all_is_there_once(ws, journal)
        ended(other, 0)

    def test_what_the_store_refuses_is_set_aside_and_the_rest_of_its_journal_arrives(
        self, ws: Workspace, journal: Path
    ) -> None:
        strange = JournalWriter(journal.parent)
        strange.event("experiment", "", {"name": "other"})
        strange.event("run", "other", {"experiment": "other", "tags": {"before": "1"}})
        strange.event("of a newer version", "other", {"fact": 1})
        strange.event("tags", "other", {"set": {"after": "2"}})
        left = strange.path
        strange.close(remove=False)
        with pytest.warns(RuntimeWarning, match="unknown kind 'of a newer version'"):
            self.all_is_there_once(ws, journal)
        assert not left.exists()
        assert ws.get_run("other").get_tags() == {"before": "1", "after": "2"}
        (kept,) = (journal.parent.parent / "refused").glob("*.json")
        told = json.loads(kept.read_text())
        assert (told["event"], told["run"], told["data"]) == ("of a newer version", "other", {"fact": 1})
        assert "unknown kind" in told["reason"]
