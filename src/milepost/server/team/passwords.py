"""Passwords: kept by argon2id, which is slow and takes much memory, so only a few are looked at a time."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

from milepost.server.problem import Problem
from milepost.store.errors import BadInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST: Final = 12
LONGEST: Final = 1000
_AT_ONCE: Final = 2
_WAITING: Final = 8

_turns: Final = threading.BoundedSemaphore(_AT_ONCE)
_queue: Final = threading.BoundedSemaphore(_AT_ONCE + _WAITING)


def check_new_password(password: str, name: str) -> str:
    """The password, if it can be one of the account ``name``.  Raises BadInput."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput(f"a password needs {SHORTEST} to {LONGEST} characters; a few words are easy to remember")
    folded = password.casefold()
    if folded == name.casefold() or len(set(folded)) < 5:
        raise BadInput("this password is guessed at once: take another one")
    return password


def hash_password(password: str) -> str:
    """What is to be kept of a password.  Raises Problem (503) where too many are being looked at."""
    with _turn():
        return _hasher().hash(_normal(password))


def is_right(kept: str | None, given: str) -> bool:
    """Whether the password is the one that this was kept of.  None: there is none, and it takes as long to say so.

    Raises Problem (503) where too many are being looked at.
    """
    from argon2.exceptions import Argon2Error, InvalidHashError

    with _turn():
        try:
            return _hasher().verify(kept or _nobodys(), _normal(given)) and kept is not None
        except (Argon2Error, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Whether it was kept by weaker settings than those of today."""
    return _hasher().check_needs_rehash(kept)


@contextmanager
def _turn() -> Iterator[None]:
    if not _queue.acquire(blocking=False):
        raise Problem(503, "too many sign in at once; try again", code="busy", headers={"Retry-After": "2"})
    try:
        with _turns:
            yield
    finally:
        _queue.release()


def _normal(password: str) -> bytes:
    # Keyboards of different systems write the same letter differently.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _hasher() -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ImportError as error:
        raise BadInput("passwords need argon2-cffi: pip install 'milepost[server]'") from error
    return PasswordHasher()


@cache
def _nobodys() -> str:
    return _hasher().hash("the password of nobody")
