"""``milepost login``, ``logout`` and ``whoami``: who this machine is at a server."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from milepost.cli import output
from milepost.cli.options import AsJson, Failed, Misused, server_address

Server = Annotated[
    str | None,
    typer.Argument(
        metavar="URL", help="The server. Default: MILEPOST_URL, or the one that config.json here or above names."
    ),
]


def login(
    url: Server = None,
    from_input: Annotated[
        bool, typer.Option("--token", help="Read a token from standard input, where it is in no history and no list.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sign in at a server, and keep the token for scripts and commands of this user.

    It prints a link and a code: open the link in any browser, sign in there, and confirm the code.
    """
    from milepost.sdk.access.credentials import TOKEN_VARIABLE, keep_token
    from milepost.sdk.access.signing_in import sign_in, tell, who

    server = _server(url)
    if from_input:
        token = sys.stdin.readline().strip()
        if not token:
            raise Misused("--token reads the token from standard input: milepost login --token < FILE")
        account = str(who(server, token)["account"])
    else:
        done = sign_in(server, tell)
        token, account = done.token, done.account
    path = keep_token(server, token, account)
    if os.environ.get(TOKEN_VARIABLE, "").strip():
        output.tell(f"{TOKEN_VARIABLE} is set, and is used in place of what was kept just now")
    if as_json:
        output.write_json({"server": server, "account": account, "file": str(path)})
    else:
        output.say(f"Signed in at {server} as {account}. The token is kept in {path}, which only you can read.")


def logout(url: Server = None, as_json: AsJson = False) -> None:
    """Have the server take the token of this machine back, and forget it."""
    from milepost.sdk.access.credentials import forget_token, kept_token
    from milepost.sdk.access.signing_in import revoke
    from milepost.sdk.exceptions import AuthenticationException

    server = _server(url)
    token = kept_token(server)
    if token is None:
        raise Failed(f"No token for {server} is kept on this machine.")
    is_revoked = True
    try:
        revoke(server, token)
    except AuthenticationException as error:
        is_revoked = False
        output.tell(f"the token is forgotten here, but was not revoked: {error.message}")
    forget_token(server)
    if as_json:
        output.write_json({"server": server, "revoked": is_revoked})
    else:
        output.say(f"Signed out at {server}.")


def whoami(url: Server = None, as_json: AsJson = False) -> None:
    """Who this machine is at a server, and what its token may do."""
    from milepost.sdk.access.credentials import token_for
    from milepost.sdk.access.signing_in import who

    server = _server(url)
    token = token_for(server)
    if token is None:
        raise Failed(f"Nobody is signed in at {server} on this machine. Sign in: milepost login {server}")
    found = who(server, token)
    if as_json:
        output.write_json({"server": server, **found})
        return
    shown = found.get("token") or {}
    parts = [f"{found['account']} at {server}"]
    if found.get("is_admin"):
        parts.append("administrator")
    if shown.get("workspace"):
        parts.append(f"only the workspace {shown['workspace']}")
    if shown.get("role"):
        parts.append(f"at most as {shown['role']}")
    if shown.get("expires"):
        parts.append(f"until {str(shown['expires'])[:10]}")
    output.say(", ".join(parts))


def _server(url: str | None) -> str:
    from milepost.sdk.workspaces import config

    found = server_address(url, "The command") if url else config.server_url(config.find_config())
    if found is None:
        raise Misused("Which server? Give its address, such as: milepost login https://milepost.example")
    return found
