"""Tokens for servers: ``MILEPOST_TOKEN``, or what ``milepost login`` has kept in a file that only its user can read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.workspaces.home import home

TOKEN_VARIABLE: Final = "MILEPOST_TOKEN"  # noqa: S105  the name of a variable
_FILE: Final = "credentials.json"
_MAX_BYTES: Final = 1 << 20


def token_for(server: str) -> str | None:
    """The token to send to a server; None where there is none.  ``server``: its address, no slash at the end.

    What this process was given for it (``use_token``) comes first, then the variable, then the file.

    Raises UserErrorException where the file of tokens cannot be read.
    """
    given = _given.get(server)
    if given is not None:
        return given()
    return os.environ.get(TOKEN_VARIABLE, "").strip() or kept_token(server)


def kept_token(server: str) -> str | None:
    """The token that ``milepost login`` has kept.  Raises UserErrorException where the file cannot be read."""
    found = _read().get(server)
    token = found.get("token") if isinstance(found, dict) else None
    return token if isinstance(token, str) and token else None


def use_token(server: str, give: Callable[[], str]) -> None:
    """Have this process send what ``give`` gives to a server, in place of what is kept for it.  It is kept nowhere."""
    _given[server] = give


_given: dict[str, Callable[[], str]] = {}


def keep_token(server: str, token: str, user: str) -> Path:
    """Keep a token for a server, and give the file.  ``user``: whose it is, to be shown.

    Raises UserErrorException where the file cannot be written.
    """
    return _write({**_read(), server: {"token": token, "user": user}})


def forget_token(server: str) -> bool:
    """Remove a server's token; whether there was one.  Raises UserErrorException where the file cannot be written."""
    found = _read()
    if found.pop(server, None) is None:
        return False
    _write(found)
    return True


def _read() -> dict[str, Any]:
    path = home() / _FILE
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MAX_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UserErrorException(
            f"{path} cannot be read ({error}). Remove it and sign in again with `milepost login`, or set "
            f"{TOKEN_VARIABLE}.",
            inner_exception=error,
        ) from error
    return found if isinstance(found, dict) else {}


def _write(facts: dict[str, Any]) -> Path:
    path = home() / _FILE
    draft = path.with_name(f".{os.getpid()}-{os.urandom(8).hex()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(facts, file, indent=2)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserErrorException(
            f"{path} cannot be written: {error.strerror or error}. Set {TOKEN_VARIABLE} instead.", inner_exception=error
        ) from error
    return path
