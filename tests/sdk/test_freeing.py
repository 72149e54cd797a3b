"""Giving space back spares what journals still have to bring into the store."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from azureml.core import Run, Workspace
from milepost.journal.writer import JournalWriter
from milepost.sdk.recording.freeing import free_space, still_to_come
from milepost.store.manifest import SnapshotFile, encode, snapshot_id
from milepost.store.store import Store

CONTENTS = {"train.py": b"print(1)", "lib/x.py": b"x"}


def take(store: Store) -> dict[str, object]:
    """The data of a snapshot's event; its contents have been in the store for an hour."""
    files = []
    for name, content in CONTENTS.items():
        blob = store.put_bytes(content)
        files.append(SnapshotFile(name, blob.digest, blob.size))
    manifest = encode(files)
    data = {"id": snapshot_id(manifest), "manifest": store.put_bytes(manifest).digest, "files": 2, "bytes": 9}
    for path in Path(store.blobs.address, "sha256").rglob("*"):
        os.utime(path, (time.time() - 3600,) * 2)
    return data


@pytest.fixture
def store(run: Run) -> Store:
    opened: Store = run._recorder.fresh()
    return opened


@pytest.fixture
def stopped(ws: Workspace) -> Iterator[JournalWriter]:
    """The journal of a process that cannot deliver it just now."""
    writer = JournalWriter(ws._recorder.folder / "journals", lambda: None)
    yield writer
    writer.close(remove=True)


def test_snapshots_in_journals_stay_with_all_that_they_name(
    ws: Workspace, run: Run, store: Store, stopped: JournalWriter
) -> None:
    data = take(store)
    stopped.event("snapshot", run.id, data)
    journals = ws._recorder.folder / "journals"
    kept = still_to_come(store, journals)
    assert len(kept) == 3
    assert data["manifest"] in kept
    free_space(store, journals)
    assert all(store.blobs.exists(digest) for digest in kept)
    shutil.rmtree(stopped.path)
    assert free_space(store, journals) >= 9
    assert not any(store.blobs.exists(digest) for digest in kept)


@pytest.mark.parametrize("manifest", ["0" * 64, "../x", None, 5])
def test_snapshots_of_which_nothing_is_left_do_not_keep_others_from_being_freed(
    ws: Workspace, run: Run, store: Store, stopped: JournalWriter, manifest: object
) -> None:
    digest = store.put_bytes(b"unnamed").digest
    stopped.event("snapshot", run.id, {**take(store), "manifest": manifest})
    free_space(store, ws._recorder.folder / "journals")
    assert not store.blobs.exists(digest)
