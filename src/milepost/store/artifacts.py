"""Queries over the files of runs."""

from __future__ import annotations

from difflib import get_close_matches
from mimetypes import MimeTypes
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, func, select

from milepost.store.engine import is_sqlite, pieces
from milepost.store.errors import NotFound
from milepost.store.names import check_name
from milepost.store.records import ArtifactRecord
from milepost.store.schema import artifacts, runs
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select

    from milepost.store.store import Store

_LAST: Final = "\U0010ffff" * 4
"""Behind all that names go on with: no character is greater."""
_COMPARED: Final = 1000
"""Names that are compared with one that is not there; more would take seconds."""


def list_artifacts(store: Store, run_id: str, prefix: str = "") -> list[ArtifactRecord]:
    """The run's files whose names begin with ``prefix``, in the order of their names' characters.

    An unknown run has none: a script may well ask for the files of a run that somebody has deleted meanwhile.
    """
    if clean(prefix) != prefix:
        return []  # no name has such characters, and databases refuse them
    query = files_of(store, run_id)
    with store.reading() as connection:
        if prefix:
            query = query.where(begins(artifacts.c.name, prefix, sqlite=is_sqlite(connection)))
        found = [record_of(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda each: each.name)


def begins(name: ColumnElement[str], prefix: str, *, sqlite: bool) -> ColumnElement[bool]:
    """Whether a name begins with a prefix that is not empty."""
    # Not LIKE: SQLite's takes no notice of case.
    exactly: ColumnElement[bool] = func.substr(name, 1, len(prefix)) == prefix
    # SQLite compares the bytes of UTF-8, so what begins so stands together, and its index leads there.
    return and_(name >= prefix, name < prefix + _LAST, exactly) if sqlite else exactly


def named_artifacts(store: Store, run_id: str, names: Sequence[str]) -> dict[str, ArtifactRecord]:
    """name -> file, of those of these names that a run has."""
    wanted = [name for name in names if clean(name) == name]
    with store.reading() as connection:
        return {
            row["name"]: record_of(row)
            for piece in pieces(wanted)
            for row in connection.execute(files_of(store, run_id).where(artifacts.c.name.in_(piece))).mappings()
        }


def artifact_columns(store: Store, run_id: str) -> tuple[list[str], list[int], list[str]]:
    """The names, sizes and digests of the run's files, in the order of their names' characters.

    For runs with very many files: it takes a fifth of the time that records take.
    """
    query = files_of(store, run_id).with_only_columns(artifacts.c.name, artifacts.c.size, artifacts.c.digest)
    with store.reading() as connection:
        found = sorted((name, size, digest) for name, size, digest in connection.execute(query))
    return [name for name, _, _ in found], [size for _, size, _ in found], [digest for _, _, digest in found]


def get_artifact(store: Store, run_id: str, name: str) -> ArtifactRecord:
    """One file of a run; ``./outputs/x`` is ``outputs/x``.  Raises BadInput for what can be no name, and NotFound,
    which tells of names that are like it.
    """
    wanted = check_name(name)
    with store.reading() as connection:
        row = connection.execute(files_of(store, run_id).where(artifacts.c.name == wanted)).mappings().first()
    if row is not None:
        return record_of(row)
    others = files_of(store, run_id).with_only_columns(artifacts.c.name).order_by(artifacts.c.name)
    with store.reading() as connection:
        names = list(connection.scalars(others.limit(_COMPARED)))
        count = int(connection.scalar(select(func.count()).select_from(others.order_by(None).subquery())) or 0)
    if not names:
        raise NotFound(f"run {run_id!r} has no file {wanted!r}; it has no files, or there is no such run")
    near = _near(wanted, names)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"it has {count:,} others"
    raise NotFound(f"run {run_id!r} has no file {wanted!r}; {hint}")


def _near(wanted: str, names: list[str]) -> list[str]:
    """Up to three names that may have been meant: in another case, in another folder, or spelt nearly so."""
    last = wanted.rpartition("/")[2]
    found = [name for name in names if name.casefold() == wanted.casefold()]
    found += [name for name in names if name.rpartition("/")[2] == last]
    found += get_close_matches(wanted, names, n=3)
    return list(dict.fromkeys(found))[:3]


# What the files of training runs are, beside what Python knows.  text/plain is what a browser shows and does not run.
_OWN_TYPES: Final = {
    ".avro": "application/avro",
    ".ckpt": "application/octet-stream",
    ".ipynb": "application/x-ipynb+json",
    ".jsonl": "application/jsonl",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".onnx": "application/octet-stream",
    ".parquet": "application/vnd.apache.parquet",
    ".toml": "application/toml",
    ".webp": "image/webp",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
_COMPRESSED: Final = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "compress": "application/x-compress",
    "br": "application/octet-stream",
}
# Python's own table, without what this machine's files or registry add: the same answer everywhere.
_types: Final = MimeTypes()
for _ending, _type in _OWN_TYPES.items():
    _types.add_type(_type, _ending)


def content_type_of(name: str) -> str:
    """The content type that a file's name tells; the content is never looked at."""
    found, encoding = _types.guess_type(name.rpartition("/")[2])
    if encoding is not None:
        return _COMPRESSED.get(encoding, "application/octet-stream")
    return found or "application/octet-stream"


def files_of(store: Store, run_id: str) -> Select[Any]:
    """The rows of a run's files."""
    return (
        select(artifacts, runs.c.run_id)
        .join(runs, runs.c.key == artifacts.c.run_key)
        .where(runs.c.workspace_key == store.workspace_key, runs.c.run_id == fit_name(run_id))
    )


def record_of(row: Any) -> ArtifactRecord:
    """The file that a row of ``files_of`` tells."""
    return ArtifactRecord(
        run_id=row["run_id"],
        name=row["name"],
        digest=row["digest"],
        size=row["size"],
        content_type=row["content_type"],
        created_ns=row["created_ns"],
        captured=row["captured"],
    )
