"""The workspaces of the embedded portal: one, in a folder of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from milepost.sdk.recording.job_record import JobRecord
from milepost.sdk.recording.recorder import recorder_for

if TYPE_CHECKING:
    from fastapi import Request

    from milepost.sdk.workspaces.home import WorkspacePlace
    from milepost.server.here import Here

_TEND_TIMEOUT_S: Final = 60.0


class EmbeddedPlaces:
    """``milepost.server.here.Places`` over one workspace's folder."""

    def __init__(
        self, place: WorkspacePlace, starting: Callable[[Callable[[], object]], object] = lambda start: start()
    ) -> None:
        """``starting`` calls what starts other processes."""
        self._place = place
        self._starting = starting
        self._recorder = recorder_for(place)
        self._record = JobRecord(self._recorder)

    @property
    def folder(self) -> Path:
        """The workspace's folder."""
        return self._recorder.folder

    def here(self, request: Request) -> Here:
        """See ``Places``."""
        from milepost.server.here import Here

        store = self._recorder.open_store()
        return Here(self._place.name, self._place.id, store, self._recorder.folder, self._record, self)

    def tend(self) -> None:
        """See ``Places``."""
        self._recorder.drain.wait(_TEND_TIMEOUT_S)
        self.ensure_agent()

    def ensure_agent(self) -> None:
        """See ``Places``."""
        from milepost.sdk.job_process import ensure_agent

        self._starting(lambda: ensure_agent(self._recorder.folder))

    def close(self) -> None:
        """Deliver what was said through the portal."""
        self._record.close()
