"""``/runs/{run_id}/logs``: what a run printed, and what it prints just now."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from milepost.server.delivery import safety_headers
from milepost.server.here import ThisWorkspace
from milepost.server.kept import FILES, LIVE, KeptRoute, shows
from milepost.server.log_following import LogEnd, followed, follower_of
from milepost.server.log_lines import line_at, line_numbered
from milepost.server.log_reading import MOST_READ, PIECE, Follower, Log, list_logs
from milepost.server.schemas.files import LogEntry
from milepost.server.schemas.logs import LogLine, LogList, LogMatch, LogMatches
from milepost.server.shown_types import TEXT
from milepost.server.streams import EVENT_STREAM, check_room, event, stream
from milepost.store.names import MAX_CHARACTERS, check_name

router = APIRouter(tags=["logs"], route_class=KeptRoute)

RunId = Annotated[str, Path(max_length=512, description="The run's id.")]
LogName = Annotated[str, Path(max_length=MAX_CHARACTERS, description="The log's name with its folder.")]
Start = Annotated[int, Query(ge=0, lt=2**53, description="The first byte.")]

_TEXT_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Bytes of the log", "content": {"text/plain": {"schema": {"type": "string"}}}},
}
_STREAM_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Events, until the run has ended", "content": {EVENT_STREAM: {"schema": {"type": "string"}}}},
}


@router.get("/runs/{run_id}/logs", summary="The logs of a run")
@shows(FILES, LIVE)
def get_logs(here: ThisWorkspace, run_id: RunId) -> LogList:
    """The logs by name: those that still grow, and those that are stored."""
    here.store.run(run_id)
    found = list_logs(here.store, here.folder, run_id)
    return LogList(logs=[LogEntry(name=each.name, size=each.size, live=each.live) for each in found])


@router.get("/runs/{run_id}/logs/{name:path}/search", summary="Search in a log")
@shows(FILES, LIVE)
def search_log(
    here: ThisWorkspace,
    run_id: RunId,
    name: LogName,
    q: Annotated[str, Query(min_length=1, max_length=200, description="A text, which is no pattern.")],
    start: Start = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    exact: Annotated[bool, Query(description="Whether capitals count.")] = False,
) -> LogMatches:
    """The lines that have a text, from a byte on; at most 64 MiB are looked through at once, see ``next_start``."""
    log = Log(here.store, here.folder, run_id, check_name(name))
    log.state()
    found = log.search(q, start, limit, exact=exact)
    return LogMatches(
        matches=[LogMatch(start=each.start, line_start=each.line_start, text=each.text) for each in found.matches],
        next_start=None if found.at_end else found.scanned_to,
        scanned_to=found.scanned_to,
    )


@router.get("/runs/{run_id}/logs/{name:path}/line", summary="A line of a log by its number, or by a byte")
@shows(FILES, LIVE)
def find_line(
    here: ThisWorkspace,
    run_id: RunId,
    name: LogName,
    number: Annotated[int | None, Query(ge=1, lt=2**53, description="Of the line, from 1.")] = None,
    byte: Annotated[int | None, Query(ge=0, lt=2**53, description="A byte of the line, if no number is given.")] = None,
) -> LogLine:
    """Where a line is; the last one where there are not so many.  Counts through the log, so it takes its time."""
    log = Log(here.store, here.folder, run_id, check_name(name))
    log.state()
    found = line_numbered(log, number) if number is not None else line_at(log, byte or 0)
    return LogLine(number=found.number, start=found.start)


@router.get(
    "/runs/{run_id}/logs/{name:path}/follow",
    summary="Follow a log",
    response_class=Response,
    responses=_STREAM_ANSWER,
)
async def follow_log(here: ThisWorkspace, request: Request, run_id: RunId, name: LogName, start: Start = 0) -> Response:
    """The log from a byte on as server-sent events ``{"start", "text"}``, the text being its bytes in base64.

    A ``start`` before the end of what was sent means that another log has taken its place.  An event named ``end``
    with the run's ``status`` is the last one.  The id of an event is where the next one starts, so that a client
    which comes back with ``Last-Event-ID`` misses nothing.
    """
    check_room(request)
    again = request.headers.get("last-event-id", "")
    position = int(again) if again.isascii() and again.isdigit() and len(again) < 16 else start
    follower = await run_in_threadpool(follower_of, here.store, here.folder, run_id, name, position)
    return stream(request, [_events(follower)])


async def _events(follower: Follower) -> AsyncGenerator[bytes]:
    async with aclosing(followed(follower)) as found:
        async for each in found:
            if isinstance(each, LogEnd):
                yield event({"status": each.status}, kind="end")
            else:
                yield event(each.told(), id=str(each.start + len(each.data)))


@router.get(
    "/runs/{run_id}/logs/{name:path}", summary="Bytes of a log", response_class=Response, responses=_TEXT_ANSWER
)
@shows(FILES, LIVE)
def get_log(
    here: ThisWorkspace,
    run_id: RunId,
    name: LogName,
    start: Start = 0,
    length: Annotated[int, Query(ge=0, le=MOST_READ, description="How many bytes at most.")] = PIECE,
    tail_lines: Annotated[
        int | None, Query(ge=0, le=1_000_000, description="The last lines, in place of start and length.")
    ] = None,
) -> Response:
    """A piece of a log as it is; ``X-Start`` says with which byte it begins, ``X-Size`` how large the log is.

    With ``tail_lines`` at most the last 4 MiB.
    """
    log = Log(here.store, here.folder, run_id, check_name(name))
    state = log.state()
    if tail_lines is not None:
        start = log.start_of_lines(tail_lines, state.size)
        length = min(state.size - start, MOST_READ)
    data = log.read(start, length)
    headers = {
        **safety_headers(),
        "X-Start": str(start),
        "X-Size": str(max(state.size, start + len(data) if data else 0)),
        "X-Live": "1" if state.live else "0",
    }
    return Response(data, 200, headers, media_type=TEXT)
