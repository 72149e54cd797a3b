"""What a server takes of batches: how many bytes it holds at once, whose turn it is, and how fast each may come.

What is too much is told to come again (``busy``, with ``Retry-After``), never dropped: a client keeps its journal.

- **Memory**: the bodies of all batches on their way have ``Limits.batches_at_once`` bytes at most.
- **Fairness**: the batches of workspaces take turns, so one that sends a thousand delays another's by those that are
  being applied, not by a thousand.  Of the memory each has the same share, of those that want some now.
- **Rates** of a workspace: points and bytes a second; see ``rates``.  Each process counts by itself.
- **Storage** of a workspace: beyond it no file is taken, while metrics are: they are small, and what a training says of
  itself is worth more than order.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from milepost.server.problem import Problem
from milepost.server.team.rates import Rate
from milepost.store.blobs import REMOTE_GRACE_S
from milepost.store.workspace_limits import WorkspaceLimits, limits_of, named_contents, stored_bytes

if TYPE_CHECKING:
    from milepost.server.team.measures import Measures
    from milepost.server.team.settings import Limits
    from milepost.store.store import Store

APPLIED_AT_ONCE: Final = 4
"""More threads would only wait for each other and for the database."""
KNOWN_S: Final = 10.0
"""So long is known what the database says of a workspace's limits."""
PATIENCE_S: Final = 20.0
"""So long a batch may wait for its turn; its client waits for a minute."""
_WANTS_S: Final = 5.0
"""So long a workspace that was told to come again counts as one that wants a share."""
_LATER_S: Final = 300
"""When to ask again where the storage is full: somebody has to delete something."""

_T = TypeVar("_T")


@dataclass
class _Workspace:
    held: int = 0
    """Bytes of its batches that are on their way."""
    wanted: float = 0.0
    """When it was last told to come again."""
    points: Rate = field(default_factory=Rate)
    bytes: Rate = field(default_factory=Rate)
    limits: WorkspaceLimits = field(default_factory=WorkspaceLimits)
    limits_at: float = -KNOWN_S
    stored: int = 0
    unnamed: dict[str, tuple[float, int]] = field(default_factory=dict)
    """digest -> when it was taken, and its bytes: of contents that nothing has named yet, so ``stored`` lacks them."""
    stored_at: float = -KNOWN_S
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Intake:
    """The batches of all workspaces in this process.  All of it runs in the event loop."""

    def __init__(self, limits: Limits, measures: Measures | None = None) -> None:
        self._limits = limits
        self._measures = measures
        self._workspaces: dict[str, _Workspace] = {}
        self._turns: deque[str] = deque()
        """Workspaces with batches that wait, in the order of their turns."""
        self._threads = ThreadPoolExecutor(APPLIED_AT_ONCE, "milepost-intake")
        self._free = APPLIED_AT_ONCE
        self.held = 0
        """Bytes of all batches that are on their way."""

    # -- before a body comes

    async def admit(self, store: Store) -> None:
        """Raises Problem (429) where this workspace has brought too much of late."""
        one = self._of(store)
        limits = await self._limits_of(store, one)
        wait_s = max(
            one.points.wait_s(_one_of(limits.points_per_s, self._limits.points_per_s)),
            one.bytes.wait_s(_one_of(limits.bytes_per_s, self._limits.bytes_per_s)),
        )
        if wait_s:
            raise _busy(429, f"workspace {store.workspace_name!r} brings more than it may a second", wait_s)

    async def admit_file(self, store: Store, announced: Callable[[], int] | None = None) -> int | None:
        """How many bytes there is room for; None: as many as there are.

        ``announced``: gives the bytes of what is about to come, and of what is on its way; they have to fit.  Raises
        Problem (429) where this workspace's files take up all that they may.
        """
        one = self._of(store)
        limits = await self._limits_of(store, one)
        most = _one_of(limits.storage, self._limits.storage)
        if not most:
            return None
        if time.monotonic() - one.stored_at >= KNOWN_S:
            one.stored, named = await asyncio.to_thread(_stored, store, list(one.unnamed))
            one.stored_at = time.monotonic()
            old = one.stored_at - REMOTE_GRACE_S  # a sweep has freed them by now
            one.unnamed = {each: kept for each, kept in one.unnamed.items() if each not in named and kept[0] > old}
        coming = await asyncio.to_thread(announced) if announced is not None else 1
        stored = one.stored + sum(size for _, size in one.unnamed.values())
        if stored + coming > most:
            and_coming = f" with what is on its way {stored + coming:,}" if announced is not None else ""
            message = (
                f"the files of workspace {store.workspace_name!r} take up {stored:,} bytes,{and_coming} and "
                f"{most:,} is its "
                "limit: delete runs, or ask an administrator of the server for more"
            )
            raise _busy(429, message, _LATER_S)
        return most - stored

    # -- while a body comes

    @contextmanager
    def room(self, store: Store, announced: int) -> Iterator[Callable[[int], None]]:
        """Gives a function to be called for each piece of a body with its size.

        Both raise Problem (503) where the memory for batches is in use; ``announced``: how large the body says it is.
        """
        one = self._of(store)
        mine = 0
        self._check_room(one, announced)

        def take(size: int) -> None:
            nonlocal mine
            self._check_room(one, size)
            mine += size
            change(size)

        def change(size: int) -> None:
            one.held += size
            self.held += size
            if self._measures is not None:
                self._measures.held(self.held)

        try:
            yield take
        finally:
            change(-mine)

    def _check_room(self, one: _Workspace, size: int) -> None:
        most = self._limits.batches_at_once
        if self.held + size <= most // 2 or self.held == 0:
            return
        now = time.monotonic()
        others = sum(
            1 for each in self._workspaces.values() if each is not one and (each.held or now - each.wanted < _WANTS_S)
        )
        if self.held + size > most or one.held + size > most // (others + 1):
            one.wanted = now
            raise _busy(503, "the server takes as much as it can at once just now", 1.0)

    # -- when it is there

    async def apply(self, store: Store, work: Callable[[], _T]) -> _T:
        """What ``work`` gives, in a thread, when it is this workspace's turn.

        Raises what it raises, and Problem (503) where its turn does not come.
        """
        async with self._turn(store):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def spend(self, store: Store, points: int, size: int) -> None:
        """So much of this workspace was applied."""
        one = self._of(store)
        one.points.spend(points)
        one.bytes.spend(size)
        if self._measures is not None:
            self._measures.applied(store.workspace_name, points, size)

    @asynccontextmanager
    async def _turn(self, store: Store) -> AsyncIterator[None]:
        if self._free:
            self._free -= 1
        else:
            one = self._of(store)
            mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            if not one.waiting:
                self._turns.append(store.workspace_id)
            one.waiting.append(mine)
            try:
                await asyncio.wait_for(mine, PATIENCE_S)
            except asyncio.TimeoutError:
                raise _busy(503, "the server has too much to do just now", 2.0) from None
            except asyncio.CancelledError:
                if mine.done() and not mine.cancelled():
                    self._next()
                raise
        try:
            yield
        finally:
            self._next()

    def _next(self) -> None:
        """A turn is over: the next workspace that waits has one of its batches applied."""
        while self._turns:
            name = self._turns.popleft()
            waiting = self._workspaces[name].waiting
            while waiting:
                first = waiting.popleft()
                if not first.done():  # else whoever waited has gone
                    if waiting:
                        self._turns.append(name)
                    first.set_result(None)
                    return
        self._free += 1

    def spend_file(self, store: Store, digest: str, size: int) -> None:
        """A content was taken; whether it was there before, and what names it, the database knows later."""
        self._of(store).unnamed[digest] = (time.monotonic(), size)

    def forget(self, store: Store) -> None:
        """The limits of this workspace were changed by this server."""
        one = self._of(store)
        one.limits_at = one.stored_at = -KNOWN_S

    async def _limits_of(self, store: Store, one: _Workspace) -> WorkspaceLimits:
        if time.monotonic() - one.limits_at >= KNOWN_S:
            one.limits = await asyncio.to_thread(limits_of, store.engine, store.workspace_key)
            one.limits_at = time.monotonic()
        return one.limits

    def _of(self, store: Store) -> _Workspace:
        return self._workspaces.setdefault(store.workspace_id, _Workspace())


def _stored(store: Store, digests: Sequence[str]) -> tuple[int, set[str]]:
    """The bytes that a workspace has named, and which of these contents are among them."""
    stored = stored_bytes(store.engine, store.workspace_key)
    return stored, named_contents(store.engine, store.workspace_key, digests)


def _one_of(own: int | None, general: int) -> int:
    return general if own is None else own


def _busy(status: int, message: str, after_s: float) -> Problem:
    seconds = math.ceil(after_s)
    return Problem(status, f"{message}; come again in {seconds} s", code="busy", headers={"Retry-After": str(seconds)})
