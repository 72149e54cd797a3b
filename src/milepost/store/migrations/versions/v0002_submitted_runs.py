"""Submitted runs: snapshots, documents, captured files, environments, compute targets.

It only adds, and what it adds to a table has a default: a process of the older version that has the store open while
this runs goes on reading and writing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables, the column and the index."""
    op.add_column("artifacts", sa.Column("captured", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_runs_target",
        "runs",
        ["workspace_key", sa.text("lower(substr(target, 1, 100))"), "created_ns"],
        sqlite_where=sa.text("target IS NOT NULL"),
        postgresql_where=sa.text("target IS NOT NULL"),
    )
    op.create_table(
        "documents",
        sa.Column("run_key", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("told_ns", sa.BigInteger(), nullable=False),
        _of_run("documents"),
        _of_workspace("documents"),
        sa.PrimaryKeyConstraint("run_key", "name", name=op.f("pk_documents")),
    )
    op.create_table(
        "snapshots",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        _of_workspace("snapshots"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_snapshots")),
        sa.UniqueConstraint("workspace_key", "id", name=op.f("uq_snapshots_workspace_key_id")),
    )
    op.create_table(
        "run_snapshots",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("run_key", _KEY, nullable=False),
        sa.Column("snapshot_key", _KEY, nullable=False),
        sa.Column("taken_ns", sa.BigInteger(), nullable=False),
        _of_run("run_snapshots"),
        sa.ForeignKeyConstraint(
            ["snapshot_key"],
            ["snapshots.key"],
            name=op.f("fk_run_snapshots_snapshot_key_snapshots"),
            ondelete="CASCADE",
        ),
        _of_workspace("run_snapshots"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_run_snapshots")),
        sa.UniqueConstraint("run_key", "snapshot_key", name=op.f("uq_run_snapshots_run_key_snapshot_key")),
    )
    op.create_index(op.f("ix_run_snapshots_snapshot_key"), "run_snapshots", ["snapshot_key"])
    op.create_table(
        "environments",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        _of_workspace("environments"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_environments")),
        sa.UniqueConstraint(
            "workspace_key", "name", "version", name=op.f("uq_environments_workspace_key_name_version")
        ),
    )
    op.create_table(
        "environment_names",
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        _of_workspace("environment_names"),
        sa.PrimaryKeyConstraint("workspace_key", "name", name=op.f("pk_environment_names")),
    )
    op.create_table(
        "environment_labels",
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _of_workspace("environment_labels"),
        sa.PrimaryKeyConstraint("workspace_key", "name", "label", name=op.f("pk_environment_labels")),
    )
    op.create_table(
        "computes",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        _of_workspace("computes"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_computes")),
        sa.UniqueConstraint("workspace_key", "folded", name=op.f("uq_computes_workspace_key_folded")),
    )


def _of_run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f(f"fk_{table}_run_key_runs"), ondelete="CASCADE")


def _of_workspace(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_key"],
        ["workspaces.key"],
        name=op.f(f"fk_{table}_workspace_key_workspaces"),
        ondelete="CASCADE",
    )
