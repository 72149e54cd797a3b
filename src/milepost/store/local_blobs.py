"""The blob store in a folder of this machine.

It uses the operating system's own calls, not obstore: only they can make a content durable (fsync), look at a file
and touch it without a gap, and go on in a forked child.

How a sweep and an upload keep out of each other's way, without a lock.  An upload of a content that is there touches
the file (its time becomes now) and *then* looks whether it is still in its place; if not, it writes it anew.  A sweep
moves an old file to ``trash/`` and *then* looks at its time: if it has become young it moves it back, else it removes
it.  Whichever of touch and move came second sees what the other has done.  Who reads meanwhile looks into ``trash/``
too; what a killed sweep left there is moved back by the next one.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Final
from uuid import uuid4

from milepost.store.blobs import IN_MEMORY, Blobs, Freed, check_digest, digest_at, is_full, key_of
from milepost.store.content import PIECE, digest_of, open_regular, pieces
from milepost.store.drafts import is_abandoned, sync, sync_folder, take
from milepost.store.errors import BadInput, NotFound, StoreUnavailable
from milepost.store.records import Blob
from milepost.store.together import together

if TYPE_CHECKING:
    from milepost.store.uploads import Uploads

_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_READ: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)

_JUST_MADE_S: Final = 60.0
"""A file this young may have been made by a process that has not yet made its place in the folder durable."""
_SMALL: Final = 1 << 20
"""Files up to this size (bytes) are stored many at once, ..."""
_TOGETHER: Final = 4096
"""... so many of them ..."""
_HELD: Final = 32 << 20
"""... and about so many bytes."""


class LocalBlobs(Blobs):
    """Contents in the folder ``root``; it is made at the first upload."""

    def __init__(self, root: Path, owner: str | None, grace_s: float) -> None:
        self.root = Path(os.path.abspath(root))  # noqa: PTH100  resolve() would follow links as they are now
        super().__init__(str(self.root), owner, grace_s)

    # Storing.

    def _reuse(self, digest: str, size: int) -> bool:
        age_s = self._touch(digest, size)
        if age_s is not None and age_s < _JUST_MADE_S:
            with self._explained():
                sync_folder(self._path(digest).parent)
        return age_s is not None

    def _touch(self, digest: str, size: int) -> float | None:
        """Make a content look new; gives how long ago (seconds) it was new before, None where it is not there."""
        path = str(self._path(digest))
        try:
            before = os.lstat(path)
            if not stat.S_ISREG(before.st_mode) or before.st_size != size:
                return None
            os.utime(path)
            os.lstat(path)  # a sweep may have moved it away at the same moment
        except (FileNotFoundError, PermissionError):
            return None
        except OSError as error:
            raise self._unavailable(error) from error
        return time.time() - before.st_mtime

    def keep_all(self, sizes: Mapping[str, int]) -> set[str]:
        """See ``Blobs.keep_all``."""
        missing, folders = set(), set()
        for digest, size in sizes.items():
            age_s = self._touch(digest, size)
            if age_s is None:
                missing.add(digest)
            elif age_s < _JUST_MADE_S:
                folders.add(self._path(digest).parent)
        with self._explained():
            together(sync_folder, sorted(folders), self.threads)
        return missing

    def put_files(self, paths: Sequence[str]) -> list[Blob]:
        """See ``Blobs.put_files``."""
        self._mark()
        blobs: list[Blob] = []
        waiting: dict[str, bytes] = {}
        held = 0
        for path in paths:
            data = _read_small(path)
            if data is None:
                blobs.append(self.put_file(path))
                continue
            blob = Blob(hashlib.sha256(data).hexdigest(), len(data))
            blobs.append(blob)
            if blob.digest not in waiting:
                waiting[blob.digest] = data
                held += len(data)
            if len(waiting) >= _TOGETHER or held >= _HELD:
                self._put_together(waiting)
                waiting, held = {}, 0
        self._put_together(waiting)
        return blobs

    def _put_together(self, contents: Mapping[str, bytes]) -> None:
        """Store contents under their digests.  They are made durable at the same time, by threads that wait for it.

        The drafts are not locked, for want of so many open files: one that a sweep has taken for abandoned (its
        process was stopped for longer than the grace period) is written again.
        """
        new = self.keep_all({digest: len(data) for digest, data in contents.items()})
        if not new:
            return
        drafts = {digest: str(self.root / "tmp" / f"{uuid4().hex}.part") for digest in new}
        try:
            with self._explained():
                (self.root / "tmp").mkdir(parents=True, exist_ok=True)
                for digest, draft in drafts.items():
                    self._write_draft(draft, contents[digest])
                lost = {
                    digest
                    for digest, is_there in zip(drafts, together(sync, [*drafts.values()], self.threads), strict=True)
                    if not is_there
                }
                folders = {digest: self._path(digest).parent for digest in drafts}
                for folder in set(folders.values()):
                    folder.mkdir(parents=True, exist_ok=True)
                for digest in new - lost:
                    path = self._path(digest)
                    if os.name == "nt" and path.exists():
                        continue  # a reader may have it open, and then it cannot be replaced
                    try:
                        # Its time was that of the writing.  An old file must not take the place of one that somebody
                        # else has stored or touched meanwhile: the next sweep would free it.
                        os.utime(drafts[digest])
                        os.replace(drafts[digest], path)  # noqa: PTH105  for many, Path.replace takes long
                    except FileNotFoundError:
                        lost.add(digest)
                together(sync_folder, sorted(set(folders.values())), self.threads)
                self._sync_above()
        finally:
            for draft in drafts.values():
                with suppress(OSError):
                    os.unlink(draft)  # noqa: PTH108
        for digest in lost:
            self._put_new(iter((contents[digest],)), digest, len(contents[digest]))

    def _write_draft(self, draft: str, data: bytes) -> None:
        handle = os.open(draft, _NEW, 0o666)
        try:
            self._write(handle, data)
        finally:
            os.close(handle)

    def take_over(self, path: str | os.PathLike[str]) -> Blob:
        """See ``Blobs.take_over``."""
        self._mark()
        with open_regular(Path(path), follow_links=False) as source:
            found = os.fstat(source.fileno())
            # A file with a second name may be changed by it; a small one is copied as quickly.
            if found.st_size <= IN_MEMORY or found.st_nlink != 1 or os.name == "nt":
                return self.put_file(path)
            digest, size = digest_of(pieces(source, found.st_size))
            if self._reuse(digest, size):
                return Blob(digest, size)
            draft = self.root / "tmp" / f"{uuid4().hex}.part"
            try:
                draft.parent.mkdir(parents=True, exist_ok=True)
                os.utime(path)  # or a sweep might take the draft for an old one
                os.link(path, draft)
            except OSError:
                return self.put_file(path)  # another file system, or one without second names
            try:
                now = draft.lstat()
                if (now.st_ino, now.st_size) != (found.st_ino, found.st_size) or not stat.S_ISREG(now.st_mode):
                    return self.put_file(path)
                with self._explained():
                    draft.chmod(0o644)
                self._keep_draft(source.fileno(), draft, digest)
            finally:
                draft.unlink(missing_ok=True)
        return Blob(digest, size)

    def _put_new(self, source: Iterator[bytes], digest: str, size: int) -> None:
        with self._draft() as (handle, draft):
            for piece in source:
                self._write(handle, piece)
            self._keep_draft(handle, draft, digest)

    def _put_stream(self, stream: IO[bytes]) -> Blob:
        with self._draft() as (handle, draft):
            digest, size = digest_of(self._tee(pieces(stream), handle))
            if not self._reuse(digest, size):
                self._keep_draft(handle, draft, digest)
        return Blob(digest, size)

    def _tee(self, source: Iterator[bytes], handle: int) -> Iterator[bytes]:
        for piece in source:
            self._write(handle, piece)
            yield piece

    @contextmanager
    def _draft(self) -> Iterator[tuple[int, Path]]:
        """A new file in ``tmp/``, locked as long as its process lives; gone afterwards unless it was moved."""
        folder = self.root / "tmp"
        with self._explained():
            folder.mkdir(parents=True, exist_ok=True)
            while True:
                draft = folder / f"{uuid4().hex}.part"
                handle = os.open(draft, _NEW, 0o666)  # not executable; the rest is the umask's
                if take(handle):
                    break
                os.close(handle)
        try:
            yield handle, draft
        finally:
            os.close(handle)
            with suppress(OSError):
                draft.unlink()

    def _write(self, handle: int, piece: bytes) -> None:
        view = memoryview(piece)
        with self._explained():
            while view:
                view = view[os.write(handle, view) :]

    def _keep_draft(self, handle: int, draft: Path, digest: str) -> None:
        path = self._path(digest)
        with self._explained():
            os.utime(draft)  # it may have taken longer to write than the grace period
            os.fsync(handle)
            path.parent.mkdir(parents=True, exist_ok=True)
            if os.name == "nt" and path.exists():
                return  # a reader may have it open, and then it cannot be replaced
            draft.replace(path)
            sync_folder(path.parent)
            self._sync_above()

    def _sync_above(self) -> None:
        """Make the folders above a content's own durable, where they may be new."""
        for folder in (self.root / "sha256", self.root, self.root.parent):
            if time.time() - folder.stat().st_mtime < _JUST_MADE_S:
                sync_folder(folder)

    # Reading.

    def open(self, digest: str) -> BinaryIO:
        """See ``Blobs.open``."""
        for place in self._places(digest):
            try:
                return os.fdopen(os.open(place, _READ), "rb", buffering=PIECE)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self._unavailable(error) from error
        raise self._missing(digest)

    def read_range(self, digest: str, start: int, end: int) -> bytes:
        """See ``Blobs.read_range``."""
        if not 0 <= start <= end:
            raise BadInput(f"{start} to {end} is no range of bytes")
        with self.open(digest) as source:
            source.seek(start)
            return source.read(end - start)

    def size(self, digest: str) -> int:
        """See ``Blobs.size``."""
        for place in self._places(digest):
            with self._explained(), suppress(FileNotFoundError):
                return place.lstat().st_size
        raise self._missing(digest)

    def exists(self, digest: str) -> bool:
        """See ``Blobs.exists``."""
        return any(place.is_file() for place in self._places(digest))

    def _read(self, digest: str) -> tuple[int, Iterator[bytes]]:
        source = self.open(digest)
        return os.fstat(source.fileno()).st_size, self._pieces(source)

    def _pieces(self, source: BinaryIO) -> Iterator[bytes]:
        with source:
            try:
                yield from pieces(source)
            except OSError as error:
                raise self._unavailable(error) from error

    def _path(self, digest: str) -> Path:
        return self.root / key_of(digest)

    def _places(self, digest: str) -> tuple[Path, ...]:
        # A sweep may move it to the trash and back meanwhile.
        path = self._path(digest)
        return path, self._trash(digest), path

    def _trash(self, digest: str) -> Path:
        return self.root / "trash" / check_digest(digest)

    # Storing in parts.

    def _open_uploads(self) -> Uploads:
        from milepost.store.local_uploads import LocalUploads

        return LocalUploads(self)

    # Freeing.

    def delete(self, digest: str) -> None:
        """See ``Blobs.delete``."""
        for place in self._places(digest):
            with self._explained(), suppress(FileNotFoundError):
                place.unlink()

    def list(self) -> Iterator[tuple[str, int, int]]:
        """See ``Blobs.list``."""
        with self._explained():
            folders = sorted(_names(self.root / "sha256"))
        for folder in folders:
            yield from self._list_folder(folder)

    def _list_folder(self, folder: str) -> Iterable[tuple[str, int, int]]:
        found = []
        with self._explained():
            for name in _names(self.root / "sha256" / folder):
                digest = digest_at(f"sha256/{folder}/{name}")
                with suppress(FileNotFoundError):  # freed meanwhile
                    info = (self.root / "sha256" / folder / name).lstat()
                    if digest is not None and stat.S_ISREG(info.st_mode):
                        found.append((digest, info.st_size, info.st_mtime_ns))
        return found

    def free(self, digests: Iterable[str], grace_s: float) -> Freed:
        """See ``Blobs.free``, and the top of this module for how it goes."""
        freed = Freed()
        oldest = time.time() - grace_s
        for digest in digests:
            path, trash = self._path(digest), self._trash(digest)
            with self._explained(), suppress(FileNotFoundError):
                if path.lstat().st_mtime > oldest:
                    continue
                trash.parent.mkdir(exist_ok=True)
                path.replace(trash)
                info = trash.lstat()
                if info.st_mtime > oldest:
                    trash.replace(path)  # somebody stores it again just now
                    continue
                trash.unlink()
                freed += Freed(1, info.st_size)
        return freed

    def tidy(self, grace_s: float) -> int:
        """See ``Blobs.tidy``."""
        self.uploads.tidy()
        for name in _names(self.root / "trash"):
            with suppress(BadInput, OSError):
                path, trash = self._path(name), self._trash(name)
                if path.exists():
                    trash.unlink()
                else:
                    trash.replace(path)
        freed = 0
        for name in _names(self.root / "tmp"):
            draft = self.root / "tmp" / name
            with suppress(OSError):
                size = draft.lstat().st_size
                if is_abandoned(draft, time.time() - draft.lstat().st_mtime, grace_s):
                    draft.unlink()
                    freed += size
        return freed

    # Owners.

    def owners(self) -> set[str]:
        """See ``Blobs.owners``."""
        return set(_names(self.root / "owners"))

    def mark_owner(self, owner: str) -> None:
        """See ``Blobs.mark_owner``."""
        mark = self.root / "owners" / owner
        if not mark.exists():
            with self._explained():
                mark.parent.mkdir(parents=True, exist_ok=True)
                mark.touch()

    def forget_owner(self, owner: str) -> None:
        """See ``Blobs.forget_owner``."""
        with self._explained():
            (self.root / "owners" / owner).unlink(missing_ok=True)

    # Errors.

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: OSError) -> StoreUnavailable:
        if is_full(error):
            return StoreUnavailable(f"the disk with the folder of files {self.address} is full: free some space")
        return StoreUnavailable(
            f"the folder of files {self.address} cannot be used ({error.strerror or error}): check that its disk is "
            "there and that you may read and write in it"
        )

    def _missing(self, digest: str) -> NotFound:
        return NotFound(f"the content {digest} is not in {self.address}: was it deleted, or its folder moved?")


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read_small(path: str) -> bytes | None:
    """A regular file's content; None where it is long.  Raises BadInput."""
    with open_regular(Path(path), follow_links=False) as source:
        if os.fstat(source.fileno()).st_size > _SMALL:
            return None
        data = b"".join(pieces(source, _SMALL + 1))
    return data if len(data) <= _SMALL else None
