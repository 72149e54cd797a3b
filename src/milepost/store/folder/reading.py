"""An exported folder as a source to be carried into a store.

All of it is looked at before any of it is used: ``open_folder`` reads every table and every content once, and raises
where something is missing, cut off, changed since the export, or named so that it would lead out of its place.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from milepost.store.blobs import LOCAL_GRACE_S, Blobs, key_of
from milepost.store.carrying.source import RUNS_AT_ONCE
from milepost.store.content import digest_of, open_regular, pieces
from milepost.store.errors import BadInput
from milepost.store.folder.format import (
    ADDED,
    FILES,
    FORMAT,
    MANIFEST,
    POINTS,
    TABLES,
    json_columns,
    pyarrow,
    schema,
    table_file,
    time_columns,
)
from milepost.store.folder.points import points_of
from milepost.store.folder.records import (
    artifact_of,
    compute_of,
    document_of,
    environment_of,
    experiment_of,
    metric_of,
    model_of,
    run_of,
    snapshot_of,
)
from milepost.store.local_blobs import LocalBlobs
from milepost.store.manifest import decode
from milepost.store.models import check_files
from milepost.store.names import check_model_name, check_name, check_plain_name
from milepost.store.records import Blob, RunState
from milepost.store.texts import fit_experiment_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from milepost.store.batch import Points
    from milepost.store.records import (
        ComputeRecord,
        EnvironmentRecord,
        ExperimentRecord,
        MetricSummary,
        ModelRecord,
    )

_MANIFEST_MAX: Final = 1 << 20
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_POINTS_AT_ONCE: Final = 1 << 16
_OF_RUNS: Final = ("tags", "properties", "params", "metrics", "documents", "artifacts", "snapshots")
"""The tables whose rows belong to runs, those of one run together."""


def open_folder(folder: Path, progress: Callable[[str], None] = lambda _what: None) -> FolderSource:
    """The workspace that was exported to a folder.  ``progress`` gets what is looked at.

    Raises BadInput for what is no such folder, or not as it was exported; PyarrowMissing.
    """
    pyarrow()
    source = FolderSource(folder, _manifest(folder))
    source.check(progress)
    return source


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MANIFEST_MAX))
    except FileNotFoundError:
        raise BadInput(
            f"{str(folder)!r} is no exported workspace: it has no {MANIFEST}. Give the folder that milepost export made"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{str(path)!r} cannot be read ({error}): export the workspace anew") from error
    number = found.get("format") if isinstance(found, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise BadInput(
            f"{str(folder)!r} was exported by a newer Milepost (format {number}; this version knows {FORMAT}): upgrade "
            "with pip install -U milepost"
        )
    workspace = found.get("workspace") if isinstance(found, dict) else None
    good = (
        type(number) is int
        and number > 0
        and isinstance(workspace, dict)
        and isinstance(workspace.get("name"), str)
        and isinstance(workspace.get("id"), str)
        and _UUID.fullmatch(workspace["id"])
        and isinstance(found.get("sha256"), dict)
    )
    if not good:
        raise BadInput(f"{str(path)!r} lacks one of format (1 to {FORMAT}), workspace and sha256: export it anew")
    return dict(found)


class FolderSource:
    """See ``milepost.store.carrying.source.Source``."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self._folder = folder
        self._format: int = manifest["format"]
        self._hashes = manifest["sha256"]
        self.workspace_id: str = manifest["workspace"]["id"]
        self.workspace_name: str = manifest["workspace"]["name"]
        self.contents: Blobs = LocalBlobs(folder / FILES, None, LOCAL_GRACE_S)
        self._tables: dict[str, Any] = {}
        self._places: dict[str, dict[str, tuple[int, int]]] = {}
        self._group: tuple[int, Any] = (-1, None)

    # -- looking at all of it ----------------------------------------------------------------------------------

    def check(self, progress: Callable[[str], None]) -> None:
        """Read all of it once.  Raises BadInput for what is not as it was exported."""
        for name in TABLES:
            progress(f"{name}.parquet")
            self._open_table(name)
        run_ids = set(self._table("runs")["run_id"].to_pylist())
        for name in _OF_RUNS:
            self._places[name] = self._rows_by_run(name, run_ids)
        progress("what they say")
        digests = self._check_names()
        progress(POINTS)
        for state in (state for some in self.runs() for state in some):
            for metric in state.metrics:
                for _points in self.pieces(metric, 0):
                    pass
        self._check_catalogue()
        for number, (digest, size) in enumerate(digests.items()):
            progress(f"file {number + 1:,} of {len(digests):,}")
            self._check_content(digest, size)

    def _open_table(self, name: str) -> None:
        if self._format < ADDED.get(name, 1):
            self._tables[name] = schema(name).empty_table()
            return
        path = table_file(self._folder, name)
        wanted = self._hashes.get(name)
        with open_regular(path, follow_links=False) as stream:
            digest, _size = digest_of(pieces(stream))
        if digest != wanted:
            raise BadInput(
                f"{str(path)!r} is not as it was exported: it was cut off or changed. Copy the folder again, or export "
                "the workspace anew"
            )
        with self._readable(name):
            file = pyarrow().parquet.ParquetFile(path)
            if not file.schema_arrow.equals(schema(name)):
                raise BadInput(f"{str(path)!r} has other columns than {', '.join(TABLES[name])}: export it anew")
            self._tables[name] = file if name == POINTS else file.read()

    @contextmanager
    def _readable(self, name: str) -> Iterator[None]:
        try:
            yield
        except (pyarrow().ArrowException, OSError) as error:
            path = table_file(self._folder, name)
            raise BadInput(f"{str(path)!r} cannot be read as Parquet ({error}): export it anew") from error

    def _rows_by_run(self, name: str, run_ids: set[str]) -> dict[str, tuple[int, int]]:
        """Run id -> its rows, from and to."""
        listed = self._table(name)["run_id"].to_pylist()
        edges = [0, *(row for row in range(1, len(listed)) if listed[row] != listed[row - 1]), len(listed)]
        found: dict[str, tuple[int, int]] = {}
        for start, stop in pairwise(edges):
            if start == stop:
                continue
            run_id = listed[start]
            if run_id not in run_ids or run_id in found:
                raise BadInput(f"{name}.parquet has rows of run {str(run_id)[:100]!r} where there should be none")
            found[run_id] = (start, stop)
        return found

    def _check_catalogue(self) -> None:
        for model in self.models():
            files = [(file.name, Blob(file.digest, file.size)) for file in model.files]
            check_files(check_model_name(model.name), model.path, files)
            for alias in model.aliases:
                check_model_name(alias)
        for environment in self.environments():
            for each in (environment.name, *environment.labels):
                check_plain_name(each, "the name in environments.parquet")
        for compute in self.computes():
            check_plain_name(compute.name, "the name in computes.parquet")
        for experiment in self.experiments():
            if fit_experiment_name(experiment.name) != experiment.name:
                raise BadInput(f"experiments.parquet has a name that cannot be kept: {ascii(experiment.name)[:200]}")

    def _check_names(self) -> dict[str, int]:
        """digest -> bytes of all contents that something names.  Raises BadInput for names that lead elsewhere."""
        digests: dict[str, int] = {}
        for name in ("artifacts", "snapshot_files", "model_files"):
            for row in self._rows(name):
                if check_name(row["name"]) != row["name"]:
                    raise BadInput(f"{name}.parquet has the name {row['name']!r}, which is not in its plain form")
                self._note(digests, name, row["sha256"], row["size"])
        for row in self._rows("snapshots"):
            path = self._folder / FILES / key_of(row["manifest"])
            self._note(digests, "snapshots", row["manifest"], path.stat().st_size if path.is_file() else 0)
        listed = {row["sha256"] for row in self._rows("snapshot_files")}
        for manifest in {row["manifest"] for row in self._rows("snapshots")}:
            self._check_content(manifest, digests[manifest])
            with self.contents.open(manifest) as stream:
                for file in decode(stream.read()):
                    if file.digest not in listed:
                        raise BadInput(f"snapshot_files.parquet lacks {file.name!r} of a snapshot: export it anew")
        return digests

    def _note(self, digests: dict[str, int], table: str, digest: str, size: Any) -> None:
        key_of(digest)  # raises BadInput for what is no digest
        if type(size) is not int or size < 0 or digests.setdefault(digest, size) != size:
            raise BadInput(f"{table}.parquet gives the content {digest} a wrong size, {size!r}: export it anew")

    def _check_content(self, digest: str, size: int) -> None:
        path = self._folder / FILES / key_of(digest)
        with open_regular(path, follow_links=False) as stream:
            found = digest_of(pieces(stream))
        if found != (digest, size):
            raise BadInput(f"the content {str(path)!r} was cut off or changed: copy the folder again")

    # -- reading -----------------------------------------------------------------------------------------------

    def _table(self, name: str) -> Any:
        return self._tables[name]

    def _rows(self, name: str, start: int = 0, stop: int | None = None) -> list[dict[str, Any]]:
        """Rows of a table, with times as ns and JSON as what it says.  Raises BadInput for what is no JSON."""
        table = self._table(name)
        table = table.slice(start, None if stop is None else stop - start)
        columns = {}
        for column in table.schema.names:
            values = table[column]
            listed = values.cast(pyarrow().int64()) if column in time_columns(name) else values
            columns[column] = listed.to_pylist()
        try:
            for column in json_columns(name):
                columns[column] = [None if each is None else json.loads(each) for each in columns[column]]
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{name}.parquet has something in {column!r} that is no JSON: export it anew") from error
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _of_run(self, name: str, run_id: str) -> list[dict[str, Any]]:
        place = self._places[name].get(run_id)
        return [] if place is None else self._rows(name, *place)

    def experiments(self) -> list[ExperimentRecord]:
        """See ``Source``."""
        return [experiment_of(row) for row in self._rows("experiments")]

    def count_runs(self) -> int:
        """See ``Source``."""
        return int(self._table("runs").num_rows)

    def runs(self) -> Iterator[list[RunState]]:
        """See ``Source``."""
        for start in range(0, self.count_runs(), RUNS_AT_ONCE):
            yield [self._state(row) for row in self._rows("runs", start, start + RUNS_AT_ONCE)]

    def _state(self, row: dict[str, Any]) -> RunState:
        run_id = row["run_id"]
        pairs = {
            name: {each["key"]: each["value"] for each in self._of_run(name, run_id)}
            for name in ("tags", "properties", "params")
        }
        return RunState(
            run=run_of(row, pairs["tags"], pairs["properties"]),
            metrics=tuple(metric_of(each) for each in self._of_run("metrics", run_id)),
            artifacts=tuple(artifact_of(each) for each in self._of_run("artifacts", run_id)),
            documents=tuple(document_of(each) for each in self._of_run("documents", run_id)),
            snapshots=tuple(snapshot_of(each) for each in self._of_run("snapshots", run_id)),
            params=pairs["params"],
        )

    @cached_property
    def _first_rows(self) -> dict[tuple[str, str, str, str], int]:
        table = self._table("metrics")
        names = [table[name].to_pylist() for name in ("run_id", "namespace", "name", "kind")]
        return dict(zip(zip(*names, strict=True), table["first_row"].to_pylist(), strict=True))

    def pieces(self, metric: MetricSummary, start: int) -> Iterator[Points]:
        """See ``Source``."""
        width = len(metric.columns)
        first = self._first_rows[metric.run_id, metric.namespace, metric.name, metric.kind]
        step = max(1, _POINTS_AT_ONCE // max(1, width))
        for begin in range(start, metric.count, step):
            end = min(begin + step, metric.count)
            rows = self._point_rows(first + begin * width, (end - begin) * width)
            if not width or rows is None:
                raise BadInput(f"{POINTS}.parquet has too few rows for metrics.parquet: export the workspace anew")
            yield points_of(metric, rows, begin)

    def _point_rows(self, first: int, count: int) -> Any:
        """Rows of the table of points; None where there are not so many."""
        edges = self._edges
        if not 0 <= first <= first + count <= edges[-1]:
            return None
        found = []
        number = bisect_right(edges, first) - 1
        while number + 1 < len(edges) and edges[number] < first + count:
            begun = max(first, edges[number])
            end = min(first + count, edges[number + 1])
            found.append(self._row_group(number).slice(begun - edges[number], end - begun))
            number += 1
        return pyarrow().concat_tables(found) if found else schema(POINTS).empty_table()

    @cached_property
    def _edges(self) -> list[int]:
        about = self._table(POINTS).metadata
        edges = [0]
        for number in range(about.num_row_groups):
            edges.append(edges[-1] + about.row_group(number).num_rows)
        return edges

    def _row_group(self, number: int) -> Any:
        if self._group[0] != number:
            with self._readable(POINTS):
                self._group = (number, self._table(POINTS).read_row_group(number))
        return self._group[1]

    def models(self) -> list[ModelRecord]:
        """See ``Source``."""
        files: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for row in self._rows("model_files"):
            files.setdefault((row["model"], row["version"]), []).append(row)
        return [model_of(row, files.get((row["name"], row["version"]), [])) for row in self._rows("models")]

    def environments(self) -> list[EnvironmentRecord]:
        """See ``Source``."""
        return [environment_of(row) for row in self._rows("environments")]

    def computes(self) -> list[ComputeRecord]:
        """See ``Source``."""
        return [compute_of(row) for row in self._rows("computes")]
