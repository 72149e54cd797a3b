"""Runs as records: one run, or those of a query's rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, update

from milepost.store.engine import MAX_PARAMETERS, pieces, write
from milepost.store.errors import NotFound
from milepost.store.records import RunRecord
from milepost.store.run_pairs import pairs_of
from milepost.store.schema import experiments, properties, runs, tags
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping, Select

    from milepost.store.store import Store


def get_run(store: Store, run_id: str, most_pairs: int | None = None) -> RunRecord:
    """One run; ``most_pairs`` as in ``RunQuery``.  Raises NotFound."""
    with store.reading() as connection:
        query = known_runs(store).where(runs.c.run_id == fit_name(run_id))
        found = records(connection, list(connection.execute(query).mappings()), most_pairs)
    if not found:
        raise NotFound(f"there is no run {run_id!r} in workspace {store.workspace_name}")
    return found[0]


def archive_run(store: Store, run_id: str, archived: bool) -> None:
    """Archive a run or bring it back.  Raises NotFound."""
    with write(store.engine) as connection:
        changed = connection.execute(
            update(runs)
            .where(
                runs.c.workspace_key == store.workspace_key,
                runs.c.run_id == fit_name(run_id),
                runs.c.experiment_key.is_not(None),
            )
            .values(archived_ns=time.time_ns() if archived else None)
        )
        if not changed.rowcount:
            raise NotFound(f"there is no run {run_id!r} in workspace {store.workspace_name}")


def archive_runs(store: Store, run_ids: Sequence[str], archived: bool) -> None:
    """Archive these runs, or bring them back, at once; those that are not there are passed over."""
    now = time.time_ns() if archived else None
    with write(store.engine) as connection:
        for some in pieces(sorted(fit_name(run_id) for run_id in run_ids), MAX_PARAMETERS // 2):
            these = (runs.c.workspace_key == store.workspace_key, runs.c.run_id.in_(some))
            # Locked in the order in which batches lock them.
            connection.execute(select(runs.c.run_id).where(*these).order_by(runs.c.run_id).with_for_update())
            connection.execute(update(runs).where(*these, runs.c.experiment_key.is_not(None)).values(archived_ns=now))


_COLUMNS: Final = (
    *(column for column in runs.c if column.name not in ("workspace_key", "owner_journal")),
    experiments.c.id.label("experiment_id"),
    experiments.c.name.label("experiment"),
)


def known_runs(store: Store) -> Select[Any]:
    """All runs of the workspace but placeholders: those have no experiment yet."""
    return (
        select(*_COLUMNS)
        .join(experiments, experiments.c.key == runs.c.experiment_key)
        .where(runs.c.workspace_key == store.workspace_key)
    )


# Records.


def records(connection: Connection, rows: list[RowMapping], most_pairs: int | None = None) -> list[RunRecord]:
    """The records of rows of ``known_runs``; ``most_pairs`` as in ``RunQuery``."""
    keys = [row["key"] for row in rows]
    tags_of = pairs_of(connection, tags, keys, most_pairs)
    properties_of = pairs_of(connection, properties, keys, most_pairs)
    return [
        RunRecord(
            run_id=row["run_id"],
            experiment=row["experiment"],
            experiment_id=row["experiment_id"],
            number=row["number"],
            type=row["type"],
            status=row["status"],
            display_name=row["display_name"],
            description=row["description"],
            parent_id=row["parent_id"],
            root_id=row["root_id"],
            target=row["target"],
            submitted_by=row["submitted_by"],
            created_ns=row["created_ns"],
            started_ns=row["started_ns"],
            ended_ns=row["ended_ns"],
            archived_ns=row["archived_ns"],
            error=row["error"],
            warnings=row["warnings"],
            tags=tags_of.get(row["key"], {}),
            properties=properties_of.get(row["key"], {}),
        )
        for row in rows
    ]
