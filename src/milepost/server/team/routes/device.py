"""``/device``: a program without a browser is let in by a person who has one (after RFC 8628, with bodies of JSON)."""

from __future__ import annotations

import time
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from milepost.server.allowed import caller_of
from milepost.server.team.access import EVERYBODY, SESSION, open_to
from milepost.server.team.addresses import network_of
from milepost.server.team.deeds import engine_of, note
from milepost.server.team.routes.account import own
from milepost.server.team.signing_in import begin
from milepost.server.times import utc
from milepost.store import attempts
from milepost.store.attempts import Allowance
from milepost.store.device_codes import (
    DeviceCode,
    answer_device_code,
    create_device_code,
    find_device_code,
    redeem_device_code,
)
from milepost.store.tokens import check_room, create_token

router = APIRouter(prefix="/device", tags=["device"])

LASTS_S: Final = 600
INTERVAL_S: Final = 2

UserCode = Annotated[str, Path(min_length=8, max_length=20, description="The code that the program shows.")]


class NewDevice(BaseModel):
    """A program that wants to be let in."""

    client: str = Field("", max_length=200, description="What it calls itself, such as the machine's name.")


class Device(BaseModel):
    """How it is let in."""

    device_code: str = Field(description="A secret of the program: with it the program asks for its token.")
    user_code: str = Field(description="To be shown to the person, who compares it with that of the page.")
    verification_uri: str
    verification_uri_complete: str
    expires_in: int = Field(description="Seconds.")
    interval: int = Field(description="Seconds to wait between two questions for the token.")


class DeviceQuestion(BaseModel):
    """Whether the program has been let in."""

    device_code: str = Field(min_length=1, max_length=200)


class DeviceAnswer(BaseModel):
    """Whether the program has been let in, and with which token."""

    status: Literal["approved", "waiting", "refused", "unknown"] = Field(
        description="unknown: there is no such code, or it has expired; begin anew."
    )
    token: str | None = Field(None, description="Given once.")
    account: str | None = None
    expires: str | None = None


class Waiting(BaseModel):
    """A program that waits to be let in."""

    client: str = Field(description="What it calls itself (anybody can write anything there), and its address.")
    created: str
    expires: str


class Verdict(BaseModel):
    """Whether it is let in."""

    approve: bool


@router.post("", summary="Ask to be let in", **open_to(EVERYBODY))
def begin_device(request: Request, wanted: NewDevice) -> Device:
    """A person has to open the address, sign in, and confirm the code."""
    address = caller_of(request).address
    begin(engine_of(request), Allowance(f"device\0{network_of(address)}", 30, 600.0))
    client = f"{wanted.client[:150] or 'a program'}, from {address or 'nowhere'}"
    secret, user_code = create_device_code(engine_of(request), client, lasts_s=LASTS_S)
    page = f"{request.app.state.settings.public_url}/device"
    return Device(
        device_code=secret,
        user_code=user_code,
        verification_uri=page,
        verification_uri_complete=f"{page}?code={user_code}",
        expires_in=LASTS_S,
        interval=INTERVAL_S,
    )


@router.post("/token", summary="Whether the program has been let in", **open_to(EVERYBODY))
def give_token(request: Request, asked: DeviceQuestion) -> DeviceAnswer:
    """To be asked again and again while it waits."""
    engine = engine_of(request)
    found = redeem_device_code(engine, asked.device_code)
    if isinstance(found, str):
        return DeviceAnswer(status=found, token=None)
    account, client = found
    expires_ns = time.time_ns() + int(request.app.state.settings.login_s * 1e9)
    name = f"milepost login: {client}".strip(": ")[:200]
    made, token = create_token(engine, account.id, name, expires_ns=expires_ns, most=_most(request))
    note(request, "token.create", account.name, by=account.name, name=name, id=made.id, device=True)
    return DeviceAnswer(status="approved", token=token, account=account.name, expires=utc(expires_ns))


@router.get("/codes/{user_code}", summary="Which program shows a code", **open_to(SESSION))
def get_device(request: Request, user_code: UserCode) -> Waiting:
    """To be shown to the person before they confirm."""
    allowed = _guesses(request)
    attempt = begin(engine_of(request), allowed)
    found = find_device_code(engine_of(request), user_code)
    attempts.succeeded(engine_of(request), attempt)
    return _waiting(found)


@router.post("/codes/{user_code}", summary="Let a program in, or not", **open_to(SESSION))
def answer_device(request: Request, user_code: UserCode, verdict: Verdict) -> Waiting:
    """It gets a token of whoever is signed in here."""
    account = own(request)
    allowed = _guesses(request)
    if verdict.approve:  # told to the person: the program can only be told that it got none
        check_room(engine_of(request), account.id, _most(request))
    attempt = begin(engine_of(request), allowed)
    found = answer_device_code(engine_of(request), user_code, account.id, approve=verdict.approve)
    attempts.succeeded(engine_of(request), attempt)
    note(request, "device.approve" if verdict.approve else "device.refuse", found.client)
    return _waiting(found)


def _most(request: Request) -> int:
    """How many tokens an account may have."""
    most: int = request.app.state.settings.limits.tokens_per_account
    return most


def _guesses(request: Request) -> Allowance:
    return Allowance(f"device code\0{own(request).id}", 20, 3600.0)


def _waiting(found: DeviceCode) -> Waiting:
    return Waiting(client=found.client, created=utc(found.created_ns), expires=utc(found.expires_ns))
