"""The cookie of a browser that is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from milepost.server.as_sent import cookies

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.responses import Response

    from milepost.server.team.settings import TeamSettings

_FLOW_S: Final = 600


def session_secret(headers: Headers, settings: TeamSettings) -> str | None:
    """What the cookie holds; None where there is none, or more than one of its name."""
    return _given(headers, settings.cookie)


def set_session(response: Response, settings: TeamSettings, secret: str) -> None:
    """Have the browser keep it: for our own pages alone, where no script reads it."""
    response.set_cookie(
        settings.cookie,
        secret,
        max_age=int(settings.session_s),
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="strict",
    )


def clear_session(response: Response, settings: TeamSettings) -> None:
    """Have the browser forget it."""
    response.delete_cookie(settings.cookie, path="/", secure=settings.is_secure, httponly=True, samesite="strict")


def flow_cookie(headers: Headers, settings: TeamSettings) -> str | None:
    """What a browser keeps of a sign-in that it has begun elsewhere."""
    return _given(headers, f"{settings.cookie}_flow")


def set_flow(response: Response, settings: TeamSettings, value: str) -> None:
    """Have the browser keep it for some minutes.  Lax: it comes back by a link of the other site."""
    response.set_cookie(
        f"{settings.cookie}_flow",
        value,
        max_age=_FLOW_S,
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


def clear_flow(response: Response, settings: TeamSettings) -> None:
    """Have the browser forget it."""
    name = f"{settings.cookie}_flow"
    response.delete_cookie(name, path="/", secure=settings.is_secure, httponly=True, samesite="lax")


def _given(headers: Headers, name: str) -> str | None:
    given = cookies(headers, name)
    return given[0] if len(given) == 1 and given[0] else None
