"""Attempts that may be guesses, and how long whoever makes too many of them has to wait.

An attempt is noted before it is made and forgotten when it succeeds, so that many at once, also on several servers,
find each other.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select

from milepost.store.account_schema import attempts
from milepost.store.engine import read, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 900.0
_KEPT_S: Final = 24 * 3600.0
_PRUNE_ONE_IN: Final = 50


@dataclass(frozen=True, slots=True)
class Allowance:
    """How often something may fail."""

    subject: str
    """Of whom or what; kept as a digest only, for people type passwords where names belong."""
    free: int
    """So many failures cost nothing; after each further one twice as long is to be waited, 1 s at first."""
    within_s: float
    """Older failures do not count; at most a day."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that is being made."""

    keys: tuple[int, ...]
    wait_s: float
    """It must not be made before so many seconds have passed; 0: it may be made now."""


def begin(engine: Engine, allowances: Sequence[Allowance]) -> Attempt:
    """Note an attempt.  One that has to wait does not count, and mostly costs a look alone."""
    wait_s = _wait_s(engine, allowances, ())
    if wait_s > 0:
        return Attempt((), wait_s)
    now = time.time_ns()
    with write(engine) as connection:
        if secrets.randbelow(_PRUNE_ONE_IN) == 0:
            connection.execute(delete(attempts).where(attempts.c.at_ns < now - int(_KEPT_S * 1e9)))
        made = [
            connection.execute(attempts.insert().values(subject=_folded(each.subject), at_ns=now)).inserted_primary_key
            for each in allowances
        ]
    keys = tuple(int(key[0]) for key in made if key is not None)
    wait_s = _wait_s(engine, allowances, keys)  # those that others have noted at the same time are seen now
    if wait_s > 0:
        _forget(engine, keys)
    return Attempt(keys, wait_s)


def _wait_s(engine: Engine, allowances: Sequence[Allowance], own: Sequence[int]) -> float:
    """How long to wait (s) because of attempts other than ``own``; 0: not at all."""
    now = time.time_ns()
    wait_s = 0.0
    with read(engine) as connection:
        for each in allowances:
            query = select(func.count(), func.max(attempts.c.at_ns)).where(
                attempts.c.subject == _folded(each.subject),
                attempts.c.at_ns > now - int(each.within_s * 1e9),
                attempts.c.key.not_in(own),
            )
            count, last = connection.execute(query).one()
            if count >= each.free:
                pause_s = min(FIRST_WAIT_S * 2.0 ** min(count - each.free, 20), LONGEST_WAIT_S)
                wait_s = max(wait_s, pause_s - (now - last) / 1e9)
    return max(wait_s, 0.0)


def succeeded(engine: Engine, attempt: Attempt, *forgiven: Allowance) -> None:
    """It was no guess: it does not count, nor do earlier ones of the subjects of ``forgiven``."""
    _forget(engine, attempt.keys)
    if forgiven:
        with write(engine) as connection:
            subjects = [_folded(each.subject) for each in forgiven]
            connection.execute(delete(attempts).where(attempts.c.subject.in_(subjects)))


def _forget(engine: Engine, keys: Sequence[int]) -> None:
    with write(engine) as connection:
        connection.execute(delete(attempts).where(attempts.c.key.in_(keys)))


def _folded(subject: str) -> str:
    return hashlib.sha256(subject.lower().encode("utf-8", "replace")).hexdigest()
