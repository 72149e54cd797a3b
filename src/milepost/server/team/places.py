"""The workspaces of a team's server: in one database, their files each below an address of its own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from milepost.server.here import Here
from milepost.server.team import deeds
from milepost.server.team.record import DirectRecord
from milepost.store.errors import NotFound
from milepost.store.new_workspaces import make_workspace
from milepost.store.store import Store, find_store, list_workspaces

if TYPE_CHECKING:
    from fastapi import Request
    from sqlalchemy import Engine

WORKSPACE: Final = "milepost.workspace"
"""Where a request's scope has the name of its workspace."""
STORE: Final = "milepost.store"
"""Where a request's scope has the store of its workspace: the one that who asks was found to have a role in."""
FOUND_S: Final = 5.0
"""So long is a workspace where it was found."""


@dataclass(frozen=True)
class Backend:
    """Where a server keeps all it has.  ``blobs_url``: a folder or an object store; each workspace has a part of it."""

    engine: Engine
    blobs_url: str

    def blobs_of(self, workspace_id: str) -> str:
        """The address of a workspace's files."""
        return f"{self.blobs_url.rstrip('/')}/{workspace_id}"


class TeamPlaces:
    """``milepost.server.here.Places`` over a database.  Threads may share it."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._stores: dict[str, tuple[float, Store]] = {}
        self._lock = threading.Lock()

    def here(self, request: Request) -> Here:
        """See ``Places``.  Raises NotFound where the address names no workspace, or one that is not there."""
        name = request.scope.get(WORKSPACE)
        if not isinstance(name, str):
            raise NotFound("this address names no workspace: it begins with /workspaces/NAME")
        # Not by its name once more: that may mean another workspace by now.
        store: Store = request.scope.get(STORE) or self.store(name)

        def note(action: str, subject: str, **detail: Any) -> None:
            deeds.note(request, action, subject, workspace=store.workspace_name, **detail)

        return Here(store.workspace_name, store.workspace_id, store, None, DirectRecord(store), self, note)

    def store(self, name: str) -> Store:
        """The store of a workspace, in any case of letters.  Raises NotFound, and the store's errors.

        It is looked for again now and then: another server may have deleted it, and made another of that name.
        """
        kept = self.known_store(name)
        if kept is not None:
            return kept
        now = time.monotonic()
        before = self._stores.get(name.lower())
        try:
            found = find_store(self.backend.engine, name, self.backend.blobs_of)
        except NotFound:
            self.forget(name)
            raise
        if before is not None and (found.workspace_key, found.workspace_id) == _key_of(before[1]):
            found = before[1]  # what is kept of it, such as connections of its files, stays
        with self._lock:
            self._stores[name.lower()] = (now, found)
        return found

    def known_store(self, name: str) -> Store | None:
        """The store of a workspace that was found a moment ago, without asking the database."""
        found = self._stores.get(name.lower())
        return found[1] if found is not None and time.monotonic() - found[0] < FOUND_S else None

    def all(self) -> dict[str, str]:
        """The names of all workspaces, in order, and their ids."""
        return list_workspaces(self.backend.engine)

    def make(self, name: str, owner: str, most: int) -> Store:
        """Make a workspace that an account owns; see ``make_workspace``."""
        make_workspace(self.backend.engine, name, owner=owner, most=most)
        self.forget(name)  # one of that name may have been there before
        return self.store(name)

    def forget(self, name: str) -> None:
        """A workspace was deleted."""
        with self._lock:
            self._stores.pop(name.lower(), None)

    def tend(self) -> None:
        """See ``Places``: what processes leave behind, their own machines bring in."""

    def ensure_agent(self) -> None:
        """See ``Places``: submitted runs are seen to on the machines that submitted them."""


def _key_of(store: Store) -> tuple[int, str]:
    return store.workspace_key, store.workspace_id
