"""Which names files of runs, models and snapshots may have, and where such a name leads on a disk.

A name is a relative path with "/" between its parts.  It is never decoded: ``%2e%2e`` is plain text.  Refused is
what no file system can keep, what leads out of the folder it is written to, and what another system would take for
another name: a name that was accepted on Linux can be downloaded on Windows and macOS.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from milepost.store.errors import BadInput

MAX_CHARACTERS: Final = 1024
"""Of a whole name."""
MAX_BYTES: Final = 2048
"""Of a whole name in UTF-8: what an index of PostgreSQL takes."""
MAX_PART_BYTES: Final = 255
"""Of one part of a name in UTF-8: what file systems take."""
MAX_PLAIN_NAME: Final = 255
"""Characters of the name of a model, an environment or a compute target."""

# C0, DEL and C1: among them what moves a terminal's cursor.  U+2028 and U+2029 end lines in logs and in JavaScript.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_DRIVE: Final = re.compile(r"[A-Za-z]:")
# Windows opens a device for these, whatever the ending after them ("nul.txt") and however many spaces before it.
_DEVICE: Final = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9\xb9\xb2\xb3])\s*(\.|$)", re.IGNORECASE)
_NOT_ON_WINDOWS: Final = re.compile(r'[<>:"|?*]')
_SHOWN: Final = 80


def check_name(name: str) -> str:
    """The normal form of a file's name: ``./outputs//x.pkl`` is ``outputs/x.pkl``.

    Raises BadInput for what is no relative path of plain parts.
    """
    if not isinstance(name, str):
        raise BadInput(f"a file's name is a text, not {type(name).__name__}")
    _check_characters(name)
    if "\\" in name:
        raise _refused(name, "has a backslash", 'write "/" between folders')
    if name.startswith("/"):
        raise _refused(name, "is an absolute path", "give a path that begins in the run, such as outputs/model.pkl")
    if _DRIVE.match(name):
        raise _refused(name, "begins with a drive letter", "give a path that begins in the run")
    if name.endswith("/"):
        raise _refused(name, "ends in a slash, as a folder does", "give the file's own name too")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts:
        raise _refused(name, "names no file", "give the file's own name")
    for part in parts:
        _check_part(name, part)
    checked = "/".join(parts)
    if _DRIVE.match(checked):
        raise _refused(name, "begins with a drive letter", "give a path that begins in the run")
    return checked


def check_model_name(name: str) -> str:
    """The model's name as it is.  It is one part of a path, and has no ":": ids are NAME:VERSION.  Raises BadInput."""
    return check_plain_name(name, "the model name")


def check_plain_name(name: str, what: str) -> str:
    """The name of something that has versions or is a folder's name, as it is: one part of a path, without ":".

    ``what`` says in errors what it names.  Raises BadInput.
    """
    if not isinstance(name, str):
        raise BadInput(f"{what} is a text, not {type(name).__name__}")
    _check_characters(name, what=what)
    for character in ("/", "\\", ":"):
        if character in name:
            raise _refused(name, f"has a {character!r}", "use letters, digits, spaces, and - _ .", what)
    if len(name) > MAX_PLAIN_NAME:
        raise _refused(name, f"has {len(name)} characters", f"use up to {MAX_PLAIN_NAME}", what)
    if name in ("", "."):
        raise _refused(name, "is empty", "give a name", what)
    _check_part(name, name, what=what)
    return name


def safe_join(root: str | os.PathLike[str], name: str) -> Path:
    """Where in the folder ``root`` a file of this name belongs.  The folder need not be there yet.

    Never leads out of it, not through links either: a link in the folder that leads out is refused, and so is one
    whose target cannot be told.  The answer holds for the time of the call; write with a new file that is then
    renamed, which replaces a link instead of following it.  Raises BadInput.
    """
    parts = check_name(name).split("/")
    base = Path(os.path.realpath(root))
    place = base
    for number, part in enumerate(parts):
        if os.name == "nt" and _NOT_ON_WINDOWS.search(part):
            raise _refused(name, 'has one of < > : " | ? *', "Windows keeps no such file; give another path for it")
        place = place / part
        if place.is_symlink() or _is_junction(place):
            led = Path(os.path.realpath(place))
            if not led.is_relative_to(base) or led.is_symlink():
                raise BadInput(f"{_shown(str(place))} is a link that leads out of {_shown(str(base))}: remove it first")
        if number < len(parts) - 1 and place.exists() and not place.is_dir():
            raise BadInput(f"{_shown(name)} needs a folder where there is a file: {_shown(str(place))}")
    return place


def _is_junction(place: Path) -> bool:
    # Windows has a second kind of link to folders; Python knows it from 3.12 on.
    known = getattr(place, "is_junction", None)
    return bool(known()) if known is not None else False


def _check_characters(name: str, what: str = "the name") -> None:
    if len(name) > MAX_CHARACTERS:
        raise _refused(name, f"has {len(name)} characters", f"use up to {MAX_CHARACTERS}", what)
    if _SURROGATE.search(name):
        raise _refused(name, "is not valid Unicode", "rename the file to one that is", what)
    found = _CONTROL.search(name)
    if found:
        raise _refused(name, f"has the control character {found.group()!r}", "leave it out", what)
    size = len(name.encode())
    if size > MAX_BYTES:
        raise _refused(name, f"takes {size} bytes in UTF-8", f"use up to {MAX_BYTES}", what)


def _check_part(name: str, part: str, what: str = "the name") -> None:
    if part == "..":
        raise _refused(name, 'has a part ".."', "give a path that stays in its folder", what)
    size = len(part.encode())
    if size > MAX_PART_BYTES:
        raise _refused(name, f"has a part of {size} bytes", f"file systems take up to {MAX_PART_BYTES}", what)
    if part[-1] in ". ":
        # Windows drops them: "x." would replace "x", and ".. " would be "..".
        raise _refused(name, f"has a part that ends in {part[-1]!r}, which Windows drops", "end it otherwise", what)
    if _DEVICE.match(part):
        raise _refused(name, f"has the part {_shown(part)}, a device on Windows", "give it another name", what)


def _refused(name: str, trouble: str, advice: str, what: str = "the name") -> BadInput:
    return BadInput(f"{what} {_shown(name)} {trouble}: {advice}")


def _shown(text: str) -> str:
    """Short, and safe for a terminal: repr() escapes what is not printable."""
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}...{text[-_SHOWN // 4 :]}")
