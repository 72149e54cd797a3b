"""Accounts of a team's server, and their roles in its workspaces.

Who may do what is decided in ``milepost.server``; here is only kept what was given.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

from sqlalchemy import delete, func, select, update

from milepost.store.account_schema import accounts, device_codes, members, sessions, tokens
from milepost.store.engine import insert, read, retried, write
from milepost.store.errors import BadInput, Conflict, NotFound
from milepost.store.schema import workspaces
from milepost.store.texts import clean

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, RowMapping

USER: Final = "user"
SERVICE: Final = "service"
Kind = Literal["user", "service"]
ROLES: Final = ("reader", "contributor", "owner")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")


@dataclass(frozen=True, slots=True)
class Account:
    """A person, or a program with an account of its own."""

    id: str
    kind: str
    """user | service."""
    name: str
    email: str | None
    is_admin: bool
    """May manage accounts and workspaces, and is an owner of every workspace."""
    has_password: bool
    issuer: str | None
    """Of OpenID Connect, where the account signs in there."""
    created_ns: int
    disabled_ns: int | None


@dataclass(frozen=True, slots=True)
class Membership:
    """The role of an account in a workspace."""

    account: Account
    workspace: str
    role: str
    since_ns: int


def create_account(
    engine: Engine,
    name: str,
    *,
    kind: Kind = "user",
    email: str | None = None,
    password: str | None = None,
    issuer: str | None = None,
    subject: str | None = None,
    is_admin: bool = False,
) -> Account:
    """Make an account.  ``password``: its hash.  Raises BadInput for a bad name, Conflict for one in use."""
    checked = _check_name(name)
    row = {
        "id": str(uuid4()),
        "kind": kind,
        "name": checked,
        "folded": checked.lower(),
        "email": None if email is None else clean(email),
        "password": password,
        "issuer": issuer,
        "subject": None if subject is None else clean(subject),
        "is_admin": is_admin,
        "created_ns": time.time_ns(),
    }

    def work() -> Account:
        with write(engine) as connection:
            statement = insert(connection, accounts).values(row).on_conflict_do_nothing()
            if connection.execute(statement.returning(accounts.c.key)).first() is None:
                raise Conflict(f"there is an account {checked!r} already; choose another name")
            return account_of(row_of(connection, accounts.c.id == row["id"]))

    return retried(work)


def has_accounts(engine: Engine) -> bool:
    """Whether there is any account."""
    with read(engine) as connection:
        return connection.execute(select(accounts.c.key).limit(1)).first() is not None


def get_account(engine: Engine, id: str) -> Account:
    """The account of this id.  Raises NotFound."""
    with read(engine) as connection:
        return account_of(row_of(connection, accounts.c.id == id))


def find_account(engine: Engine, name: str) -> Account:
    """The account of this name, in any case of letters.  Raises NotFound."""
    with read(engine) as connection:
        return account_of(row_of(connection, accounts.c.folded == _folded(name)))


def find_by_subject(engine: Engine, issuer: str, subject: str) -> Account | None:
    """The account that signs in at ``issuer`` as ``subject``."""
    with read(engine) as connection:
        query = select(accounts).where(accounts.c.issuer == issuer, accounts.c.subject == clean(subject))
        row = connection.execute(query).mappings().first()
    return None if row is None else account_of(row)


def password_of(engine: Engine, name: str) -> tuple[Account, str] | None:
    """The account of this name, and the hash of its password; None where there is none of both."""
    with read(engine) as connection:
        row = connection.execute(select(accounts).where(accounts.c.folded == _folded(name))).mappings().first()
    return None if row is None or row["password"] is None else (account_of(row), row["password"])


def list_accounts(engine: Engine) -> list[Account]:
    """All accounts, by name."""
    with read(engine) as connection:
        return [account_of(row) for row in connection.execute(select(accounts).order_by(accounts.c.folded)).mappings()]


def change_account(
    engine: Engine,
    id: str,
    *,
    email: str | None = None,
    password: str | None = None,
    is_admin: bool | None = None,
    disabled: bool | None = None,
) -> Account:
    """Change what is given.  ``password``: the hash of another one.

    Another password, and being disabled, end all sessions; being disabled stops tokens as long as it lasts.  Raises
    NotFound, and Conflict where nobody would be left who may manage the server.
    """
    values: dict[str, Any] = {}
    if email is not None:
        values["email"] = clean(email)
    if password is not None:
        values["password"] = password
    if is_admin is not None:
        values["is_admin"] = is_admin
    if disabled is not None:
        values["disabled_ns"] = time.time_ns() if disabled else None

    def work() -> Account:
        with write(engine) as connection:
            row = row_of(connection, accounts.c.id == id)
            if is_admin is False or disabled:
                _keep_an_admin(connection, row)
            if values:
                connection.execute(update(accounts).where(accounts.c.key == row["key"]).values(values))
            if password is not None or disabled:
                connection.execute(delete(sessions).where(sessions.c.account_key == row["key"]))
                take_back_codes(connection, row["key"])
            return account_of(row_of(connection, accounts.c.id == id))

    return retried(work)


def change_password_hash(engine: Engine, id: str, before: str, after: str) -> None:
    """Keep the same password in another way, if it is still the one of ``before``."""
    with write(engine) as connection:
        here = (accounts.c.id == id, accounts.c.password == before)
        connection.execute(update(accounts).where(*here).values(password=after))


def delete_account(engine: Engine, id: str) -> None:
    """Delete an account with its roles, tokens and sessions.  Raises NotFound, and Conflict for the last one who may
    manage the server."""

    def work() -> None:
        with write(engine) as connection:
            row = row_of(connection, accounts.c.id == id)
            _keep_an_admin(connection, row)
            # SQLite's foreign keys are on, but a team's database may have been made by another tool.
            for table in (tokens, sessions, members):
                connection.execute(delete(table).where(table.c.account_key == row["key"]))
            connection.execute(delete(accounts).where(accounts.c.key == row["key"]))

    retried(work)


def _keep_an_admin(connection: Connection, row: RowMapping) -> None:
    if not row["is_admin"] or row["disabled_ns"] is not None:
        return
    # Locked, so that two who are taken their rights at the same time see each other.
    query = select(accounts.c.key).where(accounts.c.is_admin, accounts.c.disabled_ns.is_(None)).with_for_update()
    if len(connection.execute(query).all()) <= 1:
        raise Conflict(f"{row['name']!r} is the last one who may manage this server: let another account do so first")


# Roles.


def check_role(role: str | None) -> None:
    """Raises BadInput for what is no role; None is none."""
    if role is not None and role not in ROLES:
        raise BadInput(f"{role[:50]!r} is no role; give one of {', '.join(ROLES)}")


def set_role(engine: Engine, workspace: str, account_id: str, role: str | None) -> None:
    """Give an account a role in a workspace, or take it away (None).  Raises NotFound, BadInput for another role."""
    check_role(role)

    def work() -> None:
        with write(engine) as connection:
            workspace_key = workspace_key_of(connection, workspace)
            account_key = row_of(connection, accounts.c.id == account_id)["key"]
            here = (members.c.workspace_key == workspace_key, members.c.account_key == account_key)
            if role is None:
                connection.execute(delete(members).where(*here))
                return
            row = {
                "workspace_key": workspace_key,
                "account_key": account_key,
                "role": role,
                "since_ns": time.time_ns(),
            }
            statement = insert(connection, members).values(row)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["workspace_key", "account_key"], set_={"role": role, "since_ns": row["since_ns"]}
                )
            )

    retried(work)


def roles_of(engine: Engine, account_id: str) -> dict[str, str]:
    """The ids of the workspaces in which an account has a role -> that role.

    By id: a workspace that is made anew under an old name is another one.
    """
    with read(engine) as connection:
        rows = connection.execute(
            select(workspaces.c.id, members.c.role)
            .join(members, members.c.workspace_key == workspaces.c.key)
            .join(accounts, accounts.c.key == members.c.account_key)
            .where(accounts.c.id == account_id)
        )
        return {row.id: row.role for row in rows}


def members_of(engine: Engine, workspace: str) -> list[Membership]:
    """Who has a role in a workspace, by name.  Raises NotFound."""
    with read(engine) as connection:
        key = workspace_key_of(connection, workspace)
        rows = connection.execute(
            select(accounts, members.c.role, members.c.since_ns)
            .join(members, members.c.account_key == accounts.c.key)
            .where(members.c.workspace_key == key)
            .order_by(accounts.c.folded)
        ).mappings()
        return [Membership(account_of(row), workspace, row["role"], row["since_ns"]) for row in rows]


def workspace_key_of(connection: Connection, name: str) -> int:
    """The key of a workspace, by its name in any case of letters.  Raises NotFound."""
    key = connection.scalar(select(workspaces.c.key).where(func.lower(workspaces.c.name) == _folded(name)))
    if key is None:
        raise NotFound(f"there is no workspace {name[:300]!r} on this server")
    return int(key)


def row_of(connection: Connection, condition: Any) -> RowMapping:
    """The row of the account that the condition is true of.  Raises NotFound."""
    row = connection.execute(select(accounts).where(condition)).mappings().first()
    if row is None:
        raise NotFound("there is no such account on this server")
    return row


def account_of(row: RowMapping) -> Account:
    """The account in a row of its table, or of a join with it."""
    return Account(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        email=row["email"],
        is_admin=row["is_admin"],
        has_password=row["password"] is not None,
        issuer=row["issuer"],
        created_ns=row["created_ns"],
        disabled_ns=row["disabled_ns"],
    )


def _folded(name: str) -> str:
    return clean(name).lower()


def _check_name(name: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadInput(
            f"{ascii(name)[:150]} cannot name an account: use 1 to 128 letters (a-z, A-Z), digits, '.', '_', '@', '+' "
            "and '-', with a letter or digit first"
        )
    return name


def take_back_codes(connection: Connection, account_key: int) -> None:
    """Programs that this account has let in, and that have not fetched their token yet, are refused."""
    let_in = device_codes.c.account_key == account_key
    connection.execute(update(device_codes).where(let_in).values(account_key=None, refused=True))
