"""Writes the files of a snapshot into a zip archive."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from milepost.jobs.tree import check_names, damaged
from milepost.store.blobs import writing
from milepost.store.content import checked, pieces
from milepost.store.errors import BadInput
from milepost.store.manifest import SnapshotFile

if TYPE_CHECKING:
    from milepost.store.blobs import Blobs

_TIME: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3


def write_zip(blobs: Blobs, files: Sequence[SnapshotFile], path: Path) -> None:
    """Write a snapshot's files into the zip archive ``path``, which appears whole or not at all.

    The same files give the same archive; it keeps who may execute them.  An archive that is there is replaced.
    Raises BadInput for names that lead out of the archive and for a path that cannot be written, NotFound and
    StoreDamaged for contents, StoreUnavailable where the disk is full or the blob store cannot be reached.
    """
    check_names(files)
    with writing(repr(str(path))):
        if path.is_dir():
            raise BadInput(f"{str(path)!r} is a folder; give the path of the archive to write")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.parent / f".{uuid4().hex}.part"
        try:
            _write(blobs, files, draft)
            draft.replace(path)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise


def _write(blobs: Blobs, files: Sequence[SnapshotFile], path: Path) -> None:
    import zipfile

    with path.open("xb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files):
            entry = zipfile.ZipInfo(file.name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            entry.external_attr = (stat.S_IFREG | (0o755 if file.executable else 0o644)) << 16
            entry.file_size = file.size  # tells zipfile whether the entry needs zip64
            with blobs.open(file.digest) as source, archive.open(entry, "w") as out:
                for piece in checked(pieces(source), file.digest, file.size, damaged(blobs, file)):
                    out.write(piece)
