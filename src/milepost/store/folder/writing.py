"""Write a workspace to a folder; see ``format.py``.  The folder appears whole, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from milepost.store.blobs import LOCAL_GRACE_S, key_of, writing
from milepost.store.bringing import bring
from milepost.store.errors import BadInput, NotFound
from milepost.store.folder.format import (
    FILES,
    FORMAT,
    MANIFEST,
    POINTS,
    TABLES,
    json_columns,
    pyarrow,
    schema,
    table_file,
)
from milepost.store.folder.points import rows_of
from milepost.store.folder.readme import readme
from milepost.store.local_blobs import LocalBlobs
from milepost.store.manifest import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milepost.store.carrying.source import Source
    from milepost.store.records import MetricSummary, RunState

_ROWS: Final = 10_000
"""Rows of a table that are held before they are written."""
_POINT_ROWS: Final = 1 << 17
_POINT_BYTES: Final = 1 << 26
"""Points are written in row groups of about so many rows, or bytes."""
_FILES_AT_ONCE: Final = 1000


@dataclass
class Exported:
    """What has been written so far."""

    runs: int = 0
    points: int = 0
    files: int = 0
    """Different contents."""
    bytes: int = 0
    """Of these contents."""
    models: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    """Files that could not be exported (run or model and name), and why."""


def export(source: Source, folder: Path, progress: Callable[[Exported], None] = lambda _done: None) -> Exported:
    """Write the workspace to a folder, which must not be there yet, or be empty.  ``progress`` is called now and then.

    Raises BadInput where there is something in the folder or it cannot be written, PyarrowMissing, and the errors of
    the store that is read.
    """
    pyarrow()
    folder = folder.absolute()
    with writing(f"the folder {str(folder)!r}"):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput(f"{str(folder)!r} is there already: give a folder that is not there, or an empty one")
        draft = folder.with_name(f".{folder.name[:200]}-{uuid4().hex}.part")
        draft.mkdir(parents=True)
    try:
        with writing(f"the folder {str(folder)!r}"):
            done = _Export(source, draft, progress).write()
            with suppress(FileNotFoundError):
                folder.rmdir()
            draft.rename(folder)
        return done
    finally:
        shutil.rmtree(draft, ignore_errors=True)


class _Export:
    def __init__(self, source: Source, folder: Path, progress: Callable[[Exported], None]) -> None:
        self._source = source
        self._folder = folder
        self._progress = progress
        self._files = LocalBlobs(folder / FILES, None, LOCAL_GRACE_S)
        self._wanted: dict[str, int] = {}
        self._known: set[str] = set()
        self._snapshots: set[str] = set()
        self._done = Exported()
        self._rows_of_points = 0

    def write(self) -> Exported:
        with ExitStack() as stack:
            self._tables = {name: stack.enter_context(_writing_table(self._folder, name)) for name in TABLES}
            for each in self._source.experiments():
                facts = {"name": each.name, "created": each.created_ns, "archived": each.archived_ns}
                self._tables["experiments"].add(**facts, description=each.description, tags=each.tags)
            for states in self._source.runs():
                for state in states:
                    self._run(state)
                    self._done.runs += 1
                self._progress(self._done)
            self._catalogue()
            self._bring()
        hashes = {name: _sha256(table_file(self._folder, name)) for name in TABLES}
        for name in ("tmp", "trash"):
            shutil.rmtree(self._folder / FILES / name, ignore_errors=True)
        (self._folder / "README.md").write_text(readme(), encoding="utf-8")
        about = {
            "format": FORMAT,
            "workspace": {"id": self._source.workspace_id, "name": self._source.workspace_name},
            "exported_ns": time.time_ns(),
            "sha256": hashes,
        }
        (self._folder / MANIFEST).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        return self._done

    def _run(self, state: RunState) -> None:
        run, tables = state.run, self._tables
        facts = {name: getattr(run, name) for name in TABLES["runs"] if hasattr(run, name)}
        times = {name: getattr(run, f"{name}_ns") for name in ("created", "started", "ended", "archived")}
        tables["runs"].add(**{**facts, **times})
        for table, pairs in (("tags", run.tags), ("properties", run.properties), ("params", state.params)):
            for key, value in pairs.items():
                tables[table].add(run_id=run.run_id, key=key, value=value)
        for document in state.documents:
            tables["documents"].add(
                run_id=run.run_id, name=document.name, content=document.content, told=document.told_ns
            )
        for metric in state.metrics:
            self._metric(metric)
        for file in state.artifacts:
            if self._want(file.digest, file.size, f"{run.run_id}: {file.name}"):
                facts = {name: getattr(file, name) for name in ("run_id", "name", "size", "content_type", "captured")}
                tables["artifacts"].add(**facts, **_place(file.digest), created=file.created_ns)
        for each in state.snapshots:
            snapshot = each.snapshot
            if self._snapshot(snapshot.id, snapshot.manifest, run.run_id):
                facts = {"run_id": run.run_id, "snapshot_id": snapshot.id, "manifest": snapshot.manifest}
                sizes = {"files": snapshot.files, "bytes": snapshot.bytes}
                tables["snapshots"].add(**facts, **sizes, created=snapshot.created_ns, taken=each.taken_ns)

    def _metric(self, metric: MetricSummary) -> None:
        facts = {name: getattr(metric, name) for name in TABLES["metrics"] if hasattr(metric, name)}
        times = {"first_time": metric.first_ns, "last_time": metric.last_ns}
        self._tables["metrics"].add(**{**facts, **times, "first_row": self._rows_of_points})
        index = 0
        for points in self._source.pieces(metric, 0):
            rows = rows_of(metric, points, index)
            self._tables[POINTS].write(rows)
            self._rows_of_points += rows.num_rows
            index += len(points)
        self._done.points += index

    def _snapshot(self, snapshot_id: str, manifest: str, run_id: str) -> bool:
        if snapshot_id in self._snapshots:
            return True
        try:
            with self._source.contents.open(manifest) as stream:
                data = stream.read()
        except NotFound as error:
            self._done.missing[f"{run_id}: snapshot {snapshot_id}"] = str(error)
            return False
        whole = self._want(manifest, len(data), f"{run_id}: snapshot {snapshot_id}")
        for file in decode(data):
            whole &= self._want(file.digest, file.size, f"{run_id}: {file.name} of snapshot {snapshot_id}")
        if whole:
            self._snapshots.add(snapshot_id)
            for file in decode(data):
                facts = {"snapshot_id": snapshot_id, "name": file.name, "size": file.size}
                self._tables["snapshot_files"].add(**facts, **_place(file.digest), executable=file.executable)
        return whole

    def _catalogue(self) -> None:
        for model in self._source.models():
            files = [file for file in model.files if self._want(file.digest, file.size, f"{model.name}: {file.name}")]
            if len(files) < len(model.files):
                continue
            self._done.models += 1
            facts = {name: getattr(model, name) for name in TABLES["models"] if hasattr(model, name)}
            self._tables["models"].add(**{**facts, "created": model.created_ns, "updated": model.updated_ns})
            for file in files:
                named = {"model": model.name, "version": model.version, "name": file.name, "size": file.size}
                self._tables["model_files"].add(**named, **_place(file.digest))
        for each in self._source.environments():
            facts = {"name": each.name, "version": each.version, "definition": each.definition, "labels": each.labels}
            self._tables["environments"].add(**facts, created=each.created_ns)
        for compute in self._source.computes():
            facts = {"name": compute.name, "kind": compute.kind, "definition": compute.definition}
            self._tables["computes"].add(**facts, created=compute.created_ns, updated=compute.updated_ns)

    def _want(self, digest: str, size: int, what: str) -> bool:
        """Have a content come along; False where the source has lost it, which is noted."""
        if digest in self._known:
            return True
        if not self._source.contents.exists(digest):
            self._done.missing[what] = f"its content {digest} is not in {self._source.contents.address}"
            return False
        self._known.add(digest)
        self._wanted[digest] = size
        if len(self._wanted) >= _FILES_AT_ONCE:
            self._bring()
        return True

    def _bring(self) -> None:
        brought = bring(self._source.contents, self._files, self._wanted)
        self._wanted = {}
        self._done.files += len(brought)
        self._done.bytes += sum(brought.values())
        self._progress(self._done)


def _place(digest: str) -> dict[str, str]:
    return {"path": f"{FILES}/{key_of(digest)}", "sha256": digest}


class _Table:
    """A table that is being written."""

    def __init__(self, writer: Any, name: str) -> None:
        self._writer = writer
        self._schema = schema(name)
        self._json = set(json_columns(name))
        self._held: defaultdict[str, list[Any]] = defaultdict(list)
        self._count = 0
        self._parts: list[Any] = []
        self._part_rows = self._part_bytes = 0

    def add(self, **row: Any) -> None:
        """A row; values of columns of JSON are turned into it."""
        for name in self._schema.names:
            value = row.get(name)
            self._held[name].append(_json(value) if name in self._json else value)
        self._count += 1
        if self._count >= _ROWS:
            self.flush()

    def write(self, rows: Any) -> None:
        """Rows as pyarrow has them; many small tables are written together."""
        self._parts.append(rows)
        self._part_rows += rows.num_rows
        self._part_bytes += rows.nbytes
        if self._part_rows >= _POINT_ROWS or self._part_bytes >= _POINT_BYTES:
            self._write_parts()

    def _write_parts(self) -> None:
        if self._parts:
            self._writer.write_table(pyarrow().concat_tables(self._parts), row_group_size=self._part_rows)
        self._parts = []
        self._part_rows = self._part_bytes = 0

    def flush(self) -> None:
        """Write what is held."""
        self._write_parts()
        if self._count:
            arrays = [
                pyarrow().array(self._held[field.name], pyarrow().int64()).cast(field.type)
                if pyarrow().types.is_timestamp(field.type)
                else pyarrow().array(self._held[field.name], field.type)
                for field in self._schema
            ]
            self._writer.write_table(pyarrow().Table.from_arrays(arrays, schema=self._schema))
        self._held.clear()
        self._count = 0


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"))


@contextmanager
def _writing_table(folder: Path, name: str) -> Iterator[_Table]:
    parquet = pyarrow().parquet
    with parquet.ParquetWriter(table_file(folder, name), schema(name), compression="zstd") as writer:
        table = _Table(writer, name)
        yield table
        table.flush()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        found = hashlib.sha256()
        while piece := file.read(1 << 20):
            found.update(piece)
        os.fsync(file.fileno())
    return found.hexdigest()
