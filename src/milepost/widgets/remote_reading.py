"""A workspace on a server, as widgets read it: each question is a request of the API that the pages ask, too."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from milepost.remote.connection import query
from milepost.remote.store import RemoteStore
from milepost.widgets.reading import LogPiece

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from milepost.remote.connection import Connection
    from milepost.sdk.runs.run import Run
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.widgets.reading import SeriesWanted

_ASK_S: Final = 1.0
"""So often is the server asked whether something has changed."""
_MOST_IMAGES: Final = 10_000


class RemoteReading:
    """``Reading`` of a workspace on a server."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._recorder = workspace._recorder
        self._version: Hashable = None
        self._asked = 0.0

    @property
    def _connection(self) -> Connection:
        store = self._recorder.open_store()
        assert isinstance(store, RemoteStore)
        return store.connection

    def _get(self, path: str, **parameters: object) -> Any:
        return self._connection.json("GET", query(path, **parameters))

    def version(self) -> Hashable:
        """See ``Reading``."""
        now = time.monotonic()
        if self._version is None or now - self._asked >= _ASK_S:
            self._version = self._get("/changes/now")["version"]
            self._asked = now
        return self._version

    def changed(self, run_id: str) -> Mapping[str, Hashable]:
        """See ``Reading``."""
        found = self._get("/changes/now", run_id=run_id)
        return {kind: found[kind] for kind in ("run", "metrics", "files")}

    def tend(self) -> None:
        """See ``Reading``."""
        from milepost.sdk.job_process import ensure_agent

        self._recorder.fresh()
        ensure_agent(self._recorder.folder)

    def run(self, run_id: str) -> dict[str, Any]:
        """See ``Reading``."""
        return cast("dict[str, Any]", self._get(_run(run_id)))

    def progress(self, run_id: str) -> dict[str, Any] | None:
        """See ``Reading``."""
        return cast("dict[str, Any] | None", self._get(f"{_run(run_id)}/progress")["progress"])

    def metrics(self, run_id: str, search: str, offset: int, limit: int) -> dict[str, Any]:
        """See ``Reading``."""
        found = self._get(f"{_run(run_id)}/metrics", search=search, offset=offset, limit=limit)
        return cast("dict[str, Any]", found)

    def series(self, wanted: SeriesWanted) -> bytes:
        """See ``Reading``."""
        asked = {
            "series": [dict(each) for each in wanted.series],
            "x": wanted.x,
            "from": wanted.begin,
            "to": wanted.end,
            "points": wanted.points,
        }
        return self._connection.content(
            "POST", "/metrics/series", json.dumps(asked), headers={"Content-Type": "application/json"}
        )

    def values(self, run_id: str, name: str, offset: int, limit: int) -> dict[str, Any]:
        """See ``Reading``."""
        found = self._get(f"{_run(run_id)}/metrics/{_name(name)}/values", offset=offset, limit=limit)
        return cast("dict[str, Any]", found)

    def table(self, run_id: str, name: str, offset: int, limit: int) -> dict[str, Any]:
        """See ``Reading``."""
        return cast("dict[str, Any]", self._get(f"{_run(run_id)}/tables/{_name(name)}", offset=offset, limit=limit))

    def structured(self, run_id: str, name: str) -> dict[str, Any]:
        """See ``Reading``."""
        return cast("dict[str, Any]", self._get(f"{_run(run_id)}/structured/{_name(name)}"))

    def images(self, run_id: str, offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        """See ``Reading``."""
        path = query(f"{_run(run_id)}/images", offset=offset, limit=min(limit, _MOST_IMAGES))
        with self._connection.open("GET", path) as response:
            found = json.loads(response.read())
            return found, int(response.headers["X-Total"])

    def file(self, run_id: str, name: str, limit: int) -> bytes:
        """See ``Reading``."""
        return self._recorder.open_store().read_range(run_id, name, 0, limit)

    def logs(self, run_id: str) -> list[dict[str, Any]]:
        """See ``Reading``."""
        return cast("list[dict[str, Any]]", self._get(f"{_run(run_id)}/logs")["logs"])

    def log(self, run_id: str, name: str, start: int, length: int) -> LogPiece:
        """See ``Reading``."""
        path = f"{_run(run_id)}/logs/{_name(name)}"
        if start < 0:
            start = max(0, self._log(path, name, 0, 0).size + start)
        return self._log(path, name, start, length)

    def _log(self, path: str, name: str, start: int, length: int) -> LogPiece:
        with self._connection.open("GET", query(path, start=start, length=length)) as response:
            data: bytes = response.read()
            told = response.headers
            return LogPiece(name, int(told["X-Start"]), data, int(told["X-Size"]), told["X-Live"] == "1")

    def search_log(self, run_id: str, name: str, text: str, start: int, limit: int) -> dict[str, Any]:
        """See ``Reading``."""
        path = f"{_run(run_id)}/logs/{_name(name)}/search"
        return cast("dict[str, Any]", self._get(path, q=text, start=start, limit=limit))

    def children(
        self, run_id: str, columns: Sequence[str], order_by: str, descending: bool, limit: int
    ) -> dict[str, Any]:
        """See ``Reading``.  Archived ones are left out."""
        found = self._get(
            "/runs",
            parent=run_id,
            children="true",
            columns=",".join(each.replace("%", "%25").replace(",", "%2C") for each in columns),
            order_by=order_by,
            descending=str(descending).lower(),
            limit=limit,
        )
        return {name: found[name] for name in ("runs", "next_cursor")}

    def child_columns(self, run_id: str) -> dict[str, dict[str, int]]:
        """See ``Reading``."""
        found = self._get("/runs/columns", parent=run_id)
        kinds = ("metrics", "tags", "properties", "params")
        return {kind: {each["name"]: each["count"] for each in found[kind]} for kind in kinds}

    def cancel(self, run_id: str) -> None:
        """See ``Reading``."""
        self._of(run_id).cancel()

    def portal_url(self, run_id: str) -> str:
        """See ``Reading``."""
        return self._of(run_id).get_portal_url()

    def _of(self, run_id: str) -> Run:
        from milepost.sdk.runs.run import Run

        return Run.get(self._workspace, run_id)


def _run(run_id: str) -> str:
    return f"/runs/{quote(run_id, safe='')}"


def _name(name: str) -> str:
    """Of a metric or a file, in a path: its slashes stay."""
    return quote(name, safe="/")
