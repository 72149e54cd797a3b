"""Take batches from journals: each exactly once, whatever is repeated, late or racing."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, func, select, update

from milepost.store import metrics
from milepost.store.batch import (
    ACCURACY_TABLE,
    CONFUSION_MATRIX,
    IMAGE,
    PREDICTIONS,
    RESIDUALS,
    SERIES,
    TABLE,
    Batch,
    Event,
)
from milepost.store.engine import insert, retried, write
from milepost.store.errors import BadInput, OffsetMismatch
from milepost.store.events import EVENT_KINDS, Changes
from milepost.store.points import check
from milepost.store.schema import journals, runs
from milepost.store.schema import metrics as metrics_table
from milepost.store.status import FAILED, PROCESS_DIED, SUBMITTED, SWEEP, TERMINAL
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from milepost.store.batch import SeriesBlock
    from milepost.store.store import Store

_KINDS: Final = frozenset({SERIES, TABLE, IMAGE, ACCURACY_TABLE, CONFUSION_MATRIX, RESIDUALS, PREDICTIONS})


def apply(store: Store, batch: Batch) -> int:
    """Apply a batch, or nothing of it where the store has it already.

    Returns the offset up to which the store now has the journal.  Raises OffsetMismatch where the batch does not
    begin there, BadInput where it is malformed (nothing is applied), StoreUnavailable and StoreDamaged.
    """
    _check(batch)
    blocks = [_cleaned(block) for block in batch.series]
    return retried(lambda: _apply(store, batch, blocks))


def check_batch(store: Store, batch: Batch) -> None:
    """See whether a batch could be applied, wherever its journal is, and change nothing.

    Raises BadInput where it is malformed, StoreUnavailable and StoreDamaged.
    """
    _check(batch)
    blocks = [_cleaned(block) for block in batch.series]

    def work() -> None:
        with suppress(_Undone), write(store.engine) as connection:
            _take(connection, store, fit_name(batch.journal_id), batch, blocks)
            raise _Undone

    retried(work)


class _Undone(Exception):
    """A transaction is left without having changed anything."""


def tell(store: Store, events: list[Event]) -> None:
    """Apply events that no journal holds, at once and together.

    Raises BadInput where one is malformed (nothing is applied), StoreUnavailable and StoreDamaged.
    """
    _check(Batch("", 0, 0, events))

    def work() -> None:
        with write(store.engine) as connection:
            Changes(connection, store.workspace_key, "", events, []).apply(events)

    retried(work)


def _check(batch: Batch) -> None:
    if not 0 <= batch.start <= batch.end < 2**63:
        raise BadInput(f"a batch of journal {batch.journal_id} has impossible offsets {batch.start} to {batch.end}")
    for event in batch.events:
        if event.kind not in EVENT_KINDS:
            raise BadInput(
                f"a batch of journal {batch.journal_id} has an event of unknown kind {event.kind!r}; "
                "is it of a newer Milepost?  Upgrade with pip install -U milepost"
            )
        if not isinstance(event.data, dict) or not isinstance(event.run_id, str):
            raise BadInput(f"a batch of journal {batch.journal_id} has a malformed event of kind {event.kind!r}")
    for block in batch.series:
        if block.kind not in _KINDS:
            raise BadInput(f"metric {block.name!r} of run {block.run_id} has unknown kind {block.kind!r}")
        check(block.points)
        if block.kind != TABLE and block.points.columns.keys() - {""}:
            raise BadInput(f"metric {block.name!r} of run {block.run_id} is no table, but has named columns")
        if len(block.points) and not block.points.columns:
            raise BadInput(f"metric {block.name!r} of run {block.run_id} has points without a column")


def _cleaned(block: SeriesBlock) -> SeriesBlock:
    """The block with names that the database can keep.  The texts that were logged stay as they are."""
    points = block.points
    columns = {clean(name): column for name, column in points.columns.items()}
    if len(columns) == len(points.columns):
        points = replace(points, columns=columns)
    return replace(
        block,
        run_id=fit_name(block.run_id),
        name=fit_name(block.name),
        namespace=fit_name(block.namespace)[:64],
        description=clean(block.description),
        points=points,
    )


def _apply(store: Store, batch: Batch, blocks: list[SeriesBlock]) -> int:
    with write(store.engine) as connection:
        journal_id = fit_name(batch.journal_id)
        applied = _lock_journal(connection, store.workspace_key, journal_id)
        if batch.end <= applied:
            return applied
        if batch.start != applied:
            raise OffsetMismatch(batch.journal_id, batch.start, applied)
        _take(connection, store, journal_id, batch, blocks)
        connection.execute(
            update(journals)
            .where(journals.c.workspace_key == store.workspace_key, journals.c.journal_id == journal_id)
            .values(applied=batch.end, updated_ns=time.time_ns())
        )
    return batch.end


def _take(connection: Connection, store: Store, journal_id: str, batch: Batch, blocks: list[SeriesBlock]) -> None:
    changes = Changes(connection, store.workspace_key, journal_id, batch.events, [b.run_id for b in blocks])
    changes.apply(batch.events)
    metrics.append(
        connection,
        store.workspace_key,
        [(changes.key_of(block.run_id), block) for block in blocks if changes.takes(block.run_id)],
    )


def _lock_journal(connection: Connection, workspace_key: int, journal_id: str) -> int:
    """How far the journal is in.  Nobody else applies to it until this transaction ends."""
    query = (
        select(journals.c.applied)
        .where(journals.c.workspace_key == workspace_key, journals.c.journal_id == journal_id)
        .with_for_update()
    )
    applied = connection.scalar(query)
    if applied is None:
        row = {"workspace_key": workspace_key, "journal_id": journal_id, "applied": 0, "updated_ns": time.time_ns()}
        connection.execute(insert(connection, journals).values(row).on_conflict_do_nothing())
        applied = connection.scalar(query)
    return int(applied or 0)


def close_journal(store: Store, journal_id: str, reason: str) -> list[str]:
    """Note that the journal's process is dead and all that it wrote is applied.

    The runs that it owned and that have not ended become Failed with the code ``ProcessDied`` and this reason; they
    ended when they last logged a metric, as far as the store can know.  Submitted runs that have not begun wait for
    another process that begins them.
    Returns their ids; a second call changes nothing.
    """
    return retried(lambda: _close_journal(store, fit_name(journal_id), clean(reason)))


def _close_journal(store: Store, journal_id: str, reason: str) -> list[str]:
    now = time.time_ns()
    with write(store.engine) as connection:
        _lock_journal(connection, store.workspace_key, journal_id)
        connection.execute(
            update(journals)
            .where(
                journals.c.workspace_key == store.workspace_key,
                journals.c.journal_id == journal_id,
                journals.c.closed_ns.is_(None),
            )
            .values(closed_ns=now)
        )
        own = (
            runs.c.workspace_key == store.workspace_key,
            runs.c.owner_journal == journal_id,
            runs.c.status.not_in(TERMINAL),
        )
        waits = and_(runs.c.type.in_(SUBMITTED - {SWEEP}), runs.c.started_ns.is_(None))
        connection.execute(update(runs).where(*own, waits).values(owner_journal=None))
        left = connection.execute(
            select(runs.c.key, runs.c.run_id, runs.c.created_ns, runs.c.started_ns)
            .where(
                *own,
                # A sweep's controller is replaced, and goes on with it.
                runs.c.type.is_distinct_from(SWEEP),
            )
            .order_by(runs.c.run_id)
            .with_for_update()
        ).all()
        if left:
            ends = _last_words(connection, [row.key for row in left])
            error = {"code": PROCESS_DIED, "message": reason}
            connection.execute(
                _FAIL,
                [
                    {
                        "this_key": row.key,
                        "error": error,
                        "ended_ns": max(row.created_ns, row.started_ns or 0, ends.get(row.key, 0)),
                    }
                    for row in left
                ],
            )
    return [row.run_id for row in left]


_FAIL: Final = (
    update(runs)
    .where(runs.c.key == bindparam("this_key"))
    .values(status=FAILED, ended_ns=bindparam("ended_ns"), error=bindparam("error"))
)


def _last_words(connection: Connection, run_keys: list[int]) -> dict[int, int]:
    """When each run last logged a metric.  A death may be noticed days later; the run did not last until then."""
    rows = connection.execute(
        select(metrics_table.c.run_key, func.max(metrics_table.c.last_ns).label("last_ns"))
        .where(metrics_table.c.run_key.in_(run_keys))
        .group_by(metrics_table.c.run_key)
    )
    return {row.run_key: row.last_ns for row in rows if row.last_ns is not None}


def applied(store: Store, journal_id: str) -> int:
    """How far (bytes) the store has the journal; 0 for one it does not know."""
    with store.reading() as connection:
        found = connection.scalar(
            select(journals.c.applied).where(
                journals.c.workspace_key == store.workspace_key, journals.c.journal_id == fit_name(journal_id)
            )
        )
    return int(found or 0)


def known_journals(store: Store) -> dict[str, int]:
    """The journals that are not closed, and how far the store has each."""
    with store.reading() as connection:
        rows = connection.execute(
            select(journals.c.journal_id, journals.c.applied).where(
                journals.c.workspace_key == store.workspace_key, journals.c.closed_ns.is_(None)
            )
        )
        return {row.journal_id: row.applied for row in rows}
