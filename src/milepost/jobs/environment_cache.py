"""The cache of built environments: ``CACHE/DIGEST/ATTEMPT/`` is one, and ``CACHE/DIGEST/ready.json`` says that it is
whole.

Each attempt has a folder of its own, since environments cannot be moved, and the program that a killed builder has
left behind may still write into its own.  ``ready.json`` is written last, by a rename: what has none is no environment
and is built anew by whoever holds ``CACHE/DIGEST.lock``.  The time of ``ready.json`` is that of the last use.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from milepost.jobs.environment_errors import EnvironmentFailed
from milepost.journal.lock import FileLock

FORMAT: Final = 1
READY: Final = "ready.json"
FAILED: Final = "failed.json"
BUILD_LOG: Final = "build.log"
_DIGEST: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_WAIT_S: Final = 0.2
_REMIND_S: Final = 60.0

Log = Callable[[str], None]
Build = Callable[[Path, Log], Sequence[str] | None]
"""Builds an environment in a folder; gives what those shall be told too who find it built."""


@dataclass(frozen=True, slots=True)
class Built:
    """An environment in the cache: its folder, when it was made (seconds since 1970), what was to be told of it."""

    folder: Path
    made: float
    notes: tuple[str, ...] = ()

    def in_words(self) -> str:
        """That it is this one, and where its build's log is."""
        made = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.made))
        return f"Using the environment built on {made}; its build's log is {self.folder.parent / BUILD_LOG}"


def python_in(folder: Path) -> Path:
    """The interpreter of the environment in ``folder``."""
    if os.name != "nt":
        return folder / "bin" / "python"
    conda = folder / "python.exe"
    return conda if conda.is_file() else folder / "Scripts" / "python.exe"


def find(cache: Path, digest: str) -> Built | None:
    """The environment if it is there and whole; this counts as a use of it."""
    marker = cache / digest / READY
    try:
        told: Any = json.loads(marker.read_bytes())
        if told["format"] != FORMAT:
            return None
        name = str(told["folder"])
        folder = cache / digest / name
        # The interpreter is a link to another one, which may have been removed.
        if Path(name).name != name or not os.access(python_in(folder), os.X_OK):
            return None
        made = float(told["made"])
        notes = tuple(str(each) for each in told.get("notes", ()))
        os.utime(marker)  # fails if the environment is being removed at this moment
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Built(folder, made, notes)


def get(cache: Path, digest: str, build: Build, log: Log) -> Built:
    """The environment, built with ``build(folder, log)`` if it is not there: once, however many ask at once.

    Raises:
        EnvironmentFailed: it could not be built; those who waited for the same build get its error too.
        OSError: the cache cannot be written to.
    """
    cache.mkdir(parents=True, exist_ok=True)
    begun, told = time.time(), 0.0
    while True:
        found = find(cache, digest)
        if found is not None:
            log(found.in_words())
            return found
        lock = FileLock(cache / f"{digest}.lock")
        if not lock.acquire():
            if told == 0.0 or time.monotonic() - told > _REMIND_S:
                log("Another run is building this same environment. Waiting for it.")
                told = time.monotonic()
            time.sleep(_WAIT_S)
            continue
        try:
            found = find(cache, digest)
            if found is None:
                if told:
                    _raise_if_failed(cache / digest, begun, log)
                (cache / digest).mkdir(mode=0o700, exist_ok=True)
                found = _build(cache / digest, build, log)
            return found
        finally:
            lock.release()


def prune(cache: Path, older_than_s: float, in_use: Collection[str] = ()) -> list[str]:
    """Remove the environments that nobody has asked for in ``older_than_s`` seconds; the digests of those come back.

    One is in use, and stays, while its digest is in ``in_use`` or a process of this machine runs in it (as far as this
    user may see: by the program, its arguments, and its VIRTUAL_ENV and CONDA_PREFIX).  What broken builds have left
    goes too.  An environment that is asked for at the same moment is either kept, or built anew for who asks.
    """
    limit = time.time() - older_than_s
    gone: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        names = sorted(each.name for each in cache.iterdir() if _DIGEST.fullmatch(each.name))
        old = [name for name in names if name not in in_use and _last_used(cache / name) < limit]
        used = _running_in(cache) if old else set()
        gone += [name for name in old if name not in used and _remove(cache, name, limit)]
        for each in cache.glob(".gone-*"):  # a pruner was killed
            shutil.rmtree(each, ignore_errors=True)
    return gone


def _build(place: Path, build: Build, log: Log) -> Built:
    for each in place.iterdir():
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
    folder = place / secrets.token_hex(4)
    lines: list[str] = []
    try:
        with (place / BUILD_LOG).open("w", encoding="utf-8", errors="replace") as kept:

            def both(line: str) -> None:
                kept.write(line + "\n")
                kept.flush()
                lines.append(line)
                log(line)

            notes = tuple(build(folder, both) or ())
        made = time.time()
        _write(place / READY, {"format": FORMAT, "folder": folder.name, "made": made, "notes": notes})
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, EnvironmentFailed):
            with contextlib.suppress(OSError):
                _write(place / FAILED, {"at": time.time(), "message": str(error), "log": lines[-500:]})
        raise
    with contextlib.suppress(OSError):
        (place / FAILED).unlink()
    return Built(folder, made, notes)


def _raise_if_failed(place: Path, begun: float, log: Log) -> None:
    """Who has waited for a build that failed needs not try it again."""
    try:
        told: Any = json.loads((place / FAILED).read_bytes())
        if float(told["at"]) < begun:
            return
        message, lines = str(told["message"]), [str(each) for each in told["log"]]
    except (OSError, ValueError, KeyError, TypeError):
        return
    log("The build that this run has waited for failed. Its log:")
    for each in lines:
        log(each)
    raise EnvironmentFailed(message)


def _write(path: Path, content: dict[str, Any]) -> None:
    handle, draft = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(content, out)
            out.flush()
            os.fsync(out.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _last_used(place: Path) -> float:
    """When the environment was last asked for; of a broken one, when something was last done with it."""
    for path in (place / READY, place):
        with contextlib.suppress(OSError):
            return path.stat().st_mtime
    return time.time()


def _remove(cache: Path, name: str, limit: float) -> bool:
    lock = FileLock(cache / f"{name}.lock")
    try:
        if not lock.acquire():
            return False  # it is being built
    except OSError:
        return False
    place, marker = cache / name, cache / name / READY
    aside = place / f".{READY}.{secrets.token_hex(4)}"
    removed = False
    try:
        # Without its marker nobody takes it; and who took it just before has renewed the marker's time.
        with contextlib.suppress(FileNotFoundError):
            marker.rename(aside)
            if aside.stat().st_mtime >= limit:
                aside.rename(marker)
                return False
        away = cache / f".gone-{name}-{secrets.token_hex(4)}"
        place.rename(away)
        removed = True
        shutil.rmtree(away, ignore_errors=True)
    except OSError:
        pass
    finally:
        if removed:
            lock.remove()
        else:
            lock.release()
    return removed


def _running_in(cache: Path) -> set[str]:
    """The digests of the environments that processes run in."""
    import psutil

    start = str(cache) + os.sep
    found: set[str] = set()
    for process in psutil.process_iter():
        for each in _places_of(process):
            if each.startswith(start):
                found.add(each[len(start) :].split(os.sep, 1)[0])
    return found


def _places_of(process: Any) -> Iterator[str]:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        yield from process.cmdline()
    with contextlib.suppress(psutil.Error, OSError):
        yield process.exe()
    with contextlib.suppress(psutil.Error, OSError):
        variables = process.environ()
        yield variables.get("VIRTUAL_ENV", "")
        yield variables.get("CONDA_PREFIX", "")
