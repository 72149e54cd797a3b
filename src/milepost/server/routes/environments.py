"""``/environments``: registered environments and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query

from milepost.server.here import ThisWorkspace
from milepost.server.schemas.environments import (
    EnvironmentAnswer,
    EnvironmentEntry,
    EnvironmentList,
    EnvironmentVersion,
)
from milepost.server.times import utc
from milepost.store.names import MAX_PLAIN_NAME

if TYPE_CHECKING:
    from milepost.store.records import EnvironmentRecord

router = APIRouter(tags=["environments"])

Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/environments", summary="The registered environments")
def list_environments(
    here: ThisWorkspace,
    search: Annotated[str, Query(max_length=200, description="A part of the name; capitals do not count.")] = "",
    offset: Offset = 0,
    limit: Limit = 100,
) -> EnvironmentList:
    """The environments by name, each with its newest version."""
    versions: dict[str, list[EnvironmentRecord]] = {}
    for each in here.store.environments():
        if search.casefold() in each.name.casefold():
            versions.setdefault(each.name, []).append(each)
    shown = list(versions.values())[offset : offset + limit]
    return EnvironmentList(
        environments=[
            EnvironmentEntry(name=each[0].name, versions=len(each), latest=_version(each[0])) for each in shown
        ],
        total=len(versions),
    )


@router.get("/environments/{name}", summary="An environment with its versions")
def get_environment(
    here: ThisWorkspace,
    name: Annotated[str, Path(max_length=MAX_PLAIN_NAME, description="The environment's name.")],
    offset: Offset = 0,
    limit: Limit = 100,
) -> EnvironmentAnswer:
    """The versions of an environment, the newest first."""
    newest = here.store.environment(name)
    found = here.store.environments(newest.name)
    return EnvironmentAnswer(
        name=newest.name, versions=[_version(each) for each in found[offset : offset + limit]], total=len(found)
    )


def _version(record: EnvironmentRecord) -> EnvironmentVersion:
    return EnvironmentVersion(
        name=record.name,
        version=record.version,
        labels=list(record.labels),
        created=utc(record.created_ns),
        definition=record.definition,
    )
