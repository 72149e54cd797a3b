"""What every blob store does, on a local disk, on S3 and on Azure."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import socket
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from milepost.store.blobs import IN_MEMORY, Blobs, digest_at, key_of, open_blobs
from milepost.store.errors import BadInput, NotFound, StoreDamaged, StoreUnavailable
from milepost.store.records import Blob
from tests.conftest import only_thorough
from tests.store.object_stores import (
    Place,
    azure_endpoint,
    google_endpoint,
    new_azure_place,
    new_google_place,
    new_s3_place,
    s3_endpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["azure_endpoint", "google_endpoint", "s3_endpoint"]

LARGE = IN_MEMORY + 12345


@pytest.fixture(params=["disk", "s3", "azure", "google"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "google":
        endpoints = [request.getfixturevalue(name) for name in ("google_endpoint", "s3_endpoint")]
        return new_google_place(*endpoints)
    if request.param == "s3":
        return new_s3_place(request.getfixturevalue("s3_endpoint"))
    if request.param == "azure":
        return new_azure_place(request.getfixturevalue("azure_endpoint"))
    return Place(str(tmp_path / "blobs"))


@pytest.fixture
def blobs(place: Place) -> Blobs:
    return open_blobs(place.address, options=place.options)


@pytest.fixture
def disk(tmp_path: Path) -> Blobs:
    return open_blobs(str(tmp_path / "blobs"))


def content_of(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def blob_of(data: bytes) -> Blob:
    return Blob(hashlib.sha256(data).hexdigest(), len(data))


def write_file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def run_python(code: str, *arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


# Storing and reading.


@pytest.mark.parametrize("size", [0, 1, 5, IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1, LARGE])
def test_what_is_stored_comes_back_by_any_way(blobs: Blobs, place: Place, tmp_path: Path, size: int) -> None:
    if not place.is_local and 5 < size < LARGE:
        pytest.skip("sizes around the limit are tried on the disk; the servers of the tests are slow")
    for seed, put in enumerate((blobs.put_bytes, lambda data: blobs.put_stream(io.BytesIO(data)), None)):
        data = content_of(size, seed)
        stored = blobs.put_file(write_file(tmp_path / "source", data)) if put is None else put(data)
        assert stored == blob_of(data)
        assert blobs.exists(stored.digest)
        assert blobs.size(stored.digest) == size
        with blobs.open(stored.digest) as source:
            assert source.read() == data
        blobs.download(stored.digest, tmp_path / "target")
        assert (tmp_path / "target").read_bytes() == data


def test_the_same_content_is_kept_once(blobs: Blobs, tmp_path: Path) -> None:
    for data in (b"same", content_of(LARGE)):
        stored = {
            blobs.put_bytes(data),
            blobs.put_bytes(data),
            blobs.put_stream(io.BytesIO(data)),
            blobs.put_file(write_file(tmp_path / "a", data)),
            blobs.put_file(write_file(tmp_path / "b", data)),
        }
        assert stored == {blob_of(data)}
    assert {(digest, size) for digest, size, _modified in blobs.list()} == {
        (blob_of(b"same").digest, 4),
        (blob_of(content_of(LARGE)).digest, LARGE),
    }
    assert blobs.usage() == 4 + LARGE


def test_a_stream_is_stored_from_where_it_stands(blobs: Blobs) -> None:
    stream = io.BytesIO(b"before|after")
    stream.seek(7)
    assert blobs.put_stream(stream) == blob_of(b"after")


def test_a_stream_may_give_little_at_a_time_and_have_no_end_known(blobs: Blobs) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        child = subprocess.Popen([sys.executable, "-c", "print('x' * 200_000, end='')"], stdout=writing)
        os.close(writing)
        assert blobs.put_stream(pipe) == blob_of(b"x" * 200_000)
        child.wait()


def test_a_range_of_bytes_can_be_read(blobs: Blobs) -> None:
    data = content_of(1000)
    digest = blobs.put_bytes(data).digest
    assert blobs.read_range(digest, 0, 1000) == data
    assert blobs.read_range(digest, 10, 20) == data[10:20]
    assert blobs.read_range(digest, 990, 5000) == data[990:]
    assert blobs.read_range(digest, 10, 10) == b""
    assert blobs.read_range(digest, 1000, 1001) == b""
    assert blobs.read_range(digest, 5000, 6000) == b""
    for start, end in ((-1, 5), (5, 4)):
        with pytest.raises(BadInput, match="no range"):
            blobs.read_range(digest, start, end)


def test_an_open_content_can_be_read_at_any_place(blobs: Blobs) -> None:
    data = content_of(LARGE)
    digest = blobs.put_bytes(data).digest
    with blobs.open(digest) as source:
        assert source.read(10) == data[:10]
        source.seek(LARGE - 100)
        assert source.read() == data[-100:]
        source.seek(-50, os.SEEK_END)
        assert source.tell() == LARGE - 50
        source.seek(10, os.SEEK_CUR)
        assert source.read(1000) == data[-40:]
        source.seek(3)
        assert source.read(IN_MEMORY) == data[3 : 3 + IN_MEMORY]
        assert source.seekable()
        assert not source.writable()


def test_what_is_not_there_is_told(blobs: Blobs, tmp_path: Path) -> None:
    digest = blob_of(b"never stored").digest
    assert not blobs.exists(digest)
    assert not blobs.keep(digest)
    for read in (
        lambda: blobs.open(digest),
        lambda: blobs.size(digest),
        lambda: blobs.read_range(digest, 0, 1),
        lambda: blobs.download(digest, tmp_path / "target"),
    ):
        with pytest.raises(NotFound, match=digest):
            read()
    assert not (tmp_path / "target").exists()
    assert list(blobs.list()) == []


@pytest.mark.parametrize(
    "digest", ["", "x", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 65, "a" * 62 + "/.", "a" * 64 + "\n"]
)
def test_what_is_no_digest_reaches_no_file(disk: Blobs, tmp_path: Path, digest: str) -> None:
    for use in (disk.open, disk.size, disk.exists, disk.delete, disk.keep):
        with pytest.raises(BadInput, match="no SHA-256"):
            use(digest)
    with pytest.raises(BadInput):
        disk.read_range(digest, 0, 1)
    with pytest.raises(BadInput):
        disk.download(digest, tmp_path / "target")
    with pytest.raises(BadInput):
        disk.free([digest], 0)


def test_a_deleted_content_is_gone_and_can_be_stored_again(blobs: Blobs) -> None:
    digest = blobs.put_bytes(b"content").digest
    blobs.delete(digest)
    blobs.delete(digest)
    assert not blobs.exists(digest)
    assert blobs.put_bytes(b"content").digest == digest
    assert blobs.exists(digest)


def test_keys_and_digests_belong_together() -> None:
    digest = blob_of(b"x").digest
    assert key_of(digest) == f"sha256/{digest[:2]}/{digest[2:]}"
    assert digest_at(key_of(digest)) == digest
    for other in ("sha256/x", "owners/a", f"sha256/{digest}", f"sha256/{digest[:2]}/{digest[2:]}.part", ""):
        assert digest_at(other) is None


def test_files_of_others_in_the_store_are_left_alone(disk: Blobs, tmp_path: Path) -> None:
    stored = disk.put_bytes(b"content")
    (tmp_path / "blobs" / "sha256" / "notes.txt").write_text("mine")
    (tmp_path / "blobs" / "sha256" / stored.digest[:2] / "readme").write_text("mine")
    (tmp_path / "blobs" / "sha256" / stored.digest[:2] / ("0" * 62)).mkdir()
    assert [digest for digest, _size, _modified in disk.list()] == [stored.digest]


# Sources that misbehave.


class Meddler:
    """Stands in for the look whether a content is there: between the first and the second reading of a file."""

    def __init__(self, change: Callable[[int], None]) -> None:
        self.change = change
        self.reuses = 0

    def __call__(self, digest: str, size: int) -> bool:
        self.reuses += 1
        self.change(self.reuses)
        return False


def test_a_file_that_changes_while_it_is_read_is_never_kept_under_a_wrong_digest(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_file(tmp_path / "source", content_of(LARGE))
    final = content_of(LARGE, seed=1)
    change = Meddler(lambda turn: path.write_bytes(final) if turn == 1 else None)
    monkeypatch.setattr(blobs, "_reuse", change)
    assert blobs.put_file(path) == blob_of(final)
    assert change.reuses == 2
    assert [(digest, size) for digest, size, _ in blobs.list()] == [(blob_of(final).digest, LARGE)]


def test_a_file_that_keeps_changing_is_refused_with_advice(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_file(tmp_path / "source", content_of(LARGE))
    monkeypatch.setattr(blobs, "_reuse", Meddler(lambda turn: write_file(path, content_of(LARGE, turn)) and None))
    with pytest.raises(BadInput, match=r"source' kept changing .* store a copy of it"):
        blobs.put_file(path)
    assert list(blobs.list()) == []


def test_a_file_that_shrinks_while_it_is_read_is_read_again(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_file(tmp_path / "source", content_of(LARGE))
    monkeypatch.setattr(blobs, "_reuse", Meddler(lambda turn: os.truncate(path, 100)))
    assert blobs.put_file(path) == blob_of(content_of(LARGE)[:100])


def test_a_file_that_only_grows_is_kept_as_it_was_at_the_call(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_file(tmp_path / "log", content_of(LARGE))

    def append(_turn: int) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr(blobs, "_reuse", Meddler(append))
    assert blobs.put_file(path) == blob_of(content_of(LARGE))


@pytest.mark.parametrize("size", [3, LARGE])
def test_a_stream_that_breaks_leaves_nothing(blobs: Blobs, tmp_path: Path, size: int) -> None:
    class Broken(io.RawIOBase):
        given = 0

        def read(self, count: int = -1) -> bytes:
            if self.given >= size:
                raise ConnectionResetError("the other side is gone")
            self.given += min(count, size)
            return bytes(min(count, size))

    with pytest.raises(ConnectionResetError):
        blobs.put_stream(Broken())  # type: ignore[arg-type]
    assert list(blobs.list()) == []
    assert not list((tmp_path / "blobs").rglob("*.part"))


@pytest.mark.parametrize("stream", [io.StringIO("text"), io.StringIO("x" * 10_000_000)])
def test_a_stream_of_text_is_refused_with_advice(blobs: Blobs, stream: Any) -> None:
    with pytest.raises(BadInput, match=r"gives str, not bytes: open it in binary mode \('rb'\)"):
        blobs.put_stream(stream)


def test_a_stream_that_does_not_wait_is_refused(disk: Blobs) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with os.fdopen(reading, "rb", buffering=0) as pipe, os.fdopen(writing, "wb"), pytest.raises(BadInput, match="wait"):
        disk.put_stream(pipe)


def test_a_link_is_followed_only_where_that_is_said_to_be_fine(blobs: Blobs, tmp_path: Path) -> None:
    write_file(tmp_path / "secret", b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "chain").symlink_to(tmp_path / "link")
    for name in ("link", "chain"):
        with pytest.raises(BadInput, match="is a link"):
            blobs.put_file(tmp_path / name)
        assert blobs.put_file(tmp_path / name, follow_links=True) == blob_of(b"secret")


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    os.chdir(path.parent)  # addresses of sockets are short
    server.bind(path.name)
    server.close()


@pytest.mark.parametrize(
    ("make", "trouble"),
    [
        (make_fifo, "is a device, FIFO or socket"),
        (make_socket, "is a device, FIFO or socket"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, FIFO or socket"),
        (Path.mkdir, "is a folder"),
        (lambda path: path.symlink_to(path), "cannot be read"),
        (lambda path: path.symlink_to("nowhere"), "cannot be read"),
        (lambda path: None, "cannot be read"),
    ],
    ids=["fifo", "socket", "device", "folder", "loop", "dangling", "missing"],
)
@pytest.mark.timeout(20)
def test_what_is_no_regular_file_is_refused_without_waiting(
    disk: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], trouble: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "source")
    with pytest.raises(BadInput, match=trouble):
        disk.put_file(tmp_path / "source", follow_links=True)


@pytest.mark.parametrize("path", ["", "a\x00b", "/proc/self/mem/x"])
def test_an_impossible_path_is_refused(disk: Blobs, path: str) -> None:
    with pytest.raises(BadInput, match=r"is no path|cannot be read|is a folder"):
        disk.put_file(path)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here")
def test_a_file_that_hides_its_size_is_read_to_its_end(disk: Blobs) -> None:
    assert disk.put_file("/proc/self/status").size > 100


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user who is not root")
def test_an_unreadable_file_is_refused(disk: Blobs, tmp_path: Path) -> None:
    path = write_file(tmp_path / "source", b"x")
    path.chmod(0)
    with pytest.raises(BadInput, match="Permission denied"):
        disk.put_file(path)


# Downloads.


def test_a_download_replaces_a_file_and_makes_missing_folders(blobs: Blobs, tmp_path: Path) -> None:
    digest = blobs.put_bytes(b"new").digest
    target = write_file(tmp_path / "target", b"old and longer")
    blobs.download(digest, target)
    blobs.download(digest, tmp_path / "a" / "b" / "target")
    assert target.read_bytes() == (tmp_path / "a" / "b" / "target").read_bytes() == b"new"
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["target"]


def test_a_download_replaces_a_link_instead_of_following_it(disk: Blobs, tmp_path: Path) -> None:
    canary = write_file(tmp_path / "canary", b"untouched")
    (tmp_path / "target").symlink_to(canary)
    disk.download(disk.put_bytes(b"new").digest, tmp_path / "target")
    assert canary.read_bytes() == b"untouched"
    assert (tmp_path / "target").read_bytes() == b"new"
    assert not (tmp_path / "target").is_symlink()


def test_a_download_onto_a_folder_is_refused(disk: Blobs, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        disk.download(disk.put_bytes(b"x").digest, tmp_path / "target")
    assert list((tmp_path / "target").iterdir()) == []


def test_a_download_where_nothing_can_be_written_is_explained(disk: Blobs, tmp_path: Path) -> None:
    write_file(tmp_path / "file", b"")
    with pytest.raises(BadInput, match=r"file/target' cannot be written"):
        disk.download(disk.put_bytes(b"x").digest, tmp_path / "file" / "target")


def test_a_damaged_content_is_told_and_not_handed_on(disk: Blobs, tmp_path: Path) -> None:
    digest = disk.put_bytes(b"precious content").digest
    stored = tmp_path / "blobs" / key_of(digest)
    for damage, words in (
        (b"precious c0ntent", "another content of the same size"),
        (b"preci", "another content|bytes"),
    ):
        stored.write_bytes(damage)
        with pytest.raises(StoreDamaged, match=words):
            disk.download(digest, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    assert not list(tmp_path.glob("*.part"))


def test_a_content_that_was_cut_short_is_mended_by_the_next_upload(disk: Blobs, tmp_path: Path) -> None:
    digest = disk.put_bytes(b"content").digest
    (tmp_path / "blobs" / key_of(digest)).write_bytes(b"con")
    disk.put_bytes(b"content")
    assert disk.read_range(digest, 0, 10) == b"content"


# Files of the local store.


def test_stored_files_are_not_executable_and_follow_the_umask(disk: Blobs, tmp_path: Path) -> None:
    source = write_file(tmp_path / "source", b"#!/bin/sh\n")
    source.chmod(0o755)
    before = os.umask(0o027)
    try:
        digest = disk.put_file(source).digest
    finally:
        os.umask(before)
    assert (tmp_path / "blobs" / key_of(digest)).stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("address", ["file://{}", "{}", "FILE://{}", "file://localhost{}"])
def test_a_folder_can_be_given_as_path_or_as_address(tmp_path: Path, address: str) -> None:
    folder = tmp_path / "a folder"
    digest = (
        open_blobs(address.format(str(folder).replace(" ", "%20" if "://" in address else " "))).put_bytes(b"x").digest
    )
    assert (folder / key_of(digest)).exists()


@pytest.mark.parametrize(
    "address",
    ["", "file://", "file://server/share", "http://host/x", "ftp://x/y", "memory://x", "s3://", "s3:///x",
     "s3://key:secret@bucket/x", "s3://bucket/x?secret=1", "az://", "gs://", "\x00"],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_at_once(address: str) -> None:
    with pytest.raises(BadInput) as raised:
        open_blobs(address)
    assert "secret" not in str(raised.value)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(BadInput, match="nonsense"):
        open_blobs("s3://bucket/prefix", options={"nonsense": "1"})


def test_opening_makes_no_files(tmp_path: Path) -> None:
    blobs = open_blobs(str(tmp_path / "blobs"), owner=str(uuid.uuid4()))
    assert list(blobs.list()) == []
    assert blobs.usage() == 0
    assert blobs.free([], 0).blobs == 0
    assert blobs.tidy(0) == 0
    assert blobs.owners() == set()
    assert not (tmp_path / "blobs").exists()


def test_each_owner_leaves_a_mark_with_its_first_upload(place: Place) -> None:
    ids = {str(uuid.uuid4()) for _ in range(2)}
    for owner in ids:
        blobs = open_blobs(place.address, options=place.options, owner=owner)
        blobs.put_bytes(b"x")
        blobs.put_bytes(b"y")
    assert blobs.owners() == ids
    blobs.forget_owner(owner)
    blobs.forget_owner(owner)
    assert blobs.owners() == ids - {owner}


def test_an_owner_is_no_path(tmp_path: Path) -> None:
    for owner in ("", "../x", "a/b", "x" * 100, "\x00"):
        with pytest.raises(BadInput, match="no id"):
            open_blobs(str(tmp_path), owner=owner)


@only_thorough
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak memory from /proc")
@pytest.mark.parametrize("way", ["put_file", "put_stream"])
def test_a_large_file_never_sits_in_memory(place: Place, tmp_path: Path, way: str) -> None:
    size = 320 << 20
    with (tmp_path / "large").open("wb") as file:
        file.truncate(size)
    if place.address.startswith({"put_file": "az", "put_stream": "s3"}[way]):
        pytest.skip("one way on each server of the tests: they are slow")
    code = """
        import json, sys
        from pathlib import Path
        from milepost.store.blobs import open_blobs
        address, options, way, source, target = sys.argv[1:]
        blobs = open_blobs(address, options=json.loads(options))
        peak = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024
        blobs.put_bytes(b"warm up: libraries, connections")
        before = peak()
        if way == "put_file":
            blob = blobs.put_file(source)
        else:
            with open(source, "rb") as stream:
                blob = blobs.put_stream(stream)
        blobs.download(blob.digest, target)
        print(blob.size, peak() - before)
    """
    ran = run_python(code, place.address, json.dumps(place.options), way, tmp_path / "large", tmp_path / "target")
    assert ran.returncode == 0, ran.stderr
    stored, grown_mib = map(int, ran.stdout.split())
    assert stored == size == (tmp_path / "target").stat().st_size
    print(f"grew by {grown_mib} MiB")
    assert grown_mib < 160
    for path in ("large", "target"):
        (tmp_path / path).unlink()


# Trouble with the place.


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A file system of 4 MiB."""
    if os.name == "nt" or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_leaves_nothing_half(small_disk: Path, tmp_path: Path) -> None:
    blobs = open_blobs(str(small_disk / "blobs"))
    kept = blobs.put_bytes(content_of(1 << 20))
    large = write_file(tmp_path / "large", content_of(LARGE))
    for put in (
        lambda: blobs.put_file(large),
        lambda: blobs.put_stream(io.BytesIO(content_of(LARGE))),
        lambda: blobs.put_bytes(content_of(5 << 20)),
    ):
        with pytest.raises(StoreUnavailable, match=r"the disk with the folder of files .*small/blobs is full: free"):
            put()
        assert [digest for digest, _size, _modified in blobs.list()] == [kept.digest]
        assert not list(small_disk.rglob("*.part"))
    assert blobs.put_bytes(content_of(2 << 20)).size == 2 << 20
    with blobs.open(kept.digest) as source:
        assert source.read() == content_of(1 << 20)


def test_a_download_onto_a_full_disk_is_told_and_leaves_nothing_half(small_disk: Path, disk: Blobs) -> None:
    digest = disk.put_bytes(content_of(5 << 20)).digest
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        disk.download(digest, small_disk / "target")
    assert list(small_disk.iterdir()) == []


def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    write_file(tmp_path / "blobs", b"a file in the way")
    with pytest.raises(StoreUnavailable, match=r"blobs cannot be used .*check that its disk is there"):
        open_blobs(str(tmp_path / "blobs")).put_bytes(b"x")


def test_a_missing_bucket_is_told(s3_endpoint: str, azure_endpoint: str) -> None:
    for place in (new_s3_place(s3_endpoint), new_azure_place(azure_endpoint)):
        kind = place.address[:2]
        blobs = open_blobs(f"{kind}://not-there-at-all/prefix", options=place.options)
        with pytest.raises(StoreUnavailable, match="does its bucket exist"):
            blobs.put_bytes(b"x")


@pytest.mark.parametrize("kind", ["s3", "azure"])
def test_the_usual_variables_are_enough(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a store without TLS, beside the server: its administrator has nothing else to set it up with."""
    endpoint = request.getfixturevalue(f"{kind}_endpoint")
    place = new_s3_place(endpoint) if kind == "s3" else new_azure_place(endpoint)
    for name, value in place.options.items():
        prefix = "AWS" if kind == "s3" else "AZURE_STORAGE" if name.startswith("account") else "AZURE"
        monkeypatch.setenv(f"{prefix}_{name.upper()}", "true" if value is True else value)
    blobs = open_blobs(place.address)
    stored = blobs.put_bytes(b"x")
    with blobs.open(stored.digest) as content:
        assert content.read() == b"x"


def test_a_wrong_key_is_told_without_showing_it(azure_endpoint: str) -> None:
    place = new_azure_place(azure_endpoint)
    blobs = open_blobs(place.address, options={**place.options, "account_key": "d3Jvbmcga2V5"})
    with pytest.raises(StoreUnavailable, match="refuses access") as raised:
        blobs.put_bytes(b"x")
    assert "d3Jvbmcga2V5" not in str(raised.value)


def test_an_unreachable_object_store_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        options = {"endpoint": f"http://127.0.0.1:{taken.getsockname()[1]}", "allow_http": True, "region": "x"}
        options |= {"access_key_id": "x", "secret_access_key": "y"}
        with pytest.raises(StoreUnavailable, match="s3://bucket/prefix cannot be used just now"):
            open_blobs("s3://bucket/prefix", options=options).put_bytes(b"x")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_stores_on_the_disk_and_is_told_where_it_cannot(place: Place) -> None:
    code = """
        import json, os, sys
        from milepost.store.blobs import open_blobs
        blobs = open_blobs(sys.argv[1], options=json.loads(sys.argv[2]))
        blobs.put_bytes(b"parent")
        if os.fork() == 0:
            try:
                print(blobs.put_bytes(b"child").size, flush=True)
            except Exception as error:
                print(type(error).__name__, error, flush=True)
            os._exit(0)
        os.wait()
    """
    ran = run_python(code, place.address, json.dumps(place.options), timeout=60)
    assert ran.returncode == 0, ran.stderr
    if place.is_local:
        assert ran.stdout == "5\n"
    else:
        assert ran.stdout.startswith("StoreUnavailable")
        assert '"spawn"' in ran.stdout


def slow(stream_of: bytes) -> IO[bytes]:
    class Slow(io.BytesIO):
        def read(self, count: int | None = -1) -> bytes:
            time.sleep(0.05)
            return super().read(min(count or 100, 100))

    return Slow(stream_of)


def test_many_threads_store_at_once(blobs: Blobs) -> None:
    from concurrent.futures import ThreadPoolExecutor

    contents = [content_of(3000, seed % 5) for seed in range(40)]
    with ThreadPoolExecutor(8) as threads:
        stored = list(threads.map(lambda data: blobs.put_stream(slow(data[:500])), contents))
    assert stored == [blob_of(data[:500]) for data in contents]
    assert sum(1 for _ in blobs.list()) == 5
