"""New workspaces of a team's server, and how many one account may make."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from sqlalchemy import func, select

from milepost.store.account_schema import accounts, members
from milepost.store.engine import insert, is_sqlite, retried, write
from milepost.store.errors import BadInput, Conflict, NotFound
from milepost.store.schema import workspaces
from milepost.store.texts import clean

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_MADE_BY: Final = "made_by"
"""In a workspace's settings: the id of the account that made it."""


def make_workspace(engine: Engine, name: str, *, owner: str | None = None, most: int = 0) -> str:
    """Make a workspace and give its id.  ``owner``: the id of the account that makes it, and owns it from then on.

    Raises Conflict where there is one of that name, in any case of letters, and where this account has made ``most``
    that are still there (0: as many as it likes); BadInput for a bad name; NotFound for an unknown account.
    """
    checked = clean(name)
    if not checked:
        raise BadInput("a workspace needs a name")

    def work() -> str:
        now = time.time_ns()
        with write(engine) as connection:
            account_key = None if owner is None else _maker(connection, owner, most)
            if connection.scalar(select(func.count()).where(func.lower(workspaces.c.name) == checked.lower())):
                raise Conflict(f"there is a workspace {name!r} already")
            row: dict[str, Any] = {"id": str(uuid4()), "name": checked, "created_ns": now}
            row["settings"] = {} if owner is None else {_MADE_BY: owner}
            if is_sqlite(engine):
                # It would give the key of one that was deleted, which another server may not know of yet, once more.
                row["key"] = secrets.randbelow(2**31 - 2**20) + 2**20
            # Another server may have made it in this moment.
            statement = insert(connection, workspaces).values(row).on_conflict_do_nothing()
            made = connection.execute(statement.returning(workspaces.c.key)).first()
            if made is None:
                raise Conflict(f"there is a workspace {name!r} already")
            if account_key is not None:
                role = {"workspace_key": made.key, "account_key": account_key, "role": "owner", "since_ns": now}
                connection.execute(members.insert().values(role))
            return str(row["id"])

    return retried(work)


def _maker(connection: Connection, owner: str, most: int) -> int:
    """The key of the account that makes a workspace, if it may make one more."""
    # Locked, so that two that it makes at the same time see each other.
    query = select(accounts.c.key, accounts.c.name).where(accounts.c.id == owner).with_for_update()
    account = connection.execute(query).first()
    if account is None:
        raise NotFound("there is no such account on this server")
    if most:
        own = workspaces.c.settings[_MADE_BY].as_string() == owner
        count = connection.scalar(select(func.count()).select_from(workspaces).where(own)) or 0
        if count >= most:
            raise Conflict(
                f"{account.name!r} has made {count} workspaces, and this server lets an account make {most}: delete "
                "one that is used no more, or ask an administrator to make this one"
            )
    return int(account.key)
