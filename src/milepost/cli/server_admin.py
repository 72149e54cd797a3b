"""``milepost server admin``: accounts and tokens, in the database of a team's server itself.

For the first administrator, and for who has locked themselves out: whoever can write the database may do this.
"""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from milepost.cli import output
from milepost.cli.options import AsJson, Failed, Misused, seconds
from milepost.cli.server_options import DatabaseUrl, server_database

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from milepost.store.accounts import Account

admin = typer.Typer(help="Accounts and tokens of a team's server, in its database itself.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")]


@admin.command("create")
def create(
    name: Name,
    service: Annotated[bool, typer.Option("--service", help="A program, which has tokens and no password.")] = False,
    plain: Annotated[bool, typer.Option("--no-admin", help="It may not manage the server.")] = False,
    email: Annotated[str | None, typer.Option("--email", help="Its address.")] = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make an account: an administrator, unless told otherwise.

    The password is asked for, or is the first line of standard input where that is no terminal.
    """
    from milepost.server.team.passwords import check_new_password, hash_password
    from milepost.store.accounts import SERVICE, USER, create_account

    with _database(database_url, create=True) as engine:
        password = None if service else hash_password(check_new_password(_password(name), name))
        made = create_account(
            engine,
            name,
            kind=SERVICE if service else USER,
            email=email,
            password=password,
            is_admin=not plain and not service,
        )
        _note(engine, "account.create", made, kind=made.kind, is_admin=made.is_admin)
    _say(made, f"Made {made.name}{', an administrator' if made.is_admin else ''}.", as_json=as_json)


@admin.command("password")
def password(name: Name, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Give an account another password.  All its browsers are signed out."""
    from milepost.server.team.passwords import check_new_password, hash_password
    from milepost.store.accounts import USER, change_account

    with _database(database_url) as engine:
        account = _account(engine, name)
        if account.kind != USER:
            raise Misused(f"{account.name} is a service account: it has tokens, and no password.")
        change_account(engine, account.id, password=hash_password(check_new_password(_password(name), name)))
        _note(engine, "account.change", account, password="changed")  # noqa: S106  says only that it was
    _say(account, f"{account.name} has another password.", as_json=as_json)


@admin.command("list")
def show(database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List the accounts."""
    from milepost.cli import tables
    from milepost.cli.tables import Column
    from milepost.store.accounts import list_accounts

    with _database(database_url) as engine:
        found = list_accounts(engine)
    if as_json:
        output.write_json([_facts(each) for each in found])
        return
    tables.table(
        [Column("name"), Column("kind"), Column("email"), Column("may"), Column("created")],
        [
            [
                each.name,
                each.kind,
                each.email or "",
                "nothing: disabled" if each.disabled_ns else "administrate" if each.is_admin else "",
                output.local(each.created_ns),
            ]
            for each in found
        ],
    )


@admin.command("disable")
def disable(name: Name, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Let an account in nowhere.  It keeps its roles and tokens."""
    account = _set(database_url, name, disabled=True)
    _say(account, f"{account.name} is disabled. Servers that run know it within some seconds.", as_json=as_json)


@admin.command("enable")
def enable(name: Name, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Let a disabled account in again."""
    account = _set(database_url, name, disabled=False)
    _say(account, f"{account.name} is let in again.", as_json=as_json)


@admin.command("revoke")
def revoke(name: Name, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Take all tokens of an account back and sign all its browsers out.  It may sign in again."""
    from milepost.store.sessions import end_sessions
    from milepost.store.tokens import revoke_tokens

    with _database(database_url) as engine:
        account = _account(engine, name)
        count = revoke_tokens(engine, account.id)
        end_sessions(engine, account.id)
        _note(engine, "token.revoke", account, all=True, count=count)
    _say(
        account,
        f"{account.name} has no token that is good (revoked: {count}), and is signed out everywhere. Servers that run "
        "know it within some seconds.",
        as_json=as_json,
        revoked=count,
    )


@admin.command("token")
def token(
    name: Name,
    label: Annotated[str, typer.Option("--name", help="To know the token by later.")] = "made by the administrator",
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", help="The only workspace that it is for.")
    ] = None,
    role: Annotated[
        str | None, typer.Option("--role", help="The most that it may do: reader, contributor, owner.")
    ] = None,
    expires: Annotated[str, typer.Option("--expires", metavar="TIME", help="Such as 30d, 12h, or never.")] = "90d",
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a token of an account and write it, alone, to standard output."""
    from milepost.store.tokens import create_token

    until = None if expires == "never" else time.time_ns() + int(seconds(expires, what="--expires") * 1e9)
    with _database(database_url) as engine:
        account = _account(engine, name)
        made, secret = create_token(engine, account.id, label, workspace=workspace, role=role, expires_ns=until)
        _note(engine, "token.create", account, name=made.name, id=made.id, role=made.role)
    if as_json:
        facts = {"token": secret, "id": made.id, "name": made.name, "account": account.name}
        narrowed = {"workspace": workspace, "role": made.role, "expires": output.utc(made.expires_ns)}
        output.write_json({**facts, **narrowed})
    else:
        sys.stdout.write(secret + "\n")


def _say(account: Account, text: str, *, as_json: bool, **more: object) -> None:
    """What was done to an account: in words, or the account as it is now and ``more``."""
    if as_json:
        output.write_json({**_facts(account), **more})
    else:
        output.say(text)


def _facts(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "id": account.id,
        "kind": account.kind,
        "email": account.email,
        "is_admin": account.is_admin,
        "created": output.utc(account.created_ns),
        "disabled": output.utc(account.disabled_ns),
    }


def _set(database_url: str | None, name: str, *, disabled: bool) -> Account:
    from milepost.store.accounts import change_account

    with _database(database_url) as engine:
        account = _account(engine, name)
        changed = change_account(engine, account.id, disabled=disabled)
        _note(engine, "account.change", account, disabled=disabled)
    return changed


@contextmanager
def _database(url: str | None, *, create: bool = False) -> Iterator[Engine]:
    from milepost.store.migrate import ensure_schema

    with server_database(url) as engine:
        ensure_schema(engine, create=create)
        yield engine


def _account(engine: Engine, name: str) -> Account:
    from milepost.store.accounts import find_account
    from milepost.store.errors import NotFound

    try:
        return find_account(engine, name)
    except NotFound as error:
        raise Failed(f"There is no account {name!r}. See: milepost server admin list") from error


def _note(engine: Engine, action: str, account: Account, **detail: object) -> None:
    from milepost.store import audit
    from milepost.store.audit import Deed

    try:
        who = getpass.getuser()
    except (OSError, KeyError):
        who = "somebody"
    audit.note(engine, Deed(action, account.name, f"{who} (command line)", detail=detail))


def _password(name: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Password of {name}: ")
    if getpass.getpass("Once more: ") != first:
        raise Misused("The two passwords are not the same.")
    return first
