"""``/store``: the store's own calls, for the SDK of another machine.

Each call is a method of ``milepost.store.store.Store`` with its arguments as JSON; what it gives back are the store's
records as JSON.  Only the calls of this table are there.  Python's JSON: NaN and the infinities are written so.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections import abc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic_core import to_jsonable_python

from milepost.server.here import ThisWorkspace
from milepost.server.limits import MAX_NAME
from milepost.server.roles import CONTRIBUTOR, READER, Role, needs
from milepost.store import (
    artifacts,
    computes,
    deletion,
    documents,
    environments,
    experiments,
    metric_queries,
    models,
    records,
    run_frames,
    run_ids,
    run_pages,
    run_states,
    runs,
    snapshots,
)
from milepost.store.records import Blob, RunQuery
from milepost.store.store import Store
from milepost.store.wire import METRICS_TYPE, pack_metrics, pack_points, restored

router = APIRouter(prefix="/store", tags=["store"])


MOST_RUNS: Final = 1000
"""Runs of one page."""


@dataclass(frozen=True)
class Call:
    """A function of the store's, whose first argument is the store, and who may have it called."""

    function: Callable[..., Any]
    role: Role
    deed: str | None = None
    """What the audit log is to call it; its subject is the first argument."""


CALLS: Final[Mapping[str, Call]] = {
    "info": Call(Store.info, READER),
    "run": Call(runs.get_run, READER),
    "runs": Call(run_pages.list_runs, READER),
    "ids_beginning": Call(run_ids.ids_beginning, READER),
    "run_states": Call(run_states.run_states, READER),
    "run_frame": Call(run_frames.run_frame, READER),
    "archive_run": Call(runs.archive_run, CONTRIBUTOR),
    "experiment": Call(Store.experiment, READER),
    "experiment_by_id": Call(Store.experiment_by_id, READER),
    "experiments": Call(experiments.list_experiments, READER),
    "ensure_experiment": Call(experiments.ensure_experiment, CONTRIBUTOR),
    "update_experiment": Call(experiments.set_experiment, CONTRIBUTOR),
    "metric_summaries": Call(metric_queries.summaries, READER),
    "artifacts": Call(artifacts.list_artifacts, READER),
    "artifact": Call(artifacts.get_artifact, READER),
    "snapshot": Call(snapshots.get_snapshot, READER),
    "snapshots": Call(snapshots.list_snapshots, READER),
    "documents": Call(documents.list_documents, READER),
    "register_environment": Call(environments.register_environment, CONTRIBUTOR),
    "environment": Call(environments.get_environment, READER),
    "environments": Call(environments.list_environments, READER),
    "label_environment": Call(environments.label_environment, CONTRIBUTOR),
    "create_compute": Call(computes.create_compute, CONTRIBUTOR),
    "compute": Call(computes.get_compute, READER),
    "computes": Call(computes.list_computes, READER),
    "update_compute": Call(computes.update_compute, CONTRIBUTOR),
    "delete_compute": Call(computes.delete_compute, CONTRIBUTOR, "compute.delete"),
    "register_model": Call(models.register_model, CONTRIBUTOR),
    "model": Call(models.get_model, READER),
    "models": Call(models.list_models, READER),
    "update_model": Call(models.update_model, CONTRIBUTOR),
    "delete_model": Call(models.delete_model, CONTRIBUTOR, "model.delete"),
    "set_model_alias": Call(models.set_model_alias, CONTRIBUTOR),
    "delete_run": Call(deletion.delete_run, CONTRIBUTOR, "run.delete"),
    "delete_experiment": Call(deletion.delete_experiment, CONTRIBUTOR, "experiment.delete"),
}

_NAMES: Final[dict[str, Any]] = {
    **{name: value for name, value in vars(records).items() if is_dataclass(value)},
    **{each.__name__: each for each in (Mapping, Sequence, Iterable, Iterator, Collection)},
    "Any": Any,
    "Store": Store,
    "abc": abc,
}
"""What the annotations of the store's functions mean: their modules import these for the type checker alone."""


class MetricsWanted(BaseModel):
    """Whose metrics are wanted."""

    run_ids: list[Annotated[str, Field(max_length=MAX_NAME)]] = Field(max_length=10_000)
    name: str | None = Field(None, max_length=MAX_NAME)
    namespace: str = Field("", max_length=100)


@router.get(
    "/points",
    summary="The points of one metric as they lie in the store",
    response_class=Response,
    responses={200: {"content": {METRICS_TYPE: {}}}},
)
def read_points(
    here: ThisWorkspace,
    run_id: Annotated[str, Query(max_length=MAX_NAME)],
    name: Annotated[str, Query(max_length=MAX_NAME)],
    namespace: Annotated[str, Query(max_length=100)] = "",
    kind: Annotated[str | None, Query(max_length=100)] = None,
    start: Annotated[int | None, Query(ge=0, lt=2**62)] = None,
    stop: Annotated[int | None, Query(ge=0, lt=2**62)] = None,
) -> Response:
    """The points ``start`` to ``stop`` (left out).  See ``milepost.store.wire`` for the bytes."""
    found = here.store.metric_points(run_id, name, namespace, kind, start, stop)
    return Response(pack_points(found), media_type=METRICS_TYPE)


@router.post(
    "/metrics",
    summary="Metrics of runs as they lie in the store",
    response_class=Response,
    responses={200: {"content": {METRICS_TYPE: {}}}},
    **needs(READER),
)
def read_metrics(here: ThisWorkspace, wanted: MetricsWanted) -> Response:
    """See ``milepost.store.wire`` for the bytes."""
    found = here.store.stored_metrics(wanted.run_ids, wanted.name, wanted.namespace)
    return Response(pack_metrics(found), media_type=METRICS_TYPE)


def _add(name: str, call: Call) -> None:
    """A route for a call."""
    hints = typing.get_type_hints(call.function, {**call.function.__globals__, **_NAMES})
    parameters = [*inspect.signature(call.function).parameters.values()][1:]
    taken: dict[str, Any] = {
        each.name: (_taken(hints[each.name]), ... if each.default is inspect.Parameter.empty else each.default)
        for each in parameters
    }
    title = "".join(part.capitalize() for part in name.split("_")) + "Arguments"
    arguments: Any = create_model(title, __config__=ConfigDict(extra="forbid"), **taken)

    def answer(here: ThisWorkspace, given: Any) -> Response:
        values = {field: _restored(getattr(given, field)) for field in type(given).model_fields}
        positional = [values.pop(each.name) for each in parameters if each.kind is not inspect.Parameter.KEYWORD_ONLY]
        found = call.function(here.store, *positional, **values)
        if call.deed is not None:
            here.note(call.deed, str(positional[0]))
        text = json.dumps(to_jsonable_python(found, inf_nan_mode="constants"), separators=(",", ":"))
        return Response(text, media_type="application/json")

    answer.__name__ = f"store_{name}"
    answer.__annotations__ = {
        "here": ThisWorkspace,
        "given": Annotated[arguments, Body()],
        "return": Response,
    }
    gives = hints["return"]
    router.add_api_route(
        f"/{name}",
        answer,
        methods=["POST"],
        summary=(inspect.getdoc(call.function) or name).partition("\n")[0],
        response_class=Response,
        responses={200: {"model": gives} if gives is not type(None) else {"description": "Done"}},
        **needs(call.role),
    )


def _taken(hint: Any) -> Any:
    """What a parameter takes: iterables would be taken lazily, so lists in their place."""
    if typing.get_origin(hint) in (abc.Iterable, abc.Collection):
        return list[typing.get_args(hint)[0]]  # type: ignore[misc]
    return hint


def _restored(value: Any) -> Any:
    if isinstance(value, RunQuery):
        limit = MOST_RUNS if value.limit is None else min(value.limit, MOST_RUNS)
        return replace(value, tags=restored(value.tags), properties=restored(value.properties), limit=limit)
    if isinstance(value, dict):
        return restored(value)
    return value


for _name, _call in CALLS.items():
    _add(_name, _call)

__all__ = ["CALLS", "Blob", "Call", "router"]
