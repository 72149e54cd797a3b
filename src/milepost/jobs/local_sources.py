"""Packages that lie in folders and files of the source directory: what they contain, and a copy of them that stays.

A built environment is shared, and outlives the run whose folder the package lay in.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from milepost.jobs.environment_errors import EnvironmentFailed

_IGNORED: Final = ("__pycache__", ".git", ".venv")


def digest(path: Path) -> str:
    """SHA-256 in hex of a file, or of a folder's files and their names.

    Raises:
        EnvironmentFailed: something in it cannot be read.
    """
    found = hashlib.sha256()
    try:
        if not path.is_dir():
            _add(found, path)
        else:
            for each in _files(path):
                found.update(f"{each.relative_to(path).as_posix()}\0{each.stat().st_size}\0".encode())
                _add(found, each)
    except OSError as error:
        raise EnvironmentFailed(f"The package in {path} cannot be read: {error}.") from error
    return found.hexdigest()


def listing(path: Path) -> str:
    """SHA-256 in hex of the names and sizes of a folder's files: for folders of wheels, whose names say it all."""
    found = hashlib.sha256()
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for each in files:
            if each.is_file():
                found.update(f"{each.name}\0{each.stat().st_size}\0".encode())
    except OSError as error:
        raise EnvironmentFailed(f"The folder of packages {path} cannot be read: {error}.") from error
    return found.hexdigest()


def copy(path: Path, target: Path) -> None:
    """Copy a package's folder to ``target``, which is not there yet.  Links stay links.

    Raises:
        EnvironmentFailed: something in it cannot be read, or the copy not be written.
    """
    try:
        shutil.copytree(path, target, symlinks=True, ignore=shutil.ignore_patterns(*_IGNORED))
    except (OSError, shutil.Error) as error:
        raise EnvironmentFailed(f"The package in {path} cannot be copied to {target}: {error}.") from error


def _files(path: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(path):
        names[:] = sorted(name for name in names if name not in _IGNORED)
        for name in sorted(files):
            each = Path(folder, name)
            if each.is_file():
                yield each


def _add(found: hashlib._Hash, path: Path) -> None:
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            found.update(data)
