"""Brings contents of files from the spool to the server, in the background.

What has to go is written down as empty files in a folder, one a content, before the server is told that a run has it.
So whoever comes next goes on where a killed process stopped; sending a content twice does no harm.  What the server
has and names is removed from the spool.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from milepost.remote.parts import PartsSender
from milepost.store.blobs import check_digest
from milepost.store.drafts import sync_folder
from milepost.store.errors import BadInput, Busy, NotFound, Offline, StoreError, StoreUnavailable
from milepost.store.manifest import digests as digests_of
from milepost.warning import warn

if TYPE_CHECKING:
    from pathlib import Path

    from milepost.remote.blobs import RemoteBlobs
    from milepost.store.batch import Event
    from milepost.store.blobs import Blobs

AT_ONCE_BYTES: Final = 4 << 20
"""Contents that have no more together are sent before the server is told of them; larger ones follow later."""
KEPT_BYTES: Final = 1 << 20
"""A content up to this size stays in the spool for a while: the next snapshot may have it, too."""
WHOLE_BYTES: Final = 8 << 20
"""A content up to this size is sent in one request."""
_THREADS: Final = 4
_ASKED: Final = 5000
_AGAIN_S: Final = (1.0, 30.0)
"""Seconds until a server that could not be reached is tried again: at first, and at most."""


class Uploads:
    """The contents that have to go to the server.  Threads may share it; a forked child begins anew."""

    def __init__(self, blobs: RemoteBlobs, folder: Path, keeps: bool = False) -> None:
        """``keeps``: what was sent stays in the spool, which is the home of these contents."""
        self._keeps = keeps
        self._blobs = blobs
        self._folder = folder
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._progress = time.monotonic()
        self._error: StoreError | None = None
        self._woken = threading.Event()
        self._parts: tuple[int, PartsSender] | None = None
        self._takes_whole_only = False

    # -- what has to go ----------------------------------------------------------------------------------------

    def before(self, events: list[Event]) -> None:
        """To be called before the server gets these events: what they name is sent, or written down to be sent.

        ``after`` is to be called when it has them.  Raises the store's errors.
        """
        named = self._named(events)
        try:
            missing = self._missing(named)
        except (Busy, Offline):
            raise
        except StoreUnavailable:
            # The server's place for files may be down, and its database not: what was logged need not wait for that.
            self._note({digest: size for digest, size in named.items() if self._blobs.spool.exists(digest)})
            return
        if sum(missing.values()) <= AT_ONCE_BYTES:
            self._together(missing)
        else:
            self._note(missing)

    def after(self, events: list[Event]) -> None:
        """The server has these events, and names what they name: it is needed in the spool no more.

        What still has to go stays, also where it is another process that has written it down.  So does the content of
        a snapshot that is small: the next one may have it, too.  Somebody else who has just stored the same content
        finds, before they tell of it, that the server has it.
        """
        files = {str(event.data.get("digest")) for event in events if event.kind == "artifact"}
        large = {digest for digest, size in self._named(events).items() if size > KEPT_BYTES}
        self.free(files | large)

    def free(self, digests: Iterable[str]) -> None:
        """The server names these contents: remove them from the spool, each as soon as it need not be sent any more."""
        if self._keeps:
            return
        for digest in digests:
            # A content that cannot be removed takes some space: that is no reason to deliver its event again.
            with suppress(OSError, StoreError):
                note = self._folder / check_digest(digest)
                if note.exists():
                    self._free_mark(digest).touch()  # before the second look: see _sent
                if not note.exists():
                    self._remove(digest)

    def _free_mark(self, digest: str) -> Path:
        return self._folder / f".free-{digest}"

    def _remove(self, digest: str) -> None:
        self._blobs.spool.delete(digest)
        self._free_mark(digest).unlink(missing_ok=True)

    def send(self, sizes: Mapping[str, int]) -> int:
        """Bring these contents to the server now, where it lacks them, and give how many it lacked.

        ``sizes``: digest to bytes.  Raises the store's errors.  What is not in the spool is left to the server, which
        tells what it lacks.
        """
        missing = self._missing(sizes)
        self._together(missing)
        return len(missing)

    def bring(self, contents: Blobs, sizes: Mapping[str, int]) -> dict[str, int]:
        """Send contents of another place than the spool; see ``Store.bring``.  Raises the store's errors."""
        from milepost.store.together import together

        missing = self._missing(sizes)
        together(lambda digest: self._send(digest, missing[digest], contents), list(missing), _THREADS)
        return missing

    def _named(self, events: list[Event]) -> dict[str, int]:
        from milepost.remote.blobs import sizes_of

        found: dict[str, int] = {}
        for event in events:
            with suppress(BadInput, KeyError):  # the server refuses such an event, and tells why
                if event.kind == "artifact":
                    found |= sizes_of([(event.data["digest"], event.data["size"])])
                elif event.kind == "snapshot":
                    found |= self._of_snapshot(event.data["manifest"])
        return found

    def _of_snapshot(self, manifest: str) -> dict[str, int]:
        try:
            with self._blobs.spool.open(manifest) as source:
                content = source.read()
        except NotFound:
            return {}  # it was sent before
        found = {manifest: len(content)}
        for digest in digests_of(content):
            with suppress(NotFound):
                found[digest] = self._blobs.spool.size(digest)
        return found

    def _missing(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Those of these contents that the server does not have.  Raises the store's errors."""
        missing: dict[str, int] = {}
        digests = list(sizes)
        for start in range(0, len(digests), _ASKED):
            some = {digest: sizes[digest] for digest in digests[start : start + _ASKED]}
            answer = self._blobs.connection.json("POST", "/blobs/missing", {"sizes": some})
            missing |= {digest: some[digest] for digest in answer["digests"]}
        return missing

    def _note(self, sizes: Mapping[str, int]) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for digest in sizes:
                (self._folder / digest).touch()
            sync_folder(self._folder)
        except OSError as error:
            raise StoreUnavailable(f"{self._folder} cannot be written: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the connections to object stores.  What is used afterwards opens new ones."""
        self._blobs.direct.close()

    def waiting(self) -> list[str]:
        """The digests of the contents that have to go."""
        return waiting_in(self._folder)

    # -- sending -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Send what is waiting, in the background."""
        if not self.waiting():
            return
        with self._lock:
            if self._process != os.getpid():
                self._process, self._thread = os.getpid(), None
            self._woken.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="milepost-uploads", daemon=True)
                with suppress(RuntimeError):  # the interpreter is ending; the next process goes on
                    self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Return once nothing is waiting.

        Raises StoreUnavailable where nothing has moved for ``timeout_s``, or the server cannot be had; it is sent later
        then, by this process or the next one.
        """
        self._progress = time.monotonic()
        self._error = None
        self.start()
        while self.waiting():
            if self._error is not None:
                raise self._error
            if time.monotonic() - self._progress > timeout_s:
                raise StoreUnavailable(
                    f"{len(self.waiting())} files are still on their way to {self._blobs.connection.address.server}; "
                    "they are sent later, by the next run or by `milepost sync`"
                )
            self.start()
            time.sleep(0.05)

    def _run(self) -> None:
        pause = _AGAIN_S[0]
        while digests := self.waiting():
            self._woken.clear()
            try:
                self._send_all(digests)
                pause = _AGAIN_S[0]
            except StoreError as error:
                self._error = error
                self._woken.wait(pause)
                pause = min(2 * pause, _AGAIN_S[1])

    def _send_all(self, digests: list[str]) -> None:
        from milepost.store.together import together

        sizes = {}
        for digest in digests:
            try:
                sizes[digest] = self._blobs.spool.size(digest)
            except (NotFound, BadInput):
                if not self._is_there(digest):  # else another process has brought it, and freed it here
                    warn(
                        f"Milepost: the content {digest} was to be sent, but it is not in {self._blobs.spool.address}."
                    )
                (self._folder / digest).unlink(missing_ok=True)
        missing = self._missing(sizes)
        for digest in sizes.keys() - missing.keys():
            self._sent(digest, sizes[digest])

        def send(digest: str) -> None:
            self._send(digest, sizes[digest])
            self._sent(digest, sizes[digest])

        together(send, list(missing), _THREADS)

    def _is_there(self, digest: str) -> bool:
        """Whether the server has a content.  Raises the store's errors."""
        try:
            return self._blobs.exists(digest)
        except BadInput:
            return False

    def _together(self, sizes: Mapping[str, int]) -> None:
        from milepost.store.together import together

        together(lambda digest: self._send_if_there(digest, sizes[digest]), list(sizes), _THREADS)

    def _send_if_there(self, digest: str, size: int) -> None:
        """One that is not in the spool is one that the server had, and may lack now: the event is told all the same."""
        with suppress(NotFound):
            self._send(digest, size)

    def _send(self, digest: str, size: int, contents: Blobs | None = None) -> None:
        """Large contents in parts, others in one request: each request costs as much time as some of their bytes."""
        contents = contents or self._blobs.spool
        if size > WHOLE_BYTES and not self._takes_whole_only:
            contents.size(digest)  # raises NotFound
            try:
                self._sender().send(digest, size, contents)
            except NotFound:  # a server of an older version
                self._takes_whole_only = True
            else:
                return
        with contents.open(digest) as source:

            def pieces() -> Iterator[bytes]:
                while piece := source.read(1 << 20):
                    self._moved()
                    yield piece

            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
            self._blobs.connection.open("PUT", f"/blobs/{digest}", pieces(), headers=headers).release_conn()
        self._moved()

    def _sender(self) -> PartsSender:
        """A forked child has one of its own: the threads that held places of the other did not come along."""
        if self._parts is None or self._parts[0] != os.getpid():
            blobs = self._blobs
            self._parts = (os.getpid(), PartsSender(blobs.connection, blobs.direct, self._moved))
        return self._parts[1]

    def _moved(self) -> None:
        self._progress = time.monotonic()

    def _sent(self, digest: str, size: int) -> None:
        (self._folder / digest).unlink(missing_ok=True)
        # Only now: whoever marks it looks afterwards whether it still has to be sent, so that one of both removes it.
        if not self._keeps and (size > KEPT_BYTES or self._free_mark(digest).exists()):
            self._remove(digest)


def waiting_in(folder: Path) -> list[str]:
    """The digests of the contents that have to go, by what is noted in this folder."""
    try:
        return sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))
    except FileNotFoundError:
        return []
