"""Contents that come in parts: what a server offers for them, whatever keeps the files.

An upload has a folder of its own in the blob store, ``uploads/DIGEST/REST/``, from its beginning to its end; that it is
there is all the state there is, so any server of any number goes on with it, and so does one that was started anew.
``plan`` in it says when somebody last began or went on.  Where its parts lie is the business of the kind:

- *direct* parts go from the client straight to the object store, by addresses that the server signs;
- others go to the server, which puts each into a file or an object of its own.

A content gets its name ``sha256/...`` at the end only, and only after all of its bytes, as they are then kept, were
read and had that digest.  Nobody who has an address for a part can change them after that.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final
from uuid import uuid4

from milepost.store.errors import BadInput, Conflict, NotFound

if TYPE_CHECKING:
    from milepost.store.blobs import Blobs

PART: Final = 8 << 20
"""Bytes of a part, but for contents that would have more than ``MOST_PARTS``.  S3 takes no part below 5 MiB."""
MOST_PARTS: Final = 9_000  # S3 takes 10,000
LIFE_S: Final = 2 * 86_400.0
"""An upload that nobody went on with for so long is swept."""
_TIDIED_S: Final = 3600.0

_ID: Final = re.compile("([0-9a-f]{64})-([0-9a-f]{1,12})-([0-9a-f]{1,9})-([dp])([0-9a-f]{32})")

Progress = Callable[[int], None]
"""Is told how many bytes have been read."""


class WrongContent(BadInput):
    """What came is not what was announced.  The upload is gone; another one may begin."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One content on its way."""

    digest: str
    size: int
    """Bytes; at least one."""
    part_size: int
    is_direct: bool
    nonce: str

    @property
    def rest(self) -> str:
        """What its id has after the digest."""
        return f"{self.size:x}-{self.part_size:x}-{'d' if self.is_direct else 'p'}{self.nonce}"

    @property
    def id(self) -> str:
        """What a client calls it by.  Nobody guesses it, and it is of use in its workspace only."""
        return f"{self.digest}-{self.rest}"

    @property
    def folder(self) -> str:
        """Where it is, seen from the store's root."""
        return f"uploads/{self.digest}/{self.rest}"

    @property
    def count(self) -> int:
        """How many parts it has.  They are numbered from 1."""
        return -(-self.size // self.part_size)

    def length(self, number: int) -> int:
        """The bytes of a part.  Raises BadInput where there is no such part."""
        if not 1 <= number <= self.count:
            raise BadInput(f"this upload has the parts 1 to {self.count}, and no {number}")
        return self.part_size if number < self.count else self.size - (self.count - 1) * self.part_size


def new_upload(digest: str, size: int, *, is_direct: bool, part: int = PART) -> Upload:
    """An upload that nobody knows yet."""
    return Upload(digest, size, max(part, -(-size // MOST_PARTS)), is_direct, uuid4().hex)


def upload_of(text: str) -> Upload:
    """The upload of an id, whether it is there or not.  Raises NotFound for what is none."""
    found = _ID.fullmatch(text)
    if found is not None:
        size, part_size = int(found[2], 16), int(found[3], 16)
        if size and part_size:
            upload = Upload(found[1], size, part_size, found[4] == "d", found[5])
            if upload.id == text and upload.count <= MOST_PARTS:
                return upload
    raise NotFound("there is no such upload")


class Uploads(ABC):
    """The uploads of a blob store.  Threads and processes may share it.

    All methods raise StoreUnavailable where the store cannot be used just now.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._tidied = 0.0

    def begin(self, digest: str, size: int, *, direct: bool, part: int = PART) -> Upload:
        """An upload of this content: the one that is there already, else a new one.

        ``direct``: straight to the object store, where that can be.  ``part``: bytes of a part of a new one.
        """
        if time.monotonic() - self._tidied > _TIDIED_S or not self._tidied:
            self._tidied = time.monotonic()
            self.tidy()
        is_direct = direct and self.can_be_direct()
        same = [
            (age_s, upload.nonce, upload)
            for upload, age_s in self.all(digest)
            if upload.size == size and upload.is_direct == is_direct and age_s < LIFE_S
        ]
        if not same:
            self._blobs._mark()
            upload = new_upload(digest, size, is_direct=is_direct, part=part)
            self._start(upload)
            return upload
        upload = min(same)[2]
        self._touch(upload)
        return upload

    def find(self, text: str) -> Upload:
        """The upload of this id.  Raises NotFound."""
        upload = upload_of(text)
        if not self._is_there(upload):
            raise gone()
        return upload

    def tidy(self) -> int:
        """Remove the uploads that nobody went on with for ``LIFE_S``; gives how many."""
        return self._discard_all(LIFE_S)

    def discard_all(self) -> int:
        """Remove all uploads, of a place that nobody stores in any more; gives how many."""
        return self._discard_all(0.0)

    def _discard_all(self, from_age_s: float) -> int:
        old = [upload for upload, age_s in self.all() if max(0.0, age_s) >= from_age_s]
        for upload in old:
            with suppress(NotFound):
                self.discard(upload)
        return len(old)

    def announced(self, but: str) -> int:
        """The bytes of all contents that are on their way, but for the one with this digest."""
        return sum(upload.size for upload, _age_s in self.all() if upload.digest != but)

    def check_complete(self, upload: Upload) -> None:
        """Raises Conflict where parts are missing."""
        missing = upload.count - len(self.parts(upload))
        if missing:
            raise Conflict(f"{missing:,} of the {upload.count:,} parts of this upload are not there: send them first")

    def can_be_direct(self) -> bool:
        """Whether parts can go straight to the object store."""
        return False

    def renew(self, key: str, size: int) -> bool:
        """Have the store make an object look new.  False where it has no way, or where the object is gone."""
        return False

    @abstractmethod
    def all(self, digest: str | None = None) -> Iterator[tuple[Upload, float]]:
        """All uploads, or those of one content, each with the seconds since somebody last began or went on."""

    @abstractmethod
    def parts(self, upload: Upload) -> set[int]:
        """The numbers of the parts that are there, whole."""

    @abstractmethod
    def urls(self, upload: Upload, numbers: Iterable[int], life_s: float) -> dict[int, str]:
        """Where these parts of a direct upload are to be PUT, for ``life_s`` seconds."""

    @abstractmethod
    def put(self, upload: Upload, number: int, source: IO[bytes]) -> None:
        """Keep a part that came to the server: all of ``source``, from its beginning."""

    @abstractmethod
    def finish(self, upload: Upload, progress: Progress) -> None:
        """Make the content of the parts, once all of them are there.

        Raises Conflict where some are not, WrongContent where they are another content: they are gone then.
        """

    @abstractmethod
    def discard(self, upload: Upload) -> None:
        """Remove the upload and its parts; nothing happens where there is none."""

    @abstractmethod
    def _start(self, upload: Upload) -> None: ...

    @abstractmethod
    def _touch(self, upload: Upload) -> None: ...

    @abstractmethod
    def _is_there(self, upload: Upload) -> bool: ...


def gone() -> NotFound:
    """That an upload is not there."""
    return NotFound("there is no such upload (any more): begin another one")


def wrong(upload: Upload, what: str) -> WrongContent:
    """That what came is not what was announced."""
    return WrongContent(
        f"what came for the content {upload.digest} is another one ({what}): it was changed on its way; send it again"
    )
