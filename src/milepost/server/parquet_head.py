"""The first rows of a Parquet file, where pyarrow is installed.

A few bytes of Parquet can say that they unpack to many GB, and the library believes them.  So it reads in a process of
its own, which has little memory and little time; it gets the file as its standard input and answers in JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final

from milepost.store.content import pieces

if TYPE_CHECKING:
    from milepost.server.delivery import Content
    from milepost.store.blobs import Blobs

LARGEST: Final = 256 << 20
"""Larger files (bytes) are not looked into: they would have to be copied for that."""
TIME_S: Final = 20.0
MEMORY: Final = 2 << 30
_MOST_ANSWERED: Final = 64 << 20
_AT_ONCE: Final = BoundedSemaphore(2)

_CHILD: Final = """
import json, sys
rows, columns, characters, memory = map(int, sys.argv[1:])
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
except ImportError:
    pass
import pyarrow, pyarrow.parquet
pyarrow.set_cpu_count(1)
file = pyarrow.parquet.ParquetFile(sys.stdin.buffer)
names = file.schema_arrow.names
chosen = list(dict.fromkeys(names[:columns]))
first = next(file.iter_batches(batch_size=rows, columns=chosen, use_threads=False), None)
def shown(cell):
    text = "" if cell is None else str(cell)
    return text if len(text) <= characters else text[:characters] + "\\u2026"
held = [] if first is None else [[shown(cell.as_py()) for cell in column] for column in first.columns]
heads = chosen if first is None else first.schema.names
json.dump({"columns": [shown(name) for name in heads], "rows": list(zip(*held)), "total_rows": file.metadata.num_rows,
           "more_columns": len(names) > columns}, sys.stdout)
"""


class ParquetUnreadable(Exception):
    """There is no preview of the file; the message says why."""


@dataclass(frozen=True, slots=True)
class ParquetHead:
    """The first rows as texts."""

    columns: list[str]
    rows: list[list[str]]
    total_rows: int
    more_columns: bool


def parquet_head(blobs: Blobs, content: Content, *, rows: int, columns: int, characters: int) -> ParquetHead:
    """Up to so many rows and columns of a Parquet file, with cells of up to so many characters.

    Raises ParquetUnreadable where pyarrow is not installed or cannot read the file; NotFound, StoreUnavailable.
    """
    if find_spec("pyarrow") is None:
        raise ParquetUnreadable("Parquet is shown where pyarrow is installed: pip install pyarrow beside Milepost")
    if content.size > LARGEST:
        raise ParquetUnreadable(f"the file is larger than {LARGEST >> 20} MiB: download it to look into it")
    numbers = [str(each) for each in (rows, columns, characters, MEMORY)]
    with _AT_ONCE, tempfile.TemporaryFile() as copy:
        with blobs.open(content.digest) as source:
            for piece in pieces(source):
                copy.write(piece)
        copy.seek(0)
        try:
            done = subprocess.run(  # noqa: S603  our own text
                [sys.executable, "-I", "-c", _CHILD, *numbers],
                stdin=copy,
                capture_output=True,
                timeout=TIME_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ParquetUnreadable("the file takes too long to read: download it to look into it") from error
    if done.returncode or len(done.stdout) > _MOST_ANSWERED:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
        raise ParquetUnreadable(f"pyarrow cannot read the file ({said or 'no more is known'})")
    found = json.loads(done.stdout)
    return ParquetHead(found["columns"], found["rows"], found["total_rows"], found["more_columns"])
