"""The thread that keeps a widget up to date: it looks what has changed, sends it, and answers what the view asks for.

The kernel's main thread is busy while a cell runs, and a cell that waits for the run or trains in it is what a widget
is watched beside.  So nothing of this happens there.
"""

from __future__ import annotations

import atexit
import queue
import threading
import time
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from milepost.widgets.answers import answer
from milepost.widgets.contents import (
    children_part,
    images_part,
    logs_part,
    metrics_part,
    run_part,
    series_part,
    values_part,
)
from milepost.widgets.trials import trials_part

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from milepost.widgets.answers import Answer, Question
    from milepost.widgets.contents import Memory, Part
    from milepost.widgets.reading import Reading

TERMINAL: Final = ("Completed", "Failed", "Canceled")
PARTS: Final = ("run", "metrics", "series", "values", "images", "logs", "children", "trials")
"""In the order in which they are read: what comes first is seen first."""

LOOK_S: Final = 0.5
"""How often it is looked, at the most."""
SLOWEST_S: Final = 2.0
"""How often everything cheap is brought up to date, at the least."""
_SLOWEST_OF: Final = {"series": 10.0, "values": 10.0, "images": 10.0, "trials": 10.0}
"""What may cost more: lines of many millions of points, a thousand trials."""
_SHARE: Final = 50
"""A part that took so long is left alone for this many times as long: 2 % of a core."""
_BYTES_A_S: Final = 300_000
_TEND_S: Final = 10.0
_SILENCE_S: Final = 5.0
"""A page that hears nothing for several times as long says that the kernel is busy or gone."""
_RETRY_S: Final = (1.0, 2.0, 5.0)
_GONE_S: Final = 60.0
"""A run that is not there for so long is not coming any more."""
_IDLE_S: Final = 60.0
"""After its run has ended, the thread waits so long for questions; the next question starts another one."""


class Sink(Protocol):
    """Where a feed's parts go to.  Called by the feed's thread only."""

    def show(self, parts: dict[str, Any], told: Part) -> None:
        """Parts that have changed since the last call; ``told``: what there is to say of the feed itself."""
        ...


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    done: Callable[[Answer | None, str | None], None]


@dataclass(frozen=True, slots=True)
class _LookNow:
    done: threading.Event


@dataclass(frozen=True, slots=True)
class _Tell:
    """Say again what there is to say."""


@dataclass(slots=True)
class _Pace:
    key: Any = None
    """What the part was like when it was read."""
    due: float = 0.0


@dataclass(eq=False)
class Feed:
    """Keeps one run's parts up to date, from ``start`` until the run and its children have ended or ``close``."""

    reading: Reading
    run_id: str
    sinks: list[Sink] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)
    """What was read last, whole."""
    ended: bool = False
    """Whether the run and its children have ended, and all of it is in ``parts``."""
    trouble: str | None = None
    """Why nothing new comes, in plain words."""
    shown_by: tuple[str, str] | None = None
    """The cell that shows it, and which execution of it."""
    portal: str | None = None
    """The address of the run's page, once it is known: a portal may have to be started for it."""
    _queue: queue.SimpleQueue[_Asked | _LookNow | _Tell | None] = field(init=False, default_factory=queue.SimpleQueue)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _thread: threading.Thread | None = field(init=False, default=None)
    _closed: bool = field(init=False, default=False)
    _first: threading.Event = field(init=False, default_factory=threading.Event)
    _version: Hashable = field(init=False, default=None)
    _changed: dict[str, Any] = field(init=False, default_factory=dict)
    _paces: dict[str, _Pace] = field(init=False, default_factory=lambda: {name: _Pace() for name in PARTS})
    _memory: Memory = field(init=False, default_factory=dict)
    _log: str | None = field(init=False, default=None)
    _tended: float = field(init=False, default=-_TEND_S)
    _failures: int = field(init=False, default=0)
    _seen: float | None = field(init=False, default=None)
    _sent: float = field(init=False, default=0.0)

    # -- from any thread ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look."""
        _running.add(self)
        self._ensure_thread()

    def close(self, timeout_s: float = 0.0) -> None:
        """Look no more, and answer nothing any more.  ``timeout_s``: wait so long for the end of the present look."""
        self._closed = True
        self._queue.put(None)
        thread = self._thread
        if thread is not None and timeout_s and thread is not threading.current_thread():
            thread.join(timeout_s)

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed

    def read_once(self) -> dict[str, Any]:
        """All parts as they are now, read by the caller's thread.  Raises what the reading raises."""
        self._read(at_once=True)
        return self.parts

    def wait_first(self, timeout_s: float) -> bool:
        """Wait until the first look is done; False where it took longer."""
        return self._first.wait(timeout_s)

    def look_now(self, timeout_s: float) -> None:
        """Have what has changed since the last look be looked at, and wait for that, but not longer than that.

        Asks nothing of the store itself: that may take its time.
        """
        if self.ended or self._closed or self.trouble is not None:
            return
        done = threading.Event()
        self._queue.put(_LookNow(done))
        done.wait(timeout_s)

    def ask(self, question: Question, done: Callable[[Answer | None, str | None], None]) -> None:
        """Have a question answered by the feed's thread: ``done`` is called there with the answer or the reason."""
        if self._closed:
            return
        self._queue.put(_Asked(question, done))
        self._ensure_thread()

    def _ensure_thread(self) -> None:
        with self._lock:
            if self._closed or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._go, name=f"milepost-widget-{self.run_id[:40]}", daemon=True)
            self._thread.start()

    # -- the thread --------------------------------------------------------------------------------------------

    def _go(self) -> None:
        pause = 0.0
        while not self._closed:
            try:
                asked = self._queue.get(timeout=pause) if pause else self._queue.get_nowait()
            except queue.Empty:
                if self.ended:
                    with self._lock:  # a question that comes now starts another thread
                        if self._queue.empty():
                            self._thread = None
                            return
                    continue
                pause = self._look()
                continue
            began = time.monotonic()
            if isinstance(asked, _Tell):
                self._send({})
            elif isinstance(asked, _Asked):
                self._answer(asked)
            elif isinstance(asked, _LookNow):
                pause = self._look(at_once=True)
                asked.done.set()
                continue
            pause = max(0.0, pause - (time.monotonic() - began))

    def _answer(self, asked: _Asked) -> None:
        try:
            if asked.question.get("ask") == "choose_log":
                self._choose_log(asked.question.get("name"))
                asked.done(({}, []), None)
            else:
                asked.done(answer(self.reading, asked.question), None)
        except Exception as error:
            asked.done(None, in_words(error))

    def _choose_log(self, name: object) -> None:
        """Send the end of another log from now on."""
        self._log = None if name is None else str(name)
        self.parts["logs"] = logs_part(self.reading, self.run_id, self._log)
        self._send({"logs": self.parts["logs"]})

    def _look(self, *, at_once: bool = False) -> float:
        """Bring up to date what has changed and is due; gives how long to pause.  ``at_once``: all that has changed."""
        began = time.monotonic()
        had_ended = self.ended
        try:
            if began - self._tended > _TEND_S:
                # The first time it waits until the store has what this process has said: the run itself may be new.
                self._tended = began
                self.reading.tend()
            news = self._read(at_once=at_once or not self.parts)
        except Exception as error:
            return self._fail(error)
        self._seen = began
        self._failures = 0
        recovered, self.trouble = self.trouble is not None, None
        # The look that finds the end may find nothing else: it has to be told all the same, for it is the last one.
        if news or recovered or self.ended != had_ended or self._is_silent() or not self._first.is_set():
            self._send(news)
        if not self._first.is_set():
            self._first.set()
            threading.Thread(target=self._find_portal, name="milepost-widget-portal", daemon=True).start()
        if self.ended:
            return _IDLE_S
        return max(0.05, LOOK_S - (time.monotonic() - began))

    def _is_silent(self) -> bool:
        """Whether the page has to be told that all is well, though nothing is new."""
        return time.monotonic() - self._sent > _SILENCE_S

    def _find_portal(self) -> None:
        try:
            self.portal = self.reading.portal_url(self.run_id)
        except Exception:  # without a portal there is no link, and all else is as it was
            return
        self._queue.put(_Tell())

    def _fail(self, error: Exception) -> float:
        now = time.monotonic()
        self._seen = self._seen if self._seen is not None else now
        is_gone = type(error).__name__ == "NotFound" and now - self._seen > _GONE_S
        self.trouble = in_words(error)
        self.ended = is_gone
        self._send({})
        self._first.set()
        self._failures += 1
        return _IDLE_S if is_gone else _RETRY_S[min(self._failures, len(_RETRY_S)) - 1]

    def _read(self, *, at_once: bool) -> dict[str, Any]:
        version = self.reading.version()
        if version != self._version or not self.parts:
            self._changed = dict(self.reading.changed(self.run_id))
            self._version = version
        news: dict[str, Any] = {}
        was_over = self._is_over()
        for name in PARTS:
            self._bring(name, news, at_once=at_once)
        if self._is_over():
            if not was_over:
                # What was read before the run said its last word may lack the end of it.
                for name in PARTS[1:]:
                    self._paces[name].key = None
                    self._bring(name, news, at_once=True)
            self.ended = all(self._key(name) == self._paces[name].key for name in PARTS)
        return news

    def _bring(self, name: str, news: dict[str, Any], *, at_once: bool) -> None:
        pace = self._paces[name]
        key = self._key(name)
        if key == pace.key or (not at_once and time.monotonic() < pace.due):
            return
        used = time.thread_time()
        value = self._part(name)
        cost = time.thread_time() - used
        longest = _SLOWEST_OF.get(name, SLOWEST_S)
        pace.due = time.monotonic() + min(longest, max(_SHARE * cost, _weight(value) / _BYTES_A_S))
        pace.key = key
        if self.parts.get(name) != value:
            self.parts[name] = value
            if self._first.is_set():
                news[name] = value
            else:  # what there is already need not wait for long lines
                self._send({name: value})

    def _key(self, name: str) -> Any:
        """What a part depends on: it is read again when that is another one."""
        changed = self._changed
        if name == "run":  # with its progress, which is kept as a metric
            return changed.get("run"), changed.get("metrics")
        if name == "images":
            return changed.get("metrics"), changed.get("files")
        if name == "logs":
            if self._status() in TERMINAL:
                return changed.get("files"), self._log
            return tuple((each["name"], each["size"]) for each in self.reading.logs(self.run_id)), self._log
        if name in ("children", "trials"):
            has_children = self.parts.get("run", {}).get("run", {}).get("children_total")
            return (self._version if not self._is_over() else changed.get("run")) if has_children else "none"
        if name in ("series", "values"):  # of the metrics that were read, which may be older than what has changed
            return self._paces["metrics"].key
        return changed.get("metrics") or "none"

    def _part(self, name: str) -> Any:
        reading, run_id, parts = self.reading, self.run_id, self.parts
        if name == "run":
            return run_part(reading, run_id)
        if name == "metrics":
            return metrics_part(reading, run_id)
        if name == "series":
            return series_part(reading, run_id, parts["metrics"])
        if name == "values":
            return values_part(reading, run_id, parts["metrics"], self._memory)
        if name == "images":
            return images_part(reading, run_id)
        if name == "logs":
            return logs_part(reading, run_id, self._log)
        if name == "trials":
            return trials_part(reading, parts["run"]["run"])
        return children_part(reading, parts["run"]["run"])

    def _status(self) -> str | None:
        found: str | None = self.parts.get("run", {}).get("run", {}).get("status")
        return found

    def _is_over(self) -> bool:
        children = self.parts.get("children", {}).get("rows", [])
        return self._status() in TERMINAL and all(each["status"] in TERMINAL for each in children)

    def _send(self, news: dict[str, Any]) -> None:
        self._sent = time.monotonic()
        told = {"trouble": self.trouble, "ended": self.ended, "looked": time.time(), "portal": self.portal}
        for sink in self.sinks:
            try:
                sink.show(news, told)
            except Exception as error:  # one that is broken must not take the others along
                self.trouble = f"the notebook does not take what is new: {in_words(error)}"


def in_words(error: BaseException) -> str:
    """What went wrong, as a sentence."""
    text = str(getattr(error, "message", None) or error).strip()
    known = type(error).__module__.split(".")[0] == "milepost"
    return text if known and text else f"{type(error).__name__}: {text}" if text else type(error).__name__


def _weight(value: Any) -> int:
    """About how many bytes a part takes on its way."""
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_weight, value.values())) + 8 * len(value)
    if isinstance(value, list | tuple):
        return sum(map(_weight, value)) + 8 * len(value)
    return 8


_running: weakref.WeakSet[Feed] = weakref.WeakSet()


def running() -> list[Feed]:
    """The feeds that were begun and are not forgotten."""
    return list(_running)


@atexit.register
def _close_all() -> None:
    for feed in running():
        feed.close(1.0)
