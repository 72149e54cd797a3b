"""Read what is to be stored: files that may change or lead astray, and streams of unknown length."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Final

from milepost.store.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE: Final = 1 << 20
"""Bytes that are read at once."""

# Flags that not every system has.  O_NONBLOCK: opening a FIFO without a writer must not wait for one.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
)
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0)


class Changed(Exception):
    """The content is not what it was when its digest was taken."""


@contextmanager
def open_regular(path: Path, *, follow_links: bool) -> Iterator[BinaryIO]:
    """A regular file, opened to read.  Raises BadInput for anything else, and for what cannot be opened.

    Devices, FIFOs and sockets are not even opened: that alone can wait for ever or do something.
    """
    shown = repr(str(path))
    if "\0" in str(path):
        raise BadInput(f"{shown} is no path: it has a NUL character")
    try:
        info = path.stat() if follow_links else path.lstat()
        if stat.S_ISLNK(info.st_mode):
            raise BadInput(f"{shown} is a link: give the file that it leads to, or allow links to be followed")
        _check_regular(shown, info)
        handle = os.open(path, _FLAGS | (0 if follow_links else _NO_LINKS))
        with os.fdopen(handle, "rb", buffering=0) as raw:
            # Another file may have taken the path's place between the two.
            _check_regular(shown, os.fstat(handle))
            yield raw
    except OSError as error:
        raise BadInput(f"{shown} cannot be read: {error.strerror or error}; check the path and your rights") from error


def _check_regular(shown: str, info: os.stat_result) -> None:
    if stat.S_ISDIR(info.st_mode):
        raise BadInput(f"{shown} is a folder, not a file: give its files one by one")
    if not stat.S_ISREG(info.st_mode):
        raise BadInput(f"{shown} is a device, FIFO or socket: only regular files can be stored")


def pieces(stream: IO[bytes], length: int | None = None) -> Iterator[bytes]:
    """What is left of a binary stream, or its next ``length`` bytes, piece by piece.

    Raises BadInput for a stream of text, and for one that has nothing to give just now.
    """
    left = length
    while left is None or left > 0:
        piece = stream.read(PIECE if left is None else min(left, PIECE))
        if piece is None:
            raise BadInput("the stream does not wait for its data (it is non-blocking): give one that does")
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise BadInput(f"the stream gives {type(piece).__name__}, not bytes: open it in binary mode ('rb')")
        if not piece:
            return
        if left is not None:
            left -= len(piece)
        yield bytes(piece)


def digest_of(source: Iterator[bytes]) -> tuple[str, int]:
    """The SHA-256 in lower-case hex and the size in bytes."""
    hashed, size = hashlib.sha256(), 0
    for piece in source:
        hashed.update(piece)
        size += len(piece)
    return hashed.hexdigest(), size


def checked(source: Iterator[bytes], digest: str, size: int, trouble: Callable[[str], Exception]) -> Iterator[bytes]:
    """The pieces as they are; raises ``trouble(what)`` at the end where they are not the content of that digest."""
    hashed, seen = hashlib.sha256(), 0
    for piece in source:
        hashed.update(piece)
        seen += len(piece)
        yield piece
    if seen != size:
        raise trouble(f"{seen} bytes instead of {size}")
    if hashed.hexdigest() != digest:
        raise trouble("another content of the same size")
