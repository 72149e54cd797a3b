"""What an exported folder holds: its tables with their columns, and where files lie.

FOLDER/milepost.json     the workspace, the format, and the SHA-256 of every table
FOLDER/README.md         how to read it
FOLDER/NAME.parquet      the tables below
FOLDER/files/sha256/ab/cdef...   the contents of files by SHA-256, each once
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from milepost.store.batch import CELL_BIGINT, CELL_BOOL, CELL_FLOAT, CELL_INT, CELL_NONE, CELL_TEXT
from milepost.store.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 2
MANIFEST: Final = "milepost.json"
FILES: Final = "files"
POINTS: Final = "points"

CELL_TYPES: Final = {
    CELL_NONE: "none",
    CELL_FLOAT: "float",
    CELL_INT: "int",
    CELL_BOOL: "bool",
    CELL_TEXT: "text",
    CELL_BIGINT: "bigint",
}

_TEXT, _INT, _BOOL, _NUMBER, _TIME, _JSON, _BYTES = "text", "int", "bool", "number", "time", "json", "bytes"
_OF_METRIC: Final = {"run_id": _TEXT, "namespace": _TEXT, "name": _TEXT, "kind": _TEXT}

TABLES: Final[dict[str, dict[str, str]]] = {
    "experiments": {"name": _TEXT, "created": _TIME, "archived": _TIME, "description": _TEXT, "tags": _JSON},
    "runs": {
        "run_id": _TEXT,
        "experiment": _TEXT,
        "number": _INT,
        "type": _TEXT,
        "status": _TEXT,
        "display_name": _TEXT,
        "description": _TEXT,
        "parent_id": _TEXT,
        "root_id": _TEXT,
        "target": _TEXT,
        "submitted_by": _TEXT,
        "created": _TIME,
        "started": _TIME,
        "ended": _TIME,
        "archived": _TIME,
        "error": _JSON,
        "warnings": _JSON,
    },
    "tags": {"run_id": _TEXT, "key": _TEXT, "value": _TEXT},
    "properties": {"run_id": _TEXT, "key": _TEXT, "value": _TEXT},
    "params": {"run_id": _TEXT, "key": _TEXT, "value": _TEXT},
    "metrics": {
        **_OF_METRIC,
        "description": _TEXT,
        "is_list": _BOOL,
        "calls": _INT,
        "count": _INT,
        "first": _JSON,
        "last": _JSON,
        "min": _NUMBER,
        "max": _NUMBER,
        "nan_count": _INT,
        "first_step": _INT,
        "last_step": _INT,
        "first_time": _TIME,
        "last_time": _TIME,
        "columns": _JSON,
        "scalar_columns": _JSON,
        "first_row": _INT,
    },
    POINTS: {
        **_OF_METRIC,
        "index": _INT,
        "column": _TEXT,
        "step": _INT,
        "time": _TIME,
        "type": _TEXT,
        "value": _NUMBER,
        "integer": _INT,
        "text": _TEXT,
        "bytes": _BYTES,
    },
    "documents": {"run_id": _TEXT, "name": _TEXT, "content": _JSON, "told": _TIME},
    "artifacts": {
        "run_id": _TEXT,
        "name": _TEXT,
        "path": _TEXT,
        "sha256": _TEXT,
        "size": _INT,
        "content_type": _TEXT,
        "created": _TIME,
        "captured": _BOOL,
    },
    "snapshots": {
        "run_id": _TEXT,
        "snapshot_id": _TEXT,
        "manifest": _TEXT,
        "files": _INT,
        "bytes": _INT,
        "created": _TIME,
        "taken": _TIME,
    },
    "snapshot_files": {
        "snapshot_id": _TEXT,
        "name": _TEXT,
        "path": _TEXT,
        "sha256": _TEXT,
        "size": _INT,
        "executable": _BOOL,
    },
    "models": {
        "name": _TEXT,
        "version": _INT,
        "run_id": _TEXT,
        "experiment": _TEXT,
        "description": _TEXT,
        "framework": _TEXT,
        "framework_version": _TEXT,
        "path": _TEXT,
        "tags": _JSON,
        "properties": _JSON,
        "extra": _JSON,
        "aliases": _JSON,
        "created": _TIME,
        "updated": _TIME,
    },
    "model_files": {
        "model": _TEXT,
        "version": _INT,
        "name": _TEXT,
        "path": _TEXT,
        "sha256": _TEXT,
        "size": _INT,
    },
    "environments": {"name": _TEXT, "version": _INT, "definition": _JSON, "labels": _JSON, "created": _TIME},
    "computes": {"name": _TEXT, "kind": _TEXT, "definition": _JSON, "created": _TIME, "updated": _TIME},
}
"""Table -> column -> what it holds: text, int (64 bits), bool, number (a double), time (ns, UTC), bytes, or json (as a
text)."""


ADDED: Final = {"params": 2}
"""Table -> the first format that has it."""


class PyarrowMissing(BadInput):
    """The library that reads and writes Parquet is not installed."""


def pyarrow() -> Any:
    """The library.  Raises PyarrowMissing with the command that installs it."""
    try:
        import pyarrow as found
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise PyarrowMissing("Parquet needs pyarrow, which is not installed: pip install 'milepost[export]'") from error
    return found


def schema(table: str) -> Any:
    """pyarrow's schema of a table."""
    pa = pyarrow()
    types = {
        _TEXT: pa.string(),
        _JSON: pa.string(),
        _INT: pa.int64(),
        _BOOL: pa.bool_(),
        _NUMBER: pa.float64(),
        _TIME: pa.timestamp("ns", tz="UTC"),
        _BYTES: pa.binary(),
    }
    return pa.schema([pa.field(name, types[holds]) for name, holds in TABLES[table].items()])


def json_columns(table: str) -> list[str]:
    """The columns of a table that hold JSON."""
    return [name for name, holds in TABLES[table].items() if holds == _JSON]


def time_columns(table: str) -> list[str]:
    """The columns of a table that hold times."""
    return [name for name, holds in TABLES[table].items() if holds == _TIME]


def table_file(folder: Path, table: str) -> Path:
    """The file of a table."""
    return folder / f"{table}.parquet"
