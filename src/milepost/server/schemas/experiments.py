"""Experiments as the API tells and takes them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from milepost.server.limits import TagNames, Tags, Text
from milepost.server.times import Answer, Moment


class ExperimentAnswer(Answer):
    """An experiment and what is known of its runs."""

    name: str
    id: str
    created: Moment
    archived: Moment | None = Field(description="When it was archived; null for an active one.")
    description: str
    tags: dict[str, str | None]
    run_count: int
    last_run: Moment | None = Field(description="When its last run was made.")
    last_activity: Moment | None = Field(description="When one of its active runs last began or ended.")
    statuses: dict[str, int] = Field(description="Status -> number of its active (not archived) runs.")


class ExperimentsAnswer(Answer):
    """Experiments in the asked order."""

    experiments: list[ExperimentAnswer]
    total: int = Field(description="How many there are; more than are given where they were too many.")


class ExperimentChanges(BaseModel):
    """What is to be changed of an experiment; what is not given stays."""

    model_config = ConfigDict(extra="forbid")

    description: Text | None = None
    archived: bool | None = None
    set_tags: Tags = Field(default_factory=dict)
    remove_tags: TagNames = Field(default_factory=list)


class ExperimentDeleted(Answer):
    """An experiment is gone."""

    deleted_runs: int
