"""``/journals``: what training scripts of other machines have logged, taken exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from milepost.server.allowed import caller_of
from milepost.server.as_sent import announced_size
from milepost.server.errors import answer
from milepost.server.here import ThisWorkspace
from milepost.server.limits import MAX_NAME, MAX_TEXT
from milepost.server.problem import Problem
from milepost.server.roles import CONTRIBUTOR, needs
from milepost.store.batch import Batch
from milepost.store.carrying.carrier import CARRIED
from milepost.store.errors import OffsetMismatch
from milepost.store.wire import BATCH_TYPE, unpack_batch

if TYPE_CHECKING:
    from milepost.server.team.intake import Intake
    from milepost.store.store import Store

router = APIRouter(prefix="/journals", tags=["journals"])

_PIECE_S: Final = 30.0
_MOST_BYTES: Final = 1 << 40
"""Between a batch's ends.  Else one that is nobody's could say that all of a journal has come."""

JournalId = Annotated[str, Path(min_length=1, max_length=MAX_NAME)]

_BATCH: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {BATCH_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
}


class Applied(BaseModel):
    """How far the store has a journal."""

    applied: int = Field(description="Bytes of the journal; 0 for one that the store does not know.")


class Ending(BaseModel):
    """Why a journal has ended."""

    reason: str = Field(max_length=MAX_TEXT)


class Ended(BaseModel):
    """What came of a journal's end."""

    run_ids: list[str] = Field(description="Runs that the journal's process left without an end: they have Failed now.")


class Heard(BaseModel):
    """What waits for a process to be heard of."""

    goes_on: bool = Field(description="Whether one of its runs goes on; else it need not say again that it lives.")


@router.get("/{journal_id}", summary="How far the store has a journal")
def get_journal(here: ThisWorkspace, journal_id: JournalId) -> Applied:
    """A client goes on from there."""
    return Applied(applied=here.store.applied(journal_id))


@router.post(
    "/{journal_id}/batches",
    summary="Take a batch of a journal",
    openapi_extra={**needs(CONTRIBUTOR)["openapi_extra"], **_BATCH},
    responses={
        409: {"description": "It does not begin where the store's knowledge ends; `error.applied` tells where"},
        429: {"description": "The workspace brings more than it may; come again after `Retry-After`"},
    },
)
async def post_batch(request: Request, here: ThisWorkspace, journal_id: JournalId) -> Any:
    """A batch that was taken before is not taken again.  See ``milepost.store.wire`` for the bytes."""
    intake: Intake = request.app.state.intake
    await intake.admit(here.store)
    account = caller_of(request).account
    async with _body(request, here.store) as data:

        def apply() -> tuple[int, int]:
            batch = _batch_of(data, journal_id)
            if batch.end - batch.start > _MOST_BYTES:
                raise Problem(422, f"a batch is of {_MOST_BYTES:,} bytes of its journal at most")
            if account is not None and not journal_id.startswith(CARRIED):
                # Users of machines say little to a team: in containers all are called root.
                for event in batch.events:
                    if event.kind == "run":
                        event.data["submitted_by"] = account.name
            return here.store.apply(batch), sum(len(block.points) for block in batch.series)

        try:
            applied, points = await intake.apply(here.store, apply)
        except OffsetMismatch as error:
            more = {"start": error.start, "applied": error.applied}
            return answer(409, str(error), code="offset_mismatch", more=more)
        intake.spend(here.store, points, len(data))
    return Applied(applied=applied)


@router.post(
    "/{journal_id}/check",
    status_code=204,
    summary="See whether a batch could be taken",
    response_class=Response,
    openapi_extra={**needs(CONTRIBUTOR)["openapi_extra"], **_BATCH},
)
async def check_batch(request: Request, here: ThisWorkspace, journal_id: JournalId) -> Response:
    """Nothing is changed.  So a client finds out which part of a batch is refused."""
    intake: Intake = request.app.state.intake
    async with _body(request, here.store) as data:
        await intake.apply(here.store, lambda: here.store.check(_batch_of(data, journal_id)))
    return Response(status_code=204)


@asynccontextmanager
async def _body(request: Request, store: Store) -> AsyncIterator[bytes]:
    """The whole body, for which there is room meanwhile.  Raises Problem where there is none, or it does not come."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != BATCH_TYPE:
        raise Problem(415, f"a batch comes as {BATCH_TYPE}")
    intake: Intake = request.app.state.intake
    with intake.room(store, announced_size(request.headers) or 0) as take:
        pieces = []
        async for piece in _coming(request):
            take(len(piece))
            pieces.append(piece)
        yield b"".join(pieces)


async def _coming(request: Request) -> AsyncIterator[bytes]:
    """The pieces of a body.  Raises Problem (408) where none comes for long: it would keep room from others."""
    coming = request.stream()
    while True:
        try:
            yield await asyncio.wait_for(anext(coming), _PIECE_S)
        except StopAsyncIteration:
            return
        except asyncio.TimeoutError:
            raise Problem(408, f"nothing of the batch came for {_PIECE_S:g} s") from None


def _batch_of(data: bytes, journal_id: str) -> Batch:
    batch = unpack_batch(data)
    if batch.journal_id != journal_id:
        raise Problem(400, f"the batch is one of journal {batch.journal_id[:100]!r}")
    return batch


@router.post("/{journal_id}/alive", summary="A journal's process lives", **needs(CONTRIBUTOR))
def hear_journal(here: ThisWorkspace, journal_id: JournalId) -> Heard:
    """Said now and then by a process that has nothing to deliver: its runs are NotResponding otherwise."""
    return Heard(goes_on=here.store.hear(journal_id))


@router.post("/{journal_id}/close", summary="A journal has ended", **needs(CONTRIBUTOR))
def close_journal(here: ThisWorkspace, journal_id: JournalId, ending: Ending) -> Ended:
    """All of it was delivered, and its process is gone; the runs that it owned end with it."""
    return Ended(run_ids=here.store.close_journal(journal_id, ending.reason))
