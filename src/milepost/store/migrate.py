"""Bring a database to this version's schema: a new one is built, an old one is migrated."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event, text

from milepost.store.engine import Locked, describe, is_sqlite, open_engine, read, sqlite_path, translated, write
from milepost.store.errors import NotFound, StoreDamaged

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

REVISIONS: Final = ("0001", "0002", "0003", "0004")
"""The versions of the schema that this Milepost knows, oldest first; a test holds them against ``migrations/``."""
HEAD: Final = REVISIONS[-1]

_LOCK_KEY: Final = 0x4D696C65706F7374  # "Milepost": PostgreSQL's advisory locks have numbers
_WAL_WAIT_S: Final = 60.0
_upgrading = threading.Lock()
"""Alembic keeps what it works on in a module: of two threads at once, one would write into the other's database."""


def _after_fork() -> None:
    global _upgrading
    _upgrading = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def ensure_schema(engine: Engine, *, create: bool = True) -> None:
    """Make sure that the database has the schema of this version.

    Costs two small reads where it has.  Any number of processes may start at once: one builds, the others wait.
    Raises NotFound where ``create`` is false and there is no database yet, StoreDamaged where the file is no
    database, belongs to another program or was made by a newer Milepost, and StoreUnavailable.
    """
    path = sqlite_path(engine)
    if path is not None:
        if not path.exists():
            if not create:
                raise NotFound(f"there is no store at {path}")
            path.parent.mkdir(parents=True, exist_ok=True)
        _ensure_wal(engine)
    with read(engine) as connection:
        revision = _revision(connection)
    if revision == HEAD:
        return
    if revision is None and not create:
        raise NotFound(f"there is no store in {describe(engine)}")
    _upgrade(engine)


def revision_of(engine: Engine) -> str | None:
    """The version of a database's schema, changing nothing; None where there is no store yet.

    Raises StoreDamaged and StoreUnavailable as ``ensure_schema`` does.
    """
    path = sqlite_path(engine)
    if path is not None and not path.exists():
        return None
    with read(engine) as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    """The database's version; None for an empty database.  Raises StoreDamaged for an unknown one."""
    if not _has_table(connection, "alembic_version"):
        return None
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found is None or found in REVISIONS:
        return str(found) if found else None
    where = describe(connection.engine)
    if not _has_table(connection, "journals"):
        raise StoreDamaged(f"{where} holds the tables of another program; give Milepost a database of its own")
    raise StoreDamaged(
        f"the store {where} was made by a newer Milepost (its schema has version {ascii(str(found))[:40]}, this one "
        f"knows up to {HEAD}); upgrade with pip install -U milepost"
    )


def _has_table(connection: Connection, name: str) -> bool:
    if is_sqlite(connection):
        query = text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name")
    else:
        query = text("SELECT 1 WHERE to_regclass(:name) IS NOT NULL")
    return connection.scalar(query, {"name": name}) is not None


def build(connection: Connection) -> None:
    """Make the tables of this version in an empty database, at once: a test holds them against the migrations'."""
    from milepost.store import account_schema  # noqa: F401  its tables are in the same metadata
    from milepost.store.schema import metadata

    metadata.create_all(connection, checkfirst=False)
    connection.execute(
        text(
            "CREATE TABLE alembic_version "
            "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD})


def migrate(connection: Connection, revision: str = HEAD) -> None:
    """Bring a database of any earlier version, or an empty one, to this one, step by step."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    with _upgrading:
        command.upgrade(config, revision)


def _upgrade(engine: Engine) -> None:
    own = open_engine(engine.url)
    if is_sqlite(own):
        # Rebuilding a table needs this off, and a transaction cannot change it.
        event.listen(own, "connect", lambda connection, _record: connection.execute("PRAGMA foreign_keys=OFF"))
    try:
        with write(own) as connection:
            if not is_sqlite(connection):
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            revision = _revision(connection)
            if revision == HEAD:
                return  # another process was faster
            if revision is None and any(_has_table(connection, name) for name in ("runs", "experiments", "journals")):
                raise StoreDamaged(
                    f"{describe(engine)} holds the tables of another program; give Milepost a database of its own"
                )
            if revision is None:
                build(connection)
            else:
                migrate(connection)
    finally:
        own.dispose()


def _ensure_wal(engine: Engine) -> None:
    """Put SQLite's file into WAL mode, which it keeps.  It needs the file for itself for a moment."""
    until = time.monotonic() + _WAL_WAIT_S
    while True:
        try:
            if _wal(engine):
                return
        except Locked:
            if time.monotonic() > until:
                raise
        time.sleep(0.02)


def _wal(engine: Engine) -> bool:
    with translated(engine), engine.connect() as connection:
        # The driver's own connection: SQLAlchemy would begin a transaction, in which the mode cannot change.
        raw: Any = connection.connection.driver_connection
        if raw.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            return True
        if raw.execute("PRAGMA page_count").fetchone()[0] == 0:
            raw.execute("PRAGMA auto_vacuum=INCREMENTAL")  # so that the space of deleted runs can be given back
        return bool(raw.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal")
