"""Keep the files that a script leaves in its working directory: while it runs, and at its end."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from milepost.jobs.record import Record, artifact, artifacts
from milepost.store.errors import BadInput, StoreError
from milepost.store.names import check_name

SETTLED_S: Final = 5.0
"""A file that was written to within so many seconds is not yet taken, except at the end."""
LARGEST_EARLY: Final = 256 << 20
"""Larger files (bytes) are taken at the end only: one that grows would be stored again and again."""
SMALL: Final = 1 << 20
"""Files up to this size (bytes) are stored many at once, ..."""
AT_ONCE: Final = 256
"""... up to so many."""
TRIES: Final = 3
_WARNINGS: Final = 20


@dataclass(frozen=True)
class _Found:
    name: str
    path: Path
    info: os.stat_result

    @property
    def signature(self) -> tuple[int, int, int]:
        """Changes when the content does."""
        return self.info.st_size, self.info.st_mtime_ns, self.info.st_ino


@dataclass
class Collector:
    """Keeps the files below some folders of ``root``, each again when it has changed."""

    record: Record
    run_id: str
    root: Path
    folders: list[str]
    stopped: Callable[[], bool] = lambda: False
    """Asked between two files: whether nobody wants the rest any more."""
    given: frozenset[str] = frozenset()
    """Files of the snapshot: not kept unless they were changed after ``began_ns``."""
    began_ns: int = 0
    replaced_bytes: int = 0
    """Of contents that were kept early and have another one in their place now."""
    _taken: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def early(self) -> None:
        """Keep what is new and seems finished."""
        newest = time.time_ns() - int(SETTLED_S * 1e9)
        for some in self._new_files(lambda info: info.st_mtime_ns <= newest and info.st_size <= LARGEST_EARLY):
            self._take_all(some, last=False)

    def finish(self, *, last: bool = True) -> list[tuple[str, Path]]:
        """Keep all that is new; gives the files (name, path) that could not be kept.

        ``last``: nobody writes to them any more.
        """
        left: list[tuple[str, Path]] = []
        for some in self._new_files(lambda _info: True):
            if self.stopped():
                break
            missing = some
            for attempt in range(TRIES):
                time.sleep(attempt)
                missing = self._take_all(missing, last=last)
                if not missing:
                    break
            left += [(each.name, each.path) for each in missing]
        return left

    def _new_files(self, wanted: Callable[[os.stat_result], bool]) -> Iterator[list[_Found]]:
        """What is new or has changed, some at a time."""
        some: list[_Found] = []
        for each in self._files():
            if wanted(each.info) and self._taken.get(each.name) != each.signature:
                some.append(each)
            if len(some) == AT_ONCE:
                yield some
                some = []
        if some:
            yield some

    def _take_all(self, some: list[_Found], *, last: bool) -> list[_Found]:
        """Keep these files; gives those that could not be kept and may be later."""
        small = [each for each in some if each.info.st_size <= SMALL and not each.path.is_symlink()]
        together: set[str] = set()
        if len(small) > 1:
            try:
                artifacts(self.record, self.run_id, [(each.name, each.path) for each in small])
                together = {each.name for each in small}
                for each in small:
                    self._note(each)
            except (StoreError, OSError):
                pass  # one by one then, to see which
        rest = [each for each in some if each.name not in together]
        return [each for each in rest if not self._take(each, last=last)]

    def _take(self, found: _Found, *, last: bool) -> bool:
        """Whether the file is kept now, or never can be (which is told)."""
        name, path = found.name, found.path
        linked = path.is_symlink()
        try:
            # A link leads to a file of the working directory (see _walk).
            artifact(self.record, self.run_id, name, path.resolve() if linked else path, last=last and not linked)
        except BadInput as error:
            if path.exists():
                self._tell(f"{_shown(name)} was not kept: {error}")
        except (StoreError, OSError) as error:
            self._tell(f"{_shown(name)} could not be kept yet: {error}")
            return False
        self._note(found)
        return True

    def _note(self, found: _Found) -> None:
        before = self._taken.get(found.name)
        self.replaced_bytes += 0 if before is None else before[0]
        self._taken[found.name] = found.signature

    def _tell(self, message: str) -> None:
        if message not in self._told and len(self._told) < _WARNINGS:
            self._told.add(message)
            self.record.say(self.run_id, "warning", {"message": message})

    def _files(self) -> Iterator[_Found]:
        root = os.path.realpath(self.root)
        for folder in self.folders:
            for path in _walk(self.root / folder, root, self._tell):
                name = path.relative_to(self.root).as_posix()
                try:
                    info = path.stat()
                    if check_name(name) == name and not (name in self.given and info.st_mtime_ns <= self.began_ns):
                        yield _Found(name, path, info)
                except BadInput as error:
                    self._tell(f"a file was not kept: {error}")
                except OSError:
                    continue  # it went away meanwhile


def _walk(folder: Path, root: str, tell: Callable[[str], None]) -> Iterator[Path]:
    """Regular files below a folder, by name.  Links are followed to what lies in ``root``, and to nothing else."""
    seen = set()
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        real = os.path.realpath(here)
        if not _lies_in(real, root):
            tell(f"{_shown(here.name)} leads out of the working directory, so what is in it was not kept")
            continue
        if real in seen:
            continue
        seen.add(real)
        try:
            with os.scandir(here) as found:
                entries = sorted(found, key=lambda each: each.name)
        except PermissionError as error:
            tell(f"what is in {_shown(here.name)} was not kept: it cannot be read ({error.strerror or error})")
            continue
        except OSError:
            continue  # not there, or no folder
        for entry in entries:
            try:
                mode = entry.stat().st_mode
            except OSError:
                continue
            if stat.S_ISDIR(mode):
                waiting.append(Path(entry.path))
            elif stat.S_ISREG(mode):
                if entry.is_symlink() and not _lies_in(os.path.realpath(entry.path), root):
                    tell(f"{_shown(entry.name)} is a link that leads out of the working directory, so it was not kept")
                    continue
                yield Path(entry.path)
            else:
                tell(f"{_shown(entry.name)} is no regular file, so it was not kept")


def _shown(name: str) -> str:
    """A name for a message: a script may give any."""
    return name if name.isprintable() else ascii(name)


def _lies_in(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
