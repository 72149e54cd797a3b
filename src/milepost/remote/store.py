"""A workspace's store on a server, with the methods of the one in this process."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import quote

from milepost.remote.answered import checked
from milepost.remote.blobs import RemoteBlobs
from milepost.remote.connection import Connection, query
from milepost.remote.uploads import Uploads
from milepost.store import metric_queries
from milepost.store.batch import Batch, Points, SeriesBlock
from milepost.store.engine import pieces
from milepost.store.errors import BadInput, NotAllowed, NotFound, StoreDamaged
from milepost.store.points import take
from milepost.store.records import (
    ArtifactRecord,
    ComputeRecord,
    EnvironmentRecord,
    ExperimentRecord,
    MetricSummary,
    ModelRecord,
    RunPage,
    RunQuery,
    RunRecord,
    RunState,
    SnapshotRecord,
    StoredMetric,
    WorkspaceInfo,
)
from milepost.store.store import Store
from milepost.store.wire import BATCH_TYPE, pack_batch, plain, unpack_metrics, unpack_points

if TYPE_CHECKING:
    import os
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from pydantic import TypeAdapter
    from sqlalchemy import Connection as SqlConnection

    from milepost.remote.address import Address
    from milepost.store.blobs import Blobs
    from milepost.store.sweeping import Swept

_T = TypeVar("_T")


class RemoteStore(Store):
    """A workspace of a server.  Every method of ``Store`` is a request; SQL is the server's alone.

    Contents of files go by way of ``spool``, a folder of this machine: see ``RemoteBlobs``.
    """

    def __init__(self, address: Address, spool: Path, owner: str, *, keeps: bool = False) -> None:
        """``keeps``: what was sent stays in the spool, which is the home of these contents."""
        self.connection = Connection(address)
        self.workspace_name = address.workspace
        self.workspace_id = owner
        self.blobs_url = str(spool)
        self._blobs = RemoteBlobs(self.connection, spool, owner)
        self.uploads = Uploads(self._blobs, spool.parent / "uploads", keeps)
        self.uploads.start()

    def __repr__(self) -> str:
        return f"RemoteStore({self.connection.address!r})"

    def reading(self) -> AbstractContextManager[SqlConnection]:
        """There is no database here.  Raises BadInput."""
        raise BadInput(f"the workspace {self.workspace_name!r} is on a server, whose database only it can ask")

    def close(self) -> None:
        """See ``Store``."""
        self.connection.close()
        self.uploads.close()

    def _call(self, name: str, gives: type[_T], /, **arguments: Any) -> _T:
        return _read(gives, self._ask(name, arguments, again=True))

    def _change(self, name: str, gives: type[_T], /, **arguments: Any) -> _T:
        """A call that must not be sent twice."""
        return _read(gives, self._ask(name, arguments, again=False))

    def _ask(self, name: str, arguments: Mapping[str, Any], *, again: bool) -> Any:
        content = {key: plain(value) for key, value in arguments.items()}
        return self.connection.json("POST", f"/store/{name}", content, again=again)

    def info(self) -> WorkspaceInfo:
        """See ``Store``."""
        return self._call("info", WorkspaceInfo)

    # Journals.

    def applied(self, journal_id: str) -> int:
        """See ``Store``."""
        return int(self.connection.json("GET", f"/journals/{quote(journal_id, safe='')}")["applied"])

    def apply(self, batch: Batch) -> int:
        """See ``Store``."""
        self.uploads.before(batch.events)
        large = [block for block in batch.series if _cells(block) > MOST_CELLS]
        for number, block in enumerate(large):
            # In journals of their own, named after their place: a piece that is sent twice is taken once.
            for piece, some in enumerate(_pieces(block)):
                part = f"{batch.journal_id}-{batch.start}-{number}-{piece}"
                self._post("batches", Batch(part, 0, 1, [], [some]))
                self.close_journal(part, "")
        if large:
            batch = replace(batch, series=[block for block in batch.series if _cells(block) <= MOST_CELLS])
        answer = self._post("batches", batch)
        self.uploads.after(batch.events)
        self.uploads.start()
        return int(json.loads(answer)["applied"])

    def _post(self, what: str, batch: Batch) -> bytes:
        path = f"/journals/{quote(batch.journal_id, safe='')}/{what}"
        return self.connection.content("POST", path, pack_batch(batch), headers={"Content-Type": BATCH_TYPE})

    def check(self, batch: Batch) -> None:
        """See ``Store``."""
        for block in batch.series:
            if _cells(block) > MOST_CELLS:
                for some in _pieces(block):
                    self._post("check", replace(batch, events=[], series=[some]))
        self._post("check", replace(batch, series=[each for each in batch.series if _cells(each) <= MOST_CELLS]))

    def close_journal(self, journal_id: str, reason: str) -> list[str]:
        """See ``Store``."""
        path = f"/journals/{quote(journal_id, safe='')}/close"
        return [str(each) for each in self.connection.json("POST", path, {"reason": reason})["run_ids"]]

    def hear(self, journal_id: str) -> bool:
        """See ``Store``.  It takes some seconds at most: whoever delivers does it in between."""
        path = f"/journals/{quote(journal_id, safe='')}/alive"
        return bool(self.connection.json("POST", path, timeout_s=_HEAR_S)["goes_on"])

    def known_journals(self) -> dict[str, int]:
        """A server names no journals: whoever knows the name of one may say what it brings.  Raises NotAllowed."""
        raise NotAllowed(f"{self.connection.api} names no journals of its machines")

    # Runs.

    def run(self, run_id: str) -> RunRecord:
        """See ``Store``."""
        return self._call("run", RunRecord, run_id=run_id)

    def runs(self, query: RunQuery | None = None) -> RunPage:
        """See ``Store``."""
        query = query or RunQuery()
        found: list[RunRecord] = []
        while True:
            left = None if query.limit is None else query.limit - len(found)
            page = self._call("runs", RunPage, query=replace(query, limit=left))
            found += page.runs
            if page.next_cursor is None or (query.limit is not None and len(found) >= query.limit):
                return RunPage(found, page.next_cursor)
            query = replace(query, cursor=page.next_cursor)

    def ids_beginning(self, beginnings: Sequence[str], limit: int) -> dict[str, list[str]]:
        """See ``Store``."""
        found: dict[str, list[str]] = {}
        for some in pieces(beginnings, _RUNS_AT_ONCE):
            found |= self._call("ids_beginning", dict[str, list[str]], beginnings=some, limit=limit)
        return {each: found.get(each, []) for each in beginnings}

    def run_frame(
        self,
        run_ids: Sequence[str],
        columns: Sequence[str],
        reduction: str = "last",
        reductions: Mapping[str, str] | None = None,
    ) -> list[dict[str, list[Any]]]:
        """See ``Store``."""
        from milepost.store.run_frames import joined

        asked = {"columns": list(columns), "reduction": reduction, "reductions": reductions}
        some = [run_ids[start : start + _RUNS_AT_ONCE] for start in range(0, len(run_ids), _RUNS_AT_ONCE)] or [[]]
        return joined(
            [
                (len(ids), self._call("run_frame", list[dict[str, list[Any]]], run_ids=list(ids), **asked))
                for ids in some
            ]
        )

    def run_states(self, run_ids: Sequence[str], documents: bool = True) -> list[RunState]:
        """See ``Store``."""
        return self._call("run_states", list[RunState], run_ids=list(run_ids), documents=documents)

    def archive_run(self, run_id: str, archived: bool = True) -> None:
        """See ``Store``."""
        self._change("archive_run", _NOTHING, run_id=run_id, archived=archived)

    # Experiments.

    def experiment(self, name: str) -> ExperimentRecord:
        """See ``Store``."""
        return self._call("experiment", ExperimentRecord, name=name)

    def experiment_by_id(self, experiment_id: str) -> ExperimentRecord:
        """See ``Store``."""
        return self._call("experiment_by_id", ExperimentRecord, experiment_id=experiment_id)

    def experiments(self, view: str = "active") -> list[ExperimentRecord]:
        """See ``Store``."""
        return self._call("experiments", list[ExperimentRecord], view=view)

    def ensure_experiment(self, name: str, created_ns: int | None = None) -> ExperimentRecord:
        """See ``Store``."""
        more = {} if created_ns is None else {"created_ns": created_ns}  # which older servers do not know
        return self._change("ensure_experiment", ExperimentRecord, name=name, **more)

    def update_experiment(
        self,
        name: str,
        *,
        archived: bool | None = None,
        description: str | None = None,
        set_tags: Mapping[str, str | None] | None = None,
        remove_tags: Iterable[str] = (),
    ) -> ExperimentRecord:
        """See ``Store``."""
        return self._change(
            "update_experiment",
            ExperimentRecord,
            name=name,
            archived=archived,
            description=description,
            set_tags=set_tags,
            remove_tags=list(remove_tags),
        )

    # Metrics.

    def metric_summaries(
        self, run_ids: Sequence[str], names: Sequence[str] | None = None, namespace: str | None = ""
    ) -> list[MetricSummary]:
        """See ``Store``."""
        return self._call(
            "metric_summaries", list[MetricSummary], run_ids=list(run_ids), names=names, namespace=namespace
        )

    def metric_points(
        self,
        run_id: str,
        name: str,
        namespace: str = "",
        kind: str | None = None,
        start: int | None = None,
        stop: int | None = None,
    ) -> Points:
        """See ``Store``."""
        path = query("/store/points", run_id=run_id, name=name, namespace=namespace, kind=kind, start=start, stop=stop)
        return unpack_points(self.connection.content("GET", path))

    def stored_metrics(
        self, run_ids: Sequence[str], name: str | None = None, namespace: str = ""
    ) -> list[StoredMetric]:
        """See ``Store``."""
        asked = json.dumps({"run_ids": list(run_ids), "name": name, "namespace": namespace})
        data = self.connection.content("POST", "/store/metrics", asked, headers={"Content-Type": "application/json"})
        return unpack_metrics(data)

    def metric_tails(self, run_ids: Sequence[str]) -> dict[tuple[str, str, str, str], tuple[int, Points]]:
        """None are quickly had."""
        return {}

    def metric_values(self, run_id: str, name: str | None = None, namespace: str = "") -> dict[str, Any]:
        """See ``Store``."""
        found = metric_queries.shaped(self.stored_metrics([run_id], name, namespace))
        if not found:
            self.run(run_id)
        return next(iter(found.values()), {})

    def metric_values_many(
        self, run_ids: Sequence[str], name: str | None = None, namespace: str = ""
    ) -> dict[str, dict[str, Any]]:
        """See ``Store``."""
        from milepost.store.texts import fit_name

        found = metric_queries.shaped(self.stored_metrics(run_ids, name, namespace))
        return {run_id: found.get(fit_name(run_id), {}) for run_id in run_ids}

    # Files.

    def artifacts(self, run_id: str, prefix: str = "") -> list[ArtifactRecord]:
        """See ``Store``."""
        return self._call("artifacts", list[ArtifactRecord], run_id=run_id, prefix=prefix)

    def artifact(self, run_id: str, name: str) -> ArtifactRecord:
        """See ``Store``."""
        return self._call("artifact", ArtifactRecord, run_id=run_id, name=name)

    def open_artifact(self, run_id: str, name: str) -> BinaryIO:
        """See ``Store``."""
        digest = self.artifact(run_id, name).digest
        with self._content_of(run_id, name):
            return self.blobs.open(digest)

    def download_artifact(self, run_id: str, name: str, path: str | os.PathLike[str]) -> None:
        """See ``Store``."""
        digest = self.artifact(run_id, name).digest
        with self._content_of(run_id, name):
            self.blobs.download(digest, path)

    def read_range(self, run_id: str, name: str, start: int, end: int) -> bytes:
        """See ``Store``."""
        digest = self.artifact(run_id, name).digest
        with self._content_of(run_id, name):
            return self.blobs.read_range(digest, start, end)

    @contextmanager
    def _content_of(self, run_id: str, name: str) -> Iterator[None]:
        """A large file is told of before its content is sent.  Raises NotFound that says so."""
        try:
            yield
        except NotFound as error:
            raise NotFound(
                f"{name} of run {run_id} is not on the server yet: the machine that recorded it sends it "
                "(`milepost sync` there)"
            ) from error

    def bring(self, contents: Blobs, sizes: Mapping[str, int]) -> dict[str, int]:
        """See ``Store``."""
        return self.uploads.bring(contents, sizes)

    # Snapshots and documents of runs.

    def snapshot(self, snapshot_id: str) -> SnapshotRecord:
        """See ``Store``."""
        return self._call("snapshot", SnapshotRecord, snapshot_id=snapshot_id)

    def snapshots(self, run_id: str) -> list[SnapshotRecord]:
        """See ``Store``."""
        return self._call("snapshots", list[SnapshotRecord], run_id=run_id)

    def document(self, run_id: str, name: str) -> Any:
        """See ``Store``."""
        return self.documents(run_id).get(name)

    def documents(self, run_id: str) -> dict[str, Any]:
        """See ``Store``."""
        return self._call("documents", dict[str, Any], run_id=run_id)

    # Environments and compute targets.

    def register_environment(
        self, name: str, definition: Mapping[str, Any], created_ns: int | None = None
    ) -> EnvironmentRecord:
        """See ``Store``."""
        more = {} if created_ns is None else {"created_ns": created_ns}  # which older servers do not know
        return self._change("register_environment", EnvironmentRecord, name=name, definition=definition, **more)

    def environment(self, name: str, version: int | None = None, label: str | None = None) -> EnvironmentRecord:
        """See ``Store``."""
        return self._call("environment", EnvironmentRecord, name=name, version=version, label=label)

    def environments(self, name: str | None = None, latest: bool = False) -> list[EnvironmentRecord]:
        """See ``Store``."""
        return self._call("environments", list[EnvironmentRecord], name=name, latest=latest)

    def label_environment(self, name: str, version: int | None, labels: Iterable[str]) -> None:
        """See ``Store``."""
        self._change("label_environment", _NOTHING, name=name, version=version, labels=list(labels))

    def create_compute(self, name: str, kind: str, definition: Mapping[str, Any]) -> ComputeRecord:
        """See ``Store``."""
        return self._change("create_compute", ComputeRecord, name=name, kind=kind, definition=definition)

    def compute(self, name: str) -> ComputeRecord:
        """See ``Store``."""
        return self._call("compute", ComputeRecord, name=name)

    def computes(self) -> list[ComputeRecord]:
        """See ``Store``."""
        return self._call("computes", list[ComputeRecord])

    def update_compute(self, name: str, definition: Mapping[str, Any]) -> ComputeRecord:
        """See ``Store``."""
        return self._change("update_compute", ComputeRecord, name=name, definition=definition)

    def delete_compute(self, name: str) -> None:
        """See ``Store``."""
        self._change("delete_compute", _NOTHING, name=name)

    # Models.

    def register_model(self, name: str, **facts: Any) -> ModelRecord:
        """See ``Store``."""
        self.uploads.wait(_UPLOAD_S)
        sizes = {blob.digest: blob.size for _name, blob in facts.get("files") or ()}
        self.uploads.send(sizes)
        registered = self._change("register_model", ModelRecord, name=name, **facts)
        self.uploads.free(sizes)
        return registered

    def model(self, name: str, version: int | None = None, *, alias: str | None = None) -> ModelRecord:
        """See ``Store``."""
        return self._call("model", ModelRecord, name=name, version=version, alias=alias)

    def models(
        self,
        name: str | None = None,
        tags: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        latest: bool = False,
    ) -> list[ModelRecord]:
        """See ``Store``."""
        return self._call("models", list[ModelRecord], name=name, tags=tags, run_id=run_id, latest=latest)

    def update_model(self, name: str, version: int, **changes: Any) -> ModelRecord:
        """See ``Store``."""
        return self._change("update_model", ModelRecord, name=name, version=version, **changes)

    def delete_model(self, name: str, version: int) -> None:
        """See ``Store``."""
        self._change("delete_model", _NOTHING, name=name, version=version)

    def set_model_alias(self, name: str, alias: str, version: int | None) -> None:
        """See ``Store``."""
        self._change("set_model_alias", _NOTHING, name=name, alias=alias, version=version)

    # Deletion.

    def delete_run(self, run_id: str) -> int:
        """See ``Store``."""
        return self._change("delete_run", int, run_id=run_id)

    def delete_experiment(self, id_or_name: str) -> int:
        """See ``Store``."""
        return self._change("delete_experiment", int, id_or_name=id_or_name)

    def delete_workspace(self) -> None:
        """See ``Store``."""
        self.connection.content("DELETE", "/workspace", again=False)

    def sweep(self, *, grace_s: float | None = None, keep: Collection[str] = frozenset()) -> Swept:
        """Nothing: a server frees space by itself."""
        from milepost.store.sweeping import Swept

        return Swept(0, 0, 0)


MOST_CELLS: Final = 1 << 23
"""A metric with more in one batch is sent in pieces: one call may log a list of 50 million numbers."""


def _cells(block: SeriesBlock) -> int:
    """Steps and times count, too."""
    return len(block.points) * (len(block.points.columns) + 2)


def _pieces(block: SeriesBlock) -> Iterator[SeriesBlock]:
    """The block in pieces that may be sent; the first tells of all the calls that made it."""
    most = max(1, MOST_CELLS // (len(block.points.columns) + 2))
    for begin in range(0, len(block.points), most):
        points = take(block.points, begin, min(begin + most, len(block.points)))
        yield replace(block, points=points, calls=0 if begin else block.calls)


_NOTHING: Final = type(None)
_RUNS_AT_ONCE: Final = 5000
"""Runs of which columns, or ids, are asked for in one call."""
_HEAR_S: Final = 5.0
_UPLOAD_S: Final = 60.0
"""So long may the way of a file stand still before it is given up for now."""


_readers: dict[Any, TypeAdapter[Any]] = {}


def _read(gives: type[_T], answer: Any) -> _T:
    """What a server answers, as the store's records.  Raises StoreDamaged for what cannot be one."""
    from pydantic import ValidationError

    try:
        return checked(cast("_T", _reader(gives).validate_python(answer)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise StoreDamaged(
            f"the server answers with what this version does not understand ({first['msg']} at "
            f"{'.'.join(map(str, first['loc']))}): is it of another version?"
        ) from error


def _reader(gives: Any) -> TypeAdapter[Any]:
    found = _readers.get(gives)
    if found is None:
        from pydantic import TypeAdapter

        found = _readers[gives] = TypeAdapter(gives)
    return found
