"""Tables of a hundred thousand runs: texts of tags, properties and parameters as numbers too, and indexes for orders.

Tags, properties and parameters are laid out anew: all that one name has lies together.  The databases compute the
column ``number`` themselves, so a process of an older version that has the store open goes on reading and writing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PAIRS = {"tags": "", "properties": " NOT NULL", "parameters": " NOT NULL"}
_LISTED = "parent_id IS NULL AND archived_ns IS NULL"
_ORDERS = {
    "created": "created_ns",
    "number": "number",
    "started": "started_ns",
    "ended": "ended_ns",
    "duration": "ended_ns - started_ns",
}
_NAME = "substr(coalesce(display_name, run_id), 1, 200)"


def upgrade() -> None:
    """Lay the tables out anew, and make the indexes."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, nullable in _PAIRS.items():
        if sqlite:
            _rebuild(table, nullable)
        else:
            _extend(table)
    op.drop_index("ix_metrics_by_value", "metrics")
    op.create_index("ix_metrics_by_value", "metrics", ["workspace_key", "namespace", "name", "last_number", "run_key"])
    op.create_index(
        "ix_metrics_by_run",
        "metrics",
        ["workspace_key", "namespace", "name", "run_key", "last_number", "min_number", "max_number"],
    )
    for name, value in _ORDERS.items():
        # PostgreSQL wants brackets around an expression.
        _create_partial(f"ix_runs_by_{name}", value if sqlite else f"({value})", _LISTED)
    _create_partial("ix_runs_by_name", _NAME if sqlite else f'({_NAME} COLLATE "C")', _LISTED)
    _create_partial("ix_runs_by_status", "status", "archived_ns IS NULL")


def _create_partial(name: str, value: str, where: str) -> None:
    op.create_index(
        name,
        "runs",
        ["experiment_key", sa.text(value)],
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _rebuild(table: str, nullable: str) -> None:
    # SQLite cannot change a primary key.
    op.execute(
        f"CREATE TABLE new_{table} (workspace_key INTEGER NOT NULL, name TEXT NOT NULL, run_key INTEGER NOT NULL, "
        f"value TEXT{nullable}, number DOUBLE GENERATED ALWAYS AS ({_SQLITE}) STORED, "
        f"CONSTRAINT pk_{table} PRIMARY KEY (workspace_key, name, run_key), "
        f"CONSTRAINT uq_{table}_run_key_name UNIQUE (run_key, name), "
        f"CONSTRAINT fk_{table}_workspace_key_workspaces FOREIGN KEY(workspace_key) REFERENCES workspaces (key) "
        "ON DELETE CASCADE, "
        f"CONSTRAINT fk_{table}_run_key_runs FOREIGN KEY(run_key) REFERENCES runs (key) ON DELETE CASCADE"
        ") WITHOUT ROWID"
    )
    columns = "workspace_key, name, run_key, value"
    rows = f"SELECT {columns} FROM {table} ORDER BY workspace_key, name, run_key"  # noqa: S608
    op.execute(f"INSERT INTO new_{table} ({columns}) {rows}")
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE new_{table} RENAME TO {table}")
    op.create_index(f"ix_{table}_value", table, ["workspace_key", "name", sa.text("substr(value, 1, 100)"), "run_key"])


def _extend(table: str) -> None:
    op.drop_constraint(f"pk_{table}", table)
    op.create_primary_key(f"pk_{table}", table, ["workspace_key", "name", "run_key"])
    op.create_unique_constraint(f"uq_{table}_run_key_name", table, ["run_key", "name"])
    op.add_column(table, sa.Column("number", sa.Double(), sa.Computed(_POSTGRESQL, persisted=True)))


_SQLITE = (
    "CASE WHEN value GLOB '[-0-9]*' AND length(value) < 100 AND NOT value GLOB '*[^-+.eE0-9]*'"
    " AND NOT value GLOB '*[eE]*[0-9][0-9][0-9][0-9]' AND json_valid(value) = 1 THEN CAST(value AS REAL) END"
)
_POSTGRESQL = (
    r"CASE WHEN length(value) < 100 AND value ~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$' THEN"
    " CASE WHEN value::numeric >= 1.7976931348623158e308 THEN 'Infinity'::float8"
    " WHEN value::numeric <= -1.7976931348623158e308 THEN '-Infinity'::float8"
    " WHEN abs(value::numeric) < 2.3e-308 THEN 0::float8"
    " ELSE value::float8 END END"
)
