"""Sends one large content to a server in parts: several at a time, each again where it went wrong.

The parts go where the server says: straight to its object store, or to itself.  What came before this process or the
server was killed is not sent again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from urllib3.exceptions import HTTPError

from milepost.remote.direct import DirectConnection, Expired, Unreachable
from milepost.store.errors import BadInput, Busy, Conflict, NotFound, StoreError, StoreUnavailable
from milepost.store.together import together

if TYPE_CHECKING:
    from milepost.remote.connection import Connection
    from milepost.store.blobs import Blobs

_AT_ONCE: Final = 4
_AT_ONCE_ALL: Final = 6
"""Parts of all contents together."""
_SIGNED_AT_ONCE: Final = 32
_TRIES: Final = 5
_PAUSE_S: Final = 0.3
_PIECE: Final = 1 << 18
_ROUNDS: Final = 3


class PartsSender:
    """Sends contents.  Threads may share it."""

    def __init__(self, connection: Connection, direct: DirectConnection, progress: Callable[[], None]) -> None:
        """``progress`` is called whenever something has moved."""
        self._connection = connection
        self._direct = direct
        self._progress = progress
        self._places = threading.Semaphore(_AT_ONCE_ALL)

    def send(self, digest: str, size: int, contents: Blobs) -> None:
        """Return once the server has the content and has found it to be the right one.

        Raises the store's errors; what has been sent then stays there, and the next call goes on.  Raises NotFound
        where ``contents`` does not have it, or the server is older and takes no parts.
        """
        for _ in range(_ROUNDS):
            plan = self._begin(digest, size)
            if plan["is_stored"]:
                return
            try:
                self._send_parts(digest, size, contents, plan)
                self._finish(str(plan["upload"]))
            except Unreachable:
                # Is it the object store that is down, or can it not be reached from here?  The server knows.
                if self._begin(digest, size)["is_stored"]:
                    return
                self._direct.avoid()
            except (NotFound, Conflict):
                continue  # it was finished or removed meanwhile, or a part was lost: look again
            else:
                return
        raise StoreUnavailable(
            f"the content {digest} could not be sent to {self._connection.address.server}; it is tried again later"
        )

    def _begin(self, digest: str, size: int) -> Any:
        content = {"digest": digest, "size": size, "direct": self._direct.is_used}
        return self._connection.json("POST", "/uploads", content)

    def _send_parts(self, digest: str, size: int, contents: Blobs, plan: Any) -> None:
        upload, part_size = str(plan["upload"]), int(plan["part_size"])
        there = set(plan["parts"])
        missing = [number for number in range(1, -(-size // part_size) + 1) if number not in there]
        for at in range(0, len(missing), _SIGNED_AT_ONCE):
            some = missing[at : at + _SIGNED_AT_ONCE]
            urls: dict[str, str] = self._urls(upload, some) if plan["is_direct"] else {}

            def send(number: int, urls: dict[str, str] = urls) -> None:
                start = (number - 1) * part_size
                part = _Part(contents, digest, start, min(part_size, size - start), self._progress)
                with self._places:
                    self._send_part(upload, number, part, urls.get(str(number)))

            together(send, some, _AT_ONCE)

    def _urls(self, upload: str, numbers: list[int]) -> dict[str, str]:
        urls = self._connection.json("POST", f"/uploads/{upload}/urls", {"parts": numbers})["urls"]
        return {str(number): str(urls[str(number)]) for number in numbers}

    def _send_part(self, upload: str, number: int, part: _Part, url: str | None) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                if url is not None:
                    self._direct.put(url, part.pieces(), part.headers("Content-MD5"))
                else:
                    path = f"/uploads/{upload}/parts/{number}"
                    headers = {"Content-Type": "application/octet-stream", **part.headers("Content-Digest")}
                    self._connection.open("PUT", path, part.pieces(), headers=headers).release_conn()
            except Busy:
                raise  # the server said when to come again
            except Expired:
                if attempt == _TRIES:
                    raise
                url = self._urls(upload, [number])[str(number)]
            except (StoreUnavailable, BadInput):  # BadInput: it was changed on its way
                if attempt == _TRIES:
                    raise
                time.sleep(_PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311
            else:
                self._progress()
                return

    def _finish(self, upload: str) -> None:
        headers = {"Accept-Encoding": "identity"}
        last: Any = {}
        with self._connection.open("POST", f"/uploads/{upload}/finish", headers=headers, again=False) as answer:
            try:
                held = b""
                for data in answer.stream(1 << 12):
                    self._progress()
                    *lines, held = (held + data).split(b"\n")
                    if lines:
                        last = json.loads(lines[-1])
            except (HTTPError, ValueError) as error:
                raise StoreUnavailable(
                    f"{self._connection.address.server} broke off while it looked at a file"
                ) from error
        if last.get("stored"):
            return
        raise self._told(last.get("error"))

    def _told(self, error: Any) -> StoreError:
        if not isinstance(error, dict):
            return StoreUnavailable(f"{self._connection.address.server} broke off while it looked at a file")
        message = str(error.get("message"))
        known: dict[Any, type[StoreError]] = {400: BadInput, 404: NotFound, 409: Conflict}
        return known.get(error.get("status"), StoreUnavailable)(message)


class _Part:
    """A range of a content, read anew for each try."""

    def __init__(self, contents: Blobs, digest: str, start: int, length: int, progress: Callable[[], None]) -> None:
        self._contents = contents
        self._digest = digest
        self._start = start
        self._length = length
        self._progress = progress

    def pieces(self) -> Iterator[bytes]:
        with self._contents.open(self._digest) as source:
            source.seek(self._start)
            left = self._length
            while left:
                piece = source.read(min(_PIECE, left))
                if not piece:
                    raise BadInput(f"the content {self._digest} in {self._contents.address} was cut off")
                left -= len(piece)
                self._progress()
                yield piece

    def headers(self, kind: str) -> dict[str, str]:
        """Its length, and what tells the receiver that it came as it was sent."""
        # MD5 is what object stores look at; no secret hangs on it.
        hasher = hashlib.md5(usedforsecurity=False) if kind == "Content-MD5" else hashlib.sha256()
        for piece in self.pieces():
            hasher.update(piece)
        value = base64.b64encode(hasher.digest()).decode()
        return {
            "Content-Length": str(self._length),
            kind: value if kind == "Content-MD5" else f"sha-256=:{value}:",
        }
