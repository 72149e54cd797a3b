"""Rows of an exported folder's tables as the store's records.  Raises BadInput for rows that cannot be one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from milepost.store.errors import BadInput
from milepost.store.records import (
    ArtifactRecord,
    ComputeRecord,
    DocumentRecord,
    EnvironmentRecord,
    ExperimentRecord,
    MetricSummary,
    ModelFile,
    ModelRecord,
    RunRecord,
    SnapshotRecord,
    TakenSnapshot,
)
from milepost.store.snapshots import check_id
from milepost.store.status import STATUSES

_T = TypeVar("_T")


def _checked(make: Callable[..., _T]) -> Callable[..., _T]:
    @wraps(make)
    def checked(row: dict[str, Any], *more: Any) -> _T:
        try:
            return make(row, *more)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"a row of the tables cannot be read ({make.__name__}: {error}): export it anew") from error

    return checked


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.100} is no text")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r:.100} is no number of things, and no time")
    return value


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.100} is no JSON object")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.100} is no list of names")
    return tuple(_text(each) for each in value)


@_checked
def experiment_of(row: dict[str, Any]) -> ExperimentRecord:
    """A row of experiments."""
    return ExperimentRecord(
        id="",
        name=_text(row["name"]),
        created_ns=_count(row["created"]),
        archived_ns=row["archived"],
        description=_text(row["description"]),
        tags=_dict(row["tags"]),
        run_count=0,
        last_run_ns=None,
    )


@_checked
def run_of(row: dict[str, Any], tags: dict[str, str | None], properties: dict[str, str]) -> RunRecord:
    """A row of runs."""
    if row["status"] not in STATUSES:
        raise ValueError(f"{row['status']!r:.100} is no status")
    warnings = row["warnings"]
    for each in warnings:
        _text(each["message"])
        _count(each["time_ns"])
    same = ("type", "display_name", "description", "parent_id", "target", "submitted_by")
    return RunRecord(
        run_id=_text(row["run_id"]),
        experiment=_text(row["experiment"]),
        experiment_id="",
        number=_count(row["number"]),
        status=row["status"],
        root_id=_text(row["root_id"]),
        created_ns=_count(row["created"]),
        started_ns=row["started"],
        ended_ns=row["ended"],
        archived_ns=row["archived"],
        error=row["error"],
        warnings=warnings,
        tags=tags,
        properties=properties,
        **{name: row[name] for name in same},
    )


@_checked
def metric_of(row: dict[str, Any]) -> MetricSummary:
    """A row of metrics."""
    _count(row["first_row"])
    same = ("min", "max", "first_step", "last_step")
    return MetricSummary(
        run_id=_text(row["run_id"]),
        namespace=_text(row["namespace"]),
        name=_text(row["name"]),
        kind=_text(row["kind"]),
        description=_text(row["description"]),
        is_list=bool(row["is_list"]),
        calls=_count(row["calls"]),
        count=_count(row["count"]),
        first=row["first"],
        last=row["last"],
        nan_count=_count(row["nan_count"]),
        first_ns=row["first_time"],
        last_ns=row["last_time"],
        columns=_names(row["columns"]),
        scalar_columns=_names(row["scalar_columns"]),
        **{name: row[name] for name in same},
    )


@_checked
def artifact_of(row: dict[str, Any]) -> ArtifactRecord:
    """A row of artifacts."""
    return ArtifactRecord(
        run_id=_text(row["run_id"]),
        name=_text(row["name"]),
        digest=_text(row["sha256"]),
        size=_count(row["size"]),
        content_type=_text(row["content_type"]),
        created_ns=_count(row["created"]),
        captured=bool(row["captured"]),
    )


@_checked
def document_of(row: dict[str, Any]) -> DocumentRecord:
    """A row of documents."""
    return DocumentRecord(_text(row["name"]), row["content"], _count(row["told"]))


@_checked
def snapshot_of(row: dict[str, Any]) -> TakenSnapshot:
    """A row of snapshots."""
    snapshot = SnapshotRecord(
        id=check_id(row["snapshot_id"]),
        manifest=_text(row["manifest"]),
        files=_count(row["files"]),
        bytes=_count(row["bytes"]),
        created_ns=_count(row["created"]),
    )
    return TakenSnapshot(snapshot, _count(row["taken"]))


@_checked
def model_of(row: dict[str, Any], files: list[dict[str, Any]]) -> ModelRecord:
    """A row of models, with its rows of model_files."""
    same = ("run_id", "experiment", "framework", "framework_version")
    return ModelRecord(
        name=_text(row["name"]),
        version=_count(row["version"]),
        description=_text(row["description"]),
        path=_text(row["path"]),
        tags=_dict(row["tags"]),
        properties=_dict(row["properties"]),
        created_ns=_count(row["created"]),
        updated_ns=_count(row["updated"]),
        files=tuple(ModelFile(each["name"], each["sha256"], each["size"]) for each in files),
        extra=_dict(row["extra"]),
        aliases=_names(row["aliases"]),
        **{name: row[name] for name in same},
    )


@_checked
def environment_of(row: dict[str, Any]) -> EnvironmentRecord:
    """A row of environments."""
    labels = _names(row["labels"])
    return EnvironmentRecord(
        _text(row["name"]), _count(row["version"]), _dict(row["definition"]), labels, _count(row["created"])
    )


@_checked
def compute_of(row: dict[str, Any]) -> ComputeRecord:
    """A row of computes."""
    times = (_count(row["created"]), _count(row["updated"]))
    return ComputeRecord(_text(row["name"]), _text(row["kind"]), _dict(row["definition"]), *times)
