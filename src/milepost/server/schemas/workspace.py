"""The workspace as the API tells it."""

from __future__ import annotations

from pydantic import Field

from milepost.server.roles import Role
from milepost.server.times import Answer


class Counts(Answer):
    """How much the workspace holds."""

    experiments: int
    runs: int
    active_runs: int
    metrics: int
    points: int
    artifacts: int
    artifact_bytes: int
    blob_bytes: int
    models: int
    snapshots: int
    snapshot_bytes: int


class WorkspaceAnswer(Answer):
    """The workspace that this server shows."""

    name: str
    id: str
    version: str = Field(description="Of Milepost.")
    read_only: bool = Field(description="Whether changes are refused, whoever asks.")
    role: Role = Field(description="What who asks may do here.")
    counts: Counts | None = Field(description="None where they were not asked for.")
