"""Environments as the API tells them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from milepost.server.times import Answer, Moment


class EnvironmentVersion(Answer):
    """One version of a registered environment."""

    name: str
    version: int
    labels: list[str]
    created: Moment
    definition: dict[str, Any] = Field(description="In Azure's own shape.")


class EnvironmentEntry(Answer):
    """An environment: its name, how many versions there are, and the newest one."""

    name: str
    versions: int
    latest: EnvironmentVersion


class EnvironmentList(Answer):
    """Environments by name."""

    environments: list[EnvironmentEntry]
    total: int


class EnvironmentAnswer(Answer):
    """An environment with its versions, the newest first."""

    name: str
    versions: list[EnvironmentVersion]
    total: int
