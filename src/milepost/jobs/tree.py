"""Writes the files of a snapshot into a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from milepost.store.blobs import writing
from milepost.store.content import checked, pieces
from milepost.store.errors import BadInput, StoreDamaged
from milepost.store.manifest import SnapshotFile
from milepost.store.names import check_name
from milepost.store.together import together

if TYPE_CHECKING:
    from collections.abc import Callable

    from milepost.store.blobs import Blobs

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def check_names(files: Sequence[SnapshotFile]) -> None:
    """Raises BadInput unless all names are plain paths within one folder, and none is another's folder."""
    names = {each.name for each in files}
    if len(names) < len(files):
        raise BadInput("the snapshot has a name twice: take it anew")
    for name in names:
        plain = check_name(name)
        if plain != name:
            raise BadInput(f"the snapshot has the name {name!r}, which is not in its plain form: take it anew")
        at = name.find("/")
        while at >= 0:
            if name[:at] in names:
                raise BadInput(f"the snapshot has {name[:at]!r} both as a file and as a folder: take it anew")
            at = name.find("/", at + 1)


def damaged(blobs: Blobs, file: SnapshotFile) -> Callable[[str], Exception]:
    """What to raise where a file's content is not what was stored."""
    return lambda what: StoreDamaged(
        f"the content of {file.name!r} ({file.digest}) in {blobs.address} is damaged ({what}): restore it from a backup"
    )


def write_tree(blobs: Blobs, files: Sequence[SnapshotFile], target: Path) -> None:
    """Write a snapshot's files into the folder ``target``, which must not be there yet, or be empty.

    It appears whole or not at all.  Every content is checked against its digest.  Raises BadInput for names that lead
    out of it and for a target that cannot be written, NotFound and StoreDamaged for contents, StoreUnavailable where
    the disk is full or the blob store cannot be reached.
    """
    check_names(files)
    shown = repr(str(target))
    with writing(shown):
        if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
            raise BadInput(f"{shown} is there already: give the path of a new or empty folder for the snapshot's files")
        draft = target.parent / f".{uuid4().hex}.part"
        try:
            draft.mkdir(parents=True)
            _write_all(blobs, files, draft)
            if os.name == "nt":
                with suppress(FileNotFoundError):
                    target.rmdir()
            draft.rename(target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise


def _write_all(blobs: Blobs, files: Sequence[SnapshotFile], root: Path) -> None:
    # The folder is new and nobody else's: no link can lie in it, so checked names cannot lead out of it.
    base = str(root)
    for folder in sorted({each.name.rpartition("/")[0] for each in files}):
        if folder:
            Path(base, folder).mkdir(parents=True, exist_ok=True)

    def write(file: SnapshotFile) -> None:
        path = f"{base}/{file.name}"
        with blobs.open(file.digest) as source:
            try:
                handle = os.open(path, _NEW, 0o777 if file.executable else 0o666)  # less the umask
            except FileExistsError as error:
                raise BadInput(
                    f"the snapshot has another name that this disk cannot tell from {file.name!r} (capitals?): "
                    "rename one of the files and take it anew"
                ) from error
            with os.fdopen(handle, "wb") as out:
                for piece in checked(pieces(source), file.digest, file.size, damaged(blobs, file)):
                    out.write(piece)

    together(write, files, blobs.threads)
