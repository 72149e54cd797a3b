"""What is done to many runs at once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from milepost.server.limits import MAX_RUNS, Name, Tags
from milepost.server.times import Answer

Action = Literal["archive", "restore", "delete", "cancel", "tag", "untag"]


class ActionRequest(BaseModel):
    """Do this to these runs."""

    model_config = ConfigDict(extra="forbid")

    run_ids: Annotated[list[Name], Field(min_length=1, max_length=MAX_RUNS)]
    action: Action
    tags: Tags = Field(default_factory=dict, description="The tags to set, or (their keys) to remove.")


class NotDone(Answer):
    """A run that it could not be done to, and why."""

    run_id: str
    message: str


class ActionAnswer(Answer):
    """What was done."""

    done: list[str]
    failed: list[NotDone]
