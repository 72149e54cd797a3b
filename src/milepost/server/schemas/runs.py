"""Runs as the API tells and takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from milepost.server.limits import MAX_NAME, TagNames, Tags, Text
from milepost.server.times import Answer, Moment

Value = Annotated[str | bool | int | float | None, Field(description="Numbers that JSON has not are texts.")]


class RunRow(Answer):
    """A run as a table shows it."""

    run_id: str
    number: int
    name: str | None = Field(description="Null where it was given none.")
    experiment: str
    type: str | None
    status: str
    created: Moment
    started: Moment | None
    ended: Moment | None
    duration_s: float | None = Field(description="From its start to its end; null while it runs.")
    archived: Moment | None
    parent_id: str | None
    target: str | None
    submitted_by: str | None
    tags: dict[str, str | None] = Field(description="The first 50 by name; the run itself tells more.")
    child_count: int
    values: dict[str, Value] = Field(description="The asked columns that it has.")
    error_message: str | None


class RunPage(Answer):
    """Some of a query's runs, in its order."""

    runs: list[RunRow]
    next_cursor: str | None = Field(description="For the next page; null where this is the last.")
    total: int | None = Field(description="Null where it was not asked for.")
    total_is_exact: bool = Field(description="False where there are more than are counted.")


class NameCount(Answer):
    """A name, and how many of the runs that were looked at have it."""

    name: str
    count: int


class ColumnsAnswer(Answer):
    """What runs have, the most frequent first, up to 1,000 of each."""

    metrics: list[NameCount]
    tags: list[NameCount]
    properties: list[NameCount]
    params: list[NameCount]
    runs: int = Field(description="How many runs, the newest ones, were looked at.")
    whole: bool = Field(description="Whether those were all.")


class SpreadAnswer(Answer):
    """How a metric does over the runs of a group that have a number there."""

    numbers: int = Field(description="How many runs those are.")
    min: Value
    max: Value
    mean: Value


class GroupAnswer(Answer):
    """The runs that have one value; null: those that have none."""

    value: str | None
    count: int
    statuses: dict[str, int]
    values: dict[str, SpreadAnswer] = Field(description="The asked columns that runs of the group have.")


class GroupsAnswer(Answer):
    """Groups, the largest first."""

    groups: list[GroupAnswer]
    total: int = Field(description="How many there are; more than are given where they were too many.")


class RunDetail(RunRow):
    """All that is known of a run."""

    display_name: str | None
    description: str | None
    root_id: str
    experiment_id: str
    properties: dict[str, str]
    params: dict[str, str]
    error: dict[str, Any] | None
    warnings: list[dict[str, Any]]
    definition: Any
    environment: Any
    packages: Any
    machine: Any
    git: dict[str, str] | None = Field(description="repository, branch, commit and dirty, those that are known.")
    snapshots: list[str]
    documents: list[str] = Field(description="Their names; those of over 2 MiB are not given here.")
    parent: RunRow | None
    children_total: int = Field(description="Its direct children, archived ones too.")
    left_out: dict[str, int] = Field(
        description="How many tags, properties and params are not given: there are more than 1,000."
    )


class RunChanges(BaseModel):
    """What is to be changed of a run; what is not given stays."""

    model_config = ConfigDict(extra="forbid")

    display_name: Annotated[str, Field(max_length=MAX_NAME)] | None = None
    description: Text | None = None
    set_tags: Tags = Field(default_factory=dict)
    remove_tags: TagNames = Field(default_factory=list)
    archived: bool | None = None


class CompareRequest(BaseModel):
    """Compare these runs."""

    model_config = ConfigDict(extra="forbid")

    run_ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=MAX_NAME)]], Field(min_length=1, max_length=50)
    ]
    all: bool = Field(default=False, description="Also what is the same in all.")


class Difference(Answer):
    """Something that is not the same in all the runs; a run that does not have it is left out of ``values``."""

    name: str
    same: bool
    values: dict[str, Any]


Section = Literal["run", "parameters", "tags", "properties", "metrics", "definition", "environment", "code", "machine"]


class CompareAnswer(Answer):
    """What differs, by subject."""

    run_ids: list[str]
    differences: dict[Section, list[Difference]]
    left_out: int = Field(description="Differences that are not given, for there are too many.")
