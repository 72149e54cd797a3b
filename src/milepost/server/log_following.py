"""Following a log of a run as it grows."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from milepost.server.log_reading import Follower, Log, is_on_its_way
from milepost.store.errors import NotFound, StoreError
from milepost.store.names import check_name
from milepost.store.store import Store

_POLL_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class LogPart:
    """What a log has grown by."""

    start: int
    """The byte of the log at which ``data`` begins: where the part before ended, or less where another log has taken
    its place."""
    data: bytes

    def told(self) -> dict[str, Any]:
        """As JSON has it: the bytes in base64, for they may end amid a character."""
        return {"start": self.start, "text": base64.b64encode(self.data).decode()}


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The run has ended, and all of the log was given."""

    status: str | None
    """None where the run was deleted."""


def follower_of(store: Store, folder: Path | None, run_id: str, name: str, start: int) -> Follower:
    """What follows a log from a byte on.  Raises NotFound where there is no such run, and BadInput."""
    if not is_on_its_way(folder, run_id):
        store.run(run_id)  # says that there is none
    return Follower(Log(store, folder, run_id, check_name(name)), start)


async def followed(follower: Follower) -> AsyncGenerator[LogPart | LogEnd]:
    """The parts of a log as they are written, and last its end."""
    while True:
        try:
            step = await run_in_threadpool(follower.step)
            end = LogEnd(await run_in_threadpool(_status, follower.log)) if step.ended else None
        except StoreError:  # it is looked for again: a stream that breaks off would be opened anew at once
            await asyncio.sleep(4 * _POLL_S)
            continue
        if end is not None:
            yield end
            return
        if step.data:
            yield LogPart(step.start, step.data)
        else:
            await asyncio.sleep(_POLL_S)


def _status(log: Log) -> str | None:
    try:
        return log.store.run(log.run_id).status
    except NotFound:
        return None
