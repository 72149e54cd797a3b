"""``/models``: registered models, their versions, and the run that each comes from."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response

from milepost.server.delivery import BYTES, ZIP, Content, deliver, deliver_zip
from milepost.server.here import ThisWorkspace
from milepost.server.schemas.models import ModelAnswer, ModelEntry, ModelFileEntry, ModelList, ModelVersion
from milepost.server.times import utc
from milepost.server.zipping import ZipEntry
from milepost.store.artifacts import content_type_of
from milepost.store.errors import NotFound
from milepost.store.names import MAX_CHARACTERS, MAX_PLAIN_NAME, check_name

if TYPE_CHECKING:
    from milepost.store.records import ModelRecord

router = APIRouter(tags=["models"])

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
    for each in here.store.models(run_id=run_id):
        if search.casefold() not in each.name.casefold():
            continue
        counted[each.name] += 1
        if each.name not in newest or newest[each.name].version < each.version:
            newest[each.name] = each
    shown = list(newest.values())[offset : offset + limit]
    return ModelList(
        models=[
            ModelEntry(name=each.name, versions=counted[each.name], latest=_version(each, _LISTED_FILES))
            for each in shown
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
        versions=[_version(each, _LISTED_FILES) for each in found[offset : offset + limit]],
        total=len(found),
    )


@router.get("/models/{name}/versions/{version}", summary="A version of a model")
def get_version(here: ThisWorkspace, name: ModelName, version: Version) -> ModelVersion:
    """One version with all its files."""
    return _version(here.store.model(name, version), None)


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


@router.get("/models/{name}/versions/{version}/zip", summary="A model as a zip", response_class=Response, responses=ZIP)
def get_model_zip(here: ThisWorkspace, name: ModelName, version: Version) -> Response:
    """All files of a model in an archive that is made while it is sent."""
    model = here.store.model(name, version)
    entries = [ZipEntry(each.name, each.digest, each.size, model.created_ns) for each in model.files]
    return deliver_zip(here.store.blobs, entries, f"{model.name}-{model.version}.zip")


def _version(model: ModelRecord, most_files: int | None) -> ModelVersion:
    return ModelVersion(
        name=model.name,
        version=model.version,
        run_id=model.run_id,
        experiment=model.experiment,
        description=model.description,
        framework=model.framework,
        framework_version=model.framework_version,
        path=model.path,
        tags=model.tags,
        properties=model.properties,
        created=utc(model.created_ns),
        updated=utc(model.updated_ns),
        files=[
            ModelFileEntry(name=each.name, size=each.size, digest=each.digest, content_type=content_type_of(each.name))
            for each in model.files[:most_files]
        ],
        files_total=len(model.files),
        bytes=sum(each.size for each in model.files),
    )
