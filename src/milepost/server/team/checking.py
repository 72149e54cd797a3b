"""Whether a server could run: what ``milepost server check`` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from milepost.store.accounts import has_accounts
from milepost.store.blobs import open_blobs
from milepost.store.engine import describe, is_sqlite, read
from milepost.store.errors import StoreError, StoreUnavailable
from milepost.store.migrate import HEAD, revision_of

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True)
class Check:
    """One thing that a server needs."""

    name: str
    is_well: bool
    message: str


def check_database(engine: Engine) -> list[Check]:
    """Whether the database answers, has this version's schema, and knows an account.  Nothing is written."""
    try:
        found = revision_of(engine)
    except StoreError as error:
        return [Check("database", False, for_operator(error))]
    checks = [Check("database", True, _version(engine) if found else f"{describe(engine)} is empty")]
    if found != HEAD:
        message = f"it is {found or 'none'}, and this version needs {HEAD}: milepost server migrate"
        return [*checks, Check("schema", False, message)]
    checks.append(Check("schema", True, HEAD))
    if has_accounts(engine):
        return [*checks, Check("accounts", True, "there are some")]
    message = "there are none, so nobody can sign in: milepost server admin create NAME"
    return [*checks, Check("accounts", False, message)]


def for_operator(error: StoreError) -> str:
    """What went wrong, for whoever runs the server: scripts are told that what they log is kept meanwhile."""
    return (error.for_operator if isinstance(error, StoreUnavailable) else "") or str(error)


def check_artifacts(address: str) -> Check:
    """Whether a file can be stored there, read back and deleted."""
    blobs = open_blobs(f"{address.rstrip('/')}/check")
    content = f"milepost server check {uuid4()}\n".encode()
    try:
        blob = blobs.put_bytes(content)
        try:
            with blobs.open(blob.digest) as stored:
                came = stored.read()
        finally:
            blobs.delete(blob.digest)
    except (StoreError, OSError) as error:
        return Check("artifacts", False, str(error))
    if came != content:
        return Check("artifacts", False, f"{blobs.address} gave back something else than what was stored there")
    return Check("artifacts", True, f"{address}: stored, read back and deleted")


def _version(engine: Engine) -> str:
    with read(engine) as connection:
        query = "SELECT sqlite_version()" if is_sqlite(engine) else "SHOW server_version"
        version = connection.exec_driver_sql(query).scalar()
    return f"{describe(engine)} ({'SQLite' if is_sqlite(engine) else 'PostgreSQL'} {version})"
