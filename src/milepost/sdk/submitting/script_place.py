"""Where a script lies in its source directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from milepost.sdk.exceptions import UserErrorException

_LOOKED_AT: Final = 2000
_ALIKE: Final = 0.75
"""How like a name must be to be offered, from 0 to 1: 'trian' and 'train' have 0.8."""


def source_folder(source: str) -> Path:
    """The source directory as an absolute path.  Raises UserErrorException where it is none."""
    try:
        folder = Path(source).expanduser().absolute()
        is_folder, is_there = folder.is_dir(), folder.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserErrorException(
            f"source_directory {source!r:.200} cannot be used: {error}.", inner_exception=error
        ) from error
    if not is_folder:
        trouble = "is a file; give the folder that it is in" if is_there else "is not there"
        raise UserErrorException(f"source_directory {source!r} {trouble} ({str(folder)!r}).")
    return Path(os.path.normpath(folder))


def script_in(folder: Path, script: str) -> str:
    """The script's path in the folder, with "/".  Raises UserErrorException that names what is near."""
    try:
        root = os.path.realpath(folder)
        if "\\" in script and not (folder / script).exists():
            script = script.replace("\\", "/")  # written on Windows
        given = Path(script)
        place = Path(os.path.normpath(folder / (given.expanduser() if given.parts[:1] == ("~",) else given)))
        if not place.is_relative_to(folder):
            linked = Path(os.path.realpath(place))  # the folder's own path may lead through a link
            if not linked.is_relative_to(root):
                raise UserErrorException(
                    f"script {script!r} is not in source_directory {str(folder)!r}: only what is in there is kept with "
                    "the run. Move it there, or give a source_directory that holds it."
                )
            place = folder / linked.relative_to(root)
        name = PurePosixPath(*place.relative_to(folder).parts).as_posix()
        if place.is_file():
            if not Path(os.path.realpath(place)).is_relative_to(root):
                raise UserErrorException(
                    f"script {script!r} is a link that leads out of source_directory {str(folder)!r}, and such links "
                    "are not kept with the run. Put the file itself there."
                )
            return name
        trouble = "is a folder" if place.is_dir() else "is not there"
    except (OSError, RuntimeError, ValueError) as error:
        raise UserErrorException(f"script {script!r:.200} cannot be used: {error}.", inner_exception=error) from error
    near = _near(folder, name)
    hint = f" Is it {' or '.join(map(repr, near))}?" if near else ""
    raise UserErrorException(f"script {script!r} {trouble} in source_directory {str(folder)!r}.{hint}")


def _near(folder: Path, name: str) -> list[str]:
    """Files of the folder whose names are like ``name``."""
    from difflib import get_close_matches

    found = list(_some_files(folder))
    same = [each for each in found if PurePosixPath(each).name.lower() == PurePosixPath(name).name.lower()]
    # Without what nearly all of them end in: "a.py" is not half like "b.py".
    scripts: dict[str, list[str]] = {}
    for each in found:
        if each.endswith((".py", ".sh", ".R")):
            scripts.setdefault(_stem(each), []).append(each)
    alike = [each for stem in get_close_matches(_stem(name), scripts, n=3, cutoff=_ALIKE) for each in scripts[stem]]
    return list(dict.fromkeys([*same[:3], *alike]))[:3]


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return path.with_suffix("").as_posix() if path.name else name


def _some_files(folder: Path) -> Iterator[str]:
    seen = 0
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith((".", "__")))
        for each in sorted(files):
            seen += 1
            if seen > _LOOKED_AT:
                return
            yield (Path(path) / each).relative_to(folder).as_posix()
