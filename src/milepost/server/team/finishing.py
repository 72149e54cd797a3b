"""Contents that came in parts and are being looked at: all of their bytes are read, which takes as long as it takes.

Whoever asks for it is told every few seconds how far it is, so that no connection looks idle.  It goes on when they are
gone; who asks again while it does is told of the same work.  A few are looked at at once, the others wait.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from milepost.server.errors import HIDDEN, outages, told
from milepost.store.errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from milepost.store.store import Store
    from milepost.store.uploads import Upload

AT_ONCE: Final = 2
"""Each holds two pieces of 8 MiB in memory."""
TOLD_S: Final = 2.0


@dataclass
class _Work:
    over: asyncio.Event = field(default_factory=asyncio.Event)
    read: int = 0
    error: StoreError | None = None


class Finishing:
    """The uploads that this process finishes.  All but the work itself runs in the event loop."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[str, str], _Work] = {}
        self._places = threading.Semaphore(AT_ONCE)

    async def finish(self, store: Store, upload: Upload, stored: Callable[[], None]) -> AsyncIterator[bytes]:
        """Lines of JSON: how many bytes have been read, and at last that it is stored, or what is wrong.

        ``stored`` is called when it is.
        """
        key = (store.workspace_id, upload.id)
        work = self._under_way.get(key)
        if work is None:
            work = self._under_way[key] = _Work()
            self._start(store, upload, work, key, stored)
        while not work.over.is_set():
            try:
                await asyncio.wait_for(work.over.wait(), TOLD_S)
            except asyncio.TimeoutError:
                yield _line({"read": work.read})
        if work.error is None:
            yield _line({"read": upload.size, "stored": True})
            return
        status, code, message = told(work.error)
        if code == "store_unavailable":
            outages.note(work.error)
            message = HIDDEN
        yield _line({"error": {"status": status, "code": code, "message": message}})

    def _start(
        self, store: Store, upload: Upload, work: _Work, key: tuple[str, str], stored: Callable[[], None]
    ) -> None:
        loop = asyncio.get_running_loop()

        def done() -> None:
            self._under_way.pop(key, None)
            if work.error is None:
                stored()
            work.over.set()

        def progress(read: int) -> None:
            work.read = read

        def run() -> None:
            try:
                with self._places:
                    store.blobs.uploads.finish(upload, progress)
            except StoreError as error:
                work.error = error
            except Exception as error:
                work.error = StoreUnavailable(f"the upload could not be finished: {error}")
            finally:
                with suppress(RuntimeError):  # the process ends
                    loop.call_soon_threadsafe(done)

        # Not of a pool that the process would wait for at its end: what it has not done another one does anew.
        threading.Thread(target=run, name="milepost-finishing", daemon=True).start()


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"
