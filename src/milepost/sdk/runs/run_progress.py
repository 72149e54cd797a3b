"""The part of ``Run`` that says how far it has come."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Final, SupportsFloat

from milepost.journal import format as fmt
from milepost.journal.writer import JournalFull, SeriesName
from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.runs import values

if TYPE_CHECKING:
    from milepost.journal.writer import RunJournal
    from milepost.sdk.recording.recorder import Recorder

# As the store names them (milepost.store.batch, milepost.store.progress; not imported, since scripts load this module).
_NAMESPACE: Final = "progress"
_SERIES: Final = "series"
_DONE: Final = "done"
_TOTAL: Final = "total"
_BEGIN: Final = "begin"

_FINEST: Final = 10_000
"""Steps that come faster than can be seen are passed over, but for this many of them."""
_OFTEN_S: Final = 0.5


class _Said:
    """What was said last, and until when, and up to where, nothing more needs to be said."""

    __slots__ = ("done", "due_done", "due_s", "total")

    def __init__(self, done: float, total: float) -> None:
        self.done = done
        self.total = total
        finest = done + total / _FINEST
        self.due_done = finest if done >= total else min(finest, total)
        self.due_s = time.monotonic() + _OFTEN_S


class RunProgress:
    """``set_progress`` and ``get_progress``."""

    _id: str
    _recorder: Recorder
    _said: _Said | None = None
    _progress: RunJournal | None = None

    def set_progress(self, done: SupportsFloat, total: SupportsFloat | None = None) -> None:
        """Say that ``done`` of ``total`` steps are done: pages, notebooks and the command line show it as a bar.

        Steps are whatever is counted: epochs, batches, percent.  ``total`` has to be given once.  A smaller ``done``
        begins anew.  It may be called at every step of the fastest loop.  Raises UserErrorException for what is no
        progress.
        """
        said = self._said
        if (
            said is not None
            and done.__class__ in (int, float)
            and said.done <= done < said.due_done
            and (total is None or total == said.total)
            and time.monotonic() < said.due_s
        ):
            return
        counted = _number(done, "done")
        if counted < 0:
            raise UserErrorException(f"The progress of a run cannot be below 0, as {counted:g} is.")
        whole = said.total if total is None and said is not None else _number(total, "total")
        if whole <= 0:
            raise UserErrorException(f"The total of a run's progress must be above 0, and not {whole:g}.")
        if said is None or whole != said.total:
            self._put_progress(_TOTAL, whole)
        if said is None or counted < said.done:
            self._put_progress(_BEGIN, counted)
        self._put_progress(_DONE, counted)
        self._said = _Said(counted, whole)

    def get_progress(self) -> dict[str, Any] | None:
        """How far the run has come: ``{"done": 40, "total": 100, "remaining_s": 12.5}``; None where it did not say.

        ``remaining_s``: seconds until the end at the speed so far; None where that cannot be told, and once it ended.
        """
        from milepost.sdk.recording.recorder import translated
        from milepost.store.progress import progress_of
        from milepost.store.status import TERMINAL

        store = self._recorder.fresh()
        with translated():
            found = progress_of(store, [self._id]).get(self._id)
            if found is None:
                return None
            ended = store.run(self._id).status in TERMINAL
        remaining = None if ended else found.remaining_s(time.time_ns())
        return _told(found.done, found.total, remaining)

    def _put_progress(self, name: str, value: float) -> None:
        journal = self._progress
        if journal is None:
            journal = self._progress = self._recorder.writer.run(self._id)
        try:
            journal.append_scalar(SeriesName(self._id, name, _SERIES, _NAMESPACE), fmt.FLOAT, value)
        except JournalFull as error:
            self._not_taken(error)

    def _not_taken(self, error: JournalFull) -> None:
        raise NotImplementedError  # RunMetrics has it


class OfflineProgress(RunProgress):
    """The progress of an offline run: nothing is printed, for there may be a million steps."""

    def get_progress(self) -> dict[str, Any] | None:
        """What ``set_progress`` was told last; None before that."""
        said = self._said
        return None if said is None else _told(said.done, said.total, None)

    def _put_progress(self, name: str, value: float) -> None:
        pass


def _told(done: float, total: float, remaining_s: float | None) -> dict[str, Any]:
    return {"done": _short(done), "total": _short(total), "remaining_s": remaining_s}


def _number(value: object, what: str) -> float:
    if value is None:
        raise UserErrorException("set_progress(done, total) takes the total, too, when it is called first.")
    plain = values.scalar(value, f"progress ({what})")
    if isinstance(plain, (bool, str)) or not math.isfinite(number := _as_float(plain)):
        raise UserErrorException(f"set_progress takes finite numbers; {what} is {plain!r:.100}.")
    return number


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _short(value: float) -> float:
    """A whole number as an int."""
    return int(value) if value.is_integer() else value
