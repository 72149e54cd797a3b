"""Many files at once: the same as one after the other, and as safe."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from milepost.jobs.snapshots import manifest, take, write_tree
from milepost.store import local_blobs
from milepost.store.blobs import Blobs, key_of, open_blobs
from milepost.store.errors import BadInput, StoreUnavailable
from milepost.store.records import Blob
from milepost.store.together import together
from tests.store.object_stores import Place, new_s3_place, s3_endpoint

__all__ = ["s3_endpoint"]


@pytest.fixture(params=["disk", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "s3":
        place = new_s3_place(request.getfixturevalue("s3_endpoint"))
    else:
        place = Place(str(tmp_path / "blobs"))
    return open_blobs(place.address, options=place.options)


@pytest.fixture
def disk(tmp_path: Path) -> Blobs:
    return open_blobs(str(tmp_path / "blobs"))


def files(folder: Path, *contents: bytes) -> list[str]:
    folder.mkdir(exist_ok=True)
    for number, content in enumerate(contents):
        (folder / str(number)).write_bytes(content)
    return [str(folder / str(number)) for number in range(len(contents))]


def blob_of(data: bytes) -> Blob:
    return Blob(hashlib.sha256(data).hexdigest(), len(data))


def test_many_files_are_stored_as_each_alone_would_be(blobs: Blobs, tmp_path: Path) -> None:
    contents = [b"", b"one", b"two", b"one", os.urandom(2 << 20), b"three" * 1000]
    stored = blobs.put_files(files(tmp_path / "in", *contents))
    assert stored == [blob_of(each) for each in contents]
    for each in contents:
        with blobs.open(blob_of(each).digest) as source:
            assert source.read() == each
    assert len(list(blobs.list())) == 5
    assert blobs.put_files([]) == []
    assert blobs.put_files(files(tmp_path / "in", *contents)) == stored


def test_a_snapshot_goes_to_any_store_and_back(blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_HOME", str(tmp_path / "home"))
    files(tmp_path / "in", *(b"%d" % number for number in range(30)))
    taken = take(tmp_path / "in", blobs, memory=tmp_path / "memory")
    assert take(tmp_path / "in", blobs, memory=tmp_path / "memory") == taken
    write_tree(blobs, manifest(blobs, taken.manifest_digest), tmp_path / "out")
    assert {each.name: each.read_bytes() for each in (tmp_path / "out").iterdir()} == {
        str(number): b"%d" % number for number in range(30)
    }


def test_what_is_not_there_any_more_is_told(blobs: Blobs, tmp_path: Path) -> None:
    stored = blobs.put_files(files(tmp_path / "in", b"one", b"two"))
    absent = blob_of(b"absent")
    sizes = {each.digest: each.size for each in (*stored, absent)}
    assert blobs.keep_all(sizes) == {absent.digest}
    blobs.delete(stored[0].digest)
    assert blobs.keep_all(sizes) == {absent.digest, stored[0].digest}
    assert blobs.keep_all({}) == set()


def test_a_file_that_cannot_be_stored_is_named(blobs: Blobs, tmp_path: Path) -> None:
    paths = files(tmp_path / "in", b"one", b"two")
    with pytest.raises(BadInput, match="absent"):
        blobs.put_files([*paths, str(tmp_path / "absent")])
    (tmp_path / "link").symlink_to(paths[0])
    with pytest.raises(BadInput, match="is a link"):
        blobs.put_files([str(tmp_path / "link")])


def test_no_drafts_are_left(disk: Blobs, tmp_path: Path) -> None:
    disk.put_files(files(tmp_path / "in", *(b"%d" % number for number in range(50))))
    assert list((tmp_path / "blobs" / "tmp").iterdir()) == []


def test_no_drafts_are_left_where_it_fails(disk: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_draft: str) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local_blobs, "sync", full)
    with pytest.raises(StoreUnavailable, match="is full"):
        disk.put_files(files(tmp_path / "in", b"one", b"two"))
    assert list((tmp_path / "blobs" / "tmp").iterdir()) == []
    assert list(disk.list()) == []


@pytest.mark.parametrize("moment", ["before it is made durable", "before it is moved"])
def test_a_draft_that_a_sweep_takes_for_abandoned_is_written_again(
    disk: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    sync = local_blobs.sync

    def swept(draft: str) -> bool:
        if moment == "before it is made durable":
            disk.tidy(0)
            return sync(draft)
        done = sync(draft)
        disk.tidy(0)
        return done

    monkeypatch.setattr(local_blobs, "sync", swept)
    contents = [b"%d" % number for number in range(20)]
    assert disk.put_files(files(tmp_path / "in", *contents)) == [blob_of(each) for each in contents]
    assert all(disk.exists(blob_of(each).digest) for each in contents)


def test_a_content_is_durable_before_it_gets_its_name(
    disk: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[str] = set()
    moved: list[bool] = []
    sync, replace = local_blobs.sync, os.replace
    monkeypatch.setattr(local_blobs, "sync", lambda draft: synced.add(draft) or sync(draft))
    monkeypatch.setattr(os, "replace", lambda old, new: moved.append(str(old) in synced) or replace(old, new))
    folders: list[Path] = []
    sync_folder = local_blobs.sync_folder
    monkeypatch.setattr(local_blobs, "sync_folder", lambda folder: folders.append(folder) or sync_folder(folder))
    (stored,) = disk.put_files(files(tmp_path / "in", b"one"))
    assert moved == [True]
    place = tmp_path / "blobs" / key_of(stored.digest)
    assert {place.parent, place.parent.parent, tmp_path / "blobs"} <= set(folders)


def test_many_that_store_and_sweep_the_same_lose_nothing(disk: Blobs, tmp_path: Path) -> None:
    contents = [b"%d" % number for number in range(60)]
    paths = files(tmp_path / "in", *contents)
    grace_s = 0.1
    done = threading.Event()
    trouble: list[BaseException] = []

    def sweep() -> None:
        while not done.is_set():
            for digest, _size, _stored in list(disk.list()):
                disk.free([digest], grace_s)
            disk.tidy(grace_s)

    def store() -> None:
        try:
            for _ in range(10):
                began = time.monotonic()
                stored = disk.put_files(paths)
                there = [disk.exists(each.digest) for each in stored]
                if time.monotonic() - began < grace_s / 2:  # within the grace period all must be there
                    assert all(there)
                time.sleep(grace_s)
        except BaseException as error:
            trouble.append(error)

    sweeper = threading.Thread(target=sweep)
    storers = [threading.Thread(target=store) for _ in range(3)]
    sweeper.start()
    for each in storers:
        each.start()
    for each in storers:
        each.join()
    done.set()
    sweeper.join()
    assert not trouble
    assert disk.put_files(paths) == [blob_of(each) for each in contents]


# The threads.


def test_results_come_in_the_order_of_the_items() -> None:
    def slow(number: int) -> int:
        time.sleep(0.001 * (number % 5))
        return number * number

    assert together(slow, range(50), 8) == [number * number for number in range(50)]
    assert together(slow, [], 8) == []
    assert together(slow, [3], 1) == [9]


def test_the_first_trouble_ends_the_work() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        time.sleep(0.001)
        if number == 3:
            raise ValueError("three")

    with pytest.raises(ValueError, match="three"):
        together(work, range(1000), 4)
    assert len(begun) < 100


def test_where_no_thread_can_be_started_the_caller_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert together(str, range(5), 4) == ["0", "1", "2", "3", "4"]
