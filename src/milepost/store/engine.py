"""Open the database, and read or write in it.

SQLite runs in WAL mode with ``synchronous=FULL``: a commit that has returned survives a power cut, and a journal
may free its bytes after it.  Write transactions take the write lock at their start, so that none of them fails
half-way because another process wrote in between.
"""

from __future__ import annotations

import ctypes
import os
import time
import weakref
from contextlib import contextmanager
from itertools import islice
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import URL, create_engine, event, exc, make_url
from sqlalchemy.dialects import postgresql, sqlite

from milepost.store.errors import BadInput, StoreDamaged, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection, Engine, Table

BUSY_TIMEOUT_S: Final = 60.0
"""How long one statement waits for SQLite's lock."""
MAX_PARAMETERS: Final = 10_000
"""Bound values in one statement: SQLite takes 32,766, PostgreSQL 65,535."""

_SQLITE: Final = "sqlite:///"
_BEGIN_TRIES: Final = 3
_RETRIES: Final = 5
_WRITES: Final = "milepost_writes"

_T = TypeVar("_T")


class _Collision(StoreUnavailable):
    """Two transactions stood in each other's way and this one gave in; trying again at once is right."""


class Locked(StoreUnavailable):
    """SQLite's file was locked by another process for all the time that one may wait."""


def open_engine(url: str | URL) -> Engine:
    """An engine for ``sqlite:///path``, or ``postgresql://...`` (through psycopg 3).  Opens no connection yet.

    Raises BadInput for another kind of address, and StoreUnavailable where the driver is not installed.
    """
    try:
        parsed = _parse(url)
    except exc.ArgumentError as error:
        raise BadInput(f"{_short(str(url))} is no database address; give sqlite:///PATH or postgresql://...") from error
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        engine = _open_sqlite(parsed)
    elif parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        engine = _open_postgresql(parsed.set(drivername="postgresql+psycopg"))
    else:
        raise BadInput(
            f"databases of kind {_short(parsed.drivername)} are not supported; give sqlite:///PATH or postgresql://..."
        )
    _engines.add(engine)
    return engine


def _parse(url: str | URL) -> URL:
    # A path may have any character in it, "?" too: there are no options to look for.
    if isinstance(url, str) and url.startswith(_SQLITE):
        return URL.create("sqlite", database=url.removeprefix(_SQLITE))
    return make_url(url)


def _short(text: str) -> str:
    # What stands before an @ may be a password.
    return ascii(text.rpartition("@")[2][:100])


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise BadInput("a store needs a file: give sqlite:///PATH")
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False, "isolation_level": None},
        pool_size=4,
        max_overflow=60,
        pool_timeout=BUSY_TIMEOUT_S,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        # Settings of the connection only: nothing here reads or locks the file.  It is not memory-mapped: where a
        # mapped file loses its end, reading there ends the process.
        # The file is not mapped: one that another program cuts short would end the training with SIGBUS.
        for pragma in ("foreign_keys=ON", "synchronous=FULL", "cache_size=-32768", "temp_store=MEMORY"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute("PRAGMA journal_size_limit=67108864")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _open_postgresql(url: URL) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=24, pool_recycle=1800)
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            "the PostgreSQL driver is not installed; install it with pip install 'milepost[postgres]'"
        ) from error


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads; all its statements see the store as it was at the first of them.

    Raises StoreUnavailable and StoreDamaged for what the database cannot do.
    """
    with translated(engine), engine.connect() as connection:
        if not is_sqlite(engine):
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: committed at the end, rolled back where an exception leaves it.

    Raises StoreUnavailable (nothing was written; try again later) and StoreDamaged.
    """
    with translated(engine), engine.connect() as plain:
        connection = plain.execution_options(**{_WRITES: True})
        with _begin(connection):
            yield connection


def _begin(connection: Connection) -> Any:
    """Begin the transaction.  Only this first step can find SQLite locked, so only this one is tried again."""
    for attempt in range(_BEGIN_TRIES):
        try:
            return connection.begin()
        except exc.OperationalError as error:
            if attempt + 1 == _BEGIN_TRIES or "locked" not in str(error.orig):
                raise
    raise AssertionError("unreachable")


def retried(work: Callable[[], _T]) -> _T:
    """The result of ``work``, which writes in one transaction; begun anew when PostgreSQL made it give way."""
    for attempt in range(_RETRIES):
        try:
            return work()
        except _Collision:
            if attempt + 1 == _RETRIES:
                raise
            time.sleep(0.02 * 2**attempt)
    raise AssertionError("unreachable")


def pieces(items: Iterable[_T], count: int = MAX_PARAMETERS) -> Iterator[list[_T]]:
    """The items, up to ``count`` at a time: what one statement takes, or what one transaction should do."""
    left = iter(items)
    while piece := list(islice(left, count)):
        yield piece


def insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """The database's own INSERT, which knows ON CONFLICT."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)


def is_sqlite(bind: Connection | Engine) -> bool:
    """Whether this is SQLite (else it is PostgreSQL)."""
    return bind.dialect.name == "sqlite"


def sqlite_path(engine: Engine) -> Path | None:
    """The database's file; None where it is a server."""
    return Path(engine.url.database or "") if is_sqlite(engine) else None


def describe(engine: Engine) -> str:
    """The database in words, without its password."""
    path = sqlite_path(engine)
    return str(path) if path is not None else engine.url.render_as_string(hide_password=True)


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turns the drivers' errors into those of ``milepost.store.errors``."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _translate(engine, error) from error
    except exc.TimeoutError as error:
        raise StoreUnavailable(f"all connections to {describe(engine)} are in use; try again later") from error
    except JSONDecodeError as error:
        raise StoreDamaged(
            f"the store's database {describe(engine)} is damaged (a value is no JSON: {error}): restore a backup"
        ) from error


def _translate(engine: Engine, error: exc.DBAPIError) -> StoreError:
    where = describe(engine)
    said = " ".join(str(error.orig).split())[:500]
    if is_sqlite(engine):
        return _sqlite_error(where, said)
    return _postgresql_error(where, said, error)


_KEPT: Final = "what was logged meanwhile stays in the journals and is stored later"

_SQLITE_DAMAGED: Final = (
    "file is not a database",
    "malformed",
    "no such table",
    "no such column",
    "could not decode to utf-8",
    "unsupported file format",
    "schema has changed",
)
_PASSES: Final = ("disk is full", "disk i/o error")
"""What may pass while training goes on."""
_SQLITE_UNAVAILABLE: Final = {
    "disk is full": "the disk is full: free some space",
    "disk i/o error": "the disk could not be read or written: check its space, its quota and its health",
    "unable to open": "it cannot be opened: check that its folder is there and that you may read and write in it",
    "readonly": "you may not write to it: check the rights of the file and of its folder",
    "locking protocol": "its lock cannot be had; is it on a network file system?  Put it on a local disk",
}


def _sqlite_error(where: str, said: str) -> StoreError:
    lowered = said.lower()
    for words in _SQLITE_DAMAGED:
        if words in lowered:
            return StoreDamaged(
                f"the store's database {where} is damaged ({said}): move it away, together with the files {where}-wal "
                "and -shm, and restore a backup or save what is left with the sqlite3 command .recover; "
                "journals that are not stored yet are kept"
            )
    if "locked" in lowered:
        return Locked(
            f"the store's database {where} is not available ({said}): another process kept it locked for too long; try "
            "again later"
        )
    for words, advice in _SQLITE_UNAVAILABLE.items():
        if words in lowered:
            return _unavailable(where, said, f"{advice}; {_KEPT}" if words in _PASSES else advice, advice)
    return StoreError(f"the store's database {where} refused a statement: {said}")


_NO_POSTGRESQL: Final = (
    "check that PostgreSQL runs there and that --database-url (MILEPOST_SERVER_DATABASE_URL) has the right host, port, "
    "user, password and database; createdb makes a database that is not there yet"
)
_POSTGRESQL_ANSWERS: Final = "see PostgreSQL's own log for the reason, and start this again when it is well"


def _postgresql_error(where: str, said: str, error: exc.DBAPIError) -> StoreError:
    code = getattr(error.orig, "sqlstate", None) or ""
    if code in ("40001", "40P01"):
        return _Collision(f"the store's database {where} was busy ({said}); try again")
    if code in ("XX001", "XX002", "42P01", "42703"):
        return StoreDamaged(
            f"the store's database {where} is damaged ({said}): restore a backup; journals that are not stored yet "
            "are kept"
        )
    # 53: no room, memory or connections.  55: locked.  57: stopped.  58: its disk.  25006: a read-only copy.
    unavailable = code[:2] in ("08", "53", "55", "57", "58") or code == "25006"
    if unavailable or error.connection_invalidated or isinstance(error, exc.OperationalError | exc.InterfaceError):
        return _unavailable(where, said, f"try again later; {_KEPT}", _POSTGRESQL_ANSWERS if code else _NO_POSTGRESQL)
    return StoreError(f"the store's database {where} refused a statement: {said}")


def _unavailable(where: str, said: str, advice: str, for_operator: str) -> StoreUnavailable:
    error = StoreUnavailable(f"the store's database {where} is not available ({said}): {advice}")
    error.for_operator = f"the database {where} is not available ({said}): {for_operator}"
    return error


# A forked child must neither use nor close the connections of its parent: closing one would make SQLite tidy up
# files that the parent writes, or end the parent's session with PostgreSQL.  So the child gets new pools, and the
# old ones a reference that nobody gives back.
_engines: Final[weakref.WeakSet[Engine]] = weakref.WeakSet()


def _abandon_connections() -> None:
    for engine in list(_engines):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine.pool))
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_connections)
