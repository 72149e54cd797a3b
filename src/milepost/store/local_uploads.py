"""Uploads into a folder of this machine: each part a file, until all of them are there."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO
from uuid import uuid4

from milepost.store.content import checked, pieces
from milepost.store.errors import BadInput, NotFound
from milepost.store.uploads import Progress, Upload, Uploads, WrongContent, gone, upload_of, wrong

if TYPE_CHECKING:
    from milepost.store.local_blobs import LocalBlobs


class LocalUploads(Uploads):
    """See above.  A part appears by a rename; none is synced, for the content is, and its digest is looked at."""

    _blobs: LocalBlobs

    def __init__(self, blobs: LocalBlobs) -> None:
        super().__init__(blobs)
        self._root = blobs.root

    def all(self, digest: str | None = None) -> Iterator[tuple[Upload, float]]:
        """See ``Uploads.all``."""
        top = self._root / "uploads"
        for each in [digest] if digest is not None else _names(top):
            for rest in _names(top / each):
                with suppress(NotFound, OSError):
                    upload = upload_of(f"{each}-{rest}")
                    yield upload, time.time() - (self._root / upload.folder / "plan").stat().st_mtime

    def parts(self, upload: Upload) -> set[int]:
        """See ``Uploads.parts``."""
        found = set()
        for name in _names(self._root / upload.folder):
            with suppress(OSError, BadInput):
                number = int(name) if name.isdecimal() else 0
                if number and self._path(upload, number).stat().st_size == upload.length(number):
                    found.add(number)
        return found

    def urls(self, upload: Upload, numbers: Iterable[int], life_s: float) -> dict[int, str]:
        """Nothing is signed here."""
        raise BadInput("the parts of this upload go to the server")

    def put(self, upload: Upload, number: int, source: IO[bytes]) -> None:
        """See ``Uploads.put``."""
        path = self._path(upload, number)
        draft = path.parent / f".{uuid4().hex}"
        with self._blobs._explained():
            try:
                source.seek(0)
                with draft.open("xb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
                draft.replace(path)
            except FileNotFoundError as error:
                raise gone() from error
            finally:
                draft.unlink(missing_ok=True)

    def finish(self, upload: Upload, progress: Progress) -> None:
        """See ``Uploads.finish``.  The bytes that are looked at are those that are written."""
        self.check_complete(upload)
        source = checked(self._pieces(upload, progress), upload.digest, upload.size, lambda what: wrong(upload, what))
        try:
            self._blobs._put_new(source, upload.digest, upload.size)
        except WrongContent:
            self.discard(upload)
            raise
        self.discard(upload)

    def _pieces(self, upload: Upload, progress: Progress) -> Iterator[bytes]:
        done = 0
        for number in range(1, upload.count + 1):
            with self._blobs._explained(), self._opened(upload, number) as part:
                for piece in pieces(part):
                    yield piece
                    done += len(piece)
                    progress(done)

    def _opened(self, upload: Upload, number: int) -> BinaryIO:
        try:
            return self._path(upload, number).open("rb")
        except FileNotFoundError as error:  # another server has finished it meanwhile
            raise gone() from error

    def discard(self, upload: Upload) -> None:
        """See ``Uploads.discard``."""
        folder = self._root / upload.folder
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            folder.parent.rmdir()

    def _start(self, upload: Upload) -> None:
        with self._blobs._explained():
            folder = self._root / upload.folder
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "plan").touch()

    def _touch(self, upload: Upload) -> None:
        with self._blobs._explained():
            os.utime(self._root / upload.folder / "plan")

    def _is_there(self, upload: Upload) -> bool:
        return (self._root / upload.folder / "plan").exists()

    def _path(self, upload: Upload, number: int) -> Path:
        return self._root / upload.folder / str(number)


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
