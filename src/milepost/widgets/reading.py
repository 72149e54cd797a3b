"""What a widget reads, and the embedded workspace that it is read from.

``Reading`` asks what the REST API answers, question by question, in the same words and with the same numbers, so that a
workspace that is reached over HTTP can be read from as well.  Nothing is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from milepost.sdk.runs.run import Run
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.lines import LineMemory
    from milepost.store.store import Store

_LINES_BYTES: Final = 128 << 20
"""What the lines of all widgets of a process may take in memory: two runs of a few million points."""


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Bytes of a log."""

    name: str
    start: int
    data: bytes
    size: int
    """Bytes that the log has just now."""
    live: bool
    """Whether it still grows."""


@dataclass(frozen=True, slots=True)
class SeriesWanted:
    """Lines of metrics, in the words of ``POST /metrics/series``."""

    series: Sequence[Mapping[str, Any]]
    """Each with run_id, name, and for tables column and x_column."""
    x: str = "step"
    begin: float | None = None
    end: float | None = None
    points: int = 1000


class Reading(Protocol):
    """A workspace as widgets read it.  Any thread may ask.  Raises the store's errors and ``Problem``."""

    def version(self) -> Hashable:
        """Another one after every change of the workspace; costs next to nothing."""
        ...

    def changed(self, run_id: str) -> Mapping[str, Hashable]:
        """For "run", "metrics" and "files" of a run something that is another one when they have changed."""
        ...

    def tend(self) -> None:
        """See to it that what killed processes left is brought in, and that submitted runs are seen to."""
        ...

    def run(self, run_id: str) -> dict[str, Any]:
        """``GET /runs/ID``."""
        ...

    def progress(self, run_id: str) -> dict[str, Any] | None:
        """``GET /runs/ID/progress``."""
        ...

    def metrics(self, run_id: str, search: str, offset: int, limit: int) -> dict[str, Any]:
        """``GET /runs/ID/metrics``."""
        ...

    def series(self, wanted: SeriesWanted) -> bytes:
        """``POST /metrics/series``."""
        ...

    def values(self, run_id: str, name: str, offset: int, limit: int) -> dict[str, Any]:
        """``GET /runs/ID/metrics/NAME/values``."""
        ...

    def table(self, run_id: str, name: str, offset: int, limit: int) -> dict[str, Any]:
        """``GET /runs/ID/tables/NAME``."""
        ...

    def structured(self, run_id: str, name: str) -> dict[str, Any]:
        """``GET /runs/ID/structured/NAME``: the last one."""
        ...

    def images(self, run_id: str, offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        """``GET /runs/ID/images``, and how many there are."""
        ...

    def file(self, run_id: str, name: str, limit: int) -> bytes:
        """A file of a run, or its first bytes."""
        ...

    def logs(self, run_id: str) -> list[dict[str, Any]]:
        """``GET /runs/ID/logs``."""
        ...

    def log(self, run_id: str, name: str, start: int, length: int) -> LogPiece:
        """``GET /runs/ID/logs/NAME``; a negative ``start`` counts from the end."""
        ...

    def search_log(self, run_id: str, name: str, text: str, start: int, limit: int) -> dict[str, Any]:
        """``GET /runs/ID/logs/NAME/search``."""
        ...

    def children(
        self, run_id: str, columns: Sequence[str], order_by: str, descending: bool, limit: int
    ) -> dict[str, Any]:
        """``GET /runs?parent=ID``, the first page."""
        ...

    def child_columns(self, run_id: str) -> dict[str, dict[str, int]]:
        """``GET /runs/columns?parent=ID``: kind -> name -> how many of the children have it."""
        ...

    def cancel(self, run_id: str) -> None:
        """Cancel a run and what it has submitted."""
        ...

    def portal_url(self, run_id: str) -> str:
        """The address of a run's page; a portal is started if none runs."""
        ...


class EmbeddedReading:
    """``Reading`` of a workspace on this machine, from its store and its folder, with the functions of the API."""

    _lines: LineMemory | None = None
    """Shared by all: its bound is the process's."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._recorder = workspace._recorder

    @property
    def _store(self) -> Store:
        return self._recorder.open_store()

    def version(self) -> Hashable:
        """See ``Reading``."""
        from milepost.store import changes

        return changes.version(self._store)

    def changed(self, run_id: str) -> Mapping[str, Hashable]:
        """See ``Reading``."""
        from milepost.store import changes

        picture = changes.picture(self._store, run_id=run_id)
        return {
            kind: repr(getattr(picture, field)) for kind, field in (("run", "runs"), ("metrics",) * 2, ("files",) * 2)
        }

    def tend(self) -> None:
        """See ``Reading``."""
        from milepost.sdk.job_process import ensure_agent

        self._recorder.fresh()
        ensure_agent(self._recorder.folder)

    def run(self, run_id: str) -> dict[str, Any]:
        """See ``Reading``."""
        from milepost.server.run_detail import run_detail

        return run_detail(self._store, run_id).model_dump(mode="json")

    def progress(self, run_id: str) -> dict[str, Any] | None:
        """See ``Reading``."""
        from milepost.server.run_progress import run_progress

        found: dict[str, Any] | None = run_progress(self._store, run_id).model_dump(mode="json")["progress"]
        return found

    def metrics(self, run_id: str, search: str, offset: int, limit: int) -> dict[str, Any]:
        """See ``Reading``."""
        from milepost.server.metric_entries import metric_entry
        from milepost.store.metric_pages import metric_page

        page = metric_page(self._store, run_id, "", search=search, offset=offset, limit=limit)
        return {
            "metrics": [metric_entry(each).model_dump(mode="json") for each in page.metrics],
            "total": page.total,
        }

    def series(self, wanted: SeriesWanted) -> bytes:
        """See ``Reading``."""
        from milepost.server.series_format import encode, series_of
        from milepost.store.windows import Axis, Wanted, windows

        lines = [
            Wanted(
                str(each["run_id"]),
                str(each["name"]),
                str(each.get("namespace") or ""),
                each.get("column"),
                each.get("x_column"),
            )
            for each in wanted.series
        ]
        axis = Axis(wanted.x, wanted.begin, wanted.end)
        found = {
            place: series_of(window, wanted.points)
            for place, window in windows(self._store, lines, axis, self._memory())
        }
        return b"".join(encode([found[place] for place in range(len(lines))], wanted.x))

    @classmethod
    def _memory(cls) -> LineMemory:
        from milepost.store.lines import LineMemory

        if EmbeddedReading._lines is None:
            EmbeddedReading._lines = LineMemory(_LINES_BYTES)
        return EmbeddedReading._lines

    def values(self, run_id: str, name: str, offset: int, limit: int) -> dict[str, Any]:
        """See ``Reading``."""
        from milepost.server.metric_entries import values_page

        return values_page(self._store, run_id, name, "", None, offset, limit).model_dump(mode="json")

    def table(self, run_id: str, name: str, offset: int, limit: int) -> dict[str, Any]:
        """See ``Reading``."""
        from milepost.server.tables import table_page

        return table_page(self._store, run_id, name, "", offset, limit).model_dump(mode="json")

    def structured(self, run_id: str, name: str) -> dict[str, Any]:
        """See ``Reading``."""
        from milepost.server.tables import structured_value

        return structured_value(self._store, run_id, name, -1)[0]

    def images(self, run_id: str, offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        """See ``Reading``."""
        from milepost.server.images import image_entries

        found, total = image_entries(self._store, run_id, None, offset, limit)
        return [each.model_dump(mode="json") for each in found], total

    def file(self, run_id: str, name: str, limit: int) -> bytes:
        """See ``Reading``."""
        return self._store.read_range(run_id, name, 0, limit)

    def logs(self, run_id: str) -> list[dict[str, Any]]:
        """See ``Reading``."""
        from milepost.server.log_reading import list_logs

        found = list_logs(self._store, self._recorder.folder, run_id)
        return [{"name": each.name, "size": each.size, "live": each.live} for each in found]

    def log(self, run_id: str, name: str, start: int, length: int) -> LogPiece:
        """See ``Reading``."""
        from milepost.server.log_reading import Log
        from milepost.store.names import check_name

        log = Log(self._store, self._recorder.folder, run_id, check_name(name))
        state = log.state()
        start = max(0, state.size + start) if start < 0 else start
        data = log.read(start, length)
        return LogPiece(name, start, data, max(state.size, start + len(data) if data else 0), state.live)

    def search_log(self, run_id: str, name: str, text: str, start: int, limit: int) -> dict[str, Any]:
        """See ``Reading``."""
        from milepost.server.log_reading import Log
        from milepost.store.names import check_name

        found = Log(self._store, self._recorder.folder, run_id, check_name(name)).search(
            text, start, limit, exact=False
        )
        return {
            "matches": [
                {"start": each.start, "line_start": each.line_start, "text": each.text} for each in found.matches
            ],
            "next_start": None if found.at_end else found.scanned_to,
            "scanned_to": found.scanned_to,
        }

    def children(
        self, run_id: str, columns: Sequence[str], order_by: str, descending: bool, limit: int
    ) -> dict[str, Any]:
        """See ``Reading``."""
        from milepost.server.run_fields import field_of, order_of
        from milepost.server.run_rows import run_rows
        from milepost.store.records import RunQuery

        query = RunQuery(
            parent_id=run_id, archived=None, order_by=order_of(order_by), descending=descending, limit=limit
        )
        page = self._store.runs(query)
        rows = run_rows(self._store, page.runs, {name: field_of(name) for name in columns})
        return {"runs": [each.model_dump(mode="json") for each in rows], "next_cursor": page.next_cursor}

    def child_columns(self, run_id: str) -> dict[str, dict[str, int]]:
        """See ``Reading``."""
        from milepost.store.records import RunQuery
        from milepost.store.run_columns import run_columns

        return run_columns(self._store, RunQuery(parent_id=run_id, archived=None)).names

    def cancel(self, run_id: str) -> None:
        """See ``Reading``."""
        self._run(run_id).cancel()

    def portal_url(self, run_id: str) -> str:
        """See ``Reading``."""
        return self._run(run_id).get_portal_url()

    def _run(self, run_id: str) -> Run:
        from milepost.sdk.runs.run import Run

        return Run.get(self._workspace, run_id)
