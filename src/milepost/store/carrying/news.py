"""What a run has here that it has not there: pure functions from two states to what is to be said there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from milepost.store.batch import Event
from milepost.store.conflicts import fold
from milepost.store.status import ACCEPT, FAILED, NOT_STARTED, PROCESS_DIED, RUNNING, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milepost.store.records import ArtifactRecord, MetricSummary, RunRecord, RunState


class Clash(Exception):
    """A run of this id is there already, and is another one, or has gone on by itself."""


def check_same(here: RunState, there: RunState) -> None:
    """Raises Clash where the run there cannot be this one at an earlier time."""
    ours, theirs = here.run, there.run
    if (ours.experiment, ours.created_ns) != (theirs.experiment, theirs.created_ns):
        raise Clash(f"another run of this id is there, of experiment {theirs.experiment!r}")
    known = by_name(here)
    for metric in there.metrics:
        mine = known.get(_identity(metric))
        if mine is not None and (mine.count < metric.count or mine.calls < metric.calls):
            raise Clash(f"its metric {metric.name!r} has {metric.count:,} points there, and {mine.count:,} here")
        if mine is not None and metric.count and not _begins_as(mine, metric):
            raise Clash(f"its metric {metric.name!r} has other points there")


def _begins_as(whole: MetricSummary, part: MetricSummary) -> bool:
    """Whether one may be the other at an earlier time, as far as summaries tell."""
    if (whole.first_step, whole.first_ns) != (part.first_step, part.first_ns):
        return False
    return whole.count > part.count or (whole.last_step, whole.last_ns) == (part.last_step, part.last_ns)


def by_name(state: RunState) -> dict[tuple[str, str, str], MetricSummary]:
    """The metrics of a run by namespace, name and kind."""
    return {_identity(metric): metric for metric in state.metrics}


def _identity(metric: MetricSummary) -> tuple[str, str, str]:
    return metric.namespace, metric.name, metric.kind


def first_words(run: RunRecord) -> Event:
    """What makes the run: all of it but its status."""
    facts: dict[str, Any] = {
        "experiment": run.experiment,
        "number": run.number,
        "type": run.type,
        "status": NOT_STARTED,
        "display_name": run.display_name,
        "description": run.description,
        "parent_id": run.parent_id,
        "target": run.target,
        "submitted_by": run.submitted_by,
    }
    return Event("run", run.run_id, run.created_ns, {key: value for key, value in facts.items() if value is not None})


def news(here: RunState, there: RunState | None) -> Iterator[Event]:
    """The events that make of the run there the one that is here, but for the points of its metrics.

    What this run says goes before what the other one says of the same thing; what only the other one has stays.
    """
    if there is None:
        yield first_words(here.run)
    yield from _of_the_run(here.run, None if there is None else there.run)
    params = {key: value for key, value in here.params.items() if there is None or key not in there.params}
    if params:
        yield Event("params", here.run.run_id, here.run.created_ns, {"set": params})
    known = {} if there is None else {fold(each.name): each for each in there.artifacts}
    digests = set() if there is None else {each.digest for each in there.artifacts}
    for file in here.artifacts:
        if _is_new(file, known.get(fold(file.name)), digests):
            yield _file(file)
    taken = set() if there is None else {each.snapshot.id for each in there.snapshots}
    for each in here.snapshots:
        if each.snapshot.id not in taken:
            snapshot = each.snapshot
            facts = {
                "id": snapshot.id,
                "manifest": snapshot.manifest,
                "files": snapshot.files,
                "bytes": snapshot.bytes,
                "created_ns": snapshot.created_ns,
            }
            yield Event("snapshot", here.run.run_id, each.taken_ns, facts)
    told = {} if there is None else {each.name: each.told_ns for each in there.documents}
    for document in here.documents:
        if told.get(document.name, -1) < document.told_ns:
            content = {"name": document.name, "content": document.content}
            yield Event("document", here.run.run_id, document.told_ns, content)


def _of_the_run(here: RunRecord, there: RunRecord | None) -> Iterator[Event]:
    run_id, now = here.run_id, here.created_ns
    named = {
        name: getattr(here, name)
        for name in ("display_name", "description")
        if there is not None and getattr(here, name) not in (None, getattr(there, name))
    }
    if named:
        yield Event("describe", run_id, now, named)
    tags = _other(here.tags, {} if there is None else there.tags)
    if tags:
        yield Event("tags", run_id, now, {"set": tags})
    properties = {key: value for key, value in here.properties.items() if there is None or key not in there.properties}
    if properties:
        yield Event("properties", run_id, now, {"set": properties})
    yield from _statuses(here, there)
    known = set() if there is None else {each["message"] for each in there.warnings}
    for warning in here.warnings:
        if warning["message"] not in known:
            yield Event("warning", run_id, warning["time_ns"], {"message": warning["message"]})
    if here.archived_ns is not None and (there is None or there.archived_ns is None):
        yield Event("archive", run_id, here.archived_ns, {})


_ABSENT: Final = object()


def _other(here: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in here.items() if there.get(key, _ABSENT) != value}


def _statuses(here: RunRecord, there: RunRecord | None) -> Iterator[Event]:
    """Those that lead from the status there to the one here, with their times."""
    status = NOT_STARTED if there is None else there.status
    has_run = there is not None and there.started_ns is not None
    if here.started_ns is not None and not has_run and _takes(status, RUNNING, there, has_run=False):
        yield Event("status", here.run_id, here.started_ns, {"status": RUNNING})
        has_run, status = True, RUNNING
    died_here = there is not None and here.error != there.error
    if (here.status != status or died_here) and _takes(status, here.status, there, has_run=has_run):
        error = {} if here.error is None else {"error": here.error}
        at = here.ended_ns if here.ended_ns is not None else here.started_ns or here.created_ns
        yield Event("status", here.run_id, at, {"status": here.status, **error})


def _takes(current: str, wanted: str, there: RunRecord | None, *, has_run: bool) -> bool:
    error = None if there is None or there.status != current else there.error
    died = current == FAILED and isinstance(error, dict) and error.get("code") == PROCESS_DIED
    return judge(current, wanted, has_run=has_run, taken_for_dead=died) == ACCEPT


def _is_new(file: ArtifactRecord, other: ArtifactRecord | None, digests: set[str]) -> bool:
    if other is None:
        return True
    if other.captured and other.name == file.name:
        same = (other.digest, other.created_ns, other.captured) == (file.digest, file.created_ns, file.captured)
        return not same and (not file.captured or other.created_ns <= file.created_ns)
    # A name keeps its content, and another content comes beside it.
    return not file.captured and file.digest not in digests


def _file(file: ArtifactRecord) -> Event:
    facts = {
        "name": file.name,
        "digest": file.digest,
        "size": file.size,
        "content_type": file.content_type,
        "captured": file.captured,
    }
    return Event("artifact", file.run_id, file.created_ns, facts)
