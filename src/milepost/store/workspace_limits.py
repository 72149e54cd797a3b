"""How much a workspace may take up, in its settings, and how much it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, update

from milepost.store.engine import MAX_PARAMETERS, pieces, read, write
from milepost.store.schema import blobs, workspaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

_SETTING: Final = "limits"


@dataclass(frozen=True)
class WorkspaceLimits:
    """None: the server's own."""

    points_per_s: int | None = None
    """Metric points a second."""
    bytes_per_s: int | None = None
    """Of batches, as they are sent."""
    storage: int | None = None
    """Bytes of files, each content counted once."""


def limits_of(engine: Engine, workspace_key: int) -> WorkspaceLimits:
    """A workspace's limits; none where there is no such workspace any more.  Raises the store's errors."""
    with read(engine) as connection:
        settings = connection.scalar(select(workspaces.c.settings).where(workspaces.c.key == workspace_key))
    found: dict[str, Any] = (settings or {}).get(_SETTING) or {}
    known = {name: found[name] for name in WorkspaceLimits.__dataclass_fields__ if type(found.get(name)) is int}
    return WorkspaceLimits(**known)


def set_limits(engine: Engine, workspace_key: int, limits: WorkspaceLimits) -> None:
    """Give a workspace these limits.  Raises the store's errors."""
    kept = {name: getattr(limits, name) for name in WorkspaceLimits.__dataclass_fields__}
    kept = {name: value for name, value in kept.items() if value is not None}
    with write(engine) as connection:
        row = workspaces.c.key == workspace_key
        settings = connection.scalar(select(workspaces.c.settings).where(row).with_for_update())
        connection.execute(update(workspaces).where(row).values(settings={**(settings or {}), _SETTING: kept}))


def stored_bytes(engine: Engine, workspace_key: int) -> int:
    """Bytes of the files that a workspace has named, each content counted once.  Raises the store's errors."""
    with read(engine) as connection:
        query = select(func.coalesce(func.sum(blobs.c.size), 0)).where(blobs.c.workspace_key == workspace_key)
        return int(connection.scalar(query) or 0)


def named_contents(engine: Engine, workspace_key: int, digests: Sequence[str]) -> set[str]:
    """Which of these contents a workspace has named.  Raises the store's errors."""
    found: set[str] = set()
    with read(engine) as connection:
        for some in pieces(digests, MAX_PARAMETERS // 2):
            here = (blobs.c.workspace_key == workspace_key, blobs.c.digest.in_(some))
            found.update(connection.scalars(select(blobs.c.digest).where(*here)))
    return found
