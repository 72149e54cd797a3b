"""A store's file that is damaged or cannot be written ends in an error that says what to do."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from milepost.store.batch import Batch
from milepost.store.engine import open_engine, read, write
from milepost.store.errors import BadInput, StoreDamaged, StoreError, StoreUnavailable
from milepost.store.store import open_store
from tests.store.builders import run_event, say, series

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    """The file of a store with one run and some metrics, with nothing in its WAL."""
    path = tmp_path / "milepost.db"
    path.write_bytes(sqlite_template.read_bytes())
    store = open_store(f"sqlite:///{path}", "test", blobs_url="")
    say(store, run_event("r"), *(series("r", f"metric{number}", [float(number)] * 500) for number in range(50)))
    store.close()
    assert not path.with_name("milepost.db-wal").exists()
    return path


def read_all(path: Path) -> None:
    store = open_store(f"sqlite:///{path}", "test", blobs_url="", create=False)
    try:
        assert len(store.metric_values("r")) == 50
        store.runs()
    finally:
        store.close()


def test_the_file_is_whole_to_begin_with(path: Path) -> None:
    read_all(path)


def test_a_file_that_is_no_database_is_damaged_and_is_left_as_it_is(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(50_000))
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match=r"milepost\.db is damaged.*not a database.*restore a backup"):
        read_all(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("part", [0.9, 0.5, 0.1])
def test_a_truncated_file_is_damaged(path: Path, part: float) -> None:
    os.truncate(path, int(path.stat().st_size * part))
    with pytest.raises(StoreDamaged, match="damaged"):
        read_all(path)


@pytest.mark.parametrize("seed", range(12))
def test_overwritten_pages_give_an_error_of_the_store_or_the_right_values(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(4):
        page = chance.randrange(len(data) // 4096) * 4096
        data[page : page + 4096] = chance.randbytes(4096)
    path.write_bytes(data)
    with suppress(StoreError):
        read_all(path)


def test_a_damaged_chunk_says_what_to_do(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE metric_chunks SET data = substr(data, 1, 20)")
    connection.close()
    with pytest.raises(StoreDamaged, match="delete the run"):
        read_all(path)


def test_a_text_that_should_be_json_is_damage(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE runs SET warnings = '[{'")
    connection.close()
    with pytest.raises(StoreDamaged, match="no JSON"):
        read_all(path)


def test_a_missing_table_is_damage(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE tags")
    connection.close()
    with pytest.raises(StoreDamaged, match="no such table"):
        read_all(path)


def test_a_lock_that_is_held_for_too_long_is_unavailability(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milepost.store.engine.BUSY_TIMEOUT_S", 0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    store = open_store(f"sqlite:///{path}", "test", blobs_url="")
    with pytest.raises(StoreUnavailable, match="locked"):
        say(store, series("r", "more", [1.0]))
    assert len(store.metric_values("r")) == 50  # readers do not wait for a writer
    holder.execute("ROLLBACK")
    holder.close()
    say(store, series("r", "more", [1.0]))
    store.close()


def test_a_full_disk_is_unavailability_and_nothing_is_half_written(path: Path) -> None:
    store = open_store(f"sqlite:///{path}", "test", blobs_url="")
    with read(store.engine) as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
    start = store.applied("journal")
    big = Batch("journal", start, start + 1, [], [series("r", "big", [f"{n:01000d}" for n in range(3000)])])

    def limit(pages: int) -> None:
        with store.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw
            raw.execute(f"PRAGMA max_page_count={pages}")

    limit(pages + 2)
    with pytest.raises(StoreUnavailable, match="disk is full"):
        store.apply(big)
    assert store.applied("journal") == start
    assert "big" not in store.metric_values("r")
    limit(2**30)
    store.apply(big)
    assert len(store.metric_values("r", "big")["big"]) == 3000
    store.close()


def test_a_path_may_have_any_character_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a ?x=1&y#%41 é ' \" ;" / "milepost.db"
    for _ in range(2):
        store = open_store(f"sqlite:///{path}", "test", blobs_url="")
        say(store, run_event("r"))
        store.close()
    assert path.stat().st_size > 0
    assert [found.name for found in tmp_path.iterdir()] == [path.parent.name]


def test_a_folder_that_is_not_there_is_unavailability(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/missing/milepost.db")
    with pytest.raises(StoreUnavailable, match="cannot be opened"), read(engine):
        pass


def test_a_folder_in_place_of_the_file_is_unavailability(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}", "test", blobs_url="")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to everything")
def test_a_file_that_may_not_be_written_is_unavailability(path: Path) -> None:
    path.chmod(0o400)
    store = open_store(f"sqlite:///{path}", "test", blobs_url="")
    with pytest.raises(StoreUnavailable, match="may not write"):
        say(store, series("r", "more", [1.0]))


def test_a_server_that_is_not_there_is_unavailability_and_the_password_is_not_told(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreUnavailable, match="try again later") as caught:
        open_store(f"postgresql://user:sEcReT@/nothing?host={tmp_path}", "test", blobs_url="")
    assert "sEcReT" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://u:sEcReT@h/d", "not an address", "sqlite://", "sqlite:///:memory:", ""])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        open_engine(url)
    assert "sEcReT" not in str(caught.value)


def test_a_lost_connection_to_the_server_is_unavailability_and_then_mended(store, engine_name, postgres_server) -> None:
    if engine_name == "sqlite":
        pytest.skip("SQLite has no connection to lose")

    def lose() -> None:
        with write(store.engine) as connection:
            own = connection.scalar(text("SELECT pg_backend_pid()"))
            postgres_server.execute(f"SELECT pg_terminate_backend({own})")
            connection.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailable, match="try again later"):
        lose()
    say(store, run_event("r"))
    assert store.run("r").number == 1


def test_commits_on_sqlite_are_synced_to_the_disk(path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}")
    with read(engine) as connection:
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert connection.scalar(text("PRAGMA auto_vacuum")) == 2
    engine.dispose()


def test_a_database_that_was_copied_out_of_wal_mode_is_put_back_into_it(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    read_all(path)
    test_commits_on_sqlite_are_synced_to_the_disk(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_and_its_parent_go_on_with_the_store(database_url: str) -> None:
    # In a process of its own: this one has threads.
    code = f"""
import os, sys, warnings
warnings.simplefilter("ignore")
from milepost.store.store import open_store
from milepost.store.batch import Batch, Event
store = open_store({database_url!r}, "test", blobs_url="")
def write(name):
    for n in range(20):
        store.apply(Batch(name, n, n + 1, [Event("run", f"{{name}}-{{n}}", 1, {{"experiment": "e"}})]))
write("before")
children = []
for c in range(3):
    pid = os.fork()
    if pid == 0:
        write(f"child{{c}}")
        sys.exit(0)
    children.append(pid)
write("parent")
assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
write("after")
assert len(store.runs().runs) == 120
assert sorted(run.number for run in store.runs().runs) == list(range(1, 121))
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
