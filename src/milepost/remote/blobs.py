"""Contents of files of a workspace on a server.

What is stored goes into the *spool*, a folder of this machine, and from there to the server in the background (see
``uploads.py``): storing a file needs no server.  What is read comes from the spool where it is there, else from the
server.
"""

from __future__ import annotations

import io
import random
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO, Final

from milepost.remote.direct import DirectConnection, Expired, Unreachable
from milepost.store.blobs import LOCAL_GRACE_S, Blobs, Freed, check_digest
from milepost.store.errors import BadInput, Busy, NotFound, Offline, StoreUnavailable
from milepost.store.local_blobs import LocalBlobs
from milepost.store.together import together

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from milepost.remote.connection import Connection
    from milepost.store.records import Blob

PIECE: Final = 1 << 20
"""Bytes that are read at once; contents that have no more come from the server itself."""
_RANGE: Final = 8 << 20
_REMEMBERED: Final = 100
_AT_ONCE: Final = 4
_TRIES: Final = 6
_PAUSE_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a content on the server is."""

    size: int
    url: str | None
    """Of the object store; None: the server gives it."""


class RemoteBlobs(Blobs):
    """See above.  All methods that ask the server raise the store's errors, StoreUnavailable among them."""

    def __init__(self, connection: Connection, spool: Path, owner: str) -> None:
        super().__init__(f"{connection.address.api}/blobs", None, LOCAL_GRACE_S)
        self.connection = connection
        self.direct = DirectConnection(connection.address.server)
        self._found: OrderedDict[str, _Place] = OrderedDict()
        """Of the contents that were asked for last."""
        self.spool = LocalBlobs(spool, owner, LOCAL_GRACE_S)

    # Storing: all of it is the spool's.

    def put_file(self, path: str | os.PathLike[str], *, follow_links: bool = False) -> Blob:
        """See ``Blobs.put_file``."""
        return self.spool.put_file(path, follow_links=follow_links)

    def take_over(self, path: str | os.PathLike[str]) -> Blob:
        """See ``Blobs.take_over``."""
        return self.spool.take_over(path)

    def put_files(self, paths: Sequence[str]) -> list[Blob]:
        """See ``Blobs.put_files``."""
        return self.spool.put_files(paths)

    def put_stream(self, stream: IO[bytes]) -> Blob:
        """See ``Blobs.put_stream``."""
        return self.spool.put_stream(stream)

    def put_bytes(self, data: bytes) -> Blob:
        """See ``Blobs.put_bytes``."""
        return self.spool.put_bytes(data)

    def keep(self, digest: str) -> bool:
        """See ``Blobs.keep``."""
        return self.spool.keep(digest)

    def keep_all(self, sizes: Mapping[str, int]) -> set[str]:
        """See ``Blobs.keep_all``."""
        return self.spool.keep_all(sizes)

    def _reuse(self, digest: str, size: int) -> bool:
        return self.spool._reuse(digest, size)

    def _put_new(self, source: Iterator[bytes], digest: str, size: int) -> None:
        self.spool._put_new(source, digest, size)

    def _put_stream(self, stream: IO[bytes]) -> Blob:
        return self.spool._put_stream(stream)

    # Reading.

    def open(self, digest: str) -> BinaryIO:
        """See ``Blobs.open``."""
        with suppress(NotFound):
            return self.spool.open(digest)
        return io.BufferedReader(_Reader(self, digest, self._size_there(digest)), PIECE)

    def read_range(self, digest: str, start: int, end: int) -> bytes:
        """See ``Blobs.read_range``."""
        with suppress(NotFound):
            return self.spool.read_range(digest, start, end)
        return self._steady_range(digest, max(0, start), min(end, self._size_there(digest)))

    def size(self, digest: str) -> int:
        """See ``Blobs.size``."""
        with suppress(NotFound):
            return self.spool.size(digest)
        return self._size_there(digest)

    def exists(self, digest: str) -> bool:
        """See ``Blobs.exists``."""
        if self.spool.exists(digest):
            return True
        try:
            self._size_there(digest)
        except NotFound:
            return False
        return True

    def _read(self, digest: str) -> tuple[int, Iterator[bytes]]:
        with suppress(NotFound):
            return self.spool._read(digest)
        size = self._size_there(digest)
        return size, self._pieces(digest, size)

    def _pieces(self, digest: str, size: int) -> Iterator[bytes]:
        for first in range(0, size, _AT_ONCE * _RANGE):
            starts = range(first, min(first + _AT_ONCE * _RANGE, size), _RANGE)
            yield from together(
                lambda start: self._steady_range(digest, start, min(start + _RANGE, size)), starts, _AT_ONCE
            )

    def _size_there(self, digest: str) -> int:
        return self._locate(digest).size

    def _locate(self, digest: str) -> _Place:
        """Where a content is.  Raises NotFound, and as a request does."""
        path = f"/blobs/{check_digest(digest)}"
        if self.direct.is_used:
            with suppress(NotFound):  # or the server is of an older version
                told = self.connection.json("GET", f"{path}/location")
                return self._remember(digest, _Place(int(told["size"]), told["url"]))
        try:
            with self.connection.open("HEAD", path) as response:
                return self._remember(digest, _Place(int(response.headers.get("Content-Length") or 0), None))
        except NotFound as error:  # an answer to HEAD says no more
            raise NotFound(
                f"the content {digest} is not on {self.connection.server} yet: the machine that recorded it sends it "
                "(`milepost sync` there)"
            ) from error

    def _remember(self, digest: str, place: _Place) -> _Place:
        self._found[digest] = place
        while len(self._found) > _REMEMBERED:
            with suppress(KeyError):
                self._found.popitem(last=False)
        return place

    def _steady_range(self, digest: str, start: int, end: int) -> bytes:
        """A range of a content that the server was found to have: asked for again where the connection breaks."""
        for attempt in range(_TRIES):
            try:
                return self._range(digest, start, end)
            except Offline:
                raise
            except StoreUnavailable as error:
                if attempt == _TRIES - 1:
                    raise
                pause_s = error.after_s if isinstance(error, Busy) else _PAUSE_S * 2**attempt
                time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311
        raise AssertionError

    def _range(self, digest: str, start: int, end: int) -> bytes:
        if end <= start:
            return b""
        place = self._found.get(digest)
        if place is not None and place.url is not None and place.size > PIECE and self.direct.is_used:
            try:
                return self.direct.get(place.url, start, end)
            except Expired:
                self._locate(digest)
                raise  # it is tried again there
            except Unreachable:
                self.direct.avoid()
        path = f"/blobs/{check_digest(digest)}"
        data = self.connection.content(
            "GET", path, headers={"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": ""}
        )
        if len(data) != end - start:
            raise StoreUnavailable(f"the content {digest} was cut off on its way from {self.connection.address.server}")
        return data

    # Freeing is the server's business.

    def delete(self, digest: str) -> None:
        """Remove a content from the spool."""
        self.spool.delete(digest)

    def list(self) -> Iterator[tuple[str, int, int]]:
        """What the spool holds."""
        return self.spool.list()

    def free(self, digests: Iterable[str], grace_s: float) -> Freed:
        """Remove contents from the spool."""
        return self.spool.free(digests, grace_s)

    def tidy(self, grace_s: float) -> int:
        """See ``Blobs.tidy``: of the spool."""
        return self.spool.tidy(grace_s)

    def owners(self) -> set[str]:
        """The owners of the spool."""
        return self.spool.owners()

    def mark_owner(self, owner: str) -> None:
        """See ``Blobs.mark_owner``: of the spool."""
        self.spool.mark_owner(owner)

    def forget_owner(self, owner: str) -> None:
        """See ``Blobs.forget_owner``: of the spool."""
        self.spool.forget_owner(owner)


class _Reader(io.RawIOBase):
    """A content on the server as a file, read in ranges."""

    def __init__(self, blobs: RemoteBlobs, digest: str, size: int) -> None:
        self._blobs = blobs
        self._digest = digest
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The place from which is read next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See ``io.RawIOBase``."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}.get(whence)
        if base is None or base + offset < 0:
            raise ValueError(f"there is no place {offset} (from {whence}) in this file")
        self._at = base + offset
        return self._at

    def readall(self) -> bytes:
        """All that is left.  Without this it would be asked for 8 kB at a time."""
        return b"".join(iter(lambda: self.read(_RANGE) or b"", b""))

    def readinto(self, buffer: object) -> int:
        """See ``io.RawIOBase``."""
        with memoryview(buffer) as view:  # type: ignore[arg-type]
            data = self._blobs._steady_range(self._digest, self._at, min(self._at + len(view), self._size))
            view[: len(data)] = data
        self._at += len(data)
        return len(data)


def sizes_of(named: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Digest to bytes.  Raises BadInput for what is no digest or size."""
    found = {}
    for digest, size in named:
        if type(size) is not int or size < 0:
            raise BadInput(f"{str(size)[:50]!r} is no size of a content")
        found[check_digest(digest)] = size
    return found
