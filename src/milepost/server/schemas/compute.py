"""Compute targets and the queue as the API tells them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from milepost.server.times import Answer, Moment


class Pool(Answer):
    """Where runs may be sent to."""

    name: str
    kind: str = Field(description='Such as AmlCompute; "local" for this machine, which has no queue.')
    max_nodes: int | None = Field(description="How many of its runs are at work at a time; null: as many as come.")
    running: int = Field(description="Runs that have begun.")
    waiting: int = Field(description="Runs that are to begin.")
    vm_size: str | None
    description: str | None
    tags: dict[str, str]
    created: Moment | None
    updated: Moment | None


class Pools(Answer):
    """This machine and the pools, by name."""

    pools: list[Pool]


class QueuedRun(Answer):
    """A submitted run that has not ended."""

    run_id: str
    experiment: str
    target: str
    state: Literal["preparing", "waiting", "running", "ending"]
    position: int | None = Field(description="Of those that wait for the same pool: 1 is next.")
    submitted: Moment
    nodes: int
    what: str = Field(description="The script or command with its arguments; its beginning where it is long.")


class Queue(Answer):
    """Submitted runs on their way: those at work first, then those that wait, each in their order."""

    runs: list[QueuedRun]
    total: int
