"""``/session``: signing in with a browser, and out; ``/setup``: the first account."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from milepost.server.allowed import caller_of
from milepost.server.problem import Problem
from milepost.server.team.access import EVERYBODY, open_to
from milepost.server.team.addresses import network_of
from milepost.server.team.cookies import clear_session, session_secret, set_session
from milepost.server.team.deeds import engine_of, note
from milepost.server.team.routes.schemas import NAME_PATTERN, Password, SignedIn, signed_in
from milepost.server.team.signing_in import begin, check_password
from milepost.store import attempts
from milepost.store.accounts import Account, find_account
from milepost.store.attempts import Allowance
from milepost.store.errors import NotFound
from milepost.store.sessions import create_session, end_session

router = APIRouter(tags=["session"])


class Credentials(BaseModel):
    """Who wants to sign in."""

    name: str = Field(min_length=1, max_length=128)
    password: Password


class FirstAccount(BaseModel):
    """The first administrator of a server that has no accounts yet."""

    secret: str = Field(max_length=200, description="From the link that the server has printed at its start.")
    name: str = Field(pattern=NAME_PATTERN)
    password: Password


@router.get("/session", summary="Who is signed in", **open_to(EVERYBODY))
def get_session(request: Request) -> SignedIn:
    """With a browser, or by the token of this request."""
    caller = caller_of(request)
    return signed_in(caller.account, caller.token)


@router.post("/session", summary="Sign in with a name and a password", **open_to(EVERYBODY))
def sign_in(request: Request, response: Response, given: Credentials) -> SignedIn:
    """Gives the browser a cookie.  A wrong name and a wrong password have the same answer, in the same time."""
    address = caller_of(request).address
    try:
        account = check_password(engine_of(request), given.name, given.password, address)
    except Problem as problem:
        if problem.status == 401:  # those that had to wait are too many to be kept
            note(request, "session.refuse", _known_name(request, given.name), reason=problem.code)
        raise
    begin_session(request, response, account)
    note(request, "session.create", account.name, by=account.name)
    return signed_in(account, None)


@router.delete("/session", status_code=204, summary="Sign out", response_class=Response, **open_to(EVERYBODY))
def sign_out(request: Request) -> Response:
    """The browser's cookie is good for nothing from then on."""
    response = Response(status_code=204)
    secret = session_secret(request.headers, request.app.state.settings)
    if secret is not None:
        end_session(engine_of(request), secret)
        request.app.state.callers.forget()
    if caller_of(request).account is not None:
        note(request, "session.end", caller_of(request).name)
    clear_session(response, request.app.state.settings)
    return response


@router.post("/setup", status_code=201, summary="Make the first administrator", **open_to(EVERYBODY))
def set_up(request: Request, response: Response, given: FirstAccount) -> SignedIn:
    """Once, on a server that has no accounts: with the secret that it has printed at its start."""
    engine = engine_of(request)
    allowed = Allowance(f"setup\0{network_of(caller_of(request).address)}", 10, 3600.0)
    attempt = begin(engine, allowed)
    account = request.app.state.first_account.make(engine, given.secret, given.name, given.password)
    attempts.succeeded(engine, attempt, allowed)
    begin_session(request, response, account)
    note(request, "account.create", account.name, by=account.name, first=True)
    return signed_in(account, None)


def begin_session(request: Request, response: Response, account: Account) -> None:
    """Sign the browser in anew: what its cookie held before is good for nothing."""
    engine, settings = engine_of(request), request.app.state.settings
    before = session_secret(request.headers, settings)
    if before is not None:
        end_session(engine, before)
        request.app.state.callers.forget()
    secret = create_session(
        engine,
        account.id,
        lasts_s=settings.session_s,
        agent=request.headers.get("user-agent", ""),
        address=caller_of(request).address,
    )
    set_session(response, settings, secret)


def _known_name(request: Request, given: str) -> str:
    """The name, where it is one: people type passwords where names belong."""
    try:
        return find_account(engine_of(request), given).name
    except NotFound:
        return "(unknown)"
