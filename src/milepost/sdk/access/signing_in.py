"""Signing in at a server: a person confirms in a browser, anywhere, what a program asks for."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from milepost.sdk.exceptions import AuthenticationException

_LONGEST_S: Final = 3600.0
_PATIENCE_S: Final = 10.0
_LONGEST_LINK: Final = 2000
_LONGEST_CODE: Final = 64


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a person is to open and confirm."""

    link: str
    code: str
    is_elsewhere: bool = False
    """Whether the link leads to another address than the server was asked by: to one of its other names, or astray."""


@dataclass(frozen=True, slots=True)
class Login:
    """A token, and whose it is."""

    token: str = field(repr=False)
    account: str


def sign_in(server: str, show: Callable[[Invitation], None]) -> Login:
    """Have a person let this program in; ``show`` tells them how.  Waits for them.

    Raises AuthenticationException where they do not, or the server cannot be asked.
    """
    from milepost.remote.connection import ServerConnection
    from milepost.store.errors import StoreError, StoreUnavailable

    connection = ServerConnection(server, None)
    try:
        begun = connection.json("POST", "/device", {"client": _own_name()}, again=False, timeout_s=_PATIENCE_S)
        show(_invitation(begun["verification_uri_complete"], begun["user_code"], server))
        until = time.monotonic() + min(float(begun["expires_in"]), _LONGEST_S)
        while time.monotonic() < until:
            time.sleep(max(1.0, float(begun["interval"])))
            try:
                found = connection.json(
                    "POST", "/device/token", {"device_code": begun["device_code"]}, again=False, timeout_s=_PATIENCE_S
                )
            except StoreUnavailable:
                continue  # the code is good for minutes, and a server may start anew meanwhile
            if found["status"] == "approved":
                return Login(str(found["token"]), str(found["account"]))
            if found["status"] == "refused":
                raise AuthenticationException(f"{server}: the request was refused in the browser.")
            if found["status"] != "waiting":
                break
        raise AuthenticationException(f"{server}: nobody has confirmed the code in time. Begin anew.")
    except StoreError as error:
        raise AuthenticationException(f"Signing in at {server} failed: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise AuthenticationException(f"{server} does not answer as a Milepost server: is it one?") from error
    finally:
        connection.close()


def _invitation(link: object, code: object, server: str) -> Invitation:
    """What is fit to be shown on a terminal and opened in a browser.  Raises ValueError for anything else."""
    from urllib.parse import urlsplit

    for text, longest in ((link, _LONGEST_LINK), (code, _LONGEST_CODE)):
        # What is not printable could drive the terminal, or turn the direction of what is beside it.
        if not isinstance(text, str) or not text.isprintable() or " " in text or not 0 < len(text) <= longest:
            raise ValueError
    assert isinstance(link, str)
    assert isinstance(code, str)
    parts, own = urlsplit(link), urlsplit(server)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError
    return Invitation(link, code, (parts.scheme, parts.netloc.lower()) != (own.scheme, own.netloc.lower()))


def who(server: str, token: str) -> dict[str, Any]:
    """What the server says of a token: "account", "account_id", "is_admin", "token" and more.

    Raises AuthenticationException where it is not good, or the server cannot be asked.
    """
    from milepost.store.errors import StoreError

    try:
        return asked(server, token)
    except StoreError as error:
        raise AuthenticationException(str(error)) from error


def asked(server: str, token: str) -> dict[str, Any]:
    """As ``who``, with the store's errors: NotAllowed, or StoreUnavailable where the server cannot be asked."""
    from milepost.remote.connection import ServerConnection
    from milepost.store.errors import StoreUnavailable

    connection = ServerConnection(server, token)
    try:
        found = connection.json("GET", "/session", timeout_s=_PATIENCE_S)
    finally:
        connection.close()
    if not isinstance(found, dict) or not found.get("account"):
        raise StoreUnavailable(f"{server} does not answer as a Milepost server: is it one?")
    return found


def revoke(server: str, token: str) -> None:
    """Have the server take a token back.  Raises AuthenticationException where it cannot be asked, or will not."""
    from milepost.remote.connection import ServerConnection
    from milepost.store.errors import StoreError

    made = (who(server, token).get("token") or {}).get("id", "")
    connection = ServerConnection(server, token)
    try:
        connection.content("DELETE", f"/account/tokens/{made}", again=False, timeout_s=_PATIENCE_S)
    except StoreError as error:
        raise AuthenticationException(str(error)) from error
    finally:
        connection.close()


def tell(invitation: Invitation) -> None:
    """Show a person at this terminal or notebook what to do, and open the browser where there is one.

    A link to another address than that of the server is for the person to judge: it is not opened for them.
    """
    sys.stderr.write(
        f"To sign in, open {invitation.link}\nand compare the code there with this one: {invitation.code}\n"
    )
    if invitation.is_elsewhere:
        sys.stderr.write("The link leads to another address than the server's: open it only if you know that one.\n")
    sys.stderr.flush()
    if has_screen() and not invitation.is_elsewhere:
        import webbrowser

        webbrowser.open(invitation.link)


def has_screen() -> bool:
    """Whether a browser would come up in a window: one in the terminal would be in the way."""
    if os.name == "nt" or sys.platform == "darwin":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _own_name() -> str:
    return f"{platform.node()[:100]}, Python {platform.python_version()}"
