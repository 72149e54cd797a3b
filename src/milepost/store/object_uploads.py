"""Uploads into an object store: parts that go straight there, or parts that the server puts there as objects.

A direct content is put together by the store itself (see ``DirectParts``) under the key ``content`` in its upload's
folder, which nobody can sign for any more, or where a condition tells that somebody has written to it.  There it is
read, and copied by the store to its name only when it has the digest.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from milepost.store.blobs import key_of
from milepost.store.content import checked
from milepost.store.errors import BadInput, Conflict, NotFound, StoreUnavailable
from milepost.store.read_ahead import read_ahead
from milepost.store.uploads import Progress, Upload, Uploads, WrongContent, gone, upload_of, wrong

if TYPE_CHECKING:
    from milepost.store.object_blobs import ObjectBlobs

_READ: Final = 8 << 20
"""Bytes that are read at once of what is looked at."""
_COPIES: Final = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts of one direct upload go."""

    key: str
    """Of the content that they become, seen from the store's root."""
    ticket: str
    """What the store calls the upload by; "" where it has no name for it."""


class DirectParts(Protocol):
    """What an object store offers for contents that come in parts.  All methods raise StoreUnavailable."""

    def start(self, key: str) -> str:
        """Begin an upload to this key; gives its ticket."""
        ...

    def parts(self, place: Place) -> Mapping[int, int] | None:
        """The parts that are there: number -> bytes.  None where there is no such upload (any more)."""
        ...

    def url(self, place: Place, number: int, length: int, life_s: float) -> str:
        """Where a part is to be PUT."""
        ...

    def join(self, place: Place, numbers: Iterable[int]) -> None:
        """Make one object of the parts."""
        ...

    def copy(self, source: str, target: str, etag: str, size: int) -> None:
        """Copy an object within the store, if it is the one with this ETag.  Raises Conflict where it is not."""
        ...

    def renew(self, key: str, size: int) -> None:
        """Make an object look new.  Raises NotFound."""
        ...

    def abort(self, place: Place) -> None:
        """Give the parts' space back; nothing happens where there are none."""
        ...


class ObjectUploads(Uploads):
    """See above.  ``direct``: what the store offers; None: its parts go through the server."""

    _blobs: ObjectBlobs

    def __init__(self, blobs: ObjectBlobs, direct: DirectParts | None) -> None:
        super().__init__(blobs)
        self._direct = direct

    def can_be_direct(self) -> bool:
        """See ``Uploads.can_be_direct``."""
        return self._direct is not None

    def renew(self, key: str, size: int) -> bool:
        """See ``Uploads.renew``."""
        if self._direct is None:
            return False
        try:
            self._direct.renew(key, size)
        except NotFound:
            return False
        return True

    def all(self, digest: str | None = None) -> Iterator[tuple[Upload, float]]:
        """See ``Uploads.all``."""
        for found in self._blobs._objects("uploads/" if digest is None else f"uploads/{digest}/"):
            _, _, path = found["path"].partition("uploads/")
            each, _, rest = path.removesuffix("/plan").partition("/")
            if path.endswith("/plan"):
                with suppress(NotFound):
                    yield upload_of(f"{each}-{rest}"), time.time() - found["last_modified"].timestamp()

    def parts(self, upload: Upload) -> set[int]:
        """See ``Uploads.parts``."""
        if upload.is_direct:
            place = self._place(upload)
            sizes = self._offered(upload).parts(place)
            if sizes is None:  # put together already
                return set(range(1, upload.count + 1)) if self._blobs._head(place.key) is not None else set()
        else:
            folder = f"{upload.folder}/parts/"
            sizes = {int(each["path"].rpartition("/")[2]): each["size"] for each in self._blobs._objects(folder)}
        return {n for n, size in sizes.items() if 1 <= n <= upload.count and size == upload.length(n)}

    def urls(self, upload: Upload, numbers: Iterable[int], life_s: float) -> dict[int, str]:
        """See ``Uploads.urls``."""
        direct, place = self._offered(upload), self._place(upload)
        return {n: direct.url(place, n, upload.length(n), life_s) for n in numbers}

    def put(self, upload: Upload, number: int, source: IO[bytes]) -> None:
        """See ``Uploads.put``."""
        if upload.is_direct:
            raise BadInput("the parts of this upload go to the object store")
        source.seek(0)
        with self._blobs._explained(writes=True) as obstore:
            obstore.put(self._blobs._store, _part_key(upload, number), source, chunk_size=5 << 20, max_concurrency=2)

    # Finishing.

    def finish(self, upload: Upload, progress: Progress) -> None:
        """See ``Uploads.finish``."""
        try:
            if upload.is_direct:
                self._finish_direct(upload, progress)
            else:
                self.check_complete(upload)
                source = checked(
                    self._pieces(upload, progress), upload.digest, upload.size, lambda what: wrong(upload, what)
                )
                with read_ahead(source) as pieces:  # within its own call obstore takes no other
                    self._blobs._put_new(pieces, upload.digest, upload.size)
        except WrongContent:
            self.discard(upload)
            raise
        self.discard(upload)

    def _finish_direct(self, upload: Upload, progress: Progress) -> None:
        direct, place = self._offered(upload), self._place(upload)
        found = self._blobs._head(place.key)
        if found is None:
            self.check_complete(upload)
            direct.join(place, range(1, upload.count + 1))
            found = self._blobs._head(place.key)
        if found is None:
            raise gone()
        etag = found["e_tag"] or ""
        if found["size"] != upload.size:
            raise wrong(upload, f"{found['size']:,} bytes instead of {upload.size:,}")
        try:
            self._look_at(upload, place.key, etag, progress)
            target = key_of(upload.digest)
            for _ in range(_COPIES):
                old = self._blobs._head(target)
                direct.copy(place.key, target, etag, upload.size)
                if old is None or self._blobs._outlives_sweeps(target):
                    return
        except Conflict as error:
            raise wrong(upload, "it was changed while it was looked at") from error
        raise StoreUnavailable(f"{self._blobs.address} is being swept all the time; try again later")

    def _look_at(self, upload: Upload, key: str, etag: str, progress: Progress) -> None:
        """Read an object.  Raises WrongContent, and Conflict where it is not the one with that ETag any more."""
        hashed = hashlib.sha256()
        for start in range(0, upload.size, _READ):
            hashed.update(self._fetch(key, start, min(start + _READ, upload.size), etag))
            progress(min(start + _READ, upload.size))
        if hashed.hexdigest() != upload.digest:
            raise wrong(upload, "another content of the same size")

    def _fetch(self, key: str, start: int, end: int, etag: str) -> memoryview:
        from obstore.exceptions import PreconditionError

        with self._blobs._explained() as obstore:
            try:
                found = obstore.get(self._blobs._store, key, options={"range": (start, end), "if_match": etag})
                return memoryview(found.bytes())
            except FileNotFoundError as error:  # another server has finished it meanwhile
                raise gone() from error
            except PreconditionError as error:
                raise Conflict("it is another object") from error

    def _pieces(self, upload: Upload, progress: Progress) -> Iterator[bytes]:
        done = 0
        for number in range(1, upload.count + 1):
            for start in range(0, upload.length(number), _READ):
                end = min(start + _READ, upload.length(number))
                with self._blobs._explained() as obstore:
                    try:
                        piece = bytes(
                            obstore.get_range(self._blobs._store, _part_key(upload, number), start=start, end=end)
                        )
                    except FileNotFoundError as error:
                        raise gone() from error
                yield piece
                done += len(piece)
                progress(done)

    def discard(self, upload: Upload) -> None:
        """See ``Uploads.discard``.  The plan goes last: it tells that something may be left."""
        found = [each["path"] for each in self._blobs._objects(f"{upload.folder}/")]
        is_joined = any(each.endswith("/content") for each in found)
        if upload.is_direct and not is_joined and self._direct is not None:
            with suppress(NotFound):
                self._direct.abort(self._place(upload))
        for path in found:
            if not path.endswith("/plan"):
                self._blobs._remove(path)
        self._blobs._remove(f"{upload.folder}/plan")

    # The plan.

    def _start(self, upload: Upload) -> None:
        ticket = self._offered(upload).start(f"{upload.folder}/content") if upload.is_direct else ""
        self._write_plan(upload, ticket)

    def _touch(self, upload: Upload) -> None:
        self._write_plan(upload, self._place(upload).ticket)

    def _write_plan(self, upload: Upload, ticket: str) -> None:
        with self._blobs._explained(writes=True) as obstore:
            obstore.put(self._blobs._store, f"{upload.folder}/plan", ticket.encode() or b"-", use_multipart=False)

    def _is_there(self, upload: Upload) -> bool:
        return self._blobs._head(f"{upload.folder}/plan") is not None

    def _place(self, upload: Upload) -> Place:
        with self._blobs._explained() as obstore:
            try:
                plan: Any = obstore.get(self._blobs._store, f"{upload.folder}/plan").bytes()
            except FileNotFoundError as error:
                raise gone() from error
        return Place(f"{upload.folder}/content", bytes(plan).decode().removeprefix("-"))

    def _offered(self, upload: Upload) -> DirectParts:
        if self._direct is None or not upload.is_direct:
            raise BadInput("the parts of this upload go to the server")
        return self._direct


def signed(blobs: ObjectBlobs, method: str, key: str, life_s: float) -> str | None:
    """An address for one request to an object; None where these credentials sign nothing."""
    from obstore.exceptions import BaseError

    with blobs._explained() as obstore:
        try:
            return str(obstore.sign(blobs._store, method, key, timedelta(seconds=life_s)))
        except (BaseError, TypeError, ValueError):
            return None


def _part_key(upload: Upload, number: int) -> str:
    return f"{upload.folder}/parts/{number}"
