"""What a route works on: the workspace that the request is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

from fastapi import Depends, Request

from milepost.jobs.record import Record
from milepost.server.settings import Serving
from milepost.store.store import Store


@dataclass(frozen=True)
class Here:
    """One workspace, as a route sees it."""

    name: str
    id: str
    store: Store
    folder: Path | None
    """The workspace's folder where it lies on this machine: jobs and live logs are there."""
    record: Record
    """Says what is to be kept of runs: tags, names, statuses."""
    places: Places
    note: Callable[..., None] = lambda action, subject, **detail: None
    """Keeps for the audit log what was done, such as "run.delete", to what, and more of it."""

    @property
    def journals(self) -> Path | None:
        """The folder of the workspace's journals."""
        return None if self.folder is None else self.folder / "journals"


class Places(Protocol):
    """The workspaces of a server."""

    def here(self, request: Request) -> Here:
        """The workspace of this request.  Raises the store's errors."""
        ...

    def tend(self) -> None:
        """Bring in what killed processes have left behind, and see to it that submitted runs are seen to.

        Called again and again, in a thread; raises nothing that would have to end the server.
        """
        ...

    def ensure_agent(self) -> None:
        """See to it that somebody sees to the submitted runs."""
        ...


def current(request: Request) -> Here:
    """The workspace that a request is about.  Raises the store's errors."""
    places: Places = request.app.state.places
    return places.here(request)


def current_settings(request: Request) -> Serving:
    """The settings of the server that answers a request."""
    settings: Serving = request.app.state.settings
    return settings


ThisWorkspace = Annotated[Here, Depends(current)]
"""The type of a route's parameter that wants the workspace."""
TheseSettings = Annotated[Serving, Depends(current_settings)]
