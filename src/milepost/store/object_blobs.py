"""The blob store in an object store: S3 and what speaks like it, Azure Blob Storage, Google Cloud Storage.

How a sweep and an upload keep out of each other's way.  Objects cannot be moved or touched, so an upload of a content
that is there sends it again if it is older than half of the grace period, which makes it look new.  That leaves the
moment between a sweep's last look and its deletion.  A sweep therefore puts a mark (an object in ``sweeping/``)
*before* it looks, and takes it away after it has deleted.  An upload that has sent an old content again looks for
such marks *afterwards*: if there are none, every sweep to come sees a new object; if there is one, it waits until it
is gone, looks whether the content is still there, and sends it once more if not.  The stores named above show every
write to the next reader, which this needs.  A mark that a killed sweep left counts for MARK_LIFE_S.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final, cast
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from milepost.store.blobs import IN_MEMORY, Blobs, Freed, check_digest, digest_at, is_full, key_of
from milepost.store.content import Changed, checked, digest_of, pieces
from milepost.store.errors import BadInput, NotFound, StoreUnavailable
from milepost.store.records import Blob

if TYPE_CHECKING:
    from datetime import datetime

    from _typeshed import WriteableBuffer
    from obstore import ObjectMeta

    from milepost.store.uploads import Uploads

MARK_LIFE_S: Final = 120.0
"""How long a sweep may work under one mark; it stops well before."""

_PART: Final = 8 << 20
_MOST_PARTS: Final = 9_000  # S3 takes 10,000
_AT_ONCE: Final = 4
_BATCH: Final = 100
_RESENDS: Final = 5
# Settings of the connection; all others are the store's own.
_CLIENT: Final = frozenset(
    {"allow_http", "allow_invalid_certificates", "connect_timeout", "proxy_url", "root_certificate", "timeout"}
)
_SECRET: Final = re.compile(r"(?i)((?:sig|signature|token|credential|key|secret|password)[\w-]*=)[^&\s\"']+")


class ObjectBlobs(Blobs):
    """Contents in ``scheme://bucket/prefix``.  The bucket must be there."""

    def __init__(self, address: str, options: Mapping[str, Any], owner: str | None, grace_s: float) -> None:
        parts = urlsplit(address)
        bucket, prefix = parts.netloc, unquote(parts.path).strip("/")
        if not bucket or "@" in bucket or ":" in bucket or parts.query or parts.fragment:
            raise BadInput(
                f"an address of files is {parts.scheme}://BUCKET/PREFIX without anything else; keys and other settings "
                "go into the usual variables (AWS_*, AZURE_*, GOOGLE_*) or the options"
            )
        super().__init__(f"{parts.scheme}://{bucket}" + (f"/{prefix}" if prefix else ""), owner, grace_s)
        self.scheme, self.bucket, self.prefix = parts.scheme, bucket, prefix
        self.settings = dict(options)
        self._pid = os.getpid()
        self._store: Any = _connect(parts.scheme, bucket, prefix, options)

    # Storing.

    def _reuse(self, digest: str, size: int) -> bool:
        found = self._head(key_of(digest))
        if found is None or found["size"] != size:
            return False
        return _age_s(found) < self.grace_s / 2 or (size > IN_MEMORY and self._renew(key_of(digest), size))

    def _renew(self, key: str, size: int) -> bool:
        """Make an old content look new without sending it again, where the store has a way; it is as if it was sent."""
        return self.uploads.renew(key, size) and self._outlives_sweeps(key)

    def _put_new(self, source: Iterator[bytes], digest: str, size: int) -> None:
        key = key_of(digest)
        if size <= IN_MEMORY:
            data = b"".join(source)

            def send() -> None:
                with self._explained(writes=True) as obstore:
                    obstore.put(self._store, key, data, use_multipart=False)

            self._send(key, send)
            return
        old = self._head(key)
        with self._explained(writes=True) as obstore:
            obstore.put(
                self._store,
                key,
                source,
                chunk_size=max(_PART, -(-size // _MOST_PARTS)),
                max_concurrency=_AT_ONCE,
            )
        if old is not None and not self._outlives_sweeps(key):
            raise Changed("a sweep has freed the content")  # the caller sends it once more

    def _send(self, key: str, send: Any) -> None:
        for _ in range(_RESENDS):
            old = self._head(key)
            send()
            if old is None or self._outlives_sweeps(key):
                return
        raise StoreUnavailable(f"{self.address} is being swept all the time; try again later")

    def _put_stream(self, stream: IO[bytes]) -> Blob:
        try:
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as spooled:

                def tee() -> Iterator[bytes]:
                    for piece in pieces(stream):
                        spooled.write(piece)
                        yield piece

                digest, size = digest_of(tee())
                for _ in range(_RESENDS):
                    if self._reuse(digest, size):
                        break
                    spooled.seek(0)
                    try:
                        self._put_new(checked(pieces(spooled, size), digest, size, Changed), digest, size)
                    except Changed:
                        continue
                    break
        except OSError as error:
            if is_full(error):
                raise StoreUnavailable(f"the disk with {tempfile.gettempdir()} is full: free some space") from error
            raise
        return Blob(digest, size)

    def _outlives_sweeps(self, key: str) -> bool:
        """Wait for the sweeps that might have looked at an object before it was sent again; is it still there?"""
        mine = self._head(key)
        if mine is None:
            return False
        until = time.monotonic() + MARK_LIFE_S
        while time.monotonic() < until and any(
            _time(mark) > _time(mine) - MARK_LIFE_S for mark in self._objects("sweeping/")
        ):
            time.sleep(0.1)
        return self._head(key) is not None

    # Reading.

    def open(self, digest: str) -> BinaryIO:
        """See ``Blobs.open``."""
        return cast("BinaryIO", io.BufferedReader(_Reader(self, digest, self.size(digest)), _PART // 2))

    def read_range(self, digest: str, start: int, end: int) -> bytes:
        """See ``Blobs.read_range``."""
        if not 0 <= start <= end:
            raise BadInput(f"{start} to {end} is no range of bytes")
        end = min(end, self.size(digest))
        return self._fetch(digest, start, end) if start < end else b""

    def _fetch(self, digest: str, start: int, end: int) -> bytes:
        with self._explained(digest) as obstore:
            return bytes(obstore.get_range(self._store, key_of(digest), start=start, end=end))

    def size(self, digest: str) -> int:
        """See ``Blobs.size``."""
        found = self._head(key_of(digest))
        if found is None:
            raise self._missing(digest)
        return found["size"]

    def exists(self, digest: str) -> bool:
        """See ``Blobs.exists``."""
        return self._head(key_of(digest)) is not None

    def _read(self, digest: str) -> tuple[int, Iterator[bytes]]:
        size = self.size(digest)
        return size, self._pieces(digest, size)

    def _pieces(self, digest: str, size: int) -> Iterator[bytes]:
        # Part by part: one request for all would be cut off by its time limit, and could not go on where it broke.
        for first in range(0, size, _AT_ONCE * _PART):
            starts = range(first, min(first + _AT_ONCE * _PART, size), _PART)
            ends = [min(start + _PART, size) for start in starts]
            with self._explained(digest) as obstore:
                parts = obstore.get_ranges(self._store, key_of(digest), starts=[*starts], ends=ends, coalesce=0)
            for part in parts:
                yield bytes(part)

    def signed_url(self, digest: str, life_s: float) -> str | None:
        """See ``Blobs.signed_url``."""
        from milepost.store.object_uploads import signed

        return signed(self, "GET", key_of(digest), life_s)

    # Storing in parts.

    def _open_uploads(self) -> Uploads:
        from milepost.store.object_uploads import ObjectUploads

        if self.scheme[0] == "s":
            from milepost.store.s3_parts import s3_parts

            return ObjectUploads(self, s3_parts(self))
        if self.scheme[0] == "a":
            from milepost.store.azure_parts import azure_parts

            return ObjectUploads(self, azure_parts(self))
        return ObjectUploads(self, None)

    # Freeing.

    def delete(self, digest: str) -> None:
        """See ``Blobs.delete``."""
        self._remove(key_of(digest))

    def list(self) -> Iterator[tuple[str, int, int]]:
        """See ``Blobs.list``."""
        for found in self._objects("sha256/"):
            digest = digest_at(found["path"])
            if digest is not None:
                yield digest, found["size"], int(_time(found) * 1e9)

    def free(self, digests: Iterable[str], grace_s: float) -> Freed:
        """See ``Blobs.free``, and the top of this module for how it goes."""
        freed = Freed()
        left = iter(digests)
        while batch := [check_digest(digest) for digest in islice(left, _BATCH)]:
            with self._swept() as began:
                for digest in batch:
                    if time.monotonic() - began > MARK_LIFE_S / 4:
                        break  # the rest is for the next sweep; this store is slow
                    found = self._head(key_of(digest))
                    if found is not None and _age_s(found) >= grace_s:
                        self._remove(key_of(digest))
                        freed += Freed(1, found["size"])
        return freed

    @contextmanager
    def _swept(self) -> Iterator[float]:
        """Under a mark that no other sweep has; gives the time (monotonic) at which it was made."""
        mark = f"sweeping/{uuid4().hex}"
        until = time.monotonic() + MARK_LIFE_S
        while True:
            began = time.monotonic()
            self._put_mark(mark)
            mine = self._head(mark)
            others = [each for each in self._objects("sweeping/") if each["path"] != mark]
            if mine is not None and all(_time(each) < _time(mine) - MARK_LIFE_S for each in others):
                break
            self._remove(mark)
            if time.monotonic() > until:
                raise StoreUnavailable(f"another sweep of {self.address} is at work; try again later")
            time.sleep(0.1 + int(uuid4()) % 100 / 100)
        try:
            for other in others:
                self._remove(other["path"])
            yield began
        finally:
            self._remove(mark)

    def tidy(self, grace_s: float) -> int:
        """See ``Blobs.tidy``.  What Milepost did not begin itself is no object; set a rule of the bucket for it."""
        self.uploads.tidy()
        return 0

    # Owners.

    def owners(self) -> set[str]:
        """See ``Blobs.owners``."""
        return {found["path"].removeprefix("owners/") for found in self._objects("owners/")}

    def mark_owner(self, owner: str) -> None:
        """See ``Blobs.mark_owner``."""
        if self._head(f"owners/{owner}") is None:
            self._put_mark(f"owners/{owner}")

    def forget_owner(self, owner: str) -> None:
        """See ``Blobs.forget_owner``."""
        self._remove(f"owners/{owner}")

    # Requests.

    def _head(self, key: str) -> ObjectMeta | None:
        with self._explained() as obstore:
            try:
                return cast("ObjectMeta", obstore.head(self._store, key))
            except FileNotFoundError:
                return None

    def _objects(self, prefix: str) -> Iterator[ObjectMeta]:
        with self._explained() as obstore:
            pages = iter(obstore.list(self._store, prefix, chunk_size=1000))
        while True:
            with self._explained():
                page = next(pages, None)
            if page is None:
                return
            yield from page

    def _put_mark(self, key: str) -> None:
        with self._explained(writes=True) as obstore:
            obstore.put(self._store, key, b"milepost", use_multipart=False)

    def _remove(self, key: str) -> None:
        with self._explained() as obstore:
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:
                return

    @contextmanager
    def _explained(self, digest: str | None = None, *, writes: bool = False) -> Iterator[Any]:
        """The library, with its errors turned into the store's."""
        if os.getpid() != self._pid:
            # Its threads did not come along, and it would wait for them for ever.
            raise StoreUnavailable(
                f"{self.address} cannot be used in a process that was forked after it was opened: start processes "
                'with multiprocessing\'s "spawn" method'
            )
        import obstore
        from obstore import exceptions

        try:
            yield obstore
        except FileNotFoundError as error:
            if digest is not None and not writes:
                raise self._missing(digest) from error
            raise StoreUnavailable(
                f"{self.address} cannot be written ({_said(error)}): does its bucket exist?"
            ) from error
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
            raise StoreUnavailable(
                f"{self.address} refuses access ({_said(error)}): check the keys in the usual variables (AWS_*, "
                "AZURE_*, GOOGLE_*) and what they allow"
            ) from error
        except exceptions.BaseError as error:
            raise StoreUnavailable(
                f"{self.address} cannot be used just now ({_said(error)}): try again later"
            ) from error

    def _missing(self, digest: str) -> NotFound:
        return NotFound(f"the content {digest} is not in {self.address}: was it deleted, or its bucket changed?")


class _Reader(io.RawIOBase):
    """Reads a content by ranges; BufferedReader over it asks for large ones."""

    def __init__(self, blobs: ObjectBlobs, digest: str, size: int) -> None:
        self._blobs = blobs
        self._digest = digest
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"cannot seek to {start + offset}")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readall(self) -> bytes:
        """All that is left.  Without this it would be asked for 8 kB at a time."""
        return b"".join(iter(lambda: self.read(_PART) or b"", b""))

    def readinto(self, buffer: WriteableBuffer) -> int:
        with memoryview(buffer).cast("B") as view:
            end = min(self._position + len(view), self._size)
            if end <= self._position:
                return 0
            data = self._blobs._fetch(self._digest, self._position, end)
            view[: len(data)] = data
        self._position += len(data)
        return len(data)


def _connect(scheme: str, bucket: str, prefix: str, options: Mapping[str, Any]) -> Any:
    from datetime import timedelta

    from obstore import exceptions, store

    client = _client_variables(scheme) | {key: value for key, value in options.items() if key in _CLIENT}
    config = {key: value for key, value in options.items() if key not in _CLIENT}
    kind: Any = {"s": store.S3Store, "g": store.GCSStore, "a": store.AzureStore}[scheme[0]]
    try:
        return kind(
            bucket,
            prefix=prefix or None,
            config=config or None,
            # For one part of a content; downloads and uploads are made of many.
            client_options={"timeout": "5m", "connect_timeout": "10s", **client},
            retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=60)},
        )
    except (exceptions.BaseError, ValueError, TypeError) as error:
        raise BadInput(
            f"the files at {scheme}://{bucket} cannot be reached with these settings ({_said(error)}): check the usual "
            "variables (AWS_*, AZURE_*, GOOGLE_*) and the options"
        ) from error


def _client_variables(scheme: str) -> dict[str, str]:
    """What ``AWS_ALLOW_HTTP`` and its kin say.  obstore reads them only where it is given no such settings at all."""
    prefix = {"s": "AWS", "g": "GOOGLE", "a": "AZURE"}[scheme[0]]
    found = {key: os.environ.get(f"{prefix}_{key.upper()}", "").strip() for key in sorted(_CLIENT)}
    return {key: value for key, value in found.items() if value}


def _said(error: Exception) -> str:
    """The first line of what the library says, without what may be secret."""
    line = str(error).strip().split("\n", 1)[0]
    return _SECRET.sub(r"\1...", line)[:400]


def _time(found: ObjectMeta) -> float:
    changed: datetime = found["last_modified"]
    return changed.timestamp()


def _age_s(found: ObjectMeta) -> float:
    return time.time() - _time(found)
