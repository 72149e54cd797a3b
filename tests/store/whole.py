"""Workspaces with all that is hard to carry, and all that a workspace holds, to be compared with another one."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from milepost.store.batch import CELL_FLOAT, CONFUSION_MATRIX, IMAGE, SYSTEM, Column, Points, SeriesBlock
from milepost.store.records import RunQuery
from tests.store.builders import T0, event, run_event, say, series, snapshot, table, upload

if TYPE_CHECKING:
    from milepost.store.store import Store

STRANGE = [
    math.nan,
    -0.0,
    0.0,
    math.inf,
    -math.inf,
    5e-324,
    2**53 + 1,
    -(2**63),
    2**63 - 1,
    2**80,
    -(10**400),
    True,
    False,
    "",
    "text",
    "a\x00b",
    "half \ud800 pair",
    "\U0001f600",
    None,
    1.5,
]


def fill(store: Store) -> None:
    """Record runs of every kind, with their numbers out of order and gaps between them."""
    _fill_metrics(store)
    _fill_runs(store)
    _fill_files(store)
    _fill_catalogue(store)


def _fill_metrics(store: Store) -> None:
    say(store, run_event("values", "numbers", type="azureml.scriptrun", submitted_by="Ada", tags={"stage": "first"}))
    floats = [float(each) for each in STRANGE if isinstance(each, float)]
    say(
        store,
        series("values", "mixed", [1, -0.0, 2.5, "x"]),
        series("values", "mixed again", [0.0, -0.0, 0]),
        series("values", "zeros", [0.0, -0.0]),
        series("values", "strange", STRANGE, is_list=True, description="of every kind"),
        series("values", "floats", floats, steps=[5, 4, -(2**62), 2**62, 0, 1, 1]),
        series("values", "one", [3], calls=1),
        series("values", "listed one", [3], is_list=True),
        series("values", "nothing", [], is_list=True),
        series("values", "cpu", [0.25] * 3, namespace=SYSTEM),
        series("values", "picture", ["aml://artifactId/x.png"], kind=IMAGE),
        series("values", "matrix", ["aml://artifactId/m.json"], kind=CONFUSION_MATRIX),
        table("values", "mixed", {"x": [1, 2.5, None], "y": ["a", None, None]}, calls=3),
        table("values", "row", {"a": [1], "b": ["z"]}, scalar_columns=("a", "b")),
        table("values", "short", {"a": [1, 2, 3], "b": [1.0]}),
        series("values", "long", [i / 7 for i in range(5000)]),
        series("values", "texts", [f"{i}" * 50 for i in range(600)]),
        _with_payloads("values"),
    )
    for start in range(0, 900, 90):  # chunks, and a tail
        say(store, series("values", "grown", [float(start + i) for i in range(90)], start_ns=T0 + 1000 * start))


def _with_payloads(run_id: str) -> SeriesBlock:
    """NaN of several kinds, which are told apart by their bits alone."""
    bits = (0x7FF8000000000000, 0xFFF8000000000001, 0x7FF0000000000001)
    values = np.frombuffer(b"".join(struct.pack("<Q", each) for each in bits), np.float64)
    kinds = np.full(len(values), CELL_FLOAT, np.uint8)
    steps = np.arange(len(values), dtype=np.int64)
    column = Column(kinds, values, np.empty(0, np.int64), [])
    return SeriesBlock(run_id, "payloads", "series", Points(steps, T0 + 1000 * steps, {"": column}))


def _fill_runs(store: Store) -> None:
    second = 1_000_000_000
    for number, (name, facts) in enumerate(
        {
            "done": {"display_name": "a name", "description": "what it is", "target": "local"},
            "failed": {},
            "died": {"owner": True},
            "waiting": {"status": "Queued"},
            "asked": {},
            "silent": {},
            "doomed": {},
            "child": {"parent_id": "done"},
            "grandchild": {"parent_id": "child"},
            "orphan": {"parent_id": "nobody"},
            "archived": {},
        }.items()
    ):
        say(store, run_event(name, "runs", T0 + number * second, **facts), journal=f"of {name}")
    say(
        store,
        event("status", "done", T0 + 60 * second, status="Completed"),
        event(
            "status", "failed", T0 + 61 * second, status="Failed", error={"code": "X", "message": "why", "details": 1}
        ),
        event("status", "asked", T0 + 62 * second, status="CancelRequested"),
        event("status", "silent", T0 + 63 * second, status="NotResponding"),
        event("status", "grandchild", T0 + 64 * second, status="Canceled"),
        event("tags", "done", set={"stage": "prod", "empty": "", "bare": None, "kept": "ä\n" * 400}),
        event("properties", "done", set={"p": "1", "long": "x" * 3000}),
        event("params", "done", set={"alpha": "0.5", "empty": "", "long": "ä" * 3000}),
        event("params", "child", set={"layers": "[64, 32]"}),
        event("warning", "done", T0 + 5, message="take care"),
        event("warning", "done", T0 + 6, message="and again"),
        event("document", "done", T0 + 7, name="definition", content={"n": [1, 2.5, None, 10**30], "t": "ü"}),
        event("document", "done", T0 + 8, name="git_diff", content="diff"),
    )
    store.close_journal("of died", "its process was killed")
    store.delete_run("doomed")
    store.archive_run("archived")


def _fill_files(store: Store) -> None:
    upload(store, "done", "outputs/model.bin", b"m" * 100_000)
    upload(store, "done", "outputs/Model.bin", b"another")  # put aside
    upload(store, "failed", "outputs/copy.bin", b"m" * 100_000)
    upload(store, "failed", "empty.txt", b"")
    blob = store.put_bytes(b"found")
    facts = {"name": "found.txt", "digest": blob.digest, "size": blob.size, "content_type": "text/plain"}
    say(store, event("artifact", "done", T0 + 9, **facts, captured=True))
    snapshot(store, "done", {"train.py": b"print()", "data/x.csv": b"1,2\n"}, T0 + 10)
    snapshot(store, "child", {"train.py": b"print()", "data/x.csv": b"1,2\n"}, T0 + 20)
    snapshot(store, "child", {"later.py": b"pass"}, T0 + 30)


def _fill_catalogue(store: Store) -> None:
    store.ensure_experiment("empty")
    store.update_experiment("runs", description="all of them", set_tags={"team": "a", "bare": None})
    store.ensure_experiment("old")
    store.update_experiment("old", archived=True)
    file = next(each for each in store.artifacts("done") if each.name == "outputs/model.bin")
    blob = store.put_bytes(b"m" * 100_000)
    assert blob.digest == file.digest
    for number in range(3):
        store.register_model(
            "digits",
            path="model.bin",
            files=[("model.bin", blob)],
            run_id="done",
            experiment="runs",
            tags={"n": str(number), "bare": None},
            properties={"p": "1"},
            description=f"number {number}",
            framework="sklearn",
            extra={"sample": [1, 2.5]},
        )
    store.delete_model("digits", 2)
    store.set_model_alias("digits", "best", 1)
    store.set_model_alias("digits", "newest", 3)
    for content in ({"a": 1}, {"a": 2}, {"a": 1}):
        store.register_environment("env", content)
    store.label_environment("env", 2, ["stable"])
    store.create_compute("pool", "amlcompute", {"max_nodes": 2})


def everything(store: Store) -> dict[str, Any]:
    """All that can be read of a workspace, with the bits of its numbers.

    Left out is what belongs to a place: the ids of experiments, when an experiment was archived and a model changed.
    """
    found: dict[str, Any] = {
        f"experiment {each.name}": replace(each, id="", archived_ns=each.archived_ns and 1)
        for each in store.experiments("all")
    }
    ids = [run.run_id for run in store.all_runs(RunQuery(archived=None))]
    for state in store.run_states(ids):
        run_id = state.run.run_id
        metrics = {(each.namespace, each.name, each.kind): repr(each) for each in state.metrics}
        found[f"run {run_id}"] = replace(state, run=replace(state.run, experiment_id=""), metrics=())
        found[f"order {run_id}"] = list(metrics)
        found |= {f"summary {run_id} {name}": each for name, each in metrics.items()}
        for metric in state.metrics:
            points = store.metric_points(run_id, metric.name, metric.namespace, metric.kind)
            found[f"points {run_id} {metric.namespace}/{metric.name} {metric.kind}"] = bits(points)
        for file in state.artifacts:
            with store.open_artifact(run_id, file.name) as stream:
                found[f"file {run_id} {file.name}"] = stream.read()
        for each in state.snapshots:
            with store.blobs.open(each.snapshot.manifest) as stream:
                found[f"manifest {each.snapshot.id}"] = stream.read()
    found |= {f"values {run_id}": repr(each) for run_id, each in store.metric_values_many(ids).items()}
    for model in store.models():
        found[f"model {model.name} {model.version}"] = replace(model, updated_ns=0)
    for environment in store.environments():
        found[f"environment {environment.name} {environment.version}"] = environment
    for compute in store.computes():
        found[f"compute {compute.name}"] = replace(compute, created_ns=0, updated_ns=0)
    return found


def bits(points: Points) -> Any:
    """The points to be compared, NaN with NaN."""
    return (
        points.steps.tobytes(),
        points.times.tobytes(),
        [
            (name, column.kinds.tobytes(), column.floats.tobytes(), column.ints.tobytes(), column.texts)
            for name, column in points.columns.items()
        ],
    )


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """What is not the same in two answers of ``everything``."""
    return {
        name: (ours.get(name, "not there"), theirs.get(name, "not there"))
        for name in {**ours, **theirs}
        if ours.get(name, "not there") != theirs.get(name, "not there")
    }


def grow(store: Store) -> None:
    """Go on with what ``fill`` has recorded."""
    second = 1_000_000_000
    say(
        store,
        series("values", "grown", [7.0] * 300, start_ns=T0 + second),
        series("values", "one", [4]),
        series("values", "new", [1]),
        table("values", "mixed", {"x": [9], "z": [-0.0]}),
        event("status", "asked", T0 + 100 * second, status="Canceled"),
        event("status", "died", T0 + 101 * second, status="Completed"),
        event("tags", "done", set={"stage": "later"}),
        event("params", "done", set={"alpha": "is kept", "seed": "7"}),
        event("warning", "done", T0 + 11, message="once more"),
        event("document", "done", T0 + 12, name="definition", content={"n": 2}),
        run_event("next", "runs", T0 + 200 * second),
        run_event("first", "another", T0 + 201 * second),
    )
    upload(store, "next", "new.txt", b"new")
    store.update_model("digits", 1, set_tags={"n": "7"})
