"""Stores that several threads of one process open for the first time at once."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from milepost.store.migrate import HEAD
from milepost.store.store import open_store


def test_threads_that_make_different_stores_at_once_do_not_write_into_each_others(tmp_path: Path) -> None:
    count = 6
    together = Barrier(count)

    def make(number: int) -> None:
        together.wait()
        open_store(f"sqlite:///{tmp_path / str(number)}.db", "ws", blobs_url=str(tmp_path / "blobs")).close()

    with ThreadPoolExecutor(count) as threads:
        list(threads.map(make, range(count)))
    for number in range(count):
        with sqlite3.connect(tmp_path / f"{number}.db") as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
