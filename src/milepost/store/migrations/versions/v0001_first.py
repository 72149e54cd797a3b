"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Build all tables."""
    op.create_table(
        "workspaces",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_workspaces")),
        sa.UniqueConstraint("id", name=op.f("uq_workspaces_id")),
        sa.UniqueConstraint("name", name=op.f("uq_workspaces_name")),
    )
    op.create_table(
        "blobs",
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_key"], ["workspaces.key"], name=op.f("fk_blobs_workspace_key_workspaces"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_key", "digest", name=op.f("pk_blobs")),
    )
    op.create_table(
        "deleted_runs",
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("deleted_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_key"],
            ["workspaces.key"],
            name=op.f("fk_deleted_runs_workspace_key_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_key", "run_id", name=op.f("pk_deleted_runs")),
    )
    op.create_table(
        "experiments",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("archived_ns", sa.BigInteger(), nullable=True),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_key"],
            ["workspaces.key"],
            name=op.f("fk_experiments_workspace_key_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_experiments")),
        sa.UniqueConstraint("id", name=op.f("uq_experiments_id")),
        sa.UniqueConstraint("workspace_key", "name", name=op.f("uq_experiments_workspace_key_name")),
    )
    op.create_table(
        "journals",
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("journal_id", sa.Text(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("closed_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_key"], ["workspaces.key"], name=op.f("fk_journals_workspace_key_workspaces"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_key", "journal_id", name=op.f("pk_journals")),
    )
    op.create_table(
        "model_aliases",
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_key"],
            ["workspaces.key"],
            name=op.f("fk_model_aliases_workspace_key_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_key", "name", "alias", name=op.f("pk_model_aliases")),
    )
    op.create_table(
        "model_names",
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_key"],
            ["workspaces.key"],
            name=op.f("fk_model_names_workspace_key_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_key", "name", name=op.f("pk_model_names")),
    )
    op.create_table(
        "models",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("experiment", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("framework", sa.Text(), nullable=True),
        sa.Column("framework_version", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("properties", sa.JSON(), nullable=False),
        sa.Column("extra", sa.JSON(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_key"], ["workspaces.key"], name=op.f("fk_models_workspace_key_workspaces"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_models")),
        sa.UniqueConstraint("workspace_key", "name", "version", name=op.f("uq_models_workspace_key_name_version")),
    )
    op.create_index(op.f("ix_models_workspace_key_run_id"), "models", ["workspace_key", "run_id"], unique=False)
    op.create_table(
        "model_files",
        sa.Column("model_key", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_key"], ["models.key"], name=op.f("fk_model_files_model_key_models"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_key"],
            ["workspaces.key"],
            name=op.f("fk_model_files_workspace_key_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("model_key", "name", name=op.f("pk_model_files")),
    )
    op.create_index(
        op.f("ix_model_files_workspace_key_digest"), "model_files", ["workspace_key", "digest"], unique=False
    )
    op.create_table(
        "runs",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("experiment_key", _KEY, nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("root_id", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("submitted_by", sa.Text(), nullable=True),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("started_ns", sa.BigInteger(), nullable=True),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.Column("archived_ns", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("owner_journal", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["experiment_key"], ["experiments.key"], name=op.f("fk_runs_experiment_key_experiments"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_key"], ["workspaces.key"], name=op.f("fk_runs_workspace_key_workspaces"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_runs")),
        sa.UniqueConstraint("workspace_key", "run_id", name=op.f("uq_runs_workspace_key_run_id")),
    )
    op.create_index(op.f("ix_runs_experiment_key_created_ns"), "runs", ["experiment_key", "created_ns"], unique=False)
    op.create_index(op.f("ix_runs_owner_journal"), "runs", ["owner_journal"], unique=False)
    op.create_index(op.f("ix_runs_workspace_key_created_ns"), "runs", ["workspace_key", "created_ns"], unique=False)
    op.create_index(op.f("ix_runs_workspace_key_parent_id"), "runs", ["workspace_key", "parent_id"], unique=False)
    op.create_index(op.f("ix_runs_workspace_key_root_id"), "runs", ["workspace_key", "root_id"], unique=False)
    op.create_index(op.f("ix_runs_workspace_key_status"), "runs", ["workspace_key", "status"], unique=False)
    op.create_table(
        "artifacts",
        sa.Column("run_key", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f("fk_artifacts_run_key_runs"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_key"],
            ["workspaces.key"],
            name=op.f("fk_artifacts_workspace_key_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_key", "name", name=op.f("pk_artifacts")),
        sa.UniqueConstraint("run_key", "folded", name=op.f("uq_artifacts_run_key_folded")),
    )
    op.create_index(op.f("ix_artifacts_workspace_key_digest"), "artifacts", ["workspace_key", "digest"], unique=False)
    op.create_table(
        "dataset_inputs",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("run_key", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_key"], ["runs.key"], name=op.f("fk_dataset_inputs_run_key_runs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_key"],
            ["workspaces.key"],
            name=op.f("fk_dataset_inputs_workspace_key_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_dataset_inputs")),
        sa.UniqueConstraint("run_key", "name", "digest", name=op.f("uq_dataset_inputs_run_key_name_digest")),
    )
    op.create_table(
        "metrics",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("run_key", _KEY, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("is_list", sa.Boolean(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_cell", sa.Text(), nullable=True),
        sa.Column("last_cell", sa.Text(), nullable=True),
        sa.Column("last_number", sa.Double(), nullable=True),
        sa.Column("min_number", sa.Double(), nullable=True),
        sa.Column("max_number", sa.Double(), nullable=True),
        sa.Column("nan_count", sa.BigInteger(), nullable=False),
        sa.Column("first_step", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("first_ns", sa.BigInteger(), nullable=True),
        sa.Column("last_ns", sa.BigInteger(), nullable=True),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("scalar_columns", sa.JSON(), nullable=False),
        sa.Column("tail", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f("fk_metrics_run_key_runs"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_key"], ["workspaces.key"], name=op.f("fk_metrics_workspace_key_workspaces"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_metrics")),
        sa.UniqueConstraint(
            "run_key", "namespace", "name", "kind", name=op.f("uq_metrics_run_key_namespace_name_kind")
        ),
    )
    op.create_index(
        "ix_metrics_by_value",
        "metrics",
        ["workspace_key", "namespace", "name", "last_number", "run_key", "min_number", "max_number"],
        unique=False,
    )
    op.create_table(
        "parameters",
        sa.Column("run_key", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f("fk_parameters_run_key_runs"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_key"],
            ["workspaces.key"],
            name=op.f("fk_parameters_workspace_key_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_key", "name", name=op.f("pk_parameters")),
    )
    op.create_table(
        "properties",
        sa.Column("run_key", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f("fk_properties_run_key_runs"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_key"],
            ["workspaces.key"],
            name=op.f("fk_properties_workspace_key_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_key", "name", name=op.f("pk_properties")),
    )
    op.create_table(
        "tags",
        sa.Column("run_key", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_key"], ["runs.key"], name=op.f("fk_tags_run_key_runs"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_key"], ["workspaces.key"], name=op.f("fk_tags_workspace_key_workspaces"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_key", "name", name=op.f("pk_tags")),
    )
    op.create_table(
        "metric_chunks",
        sa.Column("metric_key", _KEY, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("min_step", sa.BigInteger(), nullable=False),
        sa.Column("max_step", sa.BigInteger(), nullable=False),
        sa.Column("min_ns", sa.BigInteger(), nullable=False),
        sa.Column("max_ns", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["metric_key"], ["metrics.key"], name=op.f("fk_metric_chunks_metric_key_metrics"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_key"],
            ["workspaces.key"],
            name=op.f("fk_metric_chunks_workspace_key_workspaces"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("metric_key", "start", name=op.f("pk_metric_chunks")),
    )

    for table in ("tags", "properties", "parameters"):
        op.create_index(
            f"ix_{table}_value", table, ["workspace_key", "name", sa.text("substr(value, 1, 100)"), "run_key"]
        )
