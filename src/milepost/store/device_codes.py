"""Sign-ins of programs that a person confirms in a browser (RFC 8628)."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import delete, select, update

from milepost.store.account_schema import accounts, device_codes
from milepost.store.accounts import Account, account_of, row_of
from milepost.store.engine import read, write
from milepost.store.errors import NotFound
from milepost.store.texts import clean
from milepost.store.tokens import digest_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine

_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words; as RFC 8628 proposes
_LENGTH: Final = 8

State = Literal["waiting", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A program that waits to be let in."""

    client: str
    """What it calls itself."""
    created_ns: int
    expires_ns: int


def create_device_code(engine: Engine, client: str, *, lasts_s: float) -> tuple[str, str]:
    """Begin a sign-in; gives what the program holds, and the code that a person is to confirm."""
    secret = secrets.token_urlsafe(32)
    user_code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    now = time.time_ns()
    with write(engine) as connection:
        connection.execute(delete(device_codes).where(device_codes.c.expires_ns < now))
        connection.execute(
            device_codes.insert().values(
                digest=digest_of(secret),
                user_code=user_code,
                client=clean(client)[:200],
                created_ns=now,
                expires_ns=now + int(lasts_s * 1e9),
                refused=False,
            )
        )
    return secret, f"{user_code[:4]}-{user_code[4:]}"


def find_device_code(engine: Engine, user_code: str) -> DeviceCode:
    """The program that shows this code and waits for an answer.  Raises NotFound."""
    with read(engine) as connection:
        row = connection.execute(select(device_codes).where(*_waiting(user_code))).mappings().first()
    if row is None:
        raise NotFound(_NONE)
    return DeviceCode(row["client"], row["created_ns"], row["expires_ns"])


def answer_device_code(engine: Engine, user_code: str, account_id: str, *, approve: bool) -> DeviceCode:
    """Let the program in as this account, or not.  Raises NotFound, also where it has an answer already."""
    with write(engine) as connection:
        row = connection.execute(select(device_codes).where(*_waiting(user_code)).with_for_update()).mappings().first()
        if row is None:
            raise NotFound(_NONE)
        key = row_of(connection, accounts.c.id == account_id)["key"]
        connection.execute(
            update(device_codes)
            .where(device_codes.c.digest == row["digest"])
            .values(account_key=key if approve else None, refused=not approve)
        )
    return DeviceCode(row["client"], row["created_ns"], row["expires_ns"])


def redeem_device_code(engine: Engine, secret: str) -> tuple[Account, str] | State:
    """Who has let the program in, once, and what it calls itself; or why it is not let in (yet)."""
    digest = digest_of(secret)
    with write(engine) as connection:
        row = (
            connection.execute(
                select(device_codes)
                .where(device_codes.c.digest == digest, device_codes.c.expires_ns > time.time_ns())
                .with_for_update()
            )
            .mappings()
            .first()
        )
        if row is None:
            return "unknown"
        if row["account_key"] is None and not row["refused"]:
            return "waiting"
        connection.execute(delete(device_codes).where(device_codes.c.digest == digest))
        if row["refused"]:
            return "refused"
        account = account_of(row_of(connection, accounts.c.key == row["account_key"]))
        return (account, row["client"]) if account.disabled_ns is None else "refused"


def _waiting(user_code: str) -> tuple[ColumnElement[bool], ...]:
    folded = "".join(each for each in user_code.upper() if each in _LETTERS)
    return (
        device_codes.c.user_code == folded,
        device_codes.c.expires_ns > time.time_ns(),
        device_codes.c.account_key.is_(None),
        device_codes.c.refused.is_(False),
    )


_NONE: Final = "no program waits with this code: it was mistyped, has expired, or was answered already"
