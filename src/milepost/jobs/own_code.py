"""Milepost's own code for scripts whose interpreter lacks it: a folder for PYTHONPATH."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from milepost.jobs import interpreters
from milepost.jobs.environment_errors import EnvironmentFailed

_PACKAGES: Final = ("azureml", "milepost")
_IGNORED: Final = ("__pycache__",)


def code_folder(cache: Path) -> Path:
    """A folder that holds the packages ``milepost`` and ``azureml`` and nothing else that could be imported.

    A checkout's ``src`` is such a folder.  Of an installed Milepost a copy is made in ``cache``, named after its
    version and content; of several processes that make it at once one wins.

    Raises:
        OSError: the copy cannot be written.
    """
    source = _source()
    if not _others(source):
        return source
    from milepost import __version__

    target = cache / f"code-{__version__}-{_digest(source)}"
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        draft = cache / f".code-{secrets.token_hex(6)}"
        try:
            for each in _PACKAGES:
                shutil.copytree(source / each, draft / each, ignore=shutil.ignore_patterns(*_IGNORED, "*.pyc"))
            try:
                draft.rename(target)
            except OSError:
                if not target.is_dir():  # else another process was first
                    raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.utime(target)  # its last use
    return target


def lacks_milepost(interpreter: str, memory: Path | None = None) -> bool:
    """True if ``import milepost`` would fail in this interpreter, and where it cannot be asked.

    The answer is kept until the interpreter or what it has installed changes; in the folder ``memory``, which may be
    the cache of environments, for other processes too.
    """
    try:
        return not interpreters.facts(Path(interpreter), memory).has_milepost
    except EnvironmentFailed:
        return True


def _source() -> Path:
    import milepost

    return Path(milepost.__file__).resolve().parent.parent


def _others(folder: Path) -> list[str]:
    """What could be imported from the folder besides our own packages."""
    return [
        each.name
        for each in folder.iterdir()
        if each.name not in (*_PACKAGES, *_IGNORED)
        and not each.name.startswith(".")
        and not each.name.endswith(".egg-info")
    ]


def _files(source: Path) -> Iterator[Path]:
    for package in _PACKAGES:
        for folder, names, files in os.walk(source / package):
            names[:] = sorted(name for name in names if name not in _IGNORED)
            yield from (Path(folder, name) for name in sorted(files) if not name.endswith(".pyc"))


def _digest(source: Path) -> str:
    found = hashlib.sha256()
    for each in _files(source):
        data = each.read_bytes()
        found.update(f"{each.relative_to(source).as_posix()}\0{len(data)}\0".encode())
        found.update(data)
    return found.hexdigest()[:16]
