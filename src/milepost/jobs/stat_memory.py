"""Remembers the contents of a folder's files, so that those that have not changed need not be read again.

A file counts as unchanged where its size, both its times and its inode are what they were.  A change in the very
moment of the reading could leave all of them as they are, since file systems count time in ticks: a file is only
remembered if, when it was read, its last change lay further back than a tick.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from milepost.jobs.source_folder import SourceFile

FORMAT: Final = 1
MOST_FOLDERS: Final = 50
"""So many folders are remembered; the one that has not changed for longest is forgotten first."""
MAX_BYTES: Final = 100 << 20

_FINE_TICK_NS: Final = 50_000_000
"""Longer than the kernel's clock ticks that file systems of today take their times from."""
_COARSE_TICK_NS: Final = 3_000_000_000
"""For file systems that keep whole seconds, or two."""
_DIGEST: Final = re.compile("[0-9a-f]{64}")

Known = Mapping[str, tuple[tuple[int, int, int, int], str]]
"""Name -> what ``stat`` said, digest."""


def memory_file(folder_of_memories: Path, source: Path) -> Path:
    """Where what is known of a source folder is kept, in a folder that keeps it of many."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(source))).hexdigest()[:32]
    return folder_of_memories / name


def key_of(file: SourceFile) -> tuple[int, int, int, int]:
    """What must be the same for the content to be."""
    return file.size, file.mtime_ns, file.ctime_ns, file.inode


def is_settled(file: SourceFile, now_ns: int) -> bool:
    """Whether any change of the file from ``now_ns`` on would show in its times."""
    changed = max(file.mtime_ns, file.ctime_ns)
    tick = _COARSE_TICK_NS if changed % 1_000_000_000 == 0 else _FINE_TICK_NS
    return changed + tick < now_ns


def recall(memory: Path, source: Path) -> Known:
    """What is remembered of a folder; nothing where the file is missing, damaged, or of another folder."""
    try:
        if memory.stat().st_size > MAX_BYTES:
            return {}
        found: Any = json.loads(memory.read_bytes())
        if found["format"] != FORMAT or found["folder"] != _folder(source):
            return {}
        return {
            str(name): ((int(size), int(mtime), int(ctime), int(inode)), digest)
            for name, size, mtime, ctime, inode, digest in found["files"]
            if _DIGEST.fullmatch(digest)
        }
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return {}


def remember(memory: Path, source: Path, known: Known) -> None:
    """Remember this of a folder, and nothing else.  Does nothing where it cannot be written: it only saves time."""
    rows = [[name, *key, digest] for name, (key, digest) in sorted(known.items())]
    content = json.dumps({"format": FORMAT, "folder": _folder(source), "files": rows}, separators=(",", ":"))
    draft = memory.parent / f".{uuid4().hex}.part"
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content.encode())
        draft.replace(memory)
        _forget_some(memory.parent)
    except OSError:
        with suppress(OSError):
            draft.unlink()


def _folder(source: Path) -> str:
    # As bytes in hex: a folder's name need not be valid Unicode.
    return os.fsencode(os.path.realpath(source)).hex()


def _forget_some(folder: Path) -> None:
    memories = [each for each in folder.iterdir() if not each.name.startswith(".")]
    for old in sorted(memories, key=lambda each: each.stat().st_mtime, reverse=True)[MOST_FOLDERS:]:
        old.unlink(missing_ok=True)
