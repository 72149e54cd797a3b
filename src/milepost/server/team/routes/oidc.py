"""``/oidc``: signing in at an issuer of OpenID Connect, with a browser.

These two addresses answer a person who follows links, so what goes wrong leads to the sign-in page with a word for it.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response

from milepost.server.allowed import caller_of
from milepost.server.problem import Problem
from milepost.server.team.access import EVERYBODY, open_to
from milepost.server.team.addresses import network_of
from milepost.server.team.cookies import clear_flow, flow_cookie, set_flow
from milepost.server.team.deeds import engine_of, note
from milepost.server.team.oidc import Flow, Identity, OpenIdConnect, SignInFailed, begin_flow
from milepost.server.team.routes.session import begin_session
from milepost.server.team.signing_in import begin
from milepost.store import attempts
from milepost.store.accounts import Account, create_account, find_by_subject
from milepost.store.attempts import Allowance
from milepost.store.errors import Conflict

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from milepost.server.team.settings import OidcSettings

router = APIRouter(prefix="/oidc", tags=["session"])

log: Final = logging.getLogger("milepost.server")

_ONWARD: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,1999}")
"""An address of our own: one that begins with // or /\\ is another server's."""
_REDIRECT: Final[dict[int | str, dict[str, str]]] = {303: {"description": "Onward"}}


@router.get("/login", summary="Sign in at the issuer", status_code=303, responses=_REDIRECT, **open_to(EVERYBODY))
def begin_sign_in(
    request: Request,
    onward: Annotated[str, Query(max_length=2000, description="The page to go to afterwards.")] = "/",
) -> Response:
    """Leads the browser to the issuer."""
    flow = begin_flow(onward if _ONWARD.fullmatch(onward) else "/")
    try:
        link = _issuer(request).link(flow)
    except SignInFailed as error:
        return _failed(request, error, flow.onward)
    response = _to(link)
    text = json.dumps(asdict(flow)).encode()
    set_flow(response, request.app.state.settings, base64.urlsafe_b64encode(text).decode().rstrip("="))
    return response


@router.get("/callback", summary="Back from the issuer", status_code=303, responses=_REDIRECT, **open_to(EVERYBODY))
def end_sign_in(
    request: Request,
    code: Annotated[str, Query(max_length=4000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Signs the browser in that has begun it, and leads it onward."""
    issuer = _issuer(request)
    engine = engine_of(request)
    if flow_cookie(request.headers, request.app.state.settings) is None:
        # Nobody's attempt: other sites can have browsers come here, but without the cookie.
        return _to(f"/sign-in?{urlencode({'problem': 'expired'})}")
    allowed = Allowance(f"oidc\0{network_of(caller_of(request).address)}", 50, 900.0)
    attempt = begin(engine, allowed)
    onward = "/"
    try:
        flow = _flow(request)
        onward = flow.onward
        if error or not code:
            raise SignInFailed("refused", f"the issuer said {error or 'nothing'}")
        identity = issuer.identity(flow, state, code)
        account = _account(engine, identity, issuer.settings)
    except SignInFailed as failed:
        return _failed(request, failed, onward)
    attempts.succeeded(engine, attempt)
    response = _to(onward)
    begin_session(request, response, account)
    clear_flow(response, request.app.state.settings)
    note(request, "session.create", account.name, by=account.name, issuer=identity.issuer)
    return response


def _account(engine: Engine, identity: Identity, settings: OidcSettings) -> Account:
    """The account that signs in so; made where the administrator allows that.

    It is found by the issuer's own id of the person, and never by a name or an e-mail address: those can be given to
    somebody else.  Raises SignInFailed.
    """
    found = find_by_subject(engine, identity.issuer, identity.subject)
    if found is None:
        if not settings.lets_in(identity.email, is_verified=identity.is_email_verified):
            raise SignInFailed("unknown", "whoever signed in at the issuer has no account here")
        found = _made(engine, identity)
    if found.disabled_ns is not None:
        raise SignInFailed("disabled", f"the account {found.name} is disabled")
    return found


def _made(engine: Engine, identity: Identity) -> Account:
    base = re.sub(r"[^A-Za-z0-9._@+-]+", "-", identity.name).strip("-._@+")[:100] or "user"
    for number in range(1, 100):
        try:
            return create_account(
                engine,
                base if number == 1 else f"{base}-{number}",
                email=identity.email,
                issuer=identity.issuer,
                subject=identity.subject,
            )
        except Conflict:
            again = find_by_subject(engine, identity.issuer, identity.subject)
            if again is not None:  # made by another request of theirs in this moment
                return again
    raise SignInFailed("unknown", f"no name is free for {base!r}")


def _issuer(request: Request) -> OpenIdConnect:
    found: OpenIdConnect | None = request.app.state.oidc
    if found is None:
        raise Problem(404, "this server knows no issuer to sign in at")
    return found


def _flow(request: Request) -> Flow:
    kept = flow_cookie(request.headers, request.app.state.settings)
    try:
        if kept is None:
            raise ValueError("no cookie")
        fields = json.loads(base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)))
        flow = Flow(**{name: str(fields[name]) for name in ("state", "nonce", "verifier", "onward")})
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SignInFailed("expired", "the browser has begun no sign-in, or too long ago") from error
    if not all((flow.state, flow.nonce, flow.verifier)) or not _ONWARD.fullmatch(flow.onward):
        raise SignInFailed("expired", "the browser's sign-in was tampered with")
    return flow


def _failed(request: Request, error: SignInFailed, onward: str) -> Response:
    """To the sign-in page, which says why, and from which the next attempt leads to the same page."""
    log.warning("signing in at the issuer failed: %s", str(error)[:500])
    if error.code != "unavailable":
        note(request, "session.refuse", "(OpenID Connect)", reason=error.code, message=str(error)[:500])
    asked = {"problem": error.code} if onward == "/" else {"problem": error.code, "next": onward}
    response = _to(f"/sign-in?{urlencode(asked, quote_via=quote)}")
    clear_flow(response, request.app.state.settings)
    return response


def _to(address: str) -> Response:
    return Response(status_code=303, headers={"Location": address, "Cache-Control": "no-store"})
