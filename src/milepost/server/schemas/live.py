"""What is to be told as it happens, as the API takes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from milepost.server.limits import MAX_NAME, Name
from milepost.store.names import MAX_CHARACTERS

MOST_WATCHED = 200
MOST_LOGS = 100

Id = Annotated[int, Field(ge=0, lt=2**53, description="What is told of it carries this number.")]


class WatchRequest(BaseModel):
    """Changes that are wanted: of a run, of an experiment's runs, or of all runs."""

    model_config = ConfigDict(extra="forbid")

    id: Id
    experiment: str | None = Field(None, max_length=MAX_NAME)
    run_id: str | None = Field(None, max_length=MAX_NAME)
    since: str | None = Field(None, max_length=200, description="The version that the reader knows.")


class FollowRequest(BaseModel):
    """A log that is to be followed."""

    model_config = ConfigDict(extra="forbid")

    id: Id
    run_id: Name
    name: str = Field(min_length=1, max_length=MAX_CHARACTERS, description="The log's name with its folder.")
    start: int = Field(0, ge=0, lt=2**53, description="The first byte.")


class LiveRequest(BaseModel):
    """All that one reader wants to be told."""

    model_config = ConfigDict(extra="forbid")

    watch: list[WatchRequest] = Field(default_factory=list, max_length=MOST_WATCHED)
    logs: list[FollowRequest] = Field(default_factory=list, max_length=MOST_LOGS)
