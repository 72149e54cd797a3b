"""All that is known of many runs at once: what carries a workspace elsewhere compares and copies."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from milepost.store.artifacts import record_of
from milepost.store.engine import MAX_PARAMETERS, pieces
from milepost.store.metric_queries import summaries
from milepost.store.records import DocumentRecord, RunState, SnapshotRecord, TakenSnapshot
from milepost.store.runs import known_runs, records
from milepost.store.schema import artifacts, parameters, run_snapshots, runs, snapshots
from milepost.store.schema import documents as told_table
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Select

    from milepost.store.records import ArtifactRecord, MetricSummary, RunRecord
    from milepost.store.store import Store


def run_states(store: Store, run_ids: Sequence[str], documents: bool = True) -> list[RunState]:
    """The states of those of these runs that are there, in the order given.

    ``documents`` false: of documents only their names and times, for they may be long.
    """
    wanted = list(dict.fromkeys(fit_name(run_id) for run_id in run_ids))
    found: dict[str, RunRecord] = {}
    files: defaultdict[str, list[ArtifactRecord]] = defaultdict(list)
    told: defaultdict[str, list[DocumentRecord]] = defaultdict(list)
    taken: defaultdict[str, list[TakenSnapshot]] = defaultdict(list)
    given: defaultdict[str, dict[str, str]] = defaultdict(dict)
    measured: defaultdict[str, list[MetricSummary]] = defaultdict(list)
    # The runs first: one that is said to have ended here has all its metrics here, too.
    with store.reading() as connection:
        for some in pieces(wanted, MAX_PARAMETERS // 2):
            rows = list(connection.execute(known_runs(store).where(runs.c.run_id.in_(some))).mappings())
            found.update((record.run_id, record) for record in records(connection, rows))
        for row in _of(connection, store, wanted, select(runs.c.run_id, *artifacts.c), artifacts):
            files[row["run_id"]].append(record_of(row))
        columns = [column for column in told_table.c if documents or column.name != "content"]
        for row in _of(connection, store, wanted, select(runs.c.run_id, *columns), told_table):
            content = json.loads(row["content"]) if documents else None
            told[row["run_id"]].append(DocumentRecord(row["name"], content, row["told_ns"]))
        for row in _of(connection, store, wanted, _SNAPSHOTS, run_snapshots):
            snapshot = SnapshotRecord(row["id"], row["manifest"], row["files"], row["bytes"], row["created_ns"])
            taken[row["run_id"]].append(TakenSnapshot(snapshot, row["taken_ns"]))
        for row in _of(connection, store, wanted, _PARAMETERS, parameters):
            given[row["run_id"]][row["name"]] = row["value"]
    for summary in summaries(store, list(found), None, None):
        measured[summary.run_id].append(summary)
    return [
        RunState(
            run=found[run_id],
            metrics=tuple(measured[run_id]),
            artifacts=tuple(sorted(files[run_id], key=lambda each: each.name)),
            documents=tuple(sorted(told[run_id], key=lambda each: each.name)),
            snapshots=tuple(taken[run_id]),
            params=given[run_id],
        )
        for run_id in wanted
        if run_id in found
    ]


_SNAPSHOTS = (
    select(
        runs.c.run_id,
        run_snapshots.c.taken_ns,
        *(snapshots.c[name] for name in ("id", "manifest", "files", "bytes", "created_ns")),
    )
    .join(snapshots, snapshots.c.key == run_snapshots.c.snapshot_key)
    .order_by(run_snapshots.c.taken_ns, run_snapshots.c.key)
)


_PARAMETERS = select(runs.c.run_id, parameters.c.name, parameters.c.value).order_by(parameters.c.name)


def _of(connection: Connection, store: Store, run_ids: list[str], query: Select[Any], table: Any) -> Iterator[Any]:
    """The rows of a table that these runs have."""
    for some in pieces(run_ids, MAX_PARAMETERS // 2):
        yield from connection.execute(
            query.join(runs, runs.c.key == table.c.run_key).where(
                runs.c.workspace_key == store.workspace_key,
                runs.c.run_id.in_(some),
                runs.c.experiment_key.is_not(None),
            )
        ).mappings()
