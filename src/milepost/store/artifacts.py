"""Queries over the files of runs."""

from __future__ import annotations

from difflib import get_close_matches
from mimetypes import MimeTypes
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from milepost.store.errors import NotFound
from milepost.store.names import check_name
from milepost.store.records import ArtifactRecord
from milepost.store.schema import artifacts, runs
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from sqlalchemy import Select

    from milepost.store.store import Store

_COMPARED: Final = 1000
"""Names that are compared letter by letter with one that is not there; more would take seconds."""


def list_artifacts(store: Store, run_id: str, prefix: str = "") -> list[ArtifactRecord]:
    """The run's files whose names begin with ``prefix``, in the order of their names' characters.

    An unknown run has none: a script may well ask for the files of a run that somebody has deleted meanwhile.
    """
    if clean(prefix) != prefix:
        return []  # no name has such characters, and databases refuse them
    query = _base(store, run_id)
    if prefix:
        # Not LIKE: SQLite's takes no notice of case.
        query = query.where(func.substr(artifacts.c.name, 1, len(prefix)) == prefix)
    with store.reading() as connection:
        found = [_record(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda each: each.name)


def get_artifact(store: Store, run_id: str, name: str) -> ArtifactRecord:
    """One file of a run; ``./outputs/x`` is ``outputs/x``.  Raises BadInput for what can be no name, and NotFound,
    which tells of names that are like it.
    """
    wanted = check_name(name)
    with store.reading() as connection:
        row = connection.execute(_base(store, run_id).where(artifacts.c.name == wanted)).mappings().first()
    if row is not None:
        return _record(row)
    names = [each.name for each in list_artifacts(store, run_id)]
    if not names:
        raise NotFound(f"run {run_id!r} has no file {wanted!r}; it has no files, or there is no such run")
    near = _near(wanted, names)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"it has {len(names):,} others"
    raise NotFound(f"run {run_id!r} has no file {wanted!r}; {hint}")


def _near(wanted: str, names: list[str]) -> list[str]:
    """Up to three names that may have been meant: in another case, in another folder, or spelt nearly so."""
    last = wanted.rpartition("/")[2]
    found = [name for name in names if name.casefold() == wanted.casefold()]
    found += [name for name in names if name.rpartition("/")[2] == last]
    found += get_close_matches(wanted, names[:_COMPARED], n=3)
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


def _base(store: Store, run_id: str) -> Select[Any]:
    return (
        select(artifacts, runs.c.run_id)
        .join(runs, runs.c.key == artifacts.c.run_key)
        .where(runs.c.workspace_key == store.workspace_key, runs.c.run_id == fit_name(run_id))
    )


def _record(row: Any) -> ArtifactRecord:
    return ArtifactRecord(
        run_id=row["run_id"],
        name=row["name"],
        digest=row["digest"],
        size=row["size"],
        content_type=row["content_type"],
        created_ns=row["created_ns"],
        captured=row["captured"],
    )
