"""The progress of a run as the API tells it."""

from __future__ import annotations

from pydantic import Field

from milepost.server.times import Answer, Moment


class RunProgress(Answer):
    """So many steps done of so many."""

    done: float
    total: float = Field(description="Above 0.")
    updated: Moment
    remaining_s: float | None = Field(
        description="Seconds until all is done at the speed so far; null where that cannot be told, and once it ended."
    )


class ProgressAnswer(Answer):
    """How far a run has come."""

    progress: RunProgress | None = Field(description="Null where it did not say.")
