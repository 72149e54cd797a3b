"""Snapshots: a folder's files as a manifest of contents in the blob store.

What is there already is not stored again, and with a ``memory`` what has not changed is not even read again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from milepost.jobs import stat_memory
from milepost.jobs.archive import write_zip as write_zip
from milepost.jobs.source_folder import (
    LIMIT_VARIABLE,
    SnapshotRefused,
    Source,
    SourceFile,
    find_files,
    limit_from,
    refusal,
    shown_size,
    where_to_leave_out,
)
from milepost.jobs.stat_memory import memory_file as memory_file
from milepost.jobs.tree import write_tree as write_tree
from milepost.store.errors import BadInput, StoreDamaged
from milepost.store.manifest import SnapshotFile, decode, encode, snapshot_id
from milepost.store.names import check_name

if TYPE_CHECKING:
    from milepost.store.blobs import Blobs
    from milepost.store.records import Blob

_T = TypeVar("_T")

__all__ = [
    "Difference",
    "SnapshotRefused",
    "TakenSnapshot",
    "diff",
    "manifest",
    "memory_file",
    "take",
    "take_file",
    "write_tree",
    "write_zip",
]

_AT_ONCE: Final = 4096
"""So many files are stored at once, ..."""
_BETWEEN_PAUSES: Final = 256
"""... or so many where others are to get their turn."""
_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class TakenSnapshot:
    """A snapshot that is in the blob store; it must be named in the database within the blobs' grace period."""

    id: str
    """A UUID; the same files have the same."""
    manifest_digest: str
    files: int
    bytes: int
    """Of all its files, the same content in two of them counted twice."""
    left_out: list[str]
    """In short texts, what was left out that may surprise."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The names of files that a second snapshot has more, has no more, and has with another content or mode."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def take(
    folder: Path,
    blobs: Blobs,
    *,
    limit_bytes: int | None = None,
    memory: Path | None = None,
    pause: Callable[[], None] | None = None,
) -> TakenSnapshot:
    """Take a snapshot of a folder.

    ``limit_bytes``: the most it may hold; by default what MILEPOST_SNAPSHOT_LIMIT says, else 300 MB.  ``memory``: a
    file that remembers what the files held; see `memory_file`.  ``pause`` is called now and then, to let other
    threads work or to end it by an exception.  Raises SnapshotRefused, and the errors of the blob store.
    """
    limit = limit_from(os.environ.get(LIMIT_VARIABLE)) if limit_bytes is None else limit_bytes
    source = find_files(folder, limit_bytes=limit, apart=_own_places(blobs), pause=pause)
    known = stat_memory.recall(memory, folder) if memory is not None else {}
    taken = _Taking(folder, blobs, source, known, pause).take()
    if memory is not None and taken.known != known:
        stat_memory.remember(memory, folder, taken.known)
    total = sum(each.size for each in taken.files)
    if total > limit:  # files that grew meanwhile
        raise SnapshotRefused(
            f"the snapshot of {str(folder)!r} cannot be taken: its files grew to {shown_size(total)} while they were "
            f"read, and a snapshot takes up to {shown_size(limit)}. Stop what writes to them, leave them out "
            f"with lines in {where_to_leave_out(folder)}, or raise the limit with the environment variable "
            f"{LIMIT_VARIABLE}"
        )
    return _stored(taken.files, blobs, source.left_out)


def take_file(file: Path, blobs: Blobs, *, limit_bytes: int | None = None) -> TakenSnapshot:
    """Take a snapshot of one file.  Raises SnapshotRefused, and the errors of the blob store."""
    limit = limit_from(os.environ.get(LIMIT_VARIABLE)) if limit_bytes is None else limit_bytes
    try:
        name = check_name(file.name)
        size = file.stat().st_size
        if size > limit:
            raise SnapshotRefused(
                f"{str(file)!r} has {shown_size(size)}, and a snapshot takes up to {shown_size(limit)}: raise the "
                f"limit with the environment variable {LIMIT_VARIABLE}"
            )
        executable = os.name != "nt" and os.access(file, os.X_OK)
        blob = blobs.put_file(file, follow_links=True)
    except (BadInput, OSError) as error:
        raise SnapshotRefused(f"the snapshot of {str(file)!r} cannot be taken: {error}") from error
    return _stored([SnapshotFile(name, blob.digest, blob.size, executable)], blobs, [])


def manifest(blobs: Blobs, digest: str) -> tuple[SnapshotFile, ...]:
    """The files of the snapshot with this manifest.  Raises NotFound, BadInput, StoreDamaged, StoreUnavailable."""
    import hashlib

    with blobs.open(digest) as source:
        content = source.read()
    if hashlib.sha256(content).hexdigest() != digest:
        raise StoreDamaged(
            f"the snapshot's manifest {digest} in {blobs.address} is damaged: restore it from a backup, or submit the "
            "folder again"
        )
    return decode(content)


def diff(before: Sequence[SnapshotFile], after: Sequence[SnapshotFile]) -> Difference:
    """What changed from one snapshot to another."""
    old = {each.name: each for each in before}
    new = {each.name: each for each in after}
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name])),
    )


def _stored(files: Sequence[SnapshotFile], blobs: Blobs, left_out: list[str]) -> TakenSnapshot:
    content = encode(files)
    told = left_out[:_TOLD]
    if len(left_out) > _TOLD:
        told.append(f"{len(left_out) - _TOLD} more files and folders like these are not in the snapshot")
    return TakenSnapshot(
        id=snapshot_id(content),
        manifest_digest=blobs.put_bytes(content).digest,
        files=len(files),
        bytes=sum(each.size for each in files),
        left_out=told,
    )


def _own_places(blobs: Blobs) -> list[Path]:
    """Milepost's own folders: a snapshot of them would grow with each snapshot."""
    home = Path(os.environ.get("MILEPOST_HOME") or "~/.milepost")
    try:
        places = [home.expanduser()]
    except RuntimeError:  # no home folder
        places = []
    if "://" not in blobs.address:
        places += [Path(blobs.address), Path(blobs.address).parent]
    return places


@dataclass
class _Taken:
    files: list[SnapshotFile]
    known: stat_memory.Known


@dataclass
class _Taking:
    """Brings the contents of a folder's files into the blob store, in as many tries as it takes."""

    folder: Path
    blobs: Blobs
    source: Source
    known: stat_memory.Known
    pause: Callable[[], None] | None

    def take(self) -> _Taken:
        began = time.monotonic()
        digests: dict[str, tuple[str, int]] = {}
        remembered: dict[str, tuple[tuple[int, int, int, int], str]] = {}
        unread: list[SourceFile] = []
        for file in self.source.files:
            key, digest = self.known.get(file.name, (None, ""))
            if key == stat_memory.key_of(file):
                digests[file.name] = digest, file.size
                remembered[file.name] = key, digest
            else:
                unread.append(file)
        while True:
            lost = self._lost(digests)
            for file in self.source.files:
                if file.name in digests and digests[file.name][0] in lost:
                    del digests[file.name]
                    unread.append(file)
            if not unread:
                break
            for some in self._pieces(unread):
                now_ns = time.time_ns()
                for file, blob in self._put(some):
                    digests[file.name] = blob.digest, blob.size
                    remembered.pop(file.name, None)
                    if blob.size == file.size and stat_memory.is_settled(file, now_ns) and _is_as_found(file):
                        remembered[file.name] = stat_memory.key_of(file), blob.digest
            unread = []
            if time.monotonic() - began < self.blobs.grace_s / 4:
                break
            began = time.monotonic()  # it took so long that a sweep may have freed what came first
        executables = {each.name for each in self.source.files if each.executable}
        return _Taken(
            [SnapshotFile(name, digest, size, name in executables) for name, (digest, size) in digests.items()],
            remembered,
        )

    def _lost(self, digests: dict[str, tuple[str, int]]) -> set[str]:
        """Which of these contents are not in the blob store any more."""
        lost: set[str] = set()
        for some in self._pieces([*dict(digests.values()).items()]):
            lost |= self.blobs.keep_all(dict(some))
        return lost

    def _put(self, files: Sequence[SourceFile]) -> list[tuple[SourceFile, Blob]]:
        try:
            return list(zip(files, self.blobs.put_files([each.path for each in files]), strict=True))
        except BadInput as error:
            there = [each for each in files if os.path.lexists(each.path)]
            if len(there) < len(files):
                return self._put(there) if there else []  # some were removed meanwhile
            unreadable = [said for each in there if (said := _why_unreadable(each)) is not None]
            raise SnapshotRefused(refusal(self.folder, unreadable or [str(error)])) from error

    def _pieces(self, items: Sequence[_T]) -> Iterator[Sequence[_T]]:
        length = _AT_ONCE if self.pause is None else _BETWEEN_PAUSES
        for start in range(0, len(items), length):
            if self.pause is not None:
                self.pause()
            yield items[start : start + length]


def _is_as_found(file: SourceFile) -> bool:
    try:
        info = os.lstat(file.path)
    except OSError:
        return False
    return (info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino) == stat_memory.key_of(file)


def _why_unreadable(file: SourceFile) -> str | None:
    try:
        os.close(os.open(file.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)))
    except OSError as error:
        return f"{file.name!r} cannot be read ({error.strerror or error})"
    return None
