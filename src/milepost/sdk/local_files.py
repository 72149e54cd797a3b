"""Files of this machine: those below a folder, and copies that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from milepost.sdk.exceptions import UserErrorException

_CHUNK = 1 << 20


def files_below(folder: Path) -> list[Path]:
    """Regular files below the folder, sorted; links to files only where those lie in it, links to folders not."""
    root = folder.resolve()
    found = []
    for here, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            file = Path(here, name)
            if file.is_file() and (not file.is_symlink() or file.resolve().is_relative_to(root)):
                found.append(file)
    return found


def copy_file(source: Path | IO[bytes], target: Path, drafts: Path | None = None) -> tuple[str, int]:
    """Copy a file, or what is left of a binary stream, to ``target``; give its SHA-256 in hex and its size in bytes.

    The copy is written beside the target, or in the folder ``drafts`` of the same file system, and then moved: it
    replaces a file that is there.  Raises UserErrorException where one of them cannot be read or written.
    """
    draft = (drafts or target.parent) / f".{os.getpid()}-{os.urandom(8).hex()}.part"
    with explained(f"cannot copy {getattr(source, 'name', None) or source} to {target}"):
        draft.parent.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if isinstance(source, Path):
                with source.open("rb") as stream:
                    digest, size = _write(stream, draft)
            else:
                digest, size = _write(source, draft)
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    return digest, size


@contextmanager
def explained(trouble: str) -> Iterator[None]:
    """Turn an error of the operating system into a UserErrorException that begins with ``trouble``."""
    try:
        yield
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise UserErrorException(
            f"Milepost {trouble}: {error.strerror or error}{place}. "
            "Check the path, the rights and the space on the disk.",
            inner_exception=error,
        ) from error


def _write(stream: IO[bytes], draft: Path) -> tuple[str, int]:
    hashed, size = hashlib.sha256(), 0
    with draft.open("xb") as out:
        while chunk := stream.read(_CHUNK):
            if not isinstance(chunk, bytes):
                raise UserErrorException("The stream gives text; open it in binary mode ('rb').")
            hashed.update(chunk)
            size += len(chunk)
            out.write(chunk)
    return hashed.hexdigest(), size
