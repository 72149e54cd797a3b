"""A store of an older version is brought to this one with all that it holds, also while others use it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import MetaData, Table, select, text

from milepost.store import migrate
from milepost.store.batch import Batch
from milepost.store.engine import insert, open_engine, read, write
from milepost.store.errors import StoreDamaged
from milepost.store.metrics import append
from milepost.store.migrate import HEAD, ensure_schema
from milepost.store.records import RunQuery
from milepost.store.schema import metadata, metrics
from milepost.store.store import open_store
from tests.store.builders import T0, event, migrated, run_event, say, series, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from milepost.store.store import Store

DIGEST = "ab" * 32
RUN = {"workspace_key": 1, "root_id": "old", "created_ns": T0, "warnings": [{"time_ns": T0, "message": "careful"}]}
ROWS: dict[str, list[dict[str, Any]]] = {
    "workspaces": [{"id": "0a1b", "name": "test", "created_ns": T0, "settings": {}}],
    "experiments": [
        {"workspace_key": 1, "id": "e1", "name": "exp", "description": "d", "tags": {"a": None}}
        | {"created_ns": T0, "last_number": 2}
    ],
    "runs": [
        {**RUN, "run_id": "old", "experiment_key": 1, "number": 1, "status": "Completed", "target": "Pool"}
        | {"type": "azureml.scriptrun", "ended_ns": T0 + 5, "error": {"code": "X"}},
        {**RUN, "run_id": "child", "experiment_key": 1, "number": 2, "status": "Running"}
        | {"parent_id": "old", "owner_journal": "j-old"},
    ],
    "tags": [
        {"run_key": 1, "name": "k", "workspace_key": 1, "value": None},
        {"run_key": 1, "name": "lr", "workspace_key": 1, "value": "1e-3"},
        {"run_key": 2, "name": "lr", "workspace_key": 1, "value": "0.5"},
    ],
    "properties": [{"run_key": 1, "name": "p", "workspace_key": 1, "value": "x" * 5000}],
    "blobs": [{"workspace_key": 1, "digest": DIGEST, "size": 7}],
    "artifacts": [
        {"run_key": 1, "name": "outputs/Model", "folded": "outputs/model", "workspace_key": 1, "digest": DIGEST}
        | {"size": 7, "content_type": "text/plain", "created_ns": T0}
    ],
    "journals": [{"workspace_key": 1, "journal_id": "j-old", "applied": 100, "updated_ns": T0}],
}


@pytest.fixture
def old_url(empty_database_url: str) -> str:
    """A store of version 0001 with something in it."""
    engine = open_engine(empty_database_url)
    migrated(engine, "0001")
    with write(engine) as connection:
        for name, rows in ROWS.items():
            for row in rows:
                connection.execute(as_of_0001(name).insert().values(row))
        append(connection, 1, [(1, series("old", "loss", [3.0, 2.0, float("nan")]))])
    engine.dispose()
    return empty_database_url


def as_of_0001(name: str) -> Table:
    """A table as a process of version 0001 knows it."""
    later = {"artifacts": "captured", "tags": "number", "properties": "number"}
    columns = [column._copy() for column in metadata.tables[name].columns if column.name != later.get(name)]
    return Table(name, MetaData(), *columns)


def revision(engine: Engine) -> str:
    with read(engine) as connection:
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


@pytest.fixture
def upgraded(old_url: str, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(old_url, "test", blobs_url=str(tmp_path / "blobs"), create=False)
    yield opened
    opened.close()


def test_a_store_of_version_0001_is_upgraded_at_its_opening(old_url: str, upgraded: Store) -> None:
    assert revision(upgraded.engine) == HEAD
    assert upgraded.workspace_id == "0a1b"
    info = upgraded.info()
    assert (info.schema, info.runs, info.points, info.artifact_bytes, info.snapshots) == (HEAD, 2, 3, 7, 0)


def test_all_that_it_held_is_there(upgraded: Store) -> None:
    run = upgraded.run("old")
    assert (run.experiment, run.number, run.status, run.type) == ("exp", 1, "Completed", "azureml.scriptrun")
    assert run.tags == {"k": None, "lr": "1e-3"}
    assert (run.properties, run.error) == ({"p": "x" * 5000}, {"code": "X"})
    assert [each["message"] for each in run.warnings] == ["careful"]
    assert upgraded.run("child").parent_id == "old"
    assert str(upgraded.metric_values("old")["loss"]) == "[3.0, 2.0, nan]"
    (file,) = upgraded.artifacts("old")
    assert (file.name, file.digest, file.captured) == ("outputs/Model", DIGEST, False)
    assert upgraded.applied("j-old") == 100
    assert upgraded.snapshots("old") == []
    assert upgraded.documents("old") == {}


def test_what_it_held_can_be_filtered_and_sorted_as_if_it_were_new(upgraded: Store) -> None:
    assert [run.run_id for run in upgraded.runs(RunQuery(filter="tags.lr < 0.1")).runs] == ["old"]
    assert [run.run_id for run in upgraded.runs(RunQuery(filter="metrics.loss is null")).runs] == ["child", "old"]
    assert [run.run_id for run in upgraded.runs(RunQuery(experiment="exp", order_by="number")).runs] == ["child", "old"]
    assert [run.run_id for run in upgraded.runs(RunQuery(order_by="tag:lr")).runs] == ["old", "child"]


def test_it_can_be_gone_on_with(upgraded: Store) -> None:
    captured = {"name": "outputs/Model", "digest": "cd" * 32, "size": 1, "captured": True}
    say(
        upgraded,
        run_event("new", target="POOL"),
        series("old", "loss", [1.0]),
        event("artifact", "old", **captured),
        event("document", "old", name="machine", content={"cpus": 2}),
        journal="j-old",
    )
    snapshot(upgraded, "old", {"f": b"x"})
    assert upgraded.applied("j-old") == 200
    assert upgraded.run("new").number == 3
    assert len(upgraded.metric_values("old")["loss"]) == 4
    assert [each.digest for each in upgraded.artifacts("old")] == [DIGEST]  # an upload is not replaced
    assert upgraded.documents("old") == {"machine": {"cpus": 2}}
    assert len(upgraded.snapshots("old")) == 1
    assert sorted(run.run_id for run in upgraded.runs(RunQuery(target="pool")).runs) == ["new", "old"]
    assert upgraded.close_journal("j-old", "gone") == ["child"]
    assert upgraded.delete_run("old") == 2


def test_processes_that_open_an_old_store_at_once_all_succeed(old_url: str) -> None:
    code = f"""
import sys
from milepost.store.store import open_store
from milepost.store.batch import Batch, Event
print("ready", flush=True)
sys.stdin.readline()
store = open_store({old_url!r}, "test", blobs_url="", create=False)
store.apply(Batch(sys.argv[1], 0, 1, [Event("document", "old", 1, {{"name": sys.argv[1], "content": 1}})]))
"""
    started = [
        subprocess.Popen([sys.executable, "-c", code, f"p{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for number in range(3)
    ]
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
    for process in started:
        process.communicate(b"go\n", timeout=120)
    assert [process.returncode for process in started] == [0] * 3
    store = open_store(old_url, "test", blobs_url="", create=False)
    assert store.documents("old") == {"p0": 1, "p1": 1, "p2": 1}
    store.close()


def test_an_upgrade_that_fails_leaves_the_old_store_as_it_was(old_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    created = op.create_table

    def fail(name: str, *arguments: Any, **more: Any) -> Table:
        if name == "computes":
            raise RuntimeError("the power went out")
        return created(name, *arguments, **more)

    engine = open_engine(old_url)
    with monkeypatch.context() as patched:
        patched.setattr(op, "create_table", fail)
        with pytest.raises(RuntimeError):
            ensure_schema(engine)
    assert revision(engine) == "0001"
    with read(engine) as connection:
        assert "captured" not in {
            each.name for each in Table("artifacts", MetaData(), autoload_with=connection).columns
        }
    ensure_schema(engine)
    assert revision(engine) == HEAD
    engine.dispose()


def test_a_process_of_the_older_version_that_has_the_store_open_goes_on(old_url: str) -> None:
    """It says only what version 0001 knows, through connections that it opened before the upgrade."""
    old = open_engine(old_url)
    row = {**ROWS["artifacts"][0], "name": "late", "folded": "late"}
    with write(old) as connection:
        files = as_of_0001("artifacts")
        connection.execute(insert(connection, files), [{**row, "name": "early", "folded": "early"}])
        assert len(connection.execute(select(files)).all()) == 2
    with old.connect() as kept_open:
        kept_open.execute(select(files)).all()
        kept_open.rollback()
        store = open_store(old_url, "test", blobs_url="", create=False)
        with kept_open.execution_options(milepost_writes=True).begin():
            kept_open.execute(insert(kept_open, files), [row])
            kept_open.execute(select(metrics.c.name)).all()
        assert [(each.name, each.captured) for each in store.artifacts("old")] == [
            ("early", False),
            ("late", False),
            ("outputs/Model", False),
        ]
        store.close()
    old.dispose()


def test_tags_that_a_process_of_the_older_version_sets_have_numbers(old_url: str) -> None:
    old = open_engine(old_url)
    rows = [{"run_key": 2, "name": name, "workspace_key": 1, "value": "0.25"} for name in ("lr", "new")]
    with old.connect() as kept_open:
        kept_open.execute(select(as_of_0001("tags"))).all()
        kept_open.rollback()
        store = open_store(old_url, "test", blobs_url="", create=False)
        with kept_open.execution_options(milepost_writes=True).begin():
            statement = insert(kept_open, as_of_0001("tags"))
            change = {"value": statement.excluded.value}
            kept_open.execute(statement.on_conflict_do_update(index_elements=["run_key", "name"], set_=change), rows)
        for name in ("lr", "new"):
            found = store.runs(RunQuery(filter=f"tags.{name} = 0.25")).runs
            assert [run.run_id for run in found] == ["child"]
        store.close()
    old.dispose()


def test_a_process_of_the_older_version_says_to_upgrade_when_it_opens_the_store(
    old_url: str, upgraded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "HEAD", "0001")
    monkeypatch.setattr(migrate, "REVISIONS", ("0001",))
    with pytest.raises(StoreDamaged, match=rf"newer Milepost.*{HEAD}.*knows up to 0001.*pip install -U milepost"):
        open_store(old_url, "test", blobs_url="", create=False)
    upgraded.apply(Batch("j", 0, 1, [run_event("r")]))


def test_a_process_of_the_older_version_frees_nothing_any_more(
    upgraded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = upgraded.put_bytes(b"what a newer version names in its own way").digest
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "REVISIONS", ("0001",))
        patched.setattr(migrate, "HEAD", "0001")
        with pytest.raises(StoreDamaged, match="newer Milepost"):
            upgraded.sweep(grace_s=0)
    assert upgraded.blobs.exists(digest)
    assert upgraded.sweep(grace_s=0).blobs == 1
