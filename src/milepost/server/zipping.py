"""A zip archive that is made while it is sent: nothing is kept, neither in memory nor on a disk."""

from __future__ import annotations

import stat
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from milepost.store.artifacts import content_type_of
from milepost.store.content import checked, pieces
from milepost.store.errors import StoreDamaged
from milepost.store.names import check_name

if TYPE_CHECKING:
    from milepost.store.blobs import Blobs

_UNIX: Final = 3
_LEVEL: Final = 4
"""Of deflate: half the time of the usual one for a few percent more bytes."""
_SENT_AT: Final = 256 << 10
"""Bytes that are gathered before they are sent."""
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
_LATEST_YEAR: Final = 2107  # what two bytes of a zip entry can say

# What is compressed already: to deflate it again takes long and gives nothing.
_PACKED: Final = (
    ".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".whl", ".jar", ".npz", ".parquet", ".pt", ".pth", ".keras",
    ".safetensors", ".docx", ".xlsx", ".pptx", ".mp3", ".mp4", ".webm", ".mkv", ".ogg", ".flac",
)  # fmt: skip
_PACKED_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A file for an archive."""

    name: str
    digest: str
    size: int
    created_ns: int | None = None
    """None: no time of its own, so that the same files give the same archive."""
    executable: bool = False


def stream_zip(blobs: Blobs, entries: Iterable[ZipEntry]) -> Iterator[bytes]:
    """The bytes of an archive of these files, piece by piece.

    Files that are compressed by their kind are stored, the others deflated; zip64 where it is needed.  A name that
    leads out of a folder is refused with BadInput.  A content that is missing or damaged ends the stream with its
    error, before the archive's directory: what has arrived is no archive that could be taken for whole.
    """
    sink = _Sink()
    file: Any = sink  # which has all that zipfile calls, though not all that a file has
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for entry in entries:
            with blobs.open(entry.digest) as source, archive.open(_info(entry), "w") as out:
                for piece in checked(pieces(source), entry.digest, entry.size, _damaged(entry)):
                    out.write(piece)
                    if sink.held >= _SENT_AT:
                        yield sink.take()
    if sink.held:
        yield sink.take()


def _info(entry: ZipEntry) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(check_name(entry.name), _time(entry.created_ns))
    info.compress_type = zipfile.ZIP_STORED if is_packed(entry.name) else zipfile.ZIP_DEFLATED
    info.create_system = _UNIX
    info.external_attr = (stat.S_IFREG | (0o755 if entry.executable else 0o644)) << 16
    info.file_size = entry.size  # tells zipfile whether the entry needs zip64
    return info


def is_packed(name: str) -> bool:
    """Whether files of this name are compressed already."""
    return name.lower().endswith(_PACKED) or content_type_of(name) in _PACKED_TYPES


def _time(created_ns: int | None) -> tuple[int, int, int, int, int, int]:
    if created_ns is None:
        return _EARLIEST
    try:
        found = time.gmtime(created_ns / 1e9)
    except (OverflowError, OSError, ValueError):
        return _EARLIEST
    return found[:6] if _EARLIEST[0] <= found.tm_year <= _LATEST_YEAR else _EARLIEST


def _damaged(entry: ZipEntry) -> Callable[[str], Exception]:
    return lambda what: StoreDamaged(
        f"the content of {entry.name!r} ({entry.digest}) is damaged ({what}): restore it from a backup"
    )


class _Sink:
    """Where zipfile writes to.  It cannot seek, so sizes and checksums follow their files."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.held = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self.held += len(data)
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        found = b"".join(self._pieces)
        self._pieces.clear()
        self.held = 0
        return found
