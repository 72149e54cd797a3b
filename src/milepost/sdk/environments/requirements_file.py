"""pip's requirements files: what the lines of one, and of those it includes, ask for."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.section import storable

LONGEST_FILE: Final = 1 << 20
"""Bytes.  What is longer is no list of packages."""

_COMMENT: Final = re.compile(r"(^|\s+)#.*$")
_INCLUDE: Final = re.compile(r"(?:-r|--requirement)(?:\s*=\s*|\s+|(?<=-r))(?P<path>\S.*)")
_NAME: Final = re.compile(r"(?:[A-Za-z0-9_.-]+::)?([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?=$|[\s\[<>=!~;@,(])")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def read_requirements(path: str | os.PathLike[str]) -> list[str]:
    """The requirements of a file, one text each, comments left out and ``-r FILE`` replaced by that file's.

    Options (``--index-url ...``, ``-e ...``, ``-c ...``) are kept as they are written.  Raises UserErrorException
    that names file and line for a file that is not there or is no text, and for lines that no package could have.
    """
    return _read(Path(path), ())


def package_name(requirement: str) -> str | None:
    """The package that a requirement of pip or conda names, normalised; None for options, URLs and paths."""
    found = _NAME.match(requirement.strip())
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else None


def one_line(value: object, what: str) -> str:
    """``value`` as text of one line without blanks around it.  Raises UserErrorException."""
    if not isinstance(value, str) or not value.strip():
        raise UserErrorException(f"{what} must be text, not {value!r:.100} ({type(value).__name__}).")
    line = storable(value.strip(), what)
    if _CONTROL.search(line):
        raise UserErrorException(f"{what} must be one line without control characters, not {line!r:.200}.")
    return line


def read_text_file(path: Path, what: str) -> str:
    """A file's text (UTF-8).  Raises UserErrorException that says ``what`` cannot be read and why."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
        if len(content) > LONGEST_FILE:
            raise UserErrorException(f"{what} {str(path)!r} is longer than {LONGEST_FILE >> 20} MiB.")
        return content.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UserErrorException(f"{what} {str(path)!r} is not there (from {str(Path.cwd())!r}).") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserErrorException(f"{what} {str(path)!r} is no UTF-8 text: line {line} cannot be read.") from error
    except (OSError, ValueError) as error:
        raise UserErrorException(f"{what} {str(path)!r} cannot be read: {error}.") from error


def _read(path: Path, above: tuple[Path, ...]) -> list[str]:
    here = path.absolute()
    if here in above:
        raise UserErrorException(f"The requirements file {str(path)!r} includes itself.")
    made: list[str] = []
    for number, line in _lines(read_text_file(path, "The requirements file")):
        where = f"{str(path)!r}, line {number}"
        checked = one_line(line, where)
        if included := _INCLUDE.fullmatch(checked):
            name = included["path"].strip("\"'")
            if "://" in name:
                raise UserErrorException(f"{where}: {name!r:.200} is not fetched. Copy it beside this file.")
            if not (path.parent / name).is_file():
                raise UserErrorException(f"{where}: there is no file {str(path.parent / name)!r}.")
            made += _read(path.parent / name, (*above, here))
        else:
            made.append(checked)
    return made


def _lines(content: str) -> list[tuple[int, str]]:
    """Number and text of the lines that say something, those that end with a backslash joined to the next."""
    made = []
    begun, start = "", 0
    for number, line in enumerate(re.split(r"\r\n|\r|\n", content), 1):
        start = start or number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            begun += line[:-1]
            continue
        whole = _COMMENT.sub("", begun + line).strip()
        if whole:
            made.append((start, whole))
        begun, start = "", 0
    if begun.strip():
        made.append((start, begun.strip()))
    return made
