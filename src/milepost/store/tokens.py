"""Personal access tokens: what is handed out once is kept only as a digest."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, or_, select, update

from milepost.store.account_schema import accounts, tokens
from milepost.store.accounts import Account, account_of, check_role, row_of, take_back_codes, workspace_key_of
from milepost.store.engine import read, write
from milepost.store.errors import BadInput, Conflict, NotFound, StoreError
from milepost.store.schema import workspaces
from milepost.store.texts import clean

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

PREFIX: Final = "mp"
_TOKEN: Final = re.compile(f"{PREFIX}_([0-9a-f]{{16}})_([A-Za-z0-9_-]{{43}})")
USED_EVERY_NS: Final = 60 * 10**9
"""So exactly is kept when a token or a session was last used."""
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Token:
    """A personal access token, without its secret."""

    id: str
    account_id: str
    name: str
    workspace: str | None
    """The only workspace that it is for; None: all of its account's."""
    workspace_id: str | None
    role: str | None
    """The most that it may do; None: what its account may."""
    created_ns: int
    expires_ns: int | None
    used_ns: int | None
    revoked_ns: int | None


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who a token or a session stands for, and what narrows it."""

    account: Account
    token: Token | None
    """None for a session."""


def digest_of(secret: str) -> str:
    """SHA-256 in hex.  For secrets of 256 random bits; passwords want a slow one."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


# Tokens.


def create_token(
    engine: Engine,
    account_id: str,
    name: str,
    *,
    workspace: str | None = None,
    role: str | None = None,
    expires_ns: int | None = None,
    most: int = 0,
) -> tuple[Token, str]:
    """Make a token for an account; also gives the token itself, which cannot be had again.

    Raises NotFound for an unknown account or workspace, BadInput, and Conflict where the account has ``most`` that are
    good already (0: as many as it likes).
    """
    if not name or len(name) > _LONGEST_NAME:
        raise BadInput(f"a token needs a name of 1 to {_LONGEST_NAME} characters, to know it by later")
    check_role(role)
    name = clean(name)
    now = time.time_ns()
    if expires_ns is not None and expires_ns <= now:
        raise BadInput("a token cannot have expired before it is made")
    token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    with write(engine) as connection:
        account_key = _with_room(connection, account_id, most)
        workspace_key = None if workspace is None else workspace_key_of(connection, workspace)
        of_workspace = connection.execute(
            select(workspaces.c.id, workspaces.c.name).where(workspaces.c.key == workspace_key)
        ).first()
        row = {
            "id": token_id,
            "account_key": account_key,
            "name": name,
            "digest": digest_of(secret),
            "workspace_key": workspace_key,
            "role": role,
            "created_ns": now,
            "expires_ns": expires_ns,
        }
        connection.execute(tokens.insert().values(row))
    workspace_name, workspace_id = (of_workspace.name, of_workspace.id) if of_workspace else (None, None)
    made = Token(token_id, account_id, name, workspace_name, workspace_id, role, now, expires_ns, None, None)
    return made, f"{PREFIX}_{token_id}_{secret}"


def check_room(engine: Engine, account_id: str, most: int) -> None:
    """Raises Conflict where an account has ``most`` tokens that are good already, NotFound for an unknown account."""
    with write(engine) as connection:
        _with_room(connection, account_id, most)


def _with_room(connection: Connection, account_id: str, most: int) -> int:
    """The key of an account that may have one more token."""
    # Locked, so that two that are made at the same time see each other.
    query = select(accounts.c.key, accounts.c.name).where(accounts.c.id == account_id).with_for_update()
    account = connection.execute(query).first()
    if account is None:
        raise NotFound("there is no such account on this server")
    if most:
        lasts = or_(tokens.c.expires_ns.is_(None), tokens.c.expires_ns > time.time_ns())
        good = (tokens.c.account_key == account.key, tokens.c.revoked_ns.is_(None), lasts)
        count = connection.scalar(select(func.count()).select_from(tokens).where(*good)) or 0
        if count >= most:
            raise Conflict(
                f"{account.name!r} has {count} tokens that are good, and this server lets an account have {most}: "
                "revoke one that is used no more"
            )
    return int(account.key)


def bearer_of_token(engine: Engine, given: str) -> Bearer | None:
    """Who a token stands for; None for one that is wrong, revoked, expired, or of a disabled account.

    A wrong secret takes as long as a right one, and tells nothing of whether there is such a token.
    """
    parts = _TOKEN.fullmatch(given)
    if parts is None:
        return None
    token_id, secret = parts[1], parts[2]
    now = time.time_ns()
    with read(engine) as connection:
        row = (
            connection.execute(
                select(accounts, *_TOKEN_COLUMNS)
                .join(tokens, tokens.c.account_key == accounts.c.key)
                .outerjoin(workspaces, workspaces.c.key == tokens.c.workspace_key)
                .where(tokens.c.id == token_id)
            )
            .mappings()
            .first()
        )
    kept = row["token_digest"] if row is not None else digest_of("")
    is_right = hmac.compare_digest(kept, digest_of(secret))
    if row is None or not is_right or row["disabled_ns"] is not None or row["token_revoked_ns"] is not None:
        return None
    if row["token_expires_ns"] is not None and row["token_expires_ns"] <= now:
        return None
    if row["token_used_ns"] is None or now - row["token_used_ns"] > USED_EVERY_NS:
        with suppress(StoreError), write(engine) as connection:  # whoever only reads needs no store that can be written
            connection.execute(update(tokens).where(tokens.c.id == token_id).values(used_ns=now))
    return Bearer(account_of(row), _token(row))


def list_tokens(engine: Engine, account_id: str) -> list[Token]:
    """The tokens of an account, newest first, those that are revoked or expired among them."""
    with read(engine) as connection:
        rows = connection.execute(
            select(accounts, *_TOKEN_COLUMNS)
            .join(tokens, tokens.c.account_key == accounts.c.key)
            .outerjoin(workspaces, workspaces.c.key == tokens.c.workspace_key)
            .where(accounts.c.id == account_id)
            .order_by(tokens.c.created_ns.desc())
        ).mappings()
        return [_token(row) for row in rows]


def revoke_token(engine: Engine, account_id: str, id: str) -> None:
    """Revoke a token of an account; nothing changes where it is revoked already.  Raises NotFound."""
    with write(engine) as connection:
        account_key = row_of(connection, accounts.c.id == account_id)["key"]
        here = (tokens.c.id == id, tokens.c.account_key == account_key)
        if connection.execute(select(tokens.c.key).where(*here)).first() is None:
            raise NotFound(f"this account has no token {id[:50]!r}")
        connection.execute(update(tokens).where(*here, tokens.c.revoked_ns.is_(None)).values(revoked_ns=time.time_ns()))


def revoke_tokens(engine: Engine, account_id: str) -> int:
    """Revoke all tokens of an account that are not revoked already; gives how many.

    Programs that were let in and have not fetched their token get none.  Raises NotFound.
    """
    with write(engine) as connection:
        account_key = row_of(connection, accounts.c.id == account_id)["key"]
        take_back_codes(connection, account_key)
        good = (tokens.c.account_key == account_key, tokens.c.revoked_ns.is_(None))
        return connection.execute(update(tokens).where(*good).values(revoked_ns=time.time_ns())).rowcount


def forget_ended_tokens(engine: Engine, before_ns: int) -> int:
    """Delete what is kept of tokens that were revoked or have expired before that moment; gives how many."""
    with write(engine) as connection:
        ended = or_(tokens.c.revoked_ns < before_ns, tokens.c.expires_ns < before_ns)
        return connection.execute(delete(tokens).where(ended)).rowcount


_TOKEN_COLUMNS: Final = (
    *(tokens.c[name].label(f"token_{name}") for name in ("id", "name", "digest", "role", "created_ns", "expires_ns")),
    *(tokens.c[name].label(f"token_{name}") for name in ("used_ns", "revoked_ns")),
    workspaces.c.name.label("token_workspace"),
    workspaces.c.id.label("token_workspace_id"),
)


def _token(row: object) -> Token:
    found = dict(row)  # type: ignore[call-overload]
    return Token(
        id=found["token_id"],
        account_id=found["id"],
        name=found["token_name"],
        workspace=found["token_workspace"],
        workspace_id=found["token_workspace_id"],
        role=found["token_role"],
        created_ns=found["token_created_ns"],
        expires_ns=found["token_expires_ns"],
        used_ns=found["token_used_ns"],
        revoked_ns=found["token_revoked_ns"],
    )
