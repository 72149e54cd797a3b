"""SIGKILL at any moment: every record whose append had returned is read back, in order, once."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from milepost.journal import format as fmt
from milepost.journal.reader import read_files
from milepost.journal.recovery import journal_ids, take_dead
from tests.journal.kill_child import COUNTS, THREADS, plan_of
from tests.journal.reading import Record, records

_ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")

KILLS = 60


def numbers_of(found: list[Record], name: str) -> list[int]:
    """The numbers of one thread; each payload repeats its own and is whole."""
    numbers = []
    for each in found:
        if each.name != name:
            continue
        if isinstance(each.value, bytes):
            repeated = struct.unpack(f"={len(each.value) // 8}q", each.value)
            assert set(repeated) == {repeated[0]}
            numbers.append(repeated[0])
        else:
            assert each.mark == fmt.FLOAT
            numbers.append(int(struct.unpack("=d", struct.pack("=q", each.value))[0]))
    return numbers


@pytest.mark.parametrize("part", range(3))
def test_what_was_acknowledged_survives_a_kill_at_a_random_moment(tmp_path: Path, part: int) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    subprocess.run(
        [sys.executable, "-m", "tests.journal.kill_child", str(tmp_path), str(KILLS), str(seed)],
        cwd=_ROOT,
        check=True,
        timeout=200,
    )
    started = acknowledged_in_all = 0
    for number in range(KILLS):
        folder = tmp_path / str(number)
        counts = list(COUNTS.iter_unpack((folder / "acknowledged").read_bytes()))
        assert len(counts) == THREADS
        ids = journal_ids(folder / "journals")
        if not ids:
            assert all(acknowledged == 0 for _begun, acknowledged in counts)
            continue
        (journal_id,) = ids
        with take_dead(folder / "journals", journal_id) as dead:
            assert dead is not None, "the lock has gone with its process"
            pieces = list(read_files(dead.path))
            found = records(pieces)
            assert not any(piece.damaged for piece in pieces), f"child {number}, {plan_of(number)}"
            for thread, (begun, acknowledged) in enumerate(counts):
                numbers = numbers_of(found, f"thread{thread}")
                assert numbers == list(range(len(numbers))), "in order, each once"
                assert acknowledged <= len(numbers) <= begun
                acknowledged_in_all += acknowledged
            started += bool(found)
            dead.remove()
        assert not list((folder / "journals").iterdir())
        shutil.rmtree(folder)
    print(f"{KILLS} kills, {started} with records, {acknowledged_in_all} records acknowledged")
    assert started > KILLS // 2, "too few children had come to log"
