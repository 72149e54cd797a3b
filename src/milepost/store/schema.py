"""The tables.  One schema for SQLite and PostgreSQL; every table carries the workspace's key.

Times are BIGINT ns since 1970 UTC.  Migrations (``migrations/``) build these tables; a test holds the two
against each other.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
    func,
    text,
)
from sqlalchemy.types import JSON

from milepost.store.text_numbers import NumberInValue

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

INDEXED_CHARACTERS: Final = 100
"""How much of a tag's or property's value its index holds."""
SORTED_CHARACTERS: Final = 200
"""How much of a name runs are sorted by, so that cursors stay short."""

# SQLite gives row ids only to INTEGER primary keys; PostgreSQL wants BIGINT for tables that grow.
_Key = BigInteger().with_variant(Integer(), "sqlite")


def _workspace() -> Column[int]:
    return Column("workspace_key", Integer, ForeignKey("workspaces.key", ondelete="CASCADE"), nullable=False)


def _run() -> Column[int]:
    return Column("run_key", _Key, ForeignKey("runs.key", ondelete="CASCADE"), nullable=False)


workspaces = Table(
    "workspaces",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),  # UUID
    Column("name", Text, nullable=False, unique=True),
    Column("created_ns", BigInteger, nullable=False),
    Column("settings", JSON, nullable=False),
)

experiments = Table(
    "experiments",
    metadata,
    Column("key", _Key, primary_key=True),
    _workspace(),
    Column("id", Text, nullable=False, unique=True),  # UUID
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("archived_ns", BigInteger),
    Column("last_number", Integer, nullable=False),  # of the runs given a number so far
    UniqueConstraint("workspace_key", "name"),
)

runs = Table(
    "runs",
    metadata,
    Column("key", _Key, primary_key=True),
    _workspace(),
    Column("run_id", Text, nullable=False),
    # NULL: a placeholder.  Another process's journal spoke of the run before the run's own journal came in.
    Column("experiment_key", _Key, ForeignKey("experiments.key", ondelete="CASCADE")),
    Column("number", Integer),
    Column("type", Text),
    Column("status", Text, nullable=False),
    Column("display_name", Text),
    Column("description", Text),
    Column("parent_id", Text),
    Column("root_id", Text, nullable=False),
    Column("target", Text),
    Column("submitted_by", Text),
    Column("created_ns", BigInteger, nullable=False),
    Column("started_ns", BigInteger),
    Column("ended_ns", BigInteger),
    Column("archived_ns", BigInteger),
    Column("error", JSON),
    Column("warnings", JSON, nullable=False),
    Column("owner_journal", Text),  # the run ends when the process of this journal dies
    UniqueConstraint("workspace_key", "run_id"),
    Index(None, "workspace_key", "created_ns"),
    Index(None, "experiment_key", "created_ns"),
    Index(None, "workspace_key", "parent_id"),
    Index(None, "workspace_key", "root_id"),
    Index(None, "workspace_key", "status"),
    Index(None, "owner_journal"),
)
# What tables of runs are sorted by.  Written out, not bound: only so do the databases see that an index has it.
run_name: Final = func.substr(
    func.coalesce(runs.c.display_name, runs.c.run_id), text("1"), text(str(SORTED_CHARACTERS))
)
run_duration: Final = runs.c.ended_ns - runs.c.started_ns
_listed: Final = and_(runs.c.parent_id.is_(None), runs.c.archived_ns.is_(None))
_orders: Final = {
    "created": runs.c.created_ns,
    "number": runs.c.number,
    "started": runs.c.started_ns,
    "ended": runs.c.ended_ns,
    "duration": run_duration,
}
# An experiment's table, as it is shown at first: without child runs and archived ones.
for _name, _value in _orders.items():
    Index(f"ix_runs_by_{_name}", runs.c.experiment_key, _value, sqlite_where=_listed, postgresql_where=_listed)
for _dialect, _value in {"sqlite": run_name, "postgresql": run_name.collate("C")}.items():
    Index("ix_runs_by_name", runs.c.experiment_key, _value, sqlite_where=_listed, postgresql_where=_listed).ddl_if(
        dialect=_dialect
    )
# Also for how many runs of an experiment have which status.
_active: Final = runs.c.archived_ns.is_(None)
Index("ix_runs_by_status", runs.c.experiment_key, runs.c.status, sqlite_where=_active, postgresql_where=_active)
# Runs of a compute target, which most runs do not have.  Names of targets mean the same in any case of letters.
folded_target: Final = func.lower(func.substr(runs.c.target, text("1"), text(str(INDEXED_CHARACTERS))))
Index(
    "ix_runs_target",
    runs.c.workspace_key,
    folded_target,
    runs.c.created_ns,
    sqlite_where=runs.c.target.is_not(None),
    postgresql_where=runs.c.target.is_not(None),
)

deleted_runs = Table(
    # Tombstones: what a slow journal still says of a deleted run is dropped, not taken for a new run.
    "deleted_runs",
    metadata,
    Column("workspace_key", Integer, ForeignKey("workspaces.key", ondelete="CASCADE"), primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("deleted_ns", BigInteger, nullable=False),
)


def _run_pairs(name: str, *, nullable: bool) -> Table:
    return Table(
        name,
        metadata,
        _workspace(),
        Column("name", Text, nullable=False),
        _run(),
        Column("value", Text, nullable=nullable),
        Column("number", Double, Computed(NumberInValue(), persisted=True)),
        # All that one name has lies together, in the order of the runs: a filter reads it from end to end.
        PrimaryKeyConstraint("workspace_key", "name", "run_key"),
        UniqueConstraint("run_key", "name"),
        # Of a long value only the beginning: PostgreSQL takes no index entries over 2,700 bytes.
        Index(f"ix_{name}_value", "workspace_key", "name", text(f"substr(value, 1, {INDEXED_CHARACTERS})"), "run_key"),
        sqlite_with_rowid=False,
    )


tags = _run_pairs("tags", nullable=True)
properties = _run_pairs("properties", nullable=False)
parameters = _run_pairs("parameters", nullable=False)  # what MLflow clients log with log_param

metrics = Table(
    # One row a metric of a run: its summary, and its newest points until there are enough for a chunk.
    "metrics",
    metadata,
    Column("key", _Key, primary_key=True),  # ascending in the order of first logging
    _workspace(),
    _run(),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("is_list", Boolean, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_cell", Text),  # JSON of the first and last value of a series, exact
    Column("last_cell", Text),
    Column("last_number", Double),  # the last value where it is a number: what sorting and filters use
    Column("min_number", Double),
    Column("max_number", Double),
    Column("nan_count", BigInteger, nullable=False),
    Column("first_step", BigInteger),
    Column("last_step", BigInteger),
    Column("first_ns", BigInteger),
    Column("last_ns", BigInteger),
    Column("columns", JSON, nullable=False),
    Column("scalar_columns", JSON, nullable=False),
    Column("tail", LargeBinary),  # points that are in no chunk yet
    UniqueConstraint("run_key", "namespace", "name", "kind"),
    # Runs in the order of a metric, without a look at the rows.
    Index("ix_metrics_by_value", "workspace_key", "namespace", "name", "last_number", "run_key"),
    # The numbers of all the runs for a metric, in the order of the runs: what most of them have is read end to end.
    Index(
        "ix_metrics_by_run",
        "workspace_key",
        "namespace",
        "name",
        "run_key",
        "last_number",
        "min_number",
        "max_number",
    ),
)

metric_chunks = Table(
    "metric_chunks",
    metadata,
    Column("metric_key", _Key, ForeignKey("metrics.key", ondelete="CASCADE"), primary_key=True),
    Column("start", BigInteger, primary_key=True),  # index of the chunk's first point in the series
    _workspace(),
    Column("count", Integer, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("min_step", BigInteger, nullable=False),
    Column("max_step", BigInteger, nullable=False),
    Column("min_ns", BigInteger, nullable=False),
    Column("max_ns", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

journals = Table(
    # How far each journal is in: what makes apply() exactly-once.
    "journals",
    metadata,
    Column("workspace_key", Integer, ForeignKey("workspaces.key", ondelete="CASCADE"), primary_key=True),
    Column("journal_id", Text, primary_key=True),
    Column("applied", BigInteger, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    Column("closed_ns", BigInteger),
)

blobs = Table(
    # Every content the workspace has named; a sweep frees those that nothing names any more.
    "blobs",
    metadata,
    Column("workspace_key", Integer, ForeignKey("workspaces.key", ondelete="CASCADE"), primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("run_key", _Key, ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("folded", Text, nullable=False),  # names that differ in case only would clash on Windows and macOS
    _workspace(),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    # Collected from the working directory, not uploaded.  A default, for those who write as version 0001 did.
    Column("captured", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("run_key", "folded"),
    Index(None, "workspace_key", "digest"),
)

models = Table(
    "models",
    metadata,
    Column("key", _Key, primary_key=True),
    _workspace(),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("run_id", Text),
    Column("experiment", Text),
    Column("description", Text, nullable=False),
    Column("framework", Text),
    Column("framework_version", Text),
    Column("path", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("properties", JSON, nullable=False),
    Column("extra", JSON, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    UniqueConstraint("workspace_key", "name", "version"),
    Index(None, "workspace_key", "run_id"),
)

model_names = Table(
    # The highest version ever given: a deleted version's number is not given again.
    "model_names",
    metadata,
    Column("workspace_key", Integer, ForeignKey("workspaces.key", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("last_version", Integer, nullable=False),
)

model_files = Table(
    "model_files",
    metadata,
    Column("model_key", _Key, ForeignKey("models.key", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    _workspace(),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Index(None, "workspace_key", "digest"),
)

model_aliases = Table(
    "model_aliases",
    metadata,
    Column("workspace_key", Integer, ForeignKey("workspaces.key", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("version", Integer, nullable=False),
)

dataset_inputs = Table(
    # The data a run read, as MLflow clients tell it.
    "dataset_inputs",
    metadata,
    Column("key", _Key, primary_key=True),
    _workspace(),
    _run(),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("source_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("profile", Text),
    Column("tags", JSON, nullable=False),
    UniqueConstraint("run_key", "name", "digest"),
)

documents = Table(
    # Facts of a run that are too long for its properties.
    "documents",
    metadata,
    Column("run_key", _Key, ForeignKey("runs.key", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    _workspace(),
    Column("content", Text, nullable=False),  # JSON; SQLite would make other numbers of those in a JSON column
    Column("told_ns", BigInteger, nullable=False),
)

snapshots = Table(
    # Folders as they were.  The manifest, a content in the blob store, names the contents of their files.
    "snapshots",
    metadata,
    Column("key", _Key, primary_key=True),
    _workspace(),
    Column("id", Text, nullable=False),  # UUID
    Column("manifest", Text, nullable=False),  # digest
    Column("files", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    UniqueConstraint("workspace_key", "id"),
)

run_snapshots = Table(
    "run_snapshots",
    metadata,
    Column("key", _Key, primary_key=True),
    _workspace(),
    _run(),
    Column("snapshot_key", _Key, ForeignKey("snapshots.key", ondelete="CASCADE"), nullable=False),
    Column("taken_ns", BigInteger, nullable=False),
    UniqueConstraint("run_key", "snapshot_key"),
    Index(None, "snapshot_key"),
)

environments = Table(
    "environments",
    metadata,
    Column("key", _Key, primary_key=True),
    _workspace(),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("definition", JSON, nullable=False),  # without its name and version
    Column("digest", Text, nullable=False),  # of the definition: the same content is not registered twice in a row
    Column("created_ns", BigInteger, nullable=False),
    UniqueConstraint("workspace_key", "name", "version"),
)

environment_names = Table(
    # The newest version of each name; whoever makes the next one locks this row.
    "environment_names",
    metadata,
    Column("workspace_key", Integer, ForeignKey("workspaces.key", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("last_version", Integer, nullable=False),
)

environment_labels = Table(
    "environment_labels",
    metadata,
    Column("workspace_key", Integer, ForeignKey("workspaces.key", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("version", Integer, nullable=False),
)

computes = Table(
    "computes",
    metadata,
    Column("key", _Key, primary_key=True),
    _workspace(),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),  # the name in lower case, by which it is found
    Column("kind", Text, nullable=False),
    Column("definition", JSON, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("updated_ns", BigInteger, nullable=False),
    UniqueConstraint("workspace_key", "folded"),
)
