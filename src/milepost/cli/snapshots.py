"""``milepost runs snapshot`` and ``diff``: the files that a run was made from, and what changed between two runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from milepost.cli import output, tables
from milepost.cli.opening import opened
from milepost.cli.options import AsJson, Failed, Misused, RunId, WorkspaceName
from milepost.cli.origin import command_line, git_facts, packages_of, python_of
from milepost.cli.runs import find_run, runs
from milepost.cli.tables import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from milepost.store.manifest import SnapshotFile
    from milepost.store.records import RunRecord, SnapshotRecord

_MOST_FILES = 50


@runs.command("snapshot")
def show_snapshot(
    run: RunId,
    into: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write the files into this new folder.")
    ] = None,
    archive: Annotated[
        Path | None, typer.Option("--zip", metavar="FILE", help="Write the files into this zip archive.")
    ] = None,
    which: Annotated[
        str | None, typer.Option("--id", metavar="SNAPSHOT", help="Another one than the run's first.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an archive that is there already.")] = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """List the files that a run was made from, or give them back."""
    from milepost.jobs.snapshots import manifest, write_tree, write_zip

    if into is not None and archive is not None:
        raise Misused("--output and --zip cannot be had at once.")
    if archive is not None and archive.exists() and not force:
        raise Failed(f"{str(archive)!r} would be replaced. Give --force, or another file with --zip.")
    if into is not None and into.exists() and not (into.is_dir() and not any(into.iterdir())):
        raise Failed(f"{str(into)!r} is there already. Give --output a new or empty folder.")
    with opened(name) as (workspace, store):
        record = find_run(store, run)
        there = store.snapshots(record.run_id)
        snapshot = _chosen(record, there, which)
        files = manifest(store.blobs, snapshot.manifest)
        if into is not None:
            write_tree(store.blobs, files, into)
        elif archive is not None:
            write_zip(store.blobs, files, archive)
    target = into or archive
    if as_json:
        output.write_json(
            {
                "workspace": workspace.name,
                "id": record.run_id,
                **snapshot_json(snapshot),
                "path": None if target is None else str(target),
                "contents": [_file_json(each) for each in files],
            }
        )
    elif target is not None:
        output.say(f"Wrote {_count(len(files), 'file')} ({output.size(snapshot.bytes)}) to {target}.")
    else:
        _list(snapshot, files, len(there))


def _chosen(record: RunRecord, there: Sequence[SnapshotRecord], which: str | None) -> SnapshotRecord:
    if not there:
        why = next((str(each["message"]) for each in record.warnings if "napshot" in str(each.get("message"))), "")
        raise Failed(f"Run {record.run_id} has no snapshot.{f' {why}' if why else ''}")
    if which is None:
        return there[0]
    found = [each for each in there if each.id.startswith(which)] if which else []
    if len(found) != 1:
        trouble = "several snapshots with ids that begin" if found else "no snapshot with an id that begins"
        ids = ", ".join(each.id for each in there)
        raise Misused(f"Run {record.run_id} has {trouble} with {which!r}. It has: {ids}.")
    return found[0]


def _list(snapshot: SnapshotRecord, files: Sequence[SnapshotFile], count: int) -> None:
    tables.table(
        [Column("FILE"), Column("SIZE", right=True), Column("SHA-256", drop=1)],
        [[each.name, output.size(each.size), each.digest[:12]] for each in files],
    )
    more = f"; the run has {count} snapshots, see: milepost runs show" if count > 1 else ""
    output.tell(f"snapshot {snapshot.id}: {_count(len(files), 'file')}, {output.size(snapshot.bytes)}{more}")


def snapshot_json(snapshot: SnapshotRecord) -> dict[str, Any]:
    """A snapshot as ``--json`` writes it."""
    return {
        "snapshot": snapshot.id,
        "files": snapshot.files,
        "bytes": snapshot.bytes,
        "taken": output.utc(snapshot.created_ns),
    }


def _file_json(file: SnapshotFile) -> dict[str, Any]:
    return {"name": file.name, "size": file.size, "digest": file.digest, "executable": file.executable}


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


# -- what changed ----------------------------------------------------------------------------------------------------


@runs.command("diff")
def compare_runs(
    first: Annotated[str, typer.Argument(metavar="ID", help="A run's id, or as much of its beginning as is unique.")],
    second: Annotated[str, typer.Argument(metavar="ID", help="The run to compare it with.")],
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed from one run to another: command, files, git, environment, packages."""
    from dataclasses import asdict

    from milepost.jobs.snapshots import diff, manifest

    with opened(name) as (workspace, store):
        records = [find_run(store, first), find_run(store, second)]
        taken = [store.snapshots(each.run_id) for each in records]
        documents = [store.documents(each.run_id) for each in records]
        files = None
        if all(taken):
            files = asdict(diff(*(manifest(store.blobs, each[0].manifest) for each in taken)))
    facts = [_facts(record, found) for record, found in zip(records, documents, strict=True)]
    changed = _changes(*facts)
    packages = _changes(*(packages_of(each.get("packages")) for each in documents))
    if as_json:
        output.write_json(
            {
                "workspace": workspace.name,
                "first": records[0].run_id,
                "second": records[1].run_id,
                "files": files,
                "facts": {key: list(pair) for key, pair in changed.items()},
                "packages": {key: list(pair) for key, pair in packages.items()},
            }
        )
        return
    tables.details([("From", records[0].run_id), ("To", records[1].run_id)])
    if changed:
        tables.heading("Changed")
        _pairs(changed)
    if files is None:
        lacking = next(record for record, each in zip(records, taken, strict=True) if not each)
        tables.heading("Files")
        tables.lines(f"run {lacking.run_id} has no snapshot")
    elif any(files.values()):
        tables.heading("Files")
        marked = [
            (mark, each) for mark, kind in (("+", "added"), ("-", "removed"), ("~", "changed")) for each in files[kind]
        ]
        for mark, each in marked[:_MOST_FILES]:
            tables.lines(f"{mark} {each}")
        if len(marked) > _MOST_FILES:
            tables.lines(f"... and {len(marked) - _MOST_FILES:,} more; --json has all")
    if packages:
        tables.heading("Packages")
        _pairs(packages)
    if not changed and not packages and files is not None and not any(files.values()):
        output.say("")
        output.say("Both were made from the same files, command, environment and packages.")


def _facts(record: RunRecord, documents: Mapping[str, Any]) -> dict[str, str]:
    definition, environment = documents.get("definition") or {}, documents.get("environment") or {}
    python = environment.get("python") or {} if isinstance(environment, dict) else {}
    found = {
        "command": command_line(definition),
        "target": record.target or "",
        "environment": str(environment.get("name") or "") if isinstance(environment, dict) else "",
        "interpreter": str(python.get("interpreterPath") or "") if python.get("userManagedDependencies") else "",
        "python": python_of(documents.get("packages")),
        **{f"git {key}": value for key, value in git_facts(record.properties).items()},
    }
    variables = definition.get("environmentVariables") if isinstance(definition, dict) else None
    if isinstance(variables, dict):
        found |= {f"${key}": str(value) for key, value in variables.items()}
    return {key: value for key, value in found.items() if value}


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """key -> (before, after) of those that differ; None where it is not there."""
    keys = [*before, *(each for each in after if each not in before)]
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def _pairs(changed: Mapping[str, tuple[str | None, str | None]]) -> None:
    rows = [(key, f"{old or '(none)'} -> {new or '(none)'}") for key, (old, new) in changed.items()]
    tables.details(rows, indent=2)
