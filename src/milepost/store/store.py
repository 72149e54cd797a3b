"""One workspace in a database: what all of Milepost reads and writes through."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import func, select

from milepost.store import (
    apply,
    artifacts,
    computes,
    deletion,
    documents,
    environments,
    experiments,
    metric_queries,
    models,
    run_frames,
    run_ids,
    run_pages,
    run_states,
    runs,
    silence,
    snapshots,
    sweeping,
)
from milepost.store.bringing import bring
from milepost.store.engine import insert, open_engine, read, write
from milepost.store.errors import BadInput, NotFound
from milepost.store.migrate import HEAD, ensure_schema
from milepost.store.records import RunQuery, WorkspaceInfo
from milepost.store.schema import artifacts as artifacts_table
from milepost.store.schema import blobs as blobs_table
from milepost.store.schema import experiments as experiments_table
from milepost.store.schema import metrics, workspaces
from milepost.store.schema import models as models_table
from milepost.store.schema import runs as runs_table
from milepost.store.schema import snapshots as snapshots_table
from milepost.store.status import TERMINAL
from milepost.store.texts import clean

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import IO, BinaryIO

    from sqlalchemy import Connection, Engine

    from milepost.store.batch import Batch, Points
    from milepost.store.blobs import Blobs
    from milepost.store.records import (
        ArtifactRecord,
        Blob,
        ComputeRecord,
        EnvironmentRecord,
        ExperimentRecord,
        MetricSummary,
        ModelRecord,
        RunPage,
        RunRecord,
        RunState,
        SnapshotRecord,
        StoredMetric,
    )
    from milepost.store.sweeping import Swept

_PAGE = 1000


def open_store(
    database_url: str, workspace: str, *, blobs_url: str, create: bool = True, workspace_id: str | None = None
) -> Store:
    """Open a workspace's store; with ``create`` the database, its schema and the workspace are made if missing.

    ``database_url``: ``sqlite:///path/to/file`` or ``postgresql://...``.  ``workspace``: its name.
    ``workspace_id``: its UUID; it is looked for first, and given to a new workspace.  ``blobs_url``: where the
    files' contents lie.  Raises NotFound where ``create`` is false and there is none, BadInput for addresses that
    cannot be used, StoreUnavailable and StoreDamaged.
    """
    name = clean(workspace)
    if not name:
        raise BadInput("a workspace needs a name")
    engine = open_engine(database_url)
    try:
        ensure_schema(engine, create=create)
        with read(engine) as connection:
            found = _find_workspace(connection, name, workspace_id)
        if found is None and create:
            with write(engine) as connection:
                row = {"id": workspace_id or str(uuid4()), "name": name, "created_ns": time.time_ns(), "settings": {}}
                connection.execute(insert(connection, workspaces).values(row).on_conflict_do_nothing())
                found = _find_workspace(connection, name, workspace_id)
        if found is None:
            raise NotFound(f"there is no workspace {workspace!r} in the store")
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, *found, blobs_url)


def _find_workspace(connection: Connection, name: str, workspace_id: str | None) -> tuple[int, str, str] | None:
    for condition in (workspaces.c.id == workspace_id, workspaces.c.name == name):
        row = connection.execute(select(workspaces.c.key, workspaces.c.id, workspaces.c.name).where(condition)).first()
        if row is not None:
            return row.key, row.id, row.name
    return None


def find_store(engine: Engine, workspace: str, blobs_of: Callable[[str], str]) -> Store:
    """The store of a workspace in a database that has the schema; ``workspace``: its name, in any case of letters.

    ``blobs_of`` gives the address of the files of the workspace with an id.  Raises NotFound, and the store's errors.
    """
    name = clean(workspace)
    with read(engine) as connection:
        query = select(workspaces.c.key, workspaces.c.id, workspaces.c.name)
        rows = connection.execute(query.where(func.lower(workspaces.c.name) == name.lower())).all()
    for row in sorted(rows, key=lambda each: each.name != name):
        return Store(engine, row.key, row.id, row.name, blobs_of(row.id))
    raise NotFound(f"there is no workspace {workspace[:300]!r} on this server")


def list_workspaces(engine: Engine) -> dict[str, str]:
    """The names of all workspaces of a database, in order, and their ids."""
    with read(engine) as connection:
        rows = connection.execute(select(workspaces.c.name, workspaces.c.id).order_by(workspaces.c.name))
        return {row.name: row.id for row in rows}


@dataclass(eq=False)
class Store:
    """An open workspace.  Any number of threads may use it; a forked child may go on with it.

    All methods raise StoreUnavailable where the database cannot be reached or written just now, and StoreDamaged
    where it cannot be read as a store of this version.
    """

    engine: Engine
    workspace_key: int
    workspace_id: str
    workspace_name: str
    blobs_url: str
    _blobs: Blobs | None = None

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction to read in."""
        return read(self.engine)

    def close(self) -> None:
        """Close the connections.  What is used afterwards opens new ones."""
        self.engine.dispose()

    def info(self) -> WorkspaceInfo:
        """How much the workspace holds.  Runs that are known only by what other journals said do not count."""
        key = self.workspace_key
        known = (runs_table.c.workspace_key == key, runs_table.c.experiment_key.is_not(None))
        with self.reading() as connection:

            def count(table: Any, *where: Any, of: Any = None) -> int:
                query = select(func.count() if of is None else func.sum(of)).select_from(table)
                return int(connection.scalar(query.where(*(where or [table.c.workspace_key == key]))) or 0)

            return WorkspaceInfo(
                id=self.workspace_id,
                name=self.workspace_name,
                schema=HEAD,
                experiments=count(experiments_table),
                runs=count(runs_table, *known),
                active_runs=count(runs_table, *known, runs_table.c.status.not_in(TERMINAL)),
                metrics=count(metrics),
                points=count(metrics, of=metrics.c["count"]),
                artifacts=count(artifacts_table),
                artifact_bytes=count(artifacts_table, of=artifacts_table.c.size),
                blob_bytes=count(blobs_table, of=blobs_table.c.size),
                models=count(models_table),
                snapshots=count(snapshots_table),
                snapshot_bytes=count(snapshots_table, of=snapshots_table.c.bytes),
            )

    # Journals.

    def applied(self, journal_id: str) -> int:
        """How far (bytes) the store has this journal; 0 for one it does not know."""
        return apply.applied(self, journal_id)

    def apply(self, batch: Batch) -> int:
        """Apply a batch exactly once; see ``apply.apply``."""
        return apply.apply(self, batch)

    def check(self, batch: Batch) -> None:
        """See whether a batch could be applied, and change nothing; see ``apply.check_batch``."""
        apply.check_batch(self, batch)

    def close_journal(self, journal_id: str, reason: str) -> list[str]:
        """End the runs of a journal whose process is dead; see ``apply.close_journal``."""
        return apply.close_journal(self, journal_id, reason)

    def hear(self, journal_id: str) -> bool:
        """The journal's process lives; see ``silence.hear``."""
        return silence.hear(self, journal_id)

    def known_journals(self) -> dict[str, int]:
        """The journals that are not closed, and how far the store has each."""
        return apply.known_journals(self)

    # Runs.

    def run(self, run_id: str) -> RunRecord:
        """One run.  Raises NotFound."""
        return runs.get_run(self, run_id)

    def runs(self, query: RunQuery | None = None) -> RunPage:
        """A page of runs; see ``RunQuery``.  Raises BadInput for an unknown order or a foreign cursor."""
        return run_pages.list_runs(self, query or RunQuery())

    def all_runs(self, query: RunQuery | None = None) -> Iterator[RunRecord]:
        """All the runs of a query (up to its limit), read page by page."""
        query = query or RunQuery()
        left = query.limit
        while left is None or left > 0:
            page = self.runs(replace(query, limit=_PAGE if left is None else min(_PAGE, left)))
            yield from page.runs
            if page.next_cursor is None:
                return
            left = None if left is None else left - len(page.runs)
            query = replace(query, cursor=page.next_cursor, offset=0)

    def ids_beginning(self, beginnings: Sequence[str], limit: int) -> dict[str, list[str]]:
        """beginning -> the ids of runs that begin with it; see ``run_ids.ids_beginning``."""
        return run_ids.ids_beginning(self, beginnings, limit)

    def run_states(self, run_ids: Sequence[str], documents: bool = True) -> list[RunState]:
        """All that is known of those of these runs that are there; see ``run_states.run_states``."""
        return run_states.run_states(self, run_ids, documents)

    def archive_run(self, run_id: str, archived: bool = True) -> None:
        """Archive a run or bring it back.  Raises NotFound."""
        runs.archive_run(self, run_id, archived)

    def run_frame(
        self,
        run_ids: Sequence[str],
        columns: Sequence[str],
        reduction: str = "last",
        reductions: Mapping[str, str] | None = None,
    ) -> list[dict[str, list[Any]]]:
        """What runs have, as columns; see ``run_frames.run_frame``.  Raises BadInput."""
        return run_frames.run_frame(self, run_ids, columns, reduction, reductions)

    # Experiments.

    def experiment(self, name: str) -> ExperimentRecord:
        """The experiment of this name.  Raises NotFound."""
        return experiments.get_experiment(self, name=name)

    def experiment_by_id(self, experiment_id: str) -> ExperimentRecord:
        """The experiment of this id.  Raises NotFound."""
        return experiments.get_experiment(self, experiment_id=experiment_id)

    def experiments(self, view: str = "active") -> list[ExperimentRecord]:
        """The experiments, newest first.  ``view``: active, archived or all."""
        return experiments.list_experiments(self, view)

    def ensure_experiment(self, name: str, created_ns: int | None = None) -> ExperimentRecord:
        """The experiment of this name, made if it is not there.  Raises BadInput for a name that cannot be kept."""
        return experiments.ensure_experiment(self, name, created_ns)

    def update_experiment(
        self,
        name: str,
        *,
        archived: bool | None = None,
        description: str | None = None,
        set_tags: Mapping[str, str | None] | None = None,
        remove_tags: Iterable[str] = (),
    ) -> ExperimentRecord:
        """Archive or reactivate an experiment, describe it, set and remove its tags.  Raises NotFound."""
        return experiments.set_experiment(
            self, name, archived=archived, description=description, set_tags=set_tags, remove_tags=remove_tags
        )

    # Metrics.

    def metric_summaries(
        self, run_ids: Sequence[str], names: Sequence[str] | None = None, namespace: str | None = ""
    ) -> list[MetricSummary]:
        """The metrics of these runs in order of first logging; ``namespace`` None means all."""
        return metric_queries.summaries(self, run_ids, names, namespace)

    def metric_points(
        self,
        run_id: str,
        name: str,
        namespace: str = "",
        kind: str | None = None,
        start: int | None = None,
        stop: int | None = None,
    ) -> Points:
        """The points ``start`` to ``stop`` (left out) of one metric.  Raises NotFound."""
        return metric_queries.points(self, run_id, name, namespace, kind, start, stop)

    def metric_values(self, run_id: str, name: str | None = None, namespace: str = "") -> dict[str, Any]:
        """What ``Run.get_metrics()`` gives: name to value, list or table.  Raises NotFound for an unknown run."""
        return metric_queries.values(self, run_id, name, namespace)

    def metric_values_many(
        self, run_ids: Sequence[str], name: str | None = None, namespace: str = ""
    ) -> dict[str, dict[str, Any]]:
        """``metric_values`` of many runs at once; unknown runs have none."""
        return metric_queries.values_many(self, run_ids, name, namespace)

    def stored_metrics(
        self, run_ids: Sequence[str], name: str | None = None, namespace: str = ""
    ) -> list[StoredMetric]:
        """The metrics of these runs as they lie in the store; ``metric_queries.shaped`` makes values of them."""
        return metric_queries.stored(self, run_ids, name, namespace)

    def metric_tails(self, run_ids: Sequence[str]) -> dict[tuple[str, str, str, str], tuple[int, Points]]:
        """The newest points of these runs' metrics, where they are quickly had; see ``metric_queries.tails``."""
        return metric_queries.tails(self, run_ids)

    # Files.

    @property
    def blobs(self) -> Blobs:
        """The contents of files, by their digest."""
        if self._blobs is None:
            from milepost.store.blobs import open_blobs

            self._blobs = open_blobs(self.blobs_url, owner=self.workspace_id)
        return self._blobs

    def put_file(self, path: str | os.PathLike[str], *, follow_links: bool = True) -> Blob:
        """Store a file's content.  Raises BadInput for what is no regular file or cannot be read."""
        return self.blobs.put_file(path, follow_links=follow_links)

    def put_stream(self, stream: IO[bytes]) -> Blob:
        """Store what is left in a binary stream."""
        return self.blobs.put_stream(stream)

    def put_bytes(self, data: bytes) -> Blob:
        """Store bytes."""
        return self.blobs.put_bytes(data)

    def bring(self, contents: Blobs, sizes: Mapping[str, int]) -> dict[str, int]:
        """Store those of these contents of another place (digest -> bytes) that are not here yet; gives which it were.

        They must be named within the grace period.  Raises NotFound where one is not there, StoreDamaged where it is
        not what its digest says.
        """
        return bring(contents, self.blobs, sizes)

    def artifacts(self, run_id: str, prefix: str = "") -> list[ArtifactRecord]:
        """The run's files whose names begin with ``prefix``, by name."""
        return artifacts.list_artifacts(self, run_id, prefix)

    def artifact_columns(self, run_id: str) -> tuple[list[str], list[int], list[str]]:
        """The names, sizes and digests of the run's files, by name; of an unknown run none."""
        return artifacts.artifact_columns(self, run_id)

    def artifact(self, run_id: str, name: str) -> ArtifactRecord:
        """One file of a run.  Raises NotFound, BadInput."""
        return artifacts.get_artifact(self, run_id, name)

    def open_artifact(self, run_id: str, name: str) -> BinaryIO:
        """A file of a run as a binary stream.  Raises NotFound, BadInput."""
        return self.blobs.open(self.artifact(run_id, name).digest)

    def download_artifact(self, run_id: str, name: str, path: str | os.PathLike[str]) -> None:
        """Write a file of a run to ``path``.  Raises NotFound, BadInput."""
        self.blobs.download(self.artifact(run_id, name).digest, path)

    def read_range(self, run_id: str, name: str, start: int, end: int) -> bytes:
        """The bytes ``start`` to ``end`` (left out) of a file of a run, or as many of them as there are.

        Raises NotFound, BadInput.
        """
        return self.blobs.read_range(self.artifact(run_id, name).digest, start, end)

    # Snapshots and documents of runs.

    def snapshot(self, snapshot_id: str) -> SnapshotRecord:
        """A snapshot.  Raises NotFound."""
        return snapshots.get_snapshot(self, snapshot_id)

    def snapshots(self, run_id: str) -> list[SnapshotRecord]:
        """The snapshots of a run in the order in which they were taken; the first is the run's own."""
        return snapshots.list_snapshots(self, run_id)

    def document(self, run_id: str, name: str) -> Any:
        """A structured fact of a run; None where it has none of this name."""
        return documents.get_document(self, run_id, name)

    def documents(self, run_id: str) -> dict[str, Any]:
        """All structured facts of a run, by name."""
        return documents.list_documents(self, run_id)

    # Environments and compute targets.

    def register_environment(
        self, name: str, definition: Mapping[str, Any], created_ns: int | None = None
    ) -> EnvironmentRecord:
        """Keep the next version of an environment; see ``environments.register_environment``.  Raises BadInput."""
        return environments.register_environment(self, name, definition, created_ns)

    def environment(self, name: str, version: int | None = None, label: str | None = None) -> EnvironmentRecord:
        """A version of an environment, by default the newest.  Raises NotFound."""
        return environments.get_environment(self, name, version, label=label)

    def environments(self, name: str | None = None, latest: bool = False) -> list[EnvironmentRecord]:
        """Environments by name, the newest version first; see ``environments.list_environments``."""
        return environments.list_environments(self, name, latest)

    def label_environment(self, name: str, version: int | None, labels: Iterable[str]) -> None:
        """Let labels mean this version, or nothing any more (None).  Raises NotFound, BadInput."""
        environments.label_environment(self, name, version, labels)

    def create_compute(self, name: str, kind: str, definition: Mapping[str, Any]) -> ComputeRecord:
        """Keep a new compute target.  Raises BadInput, and Conflict where there is one of this name."""
        return computes.create_compute(self, name, kind, definition)

    def compute(self, name: str) -> ComputeRecord:
        """A compute target.  Raises NotFound."""
        return computes.get_compute(self, name)

    def computes(self) -> list[ComputeRecord]:
        """All compute targets, by name."""
        return computes.list_computes(self)

    def update_compute(self, name: str, definition: Mapping[str, Any]) -> ComputeRecord:
        """Give a compute target another definition.  Raises NotFound."""
        return computes.update_compute(self, name, definition)

    def delete_compute(self, name: str) -> None:
        """Delete a compute target.  Raises NotFound."""
        computes.delete_compute(self, name)

    # Models.

    def register_model(self, name: str, **facts: Any) -> ModelRecord:
        """Keep the next version of a model; see ``models.register_model``."""
        return models.register_model(self, name, **facts)

    def model(self, name: str, version: int | None = None, *, alias: str | None = None) -> ModelRecord:
        """A version of a model, by default the newest.  Raises NotFound."""
        return models.get_model(self, name, version, alias=alias)

    def models(
        self,
        name: str | None = None,
        tags: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        latest: bool = False,
    ) -> list[ModelRecord]:
        """Models, newest first; see ``models.list_models``."""
        return models.list_models(self, name, tags, run_id, latest)

    def update_model(self, name: str, version: int, **changes: Any) -> ModelRecord:
        """Change a version's tags, properties or description; see ``models.update_model``."""
        return models.update_model(self, name, version, **changes)

    def delete_model(self, name: str, version: int) -> None:
        """Delete a version.  Raises NotFound."""
        models.delete_model(self, name, version)

    def set_model_alias(self, name: str, alias: str, version: int | None) -> None:
        """Let an alias mean a version of a model, or nothing any more (None).  Raises NotFound, BadInput."""
        models.set_model_alias(self, name, alias, version)

    # Deletion.

    def delete_run(self, run_id: str) -> int:
        """Delete a run with its descendants; see ``deletion.delete_run``.  Raises NotFound."""
        return deletion.delete_run(self, run_id)

    def delete_experiment(self, id_or_name: str) -> int:
        """Delete an experiment with all its runs; see ``deletion.delete_experiment``.  Raises NotFound."""
        return deletion.delete_experiment(self, id_or_name)

    def delete_workspace(self) -> None:
        """Delete the workspace with all in it; see ``deletion.delete_workspace``."""
        deletion.delete_workspace(self)

    def sweep(self, *, grace_s: float | None = None, keep: Collection[str] = frozenset()) -> Swept:
        """Free what nothing names any more; see ``sweeping.sweep``."""
        return sweeping.sweep(self, grace_s=grace_s, keep=keep)
