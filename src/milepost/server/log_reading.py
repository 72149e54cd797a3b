"""The logs of a run: those that grow on this machine, and those that are stored.  Never read as a whole.

A log is in the job's folder while the run is on its way, and among the run's files afterwards, byte for byte the same.
What is read by position therefore goes on from the one to the other without a gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from milepost.jobs.job import job_folder
from milepost.jobs.live import live_logs, read_live
from milepost.store.errors import NotFound
from milepost.store.status import TERMINAL

if TYPE_CHECKING:
    from pathlib import Path

    from milepost.store.store import Store

LOG_FOLDERS: Final = ("azureml-logs/", "logs/", "user_logs/", "system_logs/")
PIECE: Final = 1 << 20
"""Bytes that are read at once."""
MOST_READ: Final = 4 << 20
"""Bytes of a log that one answer holds."""
MOST_SEARCHED: Final = 64 << 20
"""Bytes of a log that one request looks through."""
MOST_SHOWN: Final = 500
"""Characters of a line that a match shows."""

_SMALL: Final = 1 << 16
_ENDS: Final = re.compile(rb"[\r\n]")
_BEFORE: Final = 200
"""Bytes before a match that are shown of a long line."""
_FOLLOWED: Final = 256 << 10
"""Bytes that following gives at once."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log, how large it is just now, and whether it still grows."""

    name: str
    size: int
    live: bool


@dataclass(frozen=True, slots=True)
class Match:
    """Where a search has found something."""

    start: int
    """Byte at which the match begins."""
    line_start: int
    """Byte at which its line begins, or where what is shown of a long line begins."""
    text: str
    """The line, or the part of a long one around the match."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found, and where the next one goes on."""

    matches: list[Match]
    scanned_to: int
    """Byte up to which the log was looked through."""
    at_end: bool
    """That was the log's present end."""


def list_logs(store: Store, folder: Path | None, run_id: str) -> list[LogFile]:
    """All logs of a run by name.  ``folder``: the workspace's on this machine, where it has one."""
    found = {
        each.name: LogFile(each.name, each.size, live=False)
        for prefix in LOG_FOLDERS
        for each in store.artifacts(run_id, prefix)
    }
    found.update({each.name: each for each in growing_logs(folder, run_id)})
    return [found[name] for name in sorted(found)]


def growing_logs(folder: Path | None, run_id: str) -> list[LogFile]:
    """The logs of a run that grow on this machine."""
    found = live_logs(folder, run_id) if folder is not None else {}
    return [LogFile(name, size, live=True) for name, size in found.items()]


def is_on_its_way(folder: Path | None, run_id: str) -> bool:
    """Whether a run was submitted and has not ended: its folder is there before the store knows of it."""
    return folder is not None and job_folder(folder, run_id).is_dir()


@dataclass(slots=True)
class Log:
    """A log that is read by position."""

    store: Store
    folder: Path | None
    run_id: str
    name: str

    def state(self) -> LogFile:
        """How large it is, and whether it grows.  Raises NotFound, BadInput, StoreUnavailable."""
        if self.folder is not None:
            size = live_logs(self.folder, self.run_id).get(self.name)
            if size is not None:
                return LogFile(self.name, size, live=True)
        return LogFile(self.name, self.store.artifact(self.run_id, self.name).size, live=False)

    def read(self, start: int, limit: int) -> bytes:
        """The bytes from ``start``, at most ``limit``; empty at its present end.  Raises as ``state`` does."""
        if self.folder is not None:
            found = read_live(self.folder, self.run_id, self.name, start, limit)
            if found is not None:
                return found
        artifact = self.store.artifact(self.run_id, self.name)
        end = min(artifact.size, start + limit)
        return self.store.blobs.read_range(artifact.digest, start, end) if start < end else b""

    def start_of_lines(self, count: int, size: int) -> int:
        """Where the last ``count`` lines of its first ``size`` bytes begin, or its last MOST_READ bytes if those are
        fewer.  Reads no more than that.
        """
        if not count:
            return size
        first = max(0, size - MOST_READ)
        end, wanted, piece = size, count, _SMALL
        while end > first:
            begin = max(first, end - piece)
            piece = PIECE
            data = self.read(begin, end - begin)
            if end == size and data.endswith(b"\n"):
                wanted += 1  # the last line's own end
            found = data.count(b"\n")
            if found >= wanted:
                at = len(data)
                for _ in range(wanted):
                    at = data.rindex(b"\n", 0, at)
                return begin + at + 1
            wanted -= found
            end = begin
        return first

    def search(self, wanted: str, start: int, limit: int, *, exact: bool) -> Found:
        """The lines from byte ``start`` on that have a text, at most ``limit``, and at most MOST_SEARCHED bytes on.

        ``exact``: capitals count; else those of A to Z do not.  Of several matches in a line the first one counts.
        """
        needle = wanted.encode("utf-8", "replace")
        needle = needle if exact else needle.lower()
        matches: list[Match] = []
        position = start
        held = b""  # of the line that goes on in the next piece; ``position`` is where it begins
        while position + len(held) - start < MOST_SEARCHED:
            new = self.read(position + len(held), PIECE)
            data = held + new
            cut = _after_last_line(data) if new else len(data)
            if new and len(data) - cut > PIECE:
                cut = len(data) - len(needle) + 1  # a line without an end
            for match in _matches(data, data if exact else data.lower(), needle, cut, position):
                matches.append(match)
                if len(matches) == limit:
                    after = _line_end(data, match.start - position + len(needle))
                    return Found(matches, position + after, at_end=not new and after >= len(data))
            position += cut
            held = data[cut:]
            if not new:
                return Found(matches, position, at_end=True)
        return Found(matches, position, at_end=False)


def _after_last_line(data: bytes) -> int:
    return max(data.rfind(b"\n"), data.rfind(b"\r")) + 1


def _line_end(data: bytes, at: int) -> int:
    found = _ENDS.search(data, at)
    return len(data) if found is None else found.end()


def _matches(data: bytes, folded: bytes, needle: bytes, stop: int, offset: int) -> Iterator[Match]:
    """The first match in each line of ``data`` that begins before ``stop``."""
    at = folded.find(needle)
    while 0 <= at < stop:
        begin = max(data.rfind(b"\n", 0, at), data.rfind(b"\r", 0, at)) + 1
        end = _line_end(data, at + len(needle))
        shown = max(begin, at - _BEFORE)
        while shown > begin and data[shown] & 0xC0 == 0x80:  # not amid a character
            shown -= 1
        text = data[shown : min(end, shown + 4 * MOST_SHOWN)].decode("utf-8", "replace").rstrip("\r\n")
        yield Match(offset + at, offset + shown, text[:MOST_SHOWN])
        at = folded.find(needle, end)


@dataclass(frozen=True, slots=True)
class Step:
    """What following a log gives next."""

    start: int
    data: bytes
    ended: bool = False
    """The run has ended, and there is no more."""


@dataclass(slots=True)
class Follower:
    """Reads a log as it grows, from a position on, until its run has ended."""

    log: Log
    position: int
    _known: LogFile | None = None

    def step(self) -> Step:
        """What is new; nothing new gives no bytes.

        A log whose run has uploaded a shorter one in its place is given anew, from its first byte.
        """
        ended = self._has_ended()  # before reading: whatever was said before the end is there to be read
        try:
            data = self.log.read(self.position, _FOLLOWED)
            if not data and self.position and self.log.state().size < self.position:
                self.position = 0
                data = self.log.read(0, _FOLLOWED)
        except NotFound:
            data = b""  # it has not begun, or the run was deleted
        step = Step(self.position, data, ended=ended and not data)
        self.position += len(data)
        return step

    def _has_ended(self) -> bool:
        try:
            return self.log.store.run(self.log.run_id).status in TERMINAL
        except NotFound:
            return not is_on_its_way(self.log.folder, self.log.run_id)
