"""Watching a run: its logs as they grow, its status, its end, and the exit code that tells of it."""

from __future__ import annotations

import codecs
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import typer

from milepost.cli import output, tables
from milepost.cli.harmless import Harmless

if TYPE_CHECKING:
    from milepost.sdk.runs.run import Run
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.records import RunRecord

CANCELED: Final = 3
"""Exit code for a run that was canceled."""
NOT_ENDED: Final = 4
"""Exit code for a run that had not ended in the time that was given."""
_CODES: Final = {"Completed": 0, "Failed": 1, "Canceled": CANCELED}
_QUICK_S: Final = 0.1
_SLOW_S: Final = 0.5
PIECE: Final = 1 << 20


def exit_code(status: str) -> int:
    """The exit code that tells how a run ended, or that it has not."""
    return _CODES.get(status, NOT_ENDED)


# -- writing ---------------------------------------------------------------------------------------------------------


class LogWriter:
    """Writes the bytes of logs to standard output: as they are, but to a terminal only what cannot take it over."""

    def __init__(self) -> None:
        self._terminal = tables.on_terminal()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._harmless = Harmless(colours=not os.environ.get("NO_COLOR"))

    def write(self, data: bytes) -> None:
        """The next piece."""
        if self._terminal:
            sys.stdout.write(self._harmless.feed(self._decoder.decode(data)))
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        sys.stdout.flush()

    def end(self) -> None:
        """Nothing more comes."""
        if self._terminal:
            sys.stdout.write(self._harmless.feed(self._decoder.decode(b"", final=True)) + self._harmless.end())
            sys.stdout.flush()


# -- logs ------------------------------------------------------------------------------------------------------------


@dataclass
class _Log:
    name: str
    position: int = 0


class Logs:
    """The logs of one run, from where each was read last."""

    def __init__(self, workspace: Workspace, run_id: str, names: list[str], write: Callable[[bytes], None]) -> None:
        self._recorder = workspace._recorder
        self._run_id = run_id
        self._logs = [_Log(name) for name in names]
        self._write = write
        self._last: str | None = None

    def begin_at(self, name: str, position: int) -> None:
        """Pass over the beginning of a log."""
        for log in self._logs:
            if log.name == name:
                log.position = position

    def step(self, *, stored: bool) -> bool:
        """Write what is new; whether there was anything.  ``stored``: look among the run's files, too."""
        anything = False
        for log in self._logs:
            while data := self._read(log, stored):
                if self._last not in (None, log.name):
                    output.tell(f"{log.name}:")
                self._last = log.name
                log.position += len(data)
                self._write(data)
                anything = True
        return anything

    def _read(self, log: _Log, stored: bool) -> bytes | None:
        from milepost.jobs.live import read_live
        from milepost.sdk.exceptions import UserErrorException
        from milepost.sdk.runs.run_logs import read_log

        if not stored:
            return read_live(self._recorder.folder, self._run_id, log.name, log.position, PIECE)
        with suppress(UserErrorException):  # a file that is shorter now: the script writes it anew
            return read_log(self._recorder, self._run_id, log.name, log.position, PIECE)
        return None


# -- the run ---------------------------------------------------------------------------------------------------------


def watch(run: Run, *, logs: Logs | None = None, tell: bool = False, timeout_s: float | None = None) -> RunRecord:
    """The run as it is when it has ended, or when the time is over.  ``tell``: say its changes on standard error."""
    from milepost.sdk.job_process import ensure_agent
    from milepost.sdk.runs.run_life import TERMINAL

    workspace = run._recorder.folder
    until = None if timeout_s is None else time.monotonic() + timeout_s
    looked, status = float("-inf"), ""
    while True:
        slow = time.monotonic() - looked >= _SLOW_S
        if slow:
            record = run._record()
            looked = time.monotonic()
            if tell and record.status != status and record.status not in TERMINAL:
                status = record.status
                output.tell(f"{run.id}: {status}")
            if record.status in TERMINAL and not run._is_being_buried(record):
                break
            ensure_agent(workspace)  # if it was killed, somebody has to see to the run
        if logs is not None and logs.step(stored=slow):
            continue
        if until is not None and time.monotonic() >= until:
            return record
        time.sleep(_QUICK_S)
    if logs is not None:
        logs.step(stored=True)
    return record


def follow(run: Run, workspace: Workspace, names: list[str], *, skip: tuple[str, int] | None = None) -> RunRecord:
    """Write the run's logs as they grow until it has ended; say how it ended on standard error.

    ``skip``: a log and how many of its bytes to pass over.  Ctrl-C ends the following, not the run.
    """
    writer = LogWriter()
    logs = Logs(workspace, run.id, names, writer.write)
    if skip is not None:
        logs.begin_at(*skip)
    with watching(run.id):
        try:
            record = watch(run, logs=logs, tell=True)
        finally:
            writer.end()
    tell_end(record)
    return record


def tell_end(record: RunRecord) -> None:
    """Say on standard error how a run ended, or that it has not."""
    from milepost.cli.run_details import error_words
    from milepost.cli.runs import run_duration
    from milepost.sdk.runs.run_life import TERMINAL

    if record.status not in TERMINAL:
        output.tell(f"{record.run_id}: {record.status}; it has not ended yet")
        return
    took = output.duration(run_duration(record))
    output.tell(f"{record.run_id}: {record.status}{f' after {took}' if took else ''}")
    if record.error:
        output.tell(output.shortened(error_words(record.error)[0], 2000))


@contextmanager
def watching(run_id: str) -> Iterator[None]:
    """Ctrl-C ends the watching with exit code 130, and it is said that the run goes on."""
    try:
        yield
    except KeyboardInterrupt:
        output.tell(
            f"run {run_id} goes on. Watch it again with: milepost runs logs -f {run_id}; end it with: "
            f"milepost runs cancel {run_id}"
        )
        raise typer.Exit(130) from None
