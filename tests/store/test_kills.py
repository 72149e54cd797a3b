"""A process that is killed in the middle of its transactions leaves a store that goes on where it was."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from milepost.store.store import open_store

if TYPE_CHECKING:
    from milepost.store.store import Store

# Applies one endless journal, in batches cut at random; record n logs n, sets a tag and creates a run.
WRITER = """
import random, sys
from milepost.store.store import open_store
from milepost.store.batch import SERIES, Batch, SeriesBlock
from tests.store.builders import event, run_event, series
store = open_store(sys.argv[1], "test", blobs_url="", create=False)
chance = random.Random(int(sys.argv[2]))
at = store.applied("j")
print("ready", flush=True)
while True:
    end = at + chance.choice([1, 1, 2, 5, 50, 400])
    events = [run_event("r")] if at == 0 else []
    for n in range(at, end):
        if n % 50 == 0:
            events.append(run_event(f"r{n}", "other"))
        events.append(event("tags", "r", set={"n": str(n)}))
    blocks = [series("r", "n", list(range(at, end))), series("r", "text", [str(n) for n in range(at, end)])]
    at = store.apply(Batch("j", at, end, events, blocks))
"""


@pytest.mark.slow
def test_killed_writers_leave_everything_once_and_in_order(database_url: str, engine_name: str) -> None:
    chance = random.Random(5)
    before = 0
    grown = 0
    longest_s = 0.15
    rounds = 25 if engine_name == "sqlite" else 8
    for round_number in range(100):
        if round_number >= rounds and grown > 3:
            break
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, database_url, str(round_number)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, longest_s))
        process.kill()
        process.wait(30)
        store = open_store(database_url, "test", blobs_url="", create=False)
        applied = store.applied("j")
        assert applied >= before
        grown += applied > before
        if applied == before:
            longest_s = min(longest_s * 1.3, 5)  # on a busy machine a transaction takes its time
        if applied:
            check(store, applied)
        before = applied
        store.close()
    assert grown > 3, "the writers were killed before they wrote anything; the test shows nothing"


def check(store: Store, applied: int) -> None:
    values = store.metric_values("r")
    numbers = values["n"] if applied > 1 else [values["n"]]
    texts = values["text"] if applied > 1 else [values["text"]]
    assert numbers == list(range(applied))
    assert texts == [str(number) for number in range(applied)]
    assert store.run("r").tags == {"n": str(applied - 1)}
    assert store.experiment("other").run_count == (applied + 49) // 50
    assert sorted(run.number for run in store.runs().runs if run.experiment == "other") == list(
        range(1, (applied + 49) // 50 + 1)
    )
