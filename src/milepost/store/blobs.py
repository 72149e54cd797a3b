"""The contents of files, kept once each under their SHA-256: on a local disk or in an object store.

A content lies at ``sha256/ab/cdef...``.  Nothing here knows who uses it; ``sweeping.sweep`` does, and frees what
nobody names.  A sweep and an upload of the same content may meet, so that

- whoever stores a content that is there already makes it look new (on a disk its time of change; in an object store,
  where that means sending it again, only once half of the grace period is over), and makes sure that it is still
  there afterwards;
- a sweep frees only what has looked old for the grace period, and looks once more at the last moment: see ``free`` of
  the two kinds of stores for how they close the gap between this look and the deed.

What has been stored must be named in the database within the grace period (in an object store: half of it), or be
given to the sweep as content to keep.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from milepost.store.content import Changed, checked, digest_of, open_regular, pieces
from milepost.store.errors import BadInput, StoreDamaged, StoreUnavailable
from milepost.store.records import Blob
from milepost.store.together import together

if TYPE_CHECKING:
    from milepost.store.uploads import Uploads

IN_MEMORY: Final = 8 << 20
"""Files up to this size (bytes) are read once, as a whole."""
LOCAL_GRACE_S: Final = 600.0
REMOTE_GRACE_S: Final = 86_400.0

_TRIES: Final = 3
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_OWNER: Final = re.compile("[A-Za-z0-9_-]{1,64}")
_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_OBJECT_STORES: Final = frozenset({"s3", "s3a", "az", "azure", "gs"})


@dataclass(frozen=True, slots=True)
class Freed:
    """How many contents were freed, and their bytes."""

    blobs: int = 0
    bytes: int = 0

    def __add__(self, other: Freed) -> Freed:
        return Freed(self.blobs + other.blobs, self.bytes + other.bytes)


def open_blobs(
    address: str,
    *,
    options: Mapping[str, Any] | None = None,
    owner: str | None = None,
    grace_s: float | None = None,
) -> Blobs:
    """The blob store at an address; nothing is read or written yet.

    ``address``: a folder, ``file:///folder``, ``s3://bucket/prefix``, ``az://container/prefix`` or
    ``gs://bucket/prefix``.  ``options``: settings of the object store beside those in its usual variables (``AWS_*``,
    ``AZURE_*``, ``GOOGLE_*``), such as ``endpoint``, ``region``, ``account_name``, ``allow_http``.  ``owner``: the id
    of the workspace that stores here; it leaves a mark at the first upload.  ``grace_s``: how long (seconds) a content
    may be unnamed, by default 10 minutes on a disk and a day in an object store.  Raises BadInput.
    """
    if owner is not None and not _OWNER.fullmatch(owner):
        raise BadInput(f"{ascii(owner)[:100]} is no id of a workspace")
    found = _ADDRESS.match(address)
    kind = found.group(1).lower() if found else "file"
    if kind == "file":
        from milepost.store.local_blobs import LocalBlobs

        return LocalBlobs(
            _folder(address, is_url=found is not None), owner, LOCAL_GRACE_S if grace_s is None else grace_s
        )
    if kind in _OBJECT_STORES:
        from milepost.store.object_blobs import ObjectBlobs

        return ObjectBlobs(address, options or {}, owner, REMOTE_GRACE_S if grace_s is None else grace_s)
    raise BadInput(
        f"files cannot be kept at addresses of kind {kind[:40]!r}; give a folder, s3://BUCKET/PREFIX, "
        "az://CONTAINER/PREFIX or gs://BUCKET/PREFIX"
    )


def _folder(address: str, *, is_url: bool) -> Path:
    text = address
    if is_url:
        parts = urlsplit(address)
        if parts.netloc not in ("", "localhost"):
            raise BadInput(f"{address[:200]!r} names the machine {parts.netloc[:80]!r}; write file:///FOLDER")
        text = unquote(parts.path)
        if re.match(r"/[A-Za-z]:", text):  # file:///C:/folder
            text = text[1:]
    if not text or "\x00" in text:
        raise BadInput(f"{address[:200]!r} is no folder to keep files in; give its path")
    return Path(text)


def check_digest(digest: str) -> str:
    """The digest as it is.  Raises BadInput for what is no SHA-256 in lower-case hex."""
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise BadInput(f"{ascii(digest)[:100]} is no SHA-256 digest in lower-case hex")
    return digest


def key_of(digest: str) -> str:
    """Where a content lies, seen from the store's root.  Raises BadInput for what is no digest."""
    check_digest(digest)
    return f"sha256/{digest[:2]}/{digest[2:]}"


def digest_at(key: str) -> str | None:
    """The digest of the content that lies there; None for another file."""
    folder, _, name = key.removeprefix("sha256/").partition("/")
    digest = folder + name
    return digest if len(folder) == 2 and _DIGEST.fullmatch(digest) else None


class Blobs(ABC):
    """A blob store.  Threads and processes may share it.

    All methods raise StoreUnavailable where it cannot be reached or written just now, and BadInput for what is no
    digest.  A digest is a SHA-256 in lower-case hex.
    """

    address: str
    """Where it is, without secrets."""
    grace_s: float
    """How long (seconds) a content may be unnamed before a sweep frees it."""
    threads: int = 16
    """How many contents are best stored or read at the same time."""

    def __init__(self, address: str, owner: str | None, grace_s: float) -> None:
        self.address = address
        self.grace_s = grace_s
        self._owner = owner
        self._marked = owner is None

    # Storing.

    def put_file(self, path: str | os.PathLike[str], *, follow_links: bool = False) -> Blob:
        """Store a regular file, as long as it is at the time of the call.

        Content that is there already is not sent again.  Raises BadInput where it cannot be read, is a link (unless
        ``follow_links``), a device or a FIFO, or keeps changing while it is read.
        """
        self._mark()
        with open_regular(Path(path), follow_links=follow_links) as source:
            for attempt in range(_TRIES):
                source.seek(0)
                size = os.fstat(source.fileno()).st_size
                if size == 0:
                    return self._put_stream(source)  # such as files of /proc, which do not tell their size
                if size <= IN_MEMORY:
                    return self._put_bytes(b"".join(pieces(source, size)))
                digest, size = digest_of(pieces(source, size))
                if self._reuse(digest, size):
                    return Blob(digest, size)
                source.seek(0)
                try:
                    self._put_new(checked(pieces(source, size), digest, size, Changed), digest, size)
                except Changed:
                    time.sleep(0.1 * attempt)
                    continue
                return Blob(digest, size)
        raise BadInput(
            f"{str(path)!r} kept changing while it was read ({_TRIES} tries): store it once nothing writes to it any "
            "more, or store a copy of it"
        )

    def take_over(self, path: str | os.PathLike[str]) -> Blob:
        """Store a regular file that nobody needs or writes to any more: it may become the content itself.

        So a file of many GB needs no second place on a full disk.  The path stays; remove it afterwards.  Links are
        not followed.  Raises BadInput as ``put_file`` does.
        """
        return self.put_file(path)

    def put_files(self, paths: Sequence[str]) -> list[Blob]:
        """Store many regular files, in a fraction of the time that ``put_file`` takes for one after the other.

        Gives what ``put_file`` gives, in the order of the paths; all of it is there when this returns.  Where it
        raises, some may have been stored.  Links are not followed.  Raises BadInput as ``put_file`` does.
        """
        return together(self.put_file, paths, self.threads)

    def put_stream(self, stream: IO[bytes]) -> Blob:
        """Store what is left of a binary stream of any length.  Raises BadInput where it does not give bytes."""
        self._mark()
        return self._put_stream(stream)

    def put_bytes(self, data: bytes) -> Blob:
        """Store these bytes."""
        self._mark()
        return self._put_bytes(data)

    def _put_bytes(self, data: bytes) -> Blob:
        blob = Blob(hashlib.sha256(data).hexdigest(), len(data))
        if not self._reuse(blob.digest, blob.size):
            self._put_new(iter((data,)), blob.digest, blob.size)
        return blob

    @abstractmethod
    def _reuse(self, digest: str, size: int) -> bool:
        """Whether the content is there, and safe from sweeps for the time in which it must be named."""

    @abstractmethod
    def _put_new(self, source: Iterator[bytes], digest: str, size: int) -> None:
        """Store a content of which digest and size are known; whole, or not at all where the source raises."""

    @abstractmethod
    def _put_stream(self, stream: IO[bytes]) -> Blob:
        """Store a content of which nothing is known."""

    # Reading.

    @abstractmethod
    def open(self, digest: str) -> BinaryIO:
        """A content to read from, with ``seek``.  Raises NotFound."""

    @abstractmethod
    def read_range(self, digest: str, start: int, end: int) -> bytes:
        """The bytes ``start`` to ``end`` (left out), or as many of them as there are.  Raises NotFound."""

    @abstractmethod
    def size(self, digest: str) -> int:
        """The content's bytes.  Raises NotFound."""

    @abstractmethod
    def exists(self, digest: str) -> bool:
        """Whether the content is there."""

    @abstractmethod
    def _read(self, digest: str) -> tuple[int, Iterator[bytes]]:
        """The content's size, and its pieces in order.  Raises NotFound."""

    def download(self, digest: str, path: str | os.PathLike[str]) -> None:
        """Write a content to a file, which appears whole or not at all and replaces one that is there.

        Missing folders are made.  A link in the file's place is replaced, not followed.  Raises NotFound, BadInput
        where the file cannot be written, StoreUnavailable for a full disk, StoreDamaged where the content is not what
        was stored.
        """
        target = Path(path)
        size, source = self._read(digest)
        good = checked(source, digest, size, self._damaged(digest))
        draft = target.parent / f".{uuid4().hex}.part"
        with writing(f"{str(target)!r}"):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir() and not target.is_symlink():
                raise BadInput(f"{str(target)!r} is a folder; give the path of the file to write")
            try:
                with draft.open("xb") as out:
                    for piece in good:
                        out.write(piece)
                draft.replace(target)
            except BaseException:
                with suppress(OSError):
                    draft.unlink()
                raise

    def _damaged(self, digest: str) -> Callable[[str], Exception]:
        return lambda what: StoreDamaged(
            f"the content {digest} in {self.address} is damaged ({what}): restore it from a backup"
        )

    def signed_url(self, digest: str, life_s: float) -> str | None:
        """An address that gives this content, or ranges of it, to whoever has it, for ``life_s`` seconds.

        None where the store signs none.
        """
        return None

    # Storing in parts.

    @cached_property
    def uploads(self) -> Uploads:
        """The contents that come in parts.  Raises BadInput where the store takes none."""
        return self._open_uploads()

    def _open_uploads(self) -> Uploads:
        raise BadInput(f"{self.address} takes no contents in parts")

    # Freeing.

    def keep(self, digest: str) -> bool:
        """Make sure that a content that is there stays for the time in which it must be named.

        False where it is not there, or where an object store's copy is too old for that: then it must be stored anew.
        """
        return self.exists(digest) and self._reuse(digest, self.size(digest))

    def keep_all(self, sizes: Mapping[str, int]) -> set[str]:
        """``keep`` for many contents, digest -> size in bytes; gives those that must be stored anew."""
        digests = list(sizes)
        kept = together(lambda digest: self._reuse(digest, sizes[digest]), digests, self.threads)
        return {digest for digest, is_kept in zip(digests, kept, strict=True) if not is_kept}

    @abstractmethod
    def delete(self, digest: str) -> None:
        """Remove a content, whoever uses it; nothing happens where it is not there."""

    @abstractmethod
    def list(self) -> Iterator[tuple[str, int, int]]:
        """All contents in no particular order: digest, size in bytes, time of the last storing in ns since 1970."""

    @abstractmethod
    def free(self, digests: Iterable[str], grace_s: float) -> Freed:
        """Remove those of these contents that nobody has stored for ``grace_s`` seconds."""

    @abstractmethod
    def tidy(self, grace_s: float) -> int:
        """Remove what killed processes left behind more than ``grace_s`` seconds ago; gives the bytes freed."""

    def usage(self) -> int:
        """The bytes of all contents."""
        return sum(size for _digest, size, _modified in self.list())

    # Owners.  Two databases that store in one place by mistake must not free each other's contents.

    @abstractmethod
    def owners(self) -> set[str]:
        """The ids of the workspaces that have stored something here."""

    @abstractmethod
    def mark_owner(self, owner: str) -> None:
        """Note that the workspace of this id (a UUID) stores here."""

    @abstractmethod
    def forget_owner(self, owner: str) -> None:
        """Take that mark away."""

    def _mark(self) -> None:
        if not self._marked and self._owner is not None:
            self.mark_owner(self._owner)
            self._marked = True


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Turns the operating system's errors at writing to a place of the user's choice into the store's."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StoreUnavailable(f"{what} cannot be written, the disk is full: free some space") from error
        raise BadInput(
            f"{what} cannot be written: {error.strerror or error}; check the path and your rights"
        ) from error


def is_full(error: OSError) -> bool:
    """Whether the disk, or the user's share of it, is used up."""
    return error.errno in (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
