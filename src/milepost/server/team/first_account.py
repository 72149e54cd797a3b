"""The first account of a server that has none: made by whoever sees what the server prints, and by nobody else."""

from __future__ import annotations

import hmac
import secrets
import threading
from typing import TYPE_CHECKING

from milepost.server.problem import Problem
from milepost.server.team.passwords import check_new_password, hash_password
from milepost.store.accounts import create_account, has_accounts

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from milepost.store.accounts import Account


def new_secret() -> str:
    """One that nobody guesses."""
    return secrets.token_urlsafe(32)


class FirstAccount:
    """A secret, good until there is an account."""

    def __init__(self, secret: str | None = None) -> None:
        self._secret = secret or new_secret()
        self._lock = threading.Lock()

    def link(self, engine: Engine, public_url: str) -> str | None:
        """The link that sets the server up; None where it has accounts.  Behind the # it is sent to nobody.

        Raises the store's errors.
        """
        return None if has_accounts(engine) else f"{public_url}/setup#secret={self._secret}"

    def make(self, engine: Engine, secret: str, name: str, password: str) -> Account:
        """Make the first administrator.

        Raises Problem (403) for a wrong secret, and where there is an account; BadInput for a bad password or name.
        """
        with self._lock:
            is_right = hmac.compare_digest(secret.encode("utf-8", "replace"), self._secret.encode())
            if not is_right or has_accounts(engine):
                raise Problem(
                    403, "this link is not, or no longer, the one that this server has printed; or it is set up already"
                )
            check_new_password(password, name)
            return create_account(engine, name, password=hash_password(password), is_admin=True)
