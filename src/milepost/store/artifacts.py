"""Queries over the files of runs."""

from __future__ import annotations

import mimetypes
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from milepost.store.errors import NotFound
from milepost.store.names import check_name
from milepost.store.records import ArtifactRecord
from milepost.store.schema import artifacts, runs
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from sqlalchemy import Select

    from milepost.store.store import Store


def list_artifacts(store: Store, run_id: str, prefix: str = "") -> list[ArtifactRecord]:
    """The run's files whose names begin with ``prefix``, by name; none for an unknown run."""
    query = _base(store, run_id)
    if prefix:
        query = query.where(artifacts.c.name.startswith(prefix, autoescape=True))
    with store.reading() as connection:
        found = [_record(row) for row in connection.execute(query.order_by(artifacts.c.name)).mappings()]
    # SQLite's LIKE takes no notice of case.
    return [each for each in found if each.name.startswith(prefix)]


def get_artifact(store: Store, run_id: str, name: str) -> ArtifactRecord:
    """One file of a run.  Raises BadInput for a bad name; NotFound names those that are like it."""
    wanted = check_name(name)
    with store.reading() as connection:
        row = connection.execute(_base(store, run_id).where(artifacts.c.name == wanted)).mappings().first()
    if row is not None:
        return _record(row)
    names = [each.name for each in list_artifacts(store, run_id)]
    if not names:
        raise NotFound(f"run {run_id} has no file {wanted!r}; it has no files, or there is no such run")
    near = get_close_matches(wanted, names, n=3) or [each for each in names if each.endswith(f"/{wanted}")][:3]
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else f"; it has {len(names)} files"
    raise NotFound(f"run {run_id} has no file {wanted!r}{hint}")


def content_type_of(name: str) -> str:
    """The content type that a file's name tells; the content is never looked at."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


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
    )
