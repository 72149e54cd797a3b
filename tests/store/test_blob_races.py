"""An upload and a sweep of the same content meet: whoever was told that it is stored finds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from milepost.store.blobs import Blobs, Freed, key_of, open_blobs
from milepost.store.errors import StoreUnavailable
from tests.store.object_stores import Place, azure_endpoint, new_azure_place, new_s3_place, s3_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["azure_endpoint", "s3_endpoint"]

CONTENT = b"the content that everybody wants"
GRACE_S = 60.0


@pytest.fixture
def disk(tmp_path: Path) -> Blobs:
    return open_blobs(str(tmp_path / "blobs"))


def old_blob(blobs: Blobs, root: Path, age_s: float = 3600) -> str:
    """A content that was stored an hour ago."""
    digest = blobs.put_bytes(CONTENT).digest
    then = time.time() - age_s
    os.utime(root / key_of(digest), (then, then))
    return digest


def once(action: Callable[[], Any]) -> Callable[[], None]:
    left = [action]

    def act() -> None:
        if left:
            left.pop()()

    return act


def before_and_after(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, before: Callable[[], Any], after: Callable[[], Any]
) -> None:
    """Act right before and right after the next call of a function."""
    original = getattr(owner, name)
    act_before, act_after = once(before), once(after)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        act_before()
        result = original(*arguments, **named)
        act_after()
        return result

    monkeypatch.setattr(owner, name, wrapped)


def nothing() -> None:
    return None


# On a disk, step by step.


def test_an_old_content_that_nobody_stores_is_freed(disk: Blobs, tmp_path: Path) -> None:
    digest = old_blob(disk, tmp_path / "blobs")
    young = disk.put_bytes(b"young").digest
    assert disk.free([digest, young], GRACE_S) == Freed(1, len(CONTENT))
    assert not disk.exists(digest)
    assert disk.exists(young)
    assert disk.free([digest], GRACE_S) == Freed()
    assert list((tmp_path / "blobs" / "trash").iterdir()) == []


@pytest.mark.parametrize("way", ["put_bytes", "put_file", "put_stream", "keep"])
def test_storing_a_content_again_makes_it_young(disk: Blobs, tmp_path: Path, way: str) -> None:
    digest = old_blob(disk, tmp_path / "blobs")
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    with source.open("rb") as stream:
        given = {"put_bytes": CONTENT, "put_file": source, "put_stream": stream, "keep": digest}[way]
        getattr(disk, way)(given)
    assert disk.free([digest], GRACE_S) == Freed()


def test_an_upload_before_the_sweep_moves_the_content_makes_it_move_it_back(
    disk: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = old_blob(disk, tmp_path / "blobs")
    before_and_after(monkeypatch, Path, "replace", before=lambda: disk.put_bytes(CONTENT), after=nothing)
    assert disk.free([digest], GRACE_S) == Freed()
    assert disk.read_range(digest, 0, 100) == CONTENT


def test_an_upload_after_the_sweep_has_moved_the_content_writes_it_anew(
    disk: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = old_blob(disk, tmp_path / "blobs")
    before_and_after(monkeypatch, Path, "replace", before=nothing, after=lambda: disk.put_bytes(CONTENT))
    assert disk.free([digest], GRACE_S) == Freed(1, len(CONTENT))
    assert disk.read_range(digest, 0, 100) == CONTENT


def test_a_touch_that_comes_too_late_is_noticed(disk: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = old_blob(disk, tmp_path / "blobs")
    touch = os.utime

    def sweep_then_touch(path: Any, *rest: Any) -> None:
        # The kernel has found the file, then the sweep removes it, then the touch goes to what has no name any more.
        if Path(path).name in digest:
            monkeypatch.setattr(os, "utime", touch)
            with Path(path).open("rb") as found:
                disk.free([digest], GRACE_S)
                touch(found.fileno(), *rest)
        else:
            touch(path, *rest)

    monkeypatch.setattr(os, "utime", sweep_then_touch)
    disk.put_bytes(CONTENT)
    assert disk.read_range(digest, 0, 100) == CONTENT


def test_readers_find_the_content_while_a_sweep_makes_up_its_mind(
    disk: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = old_blob(disk, tmp_path / "blobs")
    seen = []

    def look() -> None:
        assert disk.exists(digest)
        assert disk.size(digest) == len(CONTENT)
        seen.append(disk.read_range(digest, 0, 100))

    before_and_after(monkeypatch, Path, "replace", before=nothing, after=look)
    disk.free([digest], GRACE_S)
    assert seen == [CONTENT]


def test_a_reader_that_has_opened_a_content_reads_it_to_its_end(disk: Blobs, tmp_path: Path) -> None:
    digest = old_blob(disk, tmp_path / "blobs")
    with disk.open(digest) as source:
        assert disk.free([digest], GRACE_S).blobs == 1
        assert source.read() == CONTENT


def test_what_a_killed_sweep_left_in_the_trash_is_still_there_and_put_back(disk: Blobs, tmp_path: Path) -> None:
    root = tmp_path / "blobs"
    digest = old_blob(disk, root)
    (root / "trash").mkdir()
    (root / key_of(digest)).replace(root / "trash" / digest)
    (root / "trash" / "not a digest").write_bytes(b"")
    assert disk.exists(digest)
    disk.tidy(GRACE_S)
    assert (root / key_of(digest)).read_bytes() == CONTENT
    (root / "trash" / digest).write_bytes(CONTENT)
    disk.tidy(GRACE_S)
    assert [path.name for path in (root / "trash").iterdir()] == ["not a digest"]


def test_drafts_of_killed_processes_are_removed_and_those_of_living_ones_are_not(disk: Blobs, tmp_path: Path) -> None:
    code = """
        import sys, time
        from milepost.store.blobs import open_blobs
        class Endless:
            def read(self, count):
                sys.stdout.write("."), sys.stdout.flush(), time.sleep(0.05)
                return b"x" * 1000
        open_blobs(sys.argv[1]).put_stream(Endless())
    """
    root = tmp_path / "blobs"
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(root)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read(5)
    (draft,) = (root / "tmp").iterdir()
    os.utime(draft, (1, 1))
    assert disk.tidy(0) == 0
    assert draft.exists()
    child.kill()
    child.wait()
    os.utime(draft)
    assert disk.tidy(GRACE_S) == 0
    then = time.time() - 2 * GRACE_S
    os.utime(draft, (then, then))
    size = draft.stat().st_size
    assert disk.tidy(GRACE_S) == size >= 1000
    assert not draft.exists()


# In an object store, step by step.


@pytest.fixture(params=["s3", "azure"])
def remote(request: pytest.FixtureRequest) -> Place:
    if request.param == "s3":
        return new_s3_place(request.getfixturevalue("s3_endpoint"))
    return new_azure_place(request.getfixturevalue("azure_endpoint"))


def open_place(place: Place, grace_s: float) -> Blobs:
    return open_blobs(place.address, options=place.options, grace_s=grace_s)


def names_in(blobs: Any, prefix: str) -> list[str]:
    return [each["path"] for each in blobs._objects(prefix)]


def test_an_object_that_is_old_is_freed_and_a_young_one_is_not(remote: Place) -> None:
    blobs = open_place(remote, GRACE_S)
    digest = blobs.put_bytes(CONTENT).digest
    assert blobs.free([digest], GRACE_S) == Freed()
    assert blobs.exists(digest)
    assert blobs.free([digest, "0" * 64], -5) == Freed(1, len(CONTENT))
    assert not blobs.exists(digest)
    assert names_in(blobs, "sweeping/") == []


def test_a_content_is_sent_again_only_when_half_of_the_grace_period_is_over(
    remote: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = open_place(remote, GRACE_S)
    digest = blobs.put_bytes(CONTENT).digest
    sent: list[str] = []
    original = blobs._put_new
    monkeypatch.setattr(blobs, "_put_new", lambda *given: sent.append(given[1]) or original(*given))
    blobs.put_bytes(CONTENT)
    assert sent == []
    assert blobs.keep(digest)
    blobs.grace_s = 0
    blobs.put_bytes(CONTENT)
    assert sent == [digest]
    assert not blobs.keep(digest)


def test_an_upload_that_meets_a_sweep_at_its_last_moment_sends_the_content_once_more(
    remote: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeper, uploader = open_place(remote, 0), open_place(remote, 0)
    digest = sweeper.put_bytes(CONTENT).digest
    sent = threading.Event()
    before_and_after(monkeypatch, uploader, "_outlives_sweeps", before=sent.set, after=nothing)
    upload = threading.Thread(target=uploader.put_bytes, args=(CONTENT,))

    def upload_meanwhile() -> None:
        upload.start()
        assert sent.wait(30)

    # The sweep has looked and found an old object; now the upload sends a new one; then the sweep deletes it.
    before_and_after(monkeypatch, sweeper, "_remove", before=upload_meanwhile, after=nothing)
    assert sweeper.free([digest], -5).blobs == 1
    upload.join(60)
    assert not upload.is_alive()
    assert sweeper.read_range(digest, 0, 100) == CONTENT


def test_two_sweeps_do_not_work_at_once(remote: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milepost.store.object_blobs.MARK_LIFE_S", 1.5)
    blobs: Any = open_place(remote, 0)
    digest = blobs.put_bytes(CONTENT).digest
    with blobs._swept():
        assert len(names_in(blobs, "sweeping/")) == 1
        monkeypatch.setattr("milepost.store.object_blobs._time", lambda found: 0.0)
        with pytest.raises(StoreUnavailable, match="another sweep"):
            blobs.free([digest], -5)
        assert blobs.exists(digest)
    assert names_in(blobs, "sweeping/") == []


def test_the_mark_of_a_killed_sweep_does_not_hold_up_the_others_for_ever(
    remote: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("milepost.store.object_blobs.MARK_LIFE_S", 1.0)
    blobs: Any = open_place(remote, 0)
    digest = blobs.put_bytes(CONTENT).digest
    blobs._put_mark("sweeping/dead")
    time.sleep(2.5)  # the times of objects have whole seconds
    blobs.put_bytes(CONTENT)
    assert blobs.free([digest], -5).blobs == 1
    assert names_in(blobs, "sweeping/") == []


# Processes.

UPLOADER = """
    import json, sys, time
    from milepost.store.blobs import open_blobs
    from milepost.store.errors import NotFound
    address, options, grace, safe, seconds = sys.argv[1:]
    grace, safe = float(grace), float(safe)
    blobs = open_blobs(address, options=json.loads(options), grace_s=grace)
    contents = [bytes([number]) * 1000 for number in range(4)]
    end = time.monotonic() + float(seconds)
    puts = looks = lost = 0
    while time.monotonic() < end:
        content = contents[puts % 4]
        began = time.monotonic()
        blob = blobs.put_bytes(content) if puts % 3 else blobs.put_stream(__import__("io").BytesIO(content))
        puts += 1
        while time.monotonic() - began < safe:
            try:
                good = blobs.read_range(blob.digest, 0, 2000) == content
            except NotFound:
                good = False
            # What is found missing late, because this process had to wait for the processor, proves nothing.
            if time.monotonic() - began < safe:
                looks += 1
                lost += not good
            if puts % 5:
                break
        time.sleep(0.01 + puts % 7 * grace / 6)
    print(json.dumps({"puts": puts, "looks": looks, "lost": lost}))
"""

SWEEPER = """
    import json, sys, time
    from milepost.store.blobs import open_blobs
    address, options, grace, _safe, seconds = sys.argv[1:]
    blobs = open_blobs(address, options=json.loads(options), grace_s=float(grace))
    end = time.monotonic() + float(seconds)
    freed = 0
    while time.monotonic() < end:
        freed += blobs.free([digest for digest, size, modified in blobs.list()], float(grace)).blobs
        blobs.tidy(float(grace))
    print(json.dumps({"freed": freed}))
"""


# The last looks come a little before the end of the grace period: a file's time is as coarse as the kernel's tick.
@pytest.mark.parametrize(("kind", "grace_s", "safe_s", "seconds"), [("disk", 0.3, 0.25, 6), ("s3", 4, 1, 15)])
def test_two_processes_upload_what_a_third_sweeps_and_nothing_is_lost(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, grace_s: float, safe_s: float, seconds: float
) -> None:
    place = Place(str(tmp_path / "blobs"))
    if kind == "s3":
        place = new_s3_place(request.getfixturevalue("s3_endpoint"))
    arguments = [place.address, json.dumps(place.options), str(grace_s), str(safe_s), str(seconds)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for code in (UPLOADER, UPLOADER, SWEEPER)
    ]
    said = []
    for process in running:
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
        said.append(json.loads(out))
    *uploads, swept = said
    assert swept["freed"] > 0, "the sweep never had anything to free: the race was not run"
    for upload in uploads:
        assert upload["looks"] > 0
        assert upload["lost"] == 0
