"""``milepost runs show``, ``files`` and ``download``."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from milepost.cli import output, tables
from milepost.cli.opening import opened
from milepost.cli.options import AsJson, Failed, RunId, WorkspaceName
from milepost.cli.origin import OWN_PROPERTIES, origin_json, show_origin
from milepost.cli.runs import find_run, run_duration, run_json, runs, status_cell, summary_json
from milepost.cli.tables import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.store.progress import Progress
    from milepost.store.records import ArtifactRecord, MetricSummary, RunRecord

_MOST_FILES = 20


@runs.command("show")
def show_run(run: RunId, name: WorkspaceName = None, as_json: AsJson = False) -> None:
    """Show a run: details, how it came about, tags, properties, metrics, files, and its error in plain words."""
    from milepost.store.progress import progress_of
    from milepost.store.records import RunQuery

    with opened(name) as (workspace, store):
        record = find_run(store, run)
        metrics = store.metric_summaries([record.run_id])
        files = store.artifacts(record.run_id)
        children = [each.run_id for each in store.all_runs(RunQuery(parent_id=record.run_id, archived=None))]
        snapshots = store.snapshots(record.run_id)
        documents = store.documents(record.run_id)
        progress = progress_of(store, [record.run_id]).get(record.run_id)
    if as_json:
        output.write_json(
            {
                "workspace": workspace.name,
                **run_json(record),
                "progress": progress and {"done": progress.done, "total": progress.total},
                "children": children,
                "metrics": [summary_json(each) for each in metrics],
                "files": [file_json(each) for each in files],
                **origin_json(record, snapshots, documents),
            }
        )
        return
    _show_details(record, len(children), _progress_words(record, progress))
    show_origin(record, snapshots, documents)
    # What the part above has said in plain words need not be said again.
    properties = {key: value for key, value in record.properties.items() if key not in OWN_PROPERTIES}
    for title, pairs in (("Tags", record.tags), ("Properties", properties)):
        if pairs:
            tables.heading(title)
            tables.details([(key, value or "(no value)") for key, value in pairs.items()], indent=2)
    if metrics:
        tables.heading(f"Metrics ({len(metrics)})")
        metric_table(metrics, indent=2)
    if files:
        tables.heading(f"Files ({len(files)})")
        file_table(files[:_MOST_FILES], indent=2)
        if len(files) > _MOST_FILES:
            output.say(f"  ... and {len(files) - _MOST_FILES:,} more: milepost runs files {record.run_id}")
    _show_trouble(record)


def _show_details(record: RunRecord, children: int, progress: str) -> None:
    hint = f"{children:,} (milepost runs list --parent {record.run_id})" if children else ""
    tables.details(
        [
            ("Run", record.run_id),
            ("Name", record.display_name or ""),
            ("Experiment", f"{record.experiment}, run {record.number}"),
            ("Status", status_cell(record.status)),
            ("Progress", progress),
            ("Type", record.type or ""),
            ("Description", record.description or ""),
            ("Created", output.local(record.created_ns)),
            ("Started", output.local(record.started_ns)),
            ("Ended", output.local(record.ended_ns)),
            ("Duration", output.duration(run_duration(record))),
            ("Archived", output.local(record.archived_ns)),
            ("Parent", record.parent_id or ""),
            ("Children", hint),
            ("Target", record.target or ""),
            ("Submitted by", record.submitted_by or ""),
        ]
    )


def _progress_words(record: RunRecord, progress: Progress | None) -> str:
    """``40 of 100 (40 %), about 3m 20s left``; the time for a run that goes on."""
    from milepost.store.status import TERMINAL

    if progress is None:
        return ""
    said = f"{progress.done:.12g} of {progress.total:.12g} ({math.floor(progress.fraction * 100)} %)"
    left = None if record.status in TERMINAL else progress.remaining_s(time.time_ns())
    return said if left is None else f"{said}, about {output.duration(round(left) * 1_000_000_000)} left"


def _show_trouble(record: RunRecord) -> None:
    if record.warnings:
        tables.heading(f"Warnings ({len(record.warnings)})")
        for warning in record.warnings:
            tables.lines(str(warning.get("message", warning)))
    if record.error:
        tables.heading("Error")
        for line in error_words(record.error):
            tables.lines(line)


def error_words(error: dict[str, Any]) -> list[str]:
    """A run's error as a person says it: the message with its code, then the details (a traceback)."""
    code, message, more = (str(error.get(key) or "") for key in ("code", "message", "details"))
    first = f"{message} ({code})" if message and code else message or code or "No reason was given."
    return [first, more.strip("\n")] if more.strip() and more.strip() != message.strip() else [first]


def metric_table(metrics: Sequence[MetricSummary], *, indent: int = 0) -> None:
    """One line for each metric."""
    columns = [
        Column("METRIC", whole=False),
        Column("KIND", drop=4),
        Column("COUNT", right=True),
        Column("FIRST", right=True, drop=3, whole=False),
        Column("LAST", right=True, whole=False),
        Column("MIN", right=True, drop=1),
        Column("MAX", right=True, drop=2),
        Column("NAN", right=True, drop=5),
        Column("LAST STEP", right=True, drop=6),
        Column("COLUMNS", whole=False, drop=7),
    ]
    rows = [
        [
            each.name,
            each.kind,
            f"{each.count:,}",
            output.number(each.first),
            output.number(each.last),
            output.number(each.min),
            output.number(each.max),
            f"{each.nan_count:,}" if each.nan_count else "",
            "" if each.last_step is None else str(each.last_step),
            output.shortened(", ".join(column for column in each.columns if column)),
        ]
        for each in metrics
    ]
    tables.table(*tables.without_empty(columns, rows, ("NAN", "COLUMNS")), indent=indent)


# -- files -----------------------------------------------------------------------------------------------------------


@runs.command("files")
def list_files(
    run: RunId,
    prefix: Annotated[str, typer.Argument(metavar="[PREFIX]", help="Only names that begin so.")] = "",
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """List the files of a run."""
    with opened(name) as (workspace, store):
        record = find_run(store, run)
        found = store.artifacts(record.run_id, prefix)
    if as_json:
        output.write_json(
            {"workspace": workspace.name, "id": record.run_id, "files": [file_json(each) for each in found]}
        )
    elif found:
        file_table(found)
    else:
        output.tell(f"run {record.run_id} has no such files")


def file_table(found: Sequence[ArtifactRecord], *, indent: int = 0) -> None:
    """One line for each file."""
    columns = [
        Column("FILE"),
        Column("SIZE", right=True),
        Column("CREATED", drop=1),
        Column("TYPE", drop=2),
        Column("SHA-256", drop=3),
    ]
    rows = [
        [each.name, output.size(each.size), output.local(each.created_ns), each.content_type, each.digest[:12]]
        for each in found
    ]
    tables.table(columns, rows, indent=indent)


def file_json(file: ArtifactRecord) -> dict[str, Any]:
    """A file as ``--json`` writes it."""
    return {
        "name": file.name,
        "size": file.size,
        "digest": file.digest,
        "content_type": file.content_type,
        "created": output.utc(file.created_ns),
    }


@runs.command("download")
def download_files(
    run: RunId,
    prefix: Annotated[
        str,
        typer.Argument(metavar="[NAME|PREFIX]", help="A file's name, or what names begin with. Default: all files."),
    ] = "",
    into: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write to, made if it is not there.")
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Download files of a run. They keep their names, folders included, below DIR."""
    with opened(name) as (workspace, store):
        record = find_run(store, run)
        found = store.artifacts(record.run_id, prefix.removeprefix("./"))
        found = [each for each in found if each.name == prefix.removeprefix("./")] or found
        if not found:
            what = f"file whose name begins with {output.shortened(prefix)!r}" if prefix else "files"
            raise Failed(f"Run {record.run_id} has no {what}. `milepost runs files` lists those it has.")
        targets = _targets(into, found, force)
        for each, target in zip(found, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            store.download_artifact(record.run_id, each.name, target)
            if not as_json:
                output.say(into / each.name)
    if as_json:
        written = [{**file_json(each), "path": str(into / each.name)} for each in found]
        output.write_json({"workspace": workspace.name, "id": record.run_id, "files": written})


def _targets(folder: Path, found: Sequence[ArtifactRecord], force: bool) -> list[Path]:
    """Where each file goes.  Raises Failed where one is in the way, before anything is written."""
    from milepost.store.names import safe_join

    if folder.exists() and not folder.is_dir():
        raise Failed(f"{str(folder)!r} is a file. Give --output a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    targets = [safe_join(folder, each.name) for each in found]
    there = [target for target in targets if target.exists()]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise Failed(f"{str(there[0])!r}{more} would be replaced. Give --force, or another folder with --output.")
    return targets
