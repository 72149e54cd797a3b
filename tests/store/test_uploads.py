"""Contents that come in parts, in each kind of place for files."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from milepost.store import object_blobs, s3_parts, uploads
from milepost.store.blobs import Blobs, open_blobs
from milepost.store.errors import BadInput, Conflict, NotFound
from milepost.store.uploads import MOST_PARTS, Upload, WrongContent, new_upload, upload_of
from tests.store.object_stores import (
    azure_endpoint,
    google_endpoint,
    new_azure_place,
    new_google_place,
    new_s3_place,
    s3_endpoint,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["azure_endpoint", "google_endpoint", "s3_endpoint"]

PART = 5 << 20
DATA = os.urandom(PART + 1)
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["file", "s3", "az", "gs"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "file":
        return open_blobs(str(tmp_path / "blobs"))
    if request.param == "gs":
        endpoints = [request.getfixturevalue(name) for name in ("google_endpoint", "s3_endpoint")]
        place = new_google_place(*endpoints)
    elif request.param == "s3":
        place = new_s3_place(request.getfixturevalue("s3_endpoint"))
    else:
        place = new_azure_place(request.getfixturevalue("azure_endpoint"))
    return open_blobs(place.address, options=place.options)


def begin(blobs: Blobs, digest: str = DIGEST, *, direct: bool = True) -> Upload:
    return blobs.uploads.begin(digest, len(DATA), direct=direct, part=PART)


def put(blobs: Blobs, upload: Upload, *numbers: int, data: bytes = DATA) -> None:
    urls = blobs.uploads.urls(upload, numbers, 60) if upload.is_direct else {}
    for number in numbers:
        part = data[(number - 1) * PART : number * PART]
        if urls:
            assert urllib3.request("PUT", urls[number], body=part).status in (200, 201)
        else:
            blobs.uploads.put(upload, number, io.BytesIO(part))


def ignore(_read: int) -> None:
    pass


def left(blobs: Blobs) -> list[Any]:
    """What uploads have left behind."""
    if isinstance(blobs, object_blobs.ObjectBlobs):
        return list(blobs._objects("uploads/"))
    root = getattr(blobs, "root", None)
    assert root is not None
    return [path for path in (root / "uploads").rglob("*") if path.is_file()]


@pytest.mark.parametrize("direct", [True, False])
def test_parts_in_any_order_become_the_content(blobs: Blobs, direct: bool) -> None:
    upload = begin(blobs, direct=direct)
    assert upload.is_direct == (direct and blobs.address.startswith(("s3:", "az:")))
    put(blobs, upload, 2)
    assert blobs.uploads.parts(upload) == {2}
    with pytest.raises(Conflict, match="1 of the 2 parts"):
        blobs.uploads.finish(upload, ignore)
    assert begin(blobs, direct=direct) == upload
    put(blobs, upload, 1, 2)
    read: list[int] = []
    blobs.uploads.finish(upload, read.append)
    assert read[-1] == len(DATA)
    with blobs.open(DIGEST) as source:
        assert source.read() == DATA
    assert left(blobs) == []
    with pytest.raises(NotFound):
        blobs.uploads.find(upload.id)


def test_another_content_is_refused_and_gone(blobs: Blobs) -> None:
    upload = begin(blobs)
    put(blobs, upload, 1, 2, data=b"x" + DATA[1:])
    with pytest.raises(WrongContent, match="another content of the same size"):
        blobs.uploads.finish(upload, ignore)
    assert not blobs.exists(DIGEST)
    assert left(blobs) == []


def test_what_was_looked_at_is_what_is_kept(blobs: Blobs) -> None:
    """Whoever still has an address of a part changes nothing, neither before nor after the end."""
    upload = begin(blobs)
    urls = blobs.uploads.urls(upload, [1], 60) if upload.is_direct else {}
    put(blobs, upload, 1, 2)
    tried = False

    def attack(_read: int) -> None:
        nonlocal tried
        for url in {*urls.values(), *(url.partition("&comp=")[0] for url in urls.values())}:
            urllib3.request("PUT", url, body=b"evil" * 3, headers={"x-ms-blob-type": "BlockBlob"}, retries=False)
            tried = True

    try:
        blobs.uploads.finish(upload, attack)
    except WrongContent:
        assert not blobs.exists(DIGEST)  # it was noticed
    else:
        attack(0)
        with blobs.open(DIGEST) as source:
            assert source.read() == DATA
    assert tried == bool(urls)


def test_what_nobody_goes_on_with_is_swept(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    upload, other = begin(blobs), begin(blobs, "0" * 64)
    put(blobs, upload, 1)
    assert blobs.uploads.announced(but="0" * 64) == len(DATA)
    assert blobs.uploads.tidy() == 0
    monkeypatch.setattr(uploads, "LIFE_S", -1.0)
    blobs.tidy(600.0)
    assert [each.id for each, _age in blobs.uploads.all()] == []
    assert left(blobs) == []
    for each in (upload, other):
        with pytest.raises(NotFound):
            blobs.uploads.find(each.id)


def test_a_large_content_that_looks_old_is_renewed_where_it_is(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(blobs, object_blobs.ObjectBlobs):
        pytest.skip("files of a folder are touched")
    if blobs.scheme == "gs":
        pytest.skip("Google's store is sent it again")
    blobs.put_bytes(DATA)
    monkeypatch.setattr(object_blobs, "IN_MEMORY", PART)
    monkeypatch.setattr(object_blobs, "_age_s", lambda _found: 10.0**9)
    assert blobs.keep_all({DIGEST: len(DATA), "0" * 64: len(DATA)}) == {"0" * 64}
    monkeypatch.setattr(s3_parts, "_ONE_COPY", PART)  # as one of more than 5 GiB
    monkeypatch.setattr(s3_parts, "_COPIED", PART)
    assert blobs.keep_all({DIGEST: len(DATA)}) == set()
    with blobs.open(DIGEST) as source:
        assert source.read() == DATA


def test_ids_are_read_strictly() -> None:
    upload = new_upload(DIGEST, 10**12, is_direct=True)
    assert upload.count <= MOST_PARTS
    assert upload_of(upload.id) == upload
    for wrong in ("", "..", upload.id.upper(), upload.id + "0", f"../{upload.id}", upload.id.replace("-", "-0", 1)):
        with pytest.raises(NotFound):
            upload_of(wrong)
    for number in (0, -1, upload.count + 1):
        with pytest.raises(BadInput):
            upload.length(number)
    assert sum(upload.length(number) for number in range(1, upload.count + 1)) == 10**12
