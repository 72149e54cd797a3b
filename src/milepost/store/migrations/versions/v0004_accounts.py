"""Accounts, roles, tokens, sessions and the audit log of a team's server.

It only adds tables: a process of the older version that has the store open while this runs goes on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "accounts",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("email", sa.Text()),
        sa.Column("password", sa.Text()),
        sa.Column("issuer", sa.Text()),
        sa.Column("subject", sa.Text()),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("disabled_ns", sa.BigInteger()),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_accounts")),
        sa.UniqueConstraint("id", name=op.f("uq_accounts_id")),
        sa.UniqueConstraint("folded", name=op.f("uq_accounts_folded")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_accounts_issuer_subject")),
    )
    op.create_table(
        "attempts",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_subject_at_ns"), "attempts", ["subject", "at_ns"])
    op.create_table(
        "audit",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Text()),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text()),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at_ns"), "audit", ["at_ns"])
    op.create_index(op.f("ix_audit_workspace_at_ns"), "audit", ["workspace", "at_ns"])
    op.create_table(
        "device_codes",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("user_code", sa.Text(), nullable=False),
        sa.Column("account_key", _KEY),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("expires_ns", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        _of_account("device_codes"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_device_codes")),
        sa.UniqueConstraint("user_code", name=op.f("uq_device_codes_user_code")),
    )
    op.create_table(
        "members",
        sa.Column("workspace_key", sa.Integer(), nullable=False),
        sa.Column("account_key", _KEY, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        _of_account("members"),
        _of_workspace("members"),
        sa.PrimaryKeyConstraint("workspace_key", "account_key", name=op.f("pk_members")),
    )
    op.create_index(op.f("ix_members_account_key"), "members", ["account_key"])
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("account_key", _KEY, nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("expires_ns", sa.BigInteger(), nullable=False),
        sa.Column("seen_ns", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        _of_account("sessions"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_account_key"), "sessions", ["account_key"])
    op.create_index(op.f("ix_sessions_expires_ns"), "sessions", ["expires_ns"])
    op.create_table(
        "tokens",
        sa.Column("key", _KEY, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_key", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("workspace_key", sa.Integer()),
        sa.Column("role", sa.Text()),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("expires_ns", sa.BigInteger()),
        sa.Column("used_ns", sa.BigInteger()),
        sa.Column("revoked_ns", sa.BigInteger()),
        _of_account("tokens"),
        _of_workspace("tokens"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tokens")),
        sa.UniqueConstraint("id", name=op.f("uq_tokens_id")),
    )
    op.create_index(op.f("ix_tokens_account_key"), "tokens", ["account_key"])


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_account_key_accounts")
    return sa.ForeignKeyConstraint(["account_key"], ["accounts.key"], name=name, ondelete="CASCADE")


def _of_workspace(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_workspace_key_workspaces")
    return sa.ForeignKeyConstraint(["workspace_key"], ["workspaces.key"], name=name, ondelete="CASCADE")
