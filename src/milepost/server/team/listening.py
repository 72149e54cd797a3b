"""How a server sees which runs' processes have fallen silent, and which are heard of again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from milepost.server.team.repeating import repeating
from milepost.store.errors import StoreError
from milepost.store.silence import mark_silent, wake_heard

if TYPE_CHECKING:
    from sqlalchemy import Engine

log: Final = logging.getLogger("milepost.server")

LEAST_SILENCE_S: Final = 120.0
"""A client says each half minute that it lives (``milepost.sdk.recording.drain.ALIVE_S``); one or two such words may
be lost."""
_MOST_PAUSE_S: Final = 30.0
_JUMP_S: Final = 10.0


@dataclass
class Listener:
    """Looks at the runs of a database; ``silence_s``: after so long a run is NotResponding.

    It holds a silence against nobody whom it could not have heard: after its own start, after a time in which the
    database could not be reached or this machine slept, and after its clock was put right, it listens for
    ``silence_s`` first.
    """

    engine: Engine
    silence_s: float
    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    _since: float = field(init=False)
    _last: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self._since = self.steady()
        self._last = self.wall(), self._since

    @property
    def pause_s(self) -> float:
        """Between two looks."""
        return min(self.silence_s / 10, _MOST_PAUSE_S)

    def look(self) -> None:
        """Mark and wake what there is to.  A database that cannot be asked is asked at the next look."""
        wall, steady = self.wall(), self.steady()
        passed = steady - self._last[1]
        if abs(wall - self._last[0] - passed) > _JUMP_S or passed > 3 * self.pause_s + _JUMP_S:
            self._since = steady
        self._last = wall, steady
        since_ns = int((wall - self.silence_s) * 1e9)
        try:
            for run_id in wake_heard(self.engine, since_ns):
                log.info("run %s is heard of again", run_id)
            if steady - self._since >= self.silence_s:
                for run_id in mark_silent(self.engine, since_ns):
                    log.info("run %s does not respond", run_id)
        except StoreError as error:
            log.debug("the runs could not be looked at: %s", error)
            self._since = self.steady()


def listening(engine: Engine, silence_s: float) -> AbstractContextManager[None]:
    """Look again and again meanwhile; 0: never."""
    if silence_s <= 0:
        return nullcontext()
    listener = Listener(engine, silence_s)
    return repeating("listening", listener.look, listener.pause_s, listener.pause_s)
