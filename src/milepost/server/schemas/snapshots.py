"""Snapshots as the API tells them."""

from __future__ import annotations

from pydantic import Field

from milepost.server.times import Answer, Moment


class SnapshotEntry(Answer):
    """A file of a snapshot."""

    name: str = Field(description="With its folders.")
    size: int = Field(description="Bytes.")
    digest: str = Field(description="SHA-256 of the content, in hex.")
    executable: bool


class SnapshotAnswer(Answer):
    """A snapshot with its files."""

    id: str
    files: list[SnapshotEntry] = Field(description="By name.")
    total: int = Field(description="How many files it has.")
    bytes: int = Field(description="Of all its files together.")
    created: Moment


class SnapshotDiff(Answer):
    """What changed from one snapshot to another: names of files."""

    added: list[str]
    removed: list[str]
    changed: list[str] = Field(description="With another content, or executable in one of the two only.")
