"""``/models``: registered models, their versions, and the run that each comes from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from milepost.server.delivery import BYTES, ZIP, Content, deliver, deliver_zip
from milepost.server.here import Here, ThisWorkspace
from milepost.server.kept import KeptRoute, kept
from milepost.server.problem import Problem
from milepost.server.schemas.models import (
    ModelAnswer,
    ModelChanges,
    ModelEntry,
    ModelFileEntry,
    ModelList,
    ModelVersion,
    SourceRun,
)
from milepost.server.times import utc
from milepost.server.zipping import ZipEntry
from milepost.store.artifacts import content_type_of
from milepost.store.errors import NotFound
from milepost.store.names import MAX_CHARACTERS, MAX_PLAIN_NAME, check_name
from milepost.store.records import RunQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.store.records import ModelRecord

router = APIRouter(tags=["models"], route_class=KeptRoute)

ModelName = Annotated[str, Path(max_length=MAX_PLAIN_NAME, description="The model's name.")]
Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Limit = Annotated[int, Query(ge=1, le=1000)]

_LISTED_FILES: Final = 100


@router.get("/models", summary="The models")
def list_models(
    here: ThisWorkspace,
    search: Annotated[str, Query(max_length=200, description="A part of the name; capitals do not count.")] = "",
    run_id: Annotated[str | None, Query(max_length=512, description="Only those that come from this run.")] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> ModelList:
    """The models by name, each with its newest version, the newest one first."""
    newest: dict[str, ModelRecord] = {}
    counted: Counter[str] = Counter()
    aliases: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for each in here.store.models(run_id=run_id):
        if search.casefold() not in each.name.casefold():
            continue
        counted[each.name] += 1
        aliases[each.name].update(dict.fromkeys(each.aliases, each.version))
        if each.name not in newest or newest[each.name].version < each.version:
            newest[each.name] = each
    shown = list(newest.values())[offset : offset + limit]
    return ModelList(
        models=[
            ModelEntry(name=each.name, versions=counted[each.name], latest=version, aliases=aliases[each.name])
            for each, version in zip(shown, _versions(here, shown, _LISTED_FILES), strict=True)
        ],
        total=len(newest),
    )


@router.get("/models/{name}", summary="A model with its versions")
def get_model(here: ThisWorkspace, name: ModelName, offset: Offset = 0, limit: Limit = 100) -> ModelAnswer:
    """The versions of a model, the newest first."""
    found = sorted(here.store.models(name), key=lambda each: -each.version)
    if not found:
        here.store.model(name)  # says that there is none
        raise NotFound(f"there is no model {name!r}")
    return ModelAnswer(
        name=found[0].name,
        versions=_versions(here, found[offset : offset + limit], _LISTED_FILES),
        total=len(found),
    )


@router.get("/models/{name}/versions/{version}", summary="A version of a model")
def get_version(here: ThisWorkspace, name: ModelName, version: Version) -> ModelVersion:
    """One version with all its files."""
    return _versions(here, [here.store.model(name, version)], None)[0]


@router.patch("/models/{name}/versions/{version}", summary="Describe, tag or alias a version of a model")
def change_version(here: ThisWorkspace, name: ModelName, version: Version, changes: ModelChanges) -> ModelVersion:
    """What is given is changed, the rest stays."""
    both = sorted({*changes.set_tags} & {*changes.remove_tags} | {*changes.set_aliases} & {*changes.remove_aliases})
    if both:
        raise Problem(422, f"{both[0][:100]!r} is to be set and removed at once")
    model = here.store.model(name, version)
    for alias in changes.set_aliases:
        here.store.set_model_alias(name, alias, version)
    for alias in changes.remove_aliases:
        if alias in model.aliases:  # by now it may mean another version
            here.store.set_model_alias(name, alias, None)
    if changes.description is not None or changes.set_tags or changes.remove_tags:
        here.store.update_model(
            name,
            version,
            description=changes.description,
            set_tags=changes.set_tags,
            remove_tags=changes.remove_tags,
        )
    return _versions(here, [here.store.model(name, version)], None)[0]


@router.get(
    "/models/{name}/versions/{version}/files/{file:path}",
    summary="A file of a model",
    response_class=Response,
    responses=BYTES,
)
def get_model_file(
    here: ThisWorkspace,
    request: Request,
    name: ModelName,
    version: Version,
    file: Annotated[str, Path(max_length=MAX_CHARACTERS, description="The file's name with its folders.")],
    download: Annotated[bool, Query(description="To be saved, whatever its type.")] = False,
) -> Response:
    """A file of a model, whole or one range of it; see the files of runs."""
    model, wanted = here.store.model(name, version), check_name(file)
    found = next((each for each in model.files if each.name == wanted), None)
    if found is None:
        raise NotFound(f"model {model.name}:{model.version} has no file {wanted!r}")
    content = Content(found.name, found.digest, found.size, content_type_of(found.name))
    return deliver(request, here.store.blobs, content, download=download)


def _contents(here: Here, parameters: Mapping[str, Any]) -> object:
    version = str(parameters["version"])
    if not version.isdecimal():
        return None  # the route says what is wrong
    model = here.store.model(parameters["name"], int(version[:10]))
    return model.version, model.created_ns, model.files


@router.get("/models/{name}/versions/{version}/zip", summary="A model as a zip", response_class=Response, responses=ZIP)
@kept(_contents)
def get_model_zip(here: ThisWorkspace, name: ModelName, version: Version) -> Response:
    """All files of a model in an archive that is made while it is sent."""
    model = here.store.model(name, version)
    entries = [ZipEntry(each.name, each.digest, each.size, model.created_ns) for each in model.files]
    return deliver_zip(here.store.blobs, entries, f"{model.name}-{model.version}.zip")


def _versions(here: Here, models: Sequence[ModelRecord], most_files: int | None) -> list[ModelVersion]:
    ids = tuple({each.run_id for each in models if each.run_id})
    found = here.store.all_runs(RunQuery(run_ids=ids, archived=None)) if ids else ()
    runs = {
        run.run_id: SourceRun(number=run.number or 0, name=run.display_name, experiment=run.experiment) for run in found
    }
    return [_version(each, runs.get(each.run_id or ""), most_files) for each in models]


def _version(model: ModelRecord, run: SourceRun | None, most_files: int | None) -> ModelVersion:
    return ModelVersion(
        name=model.name,
        version=model.version,
        run_id=model.run_id,
        run=run,
        experiment=model.experiment,
        description=model.description,
        framework=model.framework,
        framework_version=model.framework_version,
        path=model.path,
        tags=model.tags,
        properties=model.properties,
        aliases=list(model.aliases),
        created=utc(model.created_ns),
        updated=utc(model.updated_ns),
        files=[
            ModelFileEntry(name=each.name, size=each.size, digest=each.digest, content_type=content_type_of(each.name))
            for each in model.files[:most_files]
        ],
        files_total=len(model.files),
        bytes=sum(each.size for each in model.files),
    )
