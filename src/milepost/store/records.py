"""What the store's queries give back: plain, frozen records.  Times are ns since 1970 UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


class _Any:
    def __repr__(self) -> str:
        return "ANY"


ANY: Final = _Any()
"""In ``RunQuery.tags`` and ``.properties``: the key must be there, whatever its value."""


def has_all(present: Mapping[str, str | None], wanted: Mapping[str, Any]) -> bool:
    """Whether tags or properties have all that a filter (key -> text, None or ANY) wants."""
    return all(key in present and value in (ANY, present[key]) for key, value in wanted.items())


@dataclass(frozen=True, slots=True)
class ExperimentRecord:
    """An experiment, with how many runs it has and when the last began."""

    id: str
    name: str
    created_ns: int
    archived_ns: int | None
    description: str
    tags: dict[str, str | None]
    run_count: int
    last_run_ns: int | None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run, with its tags and properties."""

    run_id: str
    experiment: str
    experiment_id: str
    number: int
    type: str | None
    status: str
    display_name: str | None
    description: str | None
    parent_id: str | None
    root_id: str
    target: str | None
    submitted_by: str | None
    created_ns: int
    started_ns: int | None
    ended_ns: int | None
    archived_ns: int | None
    error: dict[str, Any] | None
    warnings: list[dict[str, Any]]
    tags: dict[str, str | None]
    properties: dict[str, str]


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs, in which order.  Empty: all active runs, newest first, children included."""

    experiment: str | None = None
    experiments: tuple[str, ...] | None = None
    """Runs of any of these."""
    run_ids: tuple[str, ...] | None = None
    type: str | None = None
    target: str | None = None
    """The name of a compute target, in any case of letters."""
    statuses: tuple[str, ...] | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    """key -> text, None (a tag without a value) or ANY."""
    properties: dict[str, Any] = field(default_factory=dict)
    parent_id: str | None = None
    """Direct children of this run."""
    ancestor_id: str | None = None
    """All descendants of this run."""
    include_children: bool = True
    """False: only runs without a parent."""
    archived: bool | None = False
    """False: active ones; True: archived ones; None: both."""
    filter: str | None = None
    """In the language of ``filters.py``: ``metrics.mse < 0.3 and tags.stage = "prod"``."""
    order_by: str = "created"
    """created | number | status | name | experiment | target | type | submitted_by | started | ended | duration |
    metric:NAME (last value) | metric_min:NAME | metric_max:NAME | tag:KEY | property:KEY | param:KEY.  Runs without
    the value come last."""
    descending: bool = True
    limit: int | None = None
    offset: int = 0
    """So many runs are passed over, after the cursor where there is one."""
    cursor: str | None = None
    """From ``RunPage.next_cursor`` of the same query."""
    most_pairs: int | None = None
    """The most tags and properties that come with a run, the first by name, values cut to 20,000 characters."""


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some of a query's runs, in its order."""

    runs: list[RunRecord]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """What is known of a metric without reading its points."""

    run_id: str
    namespace: str
    name: str
    kind: str
    description: str
    is_list: bool
    calls: int
    count: int
    """Number of points (rows of a table)."""
    first: float | int | bool | str | None
    last: float | int | bool | str | None
    """Of the only column of a series; None for tables."""
    min: float | None
    max: float | None
    """Over the finite and infinite numbers of a series, NaN left out; None where there are none.  0 has no sign."""
    nan_count: int
    first_step: int | None
    last_step: int | None
    first_ns: int | None
    last_ns: int | None
    columns: tuple[str, ...]
    scalar_columns: tuple[str, ...] = ()
    """Table columns given as a single value; meaningful while the table has one call."""


@dataclass(frozen=True, slots=True)
class StoredMetric:
    """A metric as it lies in the store: its points in blocks (``points.py``), and what gives its values their shape."""

    run_id: str
    name: str
    kind: str
    is_list: bool
    calls: int
    points: int
    """Number of points (rows of a table)."""
    columns: tuple[str, ...]
    scalar_columns: tuple[str, ...]
    alone: tuple[float | int | bool | str | None] | None
    """The value, where there is one only and it is known without the blocks, which are left out then."""
    blocks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """A file of a run."""

    run_id: str
    name: str
    digest: str
    size: int
    content_type: str
    created_ns: int
    captured: bool
    """Collected from the working directory by the system so far; the script has not uploaded it."""


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """A folder as it was; ``manifest`` is the digest of the content that lists its files (see ``manifest.py``)."""

    id: str
    manifest: str
    files: int
    bytes: int
    """Of all its files together."""
    created_ns: int


@dataclass(frozen=True, slots=True)
class TakenSnapshot:
    """A snapshot, and when a run was given it."""

    snapshot: SnapshotRecord
    taken_ns: int


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A structured fact of a run."""

    name: str
    content: Any
    told_ns: int


@dataclass(frozen=True, slots=True)
class RunState:
    """All that is known of a run but the points of its metrics and the contents of its files."""

    run: RunRecord
    metrics: tuple[MetricSummary, ...]
    """Of all namespaces, in the order of first logging."""
    artifacts: tuple[ArtifactRecord, ...]
    documents: tuple[DocumentRecord, ...]
    snapshots: tuple[TakenSnapshot, ...]
    """In the order in which they were taken."""
    params: dict[str, str] = field(default_factory=dict)
    """What the run was given to work with."""


@dataclass(frozen=True, slots=True)
class EnvironmentRecord:
    """One version of a registered environment."""

    name: str
    version: int
    definition: dict[str, Any]
    """With the "name" and the "version" (as a text) of this record."""
    labels: tuple[str, ...]
    created_ns: int


@dataclass(frozen=True, slots=True)
class ComputeRecord:
    """A compute target."""

    name: str
    kind: str
    definition: dict[str, Any]
    created_ns: int
    updated_ns: int


@dataclass(frozen=True, slots=True)
class Blob:
    """Content in the blob store: ``digest`` is the lower-case SHA-256 in hex, ``size`` in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model."""

    name: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One version of a model."""

    name: str
    version: int
    run_id: str | None
    experiment: str | None
    description: str
    framework: str | None
    framework_version: str | None
    path: str
    """The name of the model's file, or of its folder with a trailing "/"."""
    tags: dict[str, str | None]
    properties: dict[str, str]
    created_ns: int
    updated_ns: int
    files: tuple[ModelFile, ...]
    extra: dict[str, Any]
    """Whatever else the SDK keeps with a model (datasets, sample inputs, resource configuration)."""
    aliases: tuple[str, ...] = ()
    """The names that mean this version now."""


@dataclass(frozen=True, slots=True)
class WorkspaceInfo:
    """How much a workspace holds."""

    id: str
    name: str
    schema: str
    experiments: int
    runs: int
    active_runs: int
    metrics: int
    points: int
    artifacts: int
    artifact_bytes: int
    """Sum over names; a content shared by two names counts twice."""
    blob_bytes: int
    """What the contents of runs' files and of models take, once each.  Those that only snapshots have do not count:
    their manifests would have to be read for that."""
    models: int
    snapshots: int
    snapshot_bytes: int
    """Sum over the different snapshots; a content that two of them share counts twice, though it is stored once."""
