"""Snapshots of runs: what is known of them, and what sweeps keep for them."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from milepost.store import sweeping
from milepost.store.blobs import key_of
from milepost.store.errors import NotFound, StoreDamaged
from milepost.store.manifest import decode
from milepost.store.records import SnapshotRecord
from milepost.store.schema import run_snapshots, snapshots
from milepost.store.store import open_store
from tests.store.builders import T0, event, run_event, say, snapshot, take, upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Table

    from milepost.store.store import Store

FILES = {"train.py": b"print(1)", "lib/mylib.py": b"x = 2", "empty": b""}


def count(store: Store, table: Table) -> int:
    with store.reading() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def make_old(store: Store, *digests: str, age_s: float = 3600) -> None:
    then = time.time() - age_s
    for digest in digests or [digest for digest, _size, _stored in store.blobs.list()]:
        os.utime(Path(store.blobs.address) / key_of(digest), (then, then))


def restored(store: Store, snapshot_id: str) -> dict[str, bytes]:
    with store.blobs.open(store.snapshot(snapshot_id).manifest) as source:
        files = decode(source.read())
    return {each.name: store.blobs.read_range(each.digest, 0, each.size) for each in files}


def messages(store: Store, run_id: str = "r") -> list[str]:
    return [each["message"] for each in store.run(run_id).warnings]


# What is known.


def test_a_run_has_its_snapshot(store: Store) -> None:
    data = take(store, FILES)
    say(store, run_event("r"), event("snapshot", "r", T0 + 7, **data))
    record = SnapshotRecord(data["id"], data["manifest"], 3, 13, T0 + 7)
    assert store.snapshots("r") == [record]
    assert store.snapshot(data["id"]) == record
    assert restored(store, data["id"]) == FILES
    assert (store.info().snapshots, store.info().snapshot_bytes) == (1, 13)


def test_what_is_told_twice_is_kept_once(store: Store) -> None:
    say(store, run_event("r"), run_event("other"))
    first = snapshot(store, "r", FILES, T0)
    assert snapshot(store, "r", FILES, T0 + 1) == first
    assert snapshot(store, "other", FILES, T0 + 2) == first
    assert [each.created_ns for each in store.snapshots("r")] == [T0]
    assert store.snapshots("other") == store.snapshots("r")
    assert count(store, snapshots) == 1


def test_the_snapshots_of_a_run_come_in_the_order_in_which_they_were_taken(store: Store) -> None:
    say(store, run_event("r"))
    own, second, third = (take(store, {"a": bytes([number])}) for number in range(3))
    # The script's words come in before those of the process that submitted it, which had taken the third one too.
    say(store, event("snapshot", "r", T0 + 5, **third), event("snapshot", "r", T0 + 9, **own), journal="script")
    say(store, event("snapshot", "r", T0 + 1, **own), event("snapshot", "r", T0 + 3, **second), journal="submitter")
    assert [each.id for each in store.snapshots("r")] == [own["id"], second["id"], third["id"]]


def test_snapshots_that_were_taken_at_once_come_in_the_order_in_which_they_were_told(store: Store) -> None:
    ids = [take(store, {"a": bytes([number])}) for number in range(4)]
    say(store, run_event("r"), *(event("snapshot", "r", T0, **data) for data in ids))
    assert [each.id for each in store.snapshots("r")] == [data["id"] for data in ids]


def test_a_snapshot_may_come_before_its_run_and_goes_with_it(store: Store) -> None:
    snapshot_id = snapshot(store, "r", FILES)
    assert store.snapshots("r") == []
    say(store, run_event("r"))
    assert [each.id for each in store.snapshots("r")] == [snapshot_id]
    store.delete_run("r")
    assert store.snapshots("r") == []
    assert count(store, run_snapshots) == 0


def test_unknown_snapshots_and_runs(store: Store) -> None:
    assert store.snapshots("unknown") == store.snapshots("\x00") == []
    for snapshot_id in ("", "unknown", "\x00", str(uuid4())):
        with pytest.raises(NotFound, match="there is no snapshot"):
            store.snapshot(snapshot_id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "../x"},
        {"id": None},
        {"id": "8D6F0C1C-3C1B-4A53-9C0E-51C7C1F7D9A0"},
        {"manifest": "x"},
        {"manifest": 5},
        {"files": -1},
        {"files": True},
        {"bytes": 2**63},
        {"bytes": "1"},
    ],
)
def test_a_malformed_snapshot_becomes_a_warning(store: Store, wrong: dict[str, Any]) -> None:
    said = event("snapshot", "r")
    said.data = {**take(store, FILES), **wrong}
    say(store, run_event("r"), said)
    assert store.snapshots("r") == []
    assert "something said of this run (snapshot) was not kept" in messages(store)[0]
    assert count(store, snapshots) == 0


def test_an_id_keeps_the_manifest_that_it_had_first(store: Store) -> None:
    first, second = take(store, FILES), take(store, {"evil": b"x"})
    say(store, run_event("r"), run_event("other"), event("snapshot", "r", **first))
    say(store, event("snapshot", "other", **{**second, "id": first["id"]}))
    assert store.snapshots("other") == []
    assert store.snapshot(first["id"]).manifest == first["manifest"]
    assert "was told with two manifests" in messages(store, "other")[0]


def test_pages_of_runs_do_not_read_snapshots_and_documents(store: Store) -> None:
    from sqlalchemy import event as sql_event

    say(store, run_event("r"), event("document", "r", name="machine", content={}))
    snapshot(store, "r", FILES)
    said: list[str] = []
    sql_event.listen(store.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    assert len(store.runs().runs) == 1
    assert said
    assert not any("snapshots" in statement or "documents" in statement for statement in said)


# Sweeps.


def test_a_sweep_keeps_all_that_live_snapshots_need(store: Store) -> None:
    say(store, run_event("a"), run_event("b"))
    kept = snapshot(store, "a", {**FILES, "own": b"of a"})
    snapshot(store, "b", {**FILES, "own": b"of b"})
    unnamed = store.put_bytes(b"unnamed").digest
    make_old(store)
    assert store.sweep().blobs == 1
    assert not store.blobs.exists(unnamed)
    store.delete_run("b")
    assert store.sweep().blobs == 2  # the manifest, and what only this snapshot had
    assert restored(store, kept) == {**FILES, "own": b"of a"}
    store.delete_run("a")
    assert store.sweep().blobs == 5
    assert store.blobs.usage() == 0
    assert count(store, snapshots) == 0
    with pytest.raises(NotFound, match="goes with the last run"):
        store.snapshot(kept)


def test_a_content_that_a_file_and_a_snapshot_have_stays_for_either(store: Store) -> None:
    say(store, run_event("a"), run_event("b"))
    snapshot(store, "a", {"f": b"shared"})
    upload(store, "b", "f", b"shared")
    make_old(store)
    store.delete_run("a")
    assert store.sweep().blobs == 1
    assert store.read_range("b", "f", 0, 10) == b"shared"
    snapshot_id = (say(store, run_event("c")), snapshot(store, "c", {"f": b"shared"}))[1]
    make_old(store)
    store.delete_run("b")
    assert store.sweep().blobs == 0
    assert restored(store, snapshot_id) == {"f": b"shared"}


def test_what_a_snapshot_of_a_deleted_run_needed_stays_for_the_grace_period(store: Store) -> None:
    say(store, run_event("r"))
    snapshot(store, "r", FILES)
    store.delete_run("r")
    assert store.sweep().blobs == 0
    assert count(store, snapshots) == 0
    assert store.sweep(grace_s=0).blobs == 4


def test_a_snapshot_that_was_forgotten_can_be_had_again(store: Store) -> None:
    say(store, run_event("r"), run_event("again"))
    first = snapshot(store, "r", FILES)
    store.delete_run("r")
    store.sweep(grace_s=0)
    assert snapshot(store, "again", FILES) == first
    assert restored(store, first) == FILES


def test_what_a_snapshot_needs_stays_while_its_event_is_on_its_way(store: Store) -> None:
    say(store, run_event("old"))
    snapshot(store, "old", FILES)
    make_old(store)
    store.delete_run("old")
    data = take(store, FILES)  # as a second submission does: nothing is stored anew
    assert store.sweep().blobs == 0
    say(store, run_event("r"), event("snapshot", "r", **data))
    make_old(store)
    assert store.sweep().blobs == 0
    assert restored(store, data["id"]) == FILES


def test_snapshots_of_other_workspaces_stay(store: Store, database_url: str) -> None:
    other = open_store(database_url, "other", blobs_url=store.blobs_url)
    for each in (store, other):
        say(each, run_event("r"))
        snapshot_id = snapshot(each, "r", FILES)
    make_old(store)
    store.delete_run("r")
    assert store.sweep().blobs == 0
    with pytest.raises(NotFound):
        store.snapshot(snapshot_id)
    assert restored(other, snapshot_id) == FILES
    other.close()


def spoil_missing(path: Path) -> None:
    path.unlink()


def spoil_changed(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"train.py", b"trick.py"))


@pytest.mark.parametrize("spoil", [spoil_missing, spoil_changed])
def test_nothing_is_freed_while_a_manifest_cannot_be_read(store: Store, spoil: Callable[[Path], None]) -> None:
    say(store, run_event("good"), *(run_event(f"bad{number}") for number in range(8)))
    kept = snapshot(store, "good", {"x": b"good"})
    for number in range(8):
        lost = snapshot(store, f"bad{number}", FILES)
    store.put_bytes(b"unnamed")
    make_old(store)
    spoil(Path(store.blobs.address) / key_of(store.snapshot(lost).manifest))
    told = (
        rf"no file was freed: .*{lost}.*delete the runs that have the snapshot: bad0, bad1, bad2, bad3, bad4 and 3 more"
    )
    for _ in range(2):
        with pytest.raises(StoreDamaged, match=told):
            store.sweep()
        assert store.blobs.exists(take(store, {"x": b"good"})["manifest"])
    for number in range(8):
        store.delete_run(f"bad{number}")
    make_old(store)
    assert store.sweep().blobs >= 3
    assert restored(store, kept) == {"x": b"good"}


def test_a_content_that_is_no_manifest_is_told_too(store: Store) -> None:
    data = take(store, FILES)
    say(store, run_event("r"), event("snapshot", "r", **{**data, "manifest": store.put_bytes(b"[]").digest}))
    with pytest.raises(StoreDamaged, match="no manifest of a snapshot"):
        store.sweep()


def test_each_manifest_is_read_once_in_a_sweep(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        say(store, run_event(f"r{number}"))
        snapshot(store, f"r{number}", {"f": bytes([number % 2])})
    read: list[str] = []
    contents = sweeping.contents

    def counted(blobs: Any, manifest: str) -> set[str]:
        read.append(manifest)
        return contents(blobs, manifest)

    monkeypatch.setattr(sweeping, "contents", counted)
    store.sweep()
    assert len(read) == len(set(read)) == 2


# Races.


def test_a_run_that_gets_a_snapshot_just_when_a_sweep_forgets_it_keeps_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(store, run_event("old"), run_event("new"))
    data = take(store, FILES)
    say(store, event("snapshot", "old", **data))
    make_old(store)
    store.delete_run("old")
    take(store, FILES)
    telling: list[threading.Thread] = []
    write = sweeping.write

    def write_meanwhile(engine: Any) -> Any:
        # The sweep has seen that no run has the snapshot, and is about to remove it.
        if not telling:
            said = event("snapshot", "new", **data)
            telling.append(threading.Thread(target=lambda: say(store, said, journal="other")))
            telling[0].start()
            telling[0].join()
        return write(engine)

    monkeypatch.setattr(sweeping, "write", write_meanwhile)
    store.sweep()
    assert [each.id for each in store.snapshots("new")] == [data["id"]]
    assert restored(store, data["id"]) == FILES


def test_snapshots_that_are_taken_while_others_delete_and_sweep_are_whole(store: Store, database_url: str) -> None:
    grace_s = 3.0
    end = time.monotonic() + 6
    folders = [{f"f{number}": f"{number}".encode() for number in range(seed, seed + 4)} for seed in range(6)]
    failures: list[BaseException] = []
    done = {"taken": 0, "late": 0, "freed": 0}

    def record(seed: int) -> None:
        rng = random.Random(seed)
        mine = open_store(database_url, "test", blobs_url=store.blobs_url)
        held: list[str] = []
        while time.monotonic() < end:
            run_id, files, began = str(uuid4()), rng.choice(folders), time.monotonic()
            data = take(mine, files)
            time.sleep(rng.random() * 0.2)
            say(mine, run_event(run_id), event("snapshot", run_id, **data), journal=f"j{seed}")
            if time.monotonic() - began > grace_s / 2:
                done["late"] += 1  # this machine is too slow just now for the promise to hold
                mine.delete_run(run_id)
                continue
            held.append(run_id)
            done["taken"] += 1
            for each in held:
                (kept,) = mine.snapshots(each)
                assert restored(mine, kept.id) in folders
            while len(held) > 2:
                mine.delete_run(held.pop(rng.randrange(len(held))))
            time.sleep(rng.random() * 0.3)
        mine.close()

    def sweep() -> None:
        mine = open_store(database_url, "test", blobs_url=store.blobs_url)
        while time.monotonic() < end:
            done["freed"] += mine.sweep(grace_s=grace_s).blobs
            time.sleep(0.02)
        mine.close()

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    for files in folders:
        take(store, files)
    make_old(store)
    works: list[Callable[[], None]] = [lambda: record(1), lambda: record(2), sweep]
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    assert done["taken"] > 0
    assert done["freed"] > 0
