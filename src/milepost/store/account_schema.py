"""The tables of a server for a team: who there is, what they may do, and what they did.

A workspace on one machine has them too, and leaves them empty.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint
from sqlalchemy.types import JSON

from milepost.store.schema import metadata

_Key: Final = BigInteger().with_variant(Integer(), "sqlite")


def _account(*, primary: bool = False, nullable: bool = False) -> Column[int]:
    reference = ForeignKey("accounts.key", ondelete="CASCADE")
    return Column("account_key", _Key, reference, primary_key=primary, nullable=nullable)


accounts = Table(
    # People, and service principals: programs with an account of their own.
    "accounts",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("id", Text, nullable=False, unique=True),  # UUID
    Column("kind", Text, nullable=False),  # user | service
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False, unique=True),  # the name in lower case, by which it is found
    Column("email", Text),
    Column("password", Text),  # its hash; NULL: none, so nobody signs in with one
    Column("issuer", Text),  # of OpenID Connect, with the subject there
    Column("subject", Text),
    Column("is_admin", Boolean, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("disabled_ns", BigInteger),
    UniqueConstraint("issuer", "subject"),
)

members = Table(
    "members",
    metadata,
    Column("workspace_key", Integer, ForeignKey("workspaces.key", ondelete="CASCADE"), primary_key=True),
    _account(primary=True),
    Column("role", Text, nullable=False),  # reader | contributor | owner
    Column("since_ns", BigInteger, nullable=False),
    Index(None, "account_key"),
)

tokens = Table(
    # Personal access tokens.  The secret itself is nowhere.
    "tokens",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("id", Text, nullable=False, unique=True),  # the part of the token that is no secret
    _account(),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of the secret, which is 256 random bits
    Column("workspace_key", Integer, ForeignKey("workspaces.key", ondelete="CASCADE")),  # NULL: all of the account's
    Column("role", Text),  # the most that it may do; NULL: what the account may
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger),
    Column("used_ns", BigInteger),
    Column("revoked_ns", BigInteger),
    Index(None, "account_key"),
)

sessions = Table(
    # Browsers that are signed in.
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256 of what the cookie holds
    _account(),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("seen_ns", BigInteger, nullable=False),
    Column("agent", Text, nullable=False),
    Column("address", Text, nullable=False),
    Index(None, "account_key"),
    Index(None, "expires_ns"),
)

device_codes = Table(
    # Sign-ins of programs that a person confirms in a browser (RFC 8628).
    "device_codes",
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256 of what the program holds
    Column("user_code", Text, nullable=False, unique=True),
    _account(nullable=True),  # who has confirmed it
    Column("client", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("refused", Boolean, nullable=False),
)

attempts = Table(
    # What may have been a guess, to slow down who guesses; also across servers.
    "attempts",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("subject", Text, nullable=False),  # SHA-256 of "name ..." or "address ..."
    Column("at_ns", BigInteger, nullable=False),
    Index(None, "subject", "at_ns"),
)

audit = Table(
    # What was done that a team may have to know later.  No references: it outlives what it tells of.
    "audit",
    metadata,
    Column("key", _Key, primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("account_id", Text),
    Column("account", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("workspace", Text),
    Column("subject", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "at_ns"),
    Index(None, "workspace", "at_ns"),
)
