"""A file that nobody needs any more becomes content without being copied."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from milepost.store.blobs import IN_MEMORY, open_blobs
from milepost.store.errors import BadInput

BIG = os.urandom(1 << 20) * ((IN_MEMORY >> 20) + 1)


def test_a_large_file_is_not_written_a_second_time(tmp_path: Path) -> None:
    blobs = open_blobs(str(tmp_path / "blobs"))
    file = tmp_path / "model.bin"
    file.write_bytes(BIG)
    blob = blobs.take_over(file)
    assert blob.digest == hashlib.sha256(BIG).hexdigest()
    assert file.stat().st_nlink == 2
    file.unlink()
    with blobs.open(blob.digest) as stored:
        assert stored.read() == BIG


def test_a_file_with_a_second_name_is_copied_for_it_may_be_changed_by_that(tmp_path: Path) -> None:
    blobs = open_blobs(str(tmp_path / "blobs"))
    (tmp_path / "dataset.bin").write_bytes(BIG)
    os.link(tmp_path / "dataset.bin", tmp_path / "model.bin")
    blob = blobs.take_over(tmp_path / "model.bin")
    with (tmp_path / "dataset.bin").open("r+b") as file:
        file.write(b"changed")
    with blobs.open(blob.digest) as stored:
        assert stored.read() == BIG


def test_small_files_known_contents_and_what_is_no_file(tmp_path: Path) -> None:
    blobs = open_blobs(str(tmp_path / "blobs"))
    (tmp_path / "small").write_bytes(b"small")
    assert blobs.take_over(tmp_path / "small") == blobs.put_bytes(b"small")
    (tmp_path / "one").write_bytes(BIG)
    (tmp_path / "two").write_bytes(BIG)
    assert blobs.take_over(tmp_path / "one") == blobs.take_over(tmp_path / "two")
    assert (tmp_path / "two").stat().st_nlink == 1
    (tmp_path / "link").symlink_to(tmp_path / "one")
    with pytest.raises(BadInput):
        blobs.take_over(tmp_path / "link")
