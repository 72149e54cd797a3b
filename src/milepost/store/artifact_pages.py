"""The files of a run page by page, and folder by folder: a run may have a million."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Integer, Text, cast, func, literal

from milepost.store.artifacts import begins, files_of, record_of
from milepost.store.engine import is_sqlite
from milepost.store.run_orders import by_bytes
from milepost.store.schema import artifacts
from milepost.store.texts import clean

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from milepost.store.records import ArtifactRecord
    from milepost.store.store import Store


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of a run's files; its name ends in "/"."""

    name: str
    files: int
    size: int
    """Bytes of all that is in it and below."""


@dataclass(frozen=True, slots=True)
class ArtifactPage:
    """Some of the files whose names begin with a prefix, in the order of their names' characters."""

    files: list[ArtifactRecord] = field(default_factory=list)
    total: int = 0
    """Files on all pages."""
    folders: list[Folder] = field(default_factory=list)
    """The first so many, where files in folders are not listed one by one."""
    total_size: int = 0
    """Bytes of all files with that prefix, in folders too."""


def artifact_page(
    store: Store, run_id: str, prefix: str, offset: int, limit: int, *, recursive: bool = True
) -> ArtifactPage:
    """A page of a run's files.  ``recursive``: also those in folders behind the prefix; else these folders.

    An unknown run has none.
    """
    if clean(prefix) != prefix:
        return ArtifactPage()
    with store.reading() as connection:
        base = files_of(store, run_id)
        if prefix:
            base = base.where(begins(artifacts.c.name, prefix, sqlite=is_sqlite(connection)))
        counted = base.with_only_columns(func.count(), func.sum(artifacts.c.size))
        total, total_size = connection.execute(counted).one()
        rest = func.substr(artifacts.c.name, len(prefix) + 1)
        slash = _place_of_slash(connection, rest)
        folders = []
        if not recursive:
            named = func.substr(rest, 1, slash)
            grouped = (
                base.with_only_columns(named, func.count(), func.sum(artifacts.c.size))
                .where(slash > 0)
                .group_by(named)
                .order_by(by_bytes(named, is_sqlite(connection)))
                .limit(limit)
            )
            folders = [Folder(prefix + name, count, int(size)) for name, count, size in connection.execute(grouped)]
            base = base.where(slash == 0)
            total = connection.scalar(base.with_only_columns(func.count()))
        ordered = base.order_by(by_bytes(artifacts.c.name, is_sqlite(connection))).offset(offset).limit(limit)
        files = [record_of(row) for row in connection.execute(ordered).mappings()]
    return ArtifactPage(files, int(total or 0), folders, int(total_size or 0))


def _place_of_slash(connection: Connection, text: ColumnElement[str]) -> ColumnElement[int]:
    """Counted from 1; 0 where there is none."""
    place = func.instr if is_sqlite(connection) else func.strpos
    return cast(place(text, literal("/", Text)), Integer)
