"""Signing in with a name and a password: who guesses is slowed down, and learns nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from milepost.server.problem import Problem
from milepost.server.team.addresses import network_of
from milepost.server.team.passwords import LONGEST, hash_password, is_outdated, is_right
from milepost.store import attempts
from milepost.store.accounts import change_password_hash, password_of
from milepost.store.attempts import Allowance

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from milepost.store.accounts import Account
    from milepost.store.attempts import Attempt

_WRONG: Final = "the name or the password is wrong"
_HOUR: Final = 3600.0


def allowances(name: str, address: str) -> tuple[Allowance, Allowance, Allowance]:
    """Of a name from one address, of the name from anywhere, and of all names from the address.

    So whoever guesses from one place soon waits a quarter of an hour between two guesses, and keeps nobody out who
    signs in from another one.
    """
    address = network_of(address)
    return (
        Allowance(f"sign-in\0{name}\0{address}", 5, 24 * _HOUR),
        Allowance(f"sign-in name\0{name}", 50, _HOUR),
        Allowance(f"sign-in address\0{address}", 50, _HOUR / 4),
    )


def check_password(engine: Engine, name: str, password: str, address: str) -> Account:
    """The account of this name and password.

    Raises Problem: 401 where one of them is wrong, whichever; 429 for too many guesses.
    """
    allowed = allowances(name, address)
    attempt = begin(engine, *allowed)
    found = password_of(engine, name)
    kept = found[1] if found is not None else None
    right = is_right(kept, password[: LONGEST + 1])
    if found is None or kept is None or not right or found[0].disabled_ns is not None:
        raise Problem(401, _WRONG, code="wrong_password")
    attempts.succeeded(engine, attempt, *allowed[:2])
    if is_outdated(kept):
        change_password_hash(engine, found[0].id, kept, hash_password(password))
    return found[0]


def begin(engine: Engine, *allowed: Allowance) -> Attempt:
    """Begin an attempt.  Raises Problem (429) where it has to wait."""
    attempt = attempts.begin(engine, allowed)
    if attempt.wait_s > 0:
        seconds = math.ceil(attempt.wait_s)
        raise Problem(
            429, f"too many attempts have failed: try again in {seconds} s", headers={"Retry-After": str(seconds)}
        )
    return attempt
