"""Outputs of a notebook's cell: the static picture, which is drawn anew now and then."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from milepost.widgets import displaying
from milepost.widgets.picture import picture
from milepost.widgets.surroundings import shell_of
from milepost.widgets.terminal import plain_summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from milepost.widgets.contents import Part
    from milepost.widgets.feed import Feed

BESIDE_S: Final = 30.0
"""How often the picture beside a live widget is drawn: it is seen by nobody while the widget lives."""
ALONE_S: Final = 1.0
"""How often it is where it is all there is."""
_LONG_S: Final = 1.0
"""A cell that took so long has the newest state published at its end, and waits for that..."""
_CELL_SHARE: Final = 20
"""... for a twentieth of its own time, at most..."""
_FIRST_S: Final = 1.0
"""... the cell that shows the run, until it was read..."""
_LAST_S: Final = 5.0
"""... and once for the last state of a run that has ended: programs that execute notebooks take nothing afterwards."""


@dataclass(eq=False)
class PictureOutput:
    """A static picture in an output of its own, kept up to date; a ``feed.Sink``."""

    feed: Feed
    every_s: float
    has_ended: Callable[[], bool]
    """Whether this process knows that the run has ended, which the feed may be about to see."""
    message: str = ""
    """A line above the picture."""
    live: bool = False
    """Whether it stands for the widget, so that it is brought up to date again and again."""
    token: str = field(default_factory=lambda: uuid4().hex[:12])
    _published: float = field(init=False, default=0.0)
    _is_open: bool = field(init=False, default=False)
    _is_stale: bool = field(init=False, default=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _cell_began: float = field(init=False, default_factory=time.monotonic)
    _is_waited: bool = field(init=False, default=False)
    """Whether the end of the cell that shows it has waited for the first state."""
    _is_last: bool = field(init=False, default=False)
    """Whether a cell's end has waited for the last state."""

    def open(self) -> None:
        """Make the output, in the cell that is being executed."""
        with self._lock:
            is_empty = not self.feed.parts
            displaying.show(self._bundle(), self.token)
            self._is_open = True
            self._published = 0.0 if is_empty else time.monotonic()
            self._is_stale = False
        shell = shell_of()
        if shell is not None and not self.feed.ended:
            shell.events.register("pre_run_cell", self._before_cell)
            shell.events.register("post_run_cell", self._after_cell)

    def show(self, parts: dict[str, Any], told: Part) -> None:
        """See ``feed.Sink``."""
        with self._lock:
            self._is_stale = self._is_stale or bool(parts)
            due = self.feed.ended or time.monotonic() - self._published >= self.every_s
            if self._is_open and self._is_stale and due:
                self._publish()

    def _before_cell(self, *_: object) -> None:
        self._cell_began = time.monotonic()

    def _after_cell(self, *_: object) -> None:
        """A notebook that is executed to be saved takes no output after its cells: what is known goes there now."""
        if self.feed.closed or (self.feed.ended and not self._is_stale):
            self._forget()
            return
        spent = time.monotonic() - self._cell_began
        if self.has_ended() and not self._is_last:
            self._is_last = True
            self.feed.look_now(_LAST_S)
        elif not self._is_waited:
            self._is_waited = True
            self.feed.wait_first(_FIRST_S)
        elif spent >= _LONG_S:
            self.feed.look_now(min(_LAST_S, spent / _CELL_SHARE))
        elif not self.feed.ended:
            return  # short cells are not held up
        with self._lock:
            if self._is_stale:
                self._publish()

    def _forget(self) -> None:
        shell = shell_of()
        for event, called in (("pre_run_cell", self._before_cell), ("post_run_cell", self._after_cell)):
            if shell is not None and called in shell.events.callbacks[event]:
                shell.events.unregister(event, called)

    def _publish(self) -> None:
        self._published = time.monotonic()
        self._is_stale = False
        displaying.change(self._bundle(), self.token)

    def _bundle(self) -> dict[str, str]:
        parts = dict(self.feed.parts)
        message = f"Not up to date: {self.feed.trouble}" if self.feed.trouble else self.message
        shown = picture(parts, self.token, message=message, live=self.live and not self.feed.ended)
        return {"text/html": shown, "text/plain": plain_summary(parts)}
