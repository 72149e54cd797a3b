"""What was done on a team's server that somebody may have to know later."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from milepost.store.account_schema import audit
from milepost.store.engine import read, write
from milepost.store.texts import clean, clean_json

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done."""

    action: str
    """Such as "token.create", "workspace.delete", "member.set"."""
    subject: str
    """To what."""
    account: str
    """By whom: the account's name, as it was then."""
    account_id: str | None = None
    address: str = ""
    """From where: the client's address."""
    workspace: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    at_ns: int = 0
    key: int = 0


def note(engine: Engine, deed: Deed) -> None:
    """Keep that this was done, now."""
    with write(engine) as connection:
        connection.execute(
            audit.insert().values(
                at_ns=time.time_ns(),
                account_id=deed.account_id,
                account=clean(deed.account)[:300],
                address=clean(deed.address)[:100],
                action=deed.action,
                workspace=None if deed.workspace is None else clean(deed.workspace),
                subject=clean(deed.subject)[:1000],
                detail=clean_json(dict(deed.detail)),
            )
        )


def deeds(engine: Engine, *, workspace: str | None = None, before: int | None = None, limit: int = 100) -> list[Deed]:
    """What was done, newest first.  ``before``: only those with a smaller ``key``, for the next page."""
    query = select(audit).order_by(audit.c.key.desc()).limit(limit)
    if workspace is not None:
        query = query.where(audit.c.workspace == clean(workspace))
    if before is not None:
        query = query.where(audit.c.key < before)
    with read(engine) as connection:
        return [
            Deed(
                action=row["action"],
                subject=row["subject"],
                account=row["account"],
                account_id=row["account_id"],
                address=row["address"],
                workspace=row["workspace"],
                detail=row["detail"],
                at_ns=row["at_ns"],
                key=row["key"],
            )
            for row in connection.execute(query).mappings()
        ]


def forget(engine: Engine, before_ns: int) -> int:
    """Delete what was done before that moment; gives how many lines."""
    with write(engine) as connection:
        return connection.execute(delete(audit).where(audit.c.at_ns < before_ns)).rowcount
