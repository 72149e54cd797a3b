"""Browsers that are signed in."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from milepost.store.account_schema import accounts, sessions
from milepost.store.accounts import account_of, row_of, take_back_codes
from milepost.store.engine import read, write
from milepost.store.errors import StoreError
from milepost.store.tokens import USED_EVERY_NS, Bearer, digest_of

if TYPE_CHECKING:
    from sqlalchemy import Engine


def create_session(engine: Engine, account_id: str, *, lasts_s: float, agent: str, address: str) -> str:
    """Sign a browser in; gives what its cookie is to hold.  Raises NotFound."""
    secret = secrets.token_urlsafe(32)
    now = time.time_ns()
    with write(engine) as connection:
        connection.execute(delete(sessions).where(sessions.c.expires_ns < now))
        connection.execute(
            sessions.insert().values(
                digest=digest_of(secret),
                account_key=row_of(connection, accounts.c.id == account_id)["key"],
                created_ns=now,
                expires_ns=now + int(lasts_s * 1e9),
                seen_ns=now,
                agent=agent[:300],
                address=address[:100],
            )
        )
    return secret


def bearer_of_session(engine: Engine, secret: str) -> Bearer | None:
    """Who a session's cookie stands for; None for one that is unknown, over, or of a disabled account."""
    now = time.time_ns()
    digest = digest_of(secret)
    with read(engine) as connection:
        row = (
            connection.execute(
                select(accounts, sessions.c.seen_ns)
                .join(sessions, sessions.c.account_key == accounts.c.key)
                .where(sessions.c.digest == digest, sessions.c.expires_ns > now, accounts.c.disabled_ns.is_(None))
            )
            .mappings()
            .first()
        )
    if row is None:
        return None
    if now - row["seen_ns"] > USED_EVERY_NS:
        with suppress(StoreError), write(engine) as connection:
            connection.execute(update(sessions).where(sessions.c.digest == digest).values(seen_ns=now))
    return Bearer(account_of(row), None)


def end_session(engine: Engine, secret: str) -> None:
    """Sign a browser out."""
    with write(engine) as connection:
        connection.execute(delete(sessions).where(sessions.c.digest == digest_of(secret)))


def end_sessions(engine: Engine, account_id: str) -> None:
    """Sign all browsers of an account out.  Programs that they have let in get no token any more.  Raises NotFound."""
    with write(engine) as connection:
        key = row_of(connection, accounts.c.id == account_id)["key"]
        connection.execute(delete(sessions).where(sessions.c.account_key == key))
        take_back_codes(connection, key)
