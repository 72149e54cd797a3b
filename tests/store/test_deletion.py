"""Deleting runs, experiments and workspaces, and giving their space back."""

from __future__ import annotations

import os
import random
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from milepost.store import deletion, models, sweeping
from milepost.store.batch import Batch
from milepost.store.blobs import key_of, open_blobs
from milepost.store.engine import sqlite_path
from milepost.store.errors import Conflict, NotFound
from milepost.store.records import Blob, RunQuery
from milepost.store.schema import artifacts, blobs, deleted_runs, experiments, metadata, model_files
from milepost.store.store import Store, open_store
from milepost.store.sweeping import Swept
from tests.store.builders import event, run_event, say, series, table, upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from milepost.store.records import ModelRecord

HOUR_S = 3600.0
KEPT_TABLES = {"workspaces", "experiments", "journals", "deleted_runs", "alembic_version"}


def count(store: Store, table_name: str) -> int:
    chosen = metadata.tables[table_name]
    with store.reading() as connection:
        return int(connection.scalar(select(func.count()).select_from(chosen)) or 0)


def rows_left(store: Store) -> dict[str, int]:
    return {name: found for name in metadata.tables if name not in KEPT_TABLES and (found := count(store, name))}


def fill(store: Store, run_id: str, experiment: str = "exp", parent_id: str | None = None) -> None:
    """A run with something in every table that a script can reach."""
    say(
        store,
        run_event(run_id, experiment, parent_id=parent_id, tags={"a": "b"}, properties={"c": "d"}),
        series(run_id, "loss", [float(number) for number in range(3000)]),
        table(run_id, "rows", {"x": [1, 2], "y": ["a", None]}),
        event("warning", run_id, message="careful"),
    )
    upload(store, run_id, "outputs/own.txt", run_id.encode())
    upload(store, run_id, "outputs/shared.txt", b"shared by all")


def make_old(store: Store, *digests: str, age_s: float = HOUR_S) -> None:
    for digest in digests or [digest for digest, _size, _stored in store.blobs.list()]:
        then = time.time() - age_s
        os.utime(Path(store.blobs.address) / key_of(digest), (then, then))


def register(store: Store, run_id: str, name: str = "model", file: str = "outputs/own.txt") -> ModelRecord:
    found = store.artifact(run_id, file)
    return store.register_model(name, path=file, files=[(file, Blob(found.digest, found.size))], run_id=run_id)


def lost_contents(store: Store) -> list[str]:
    """Contents that the database names and the blob store does not have."""
    with store.reading() as connection:
        named = {*connection.scalars(select(artifacts.c.digest)), *connection.scalars(select(model_files.c.digest))}
    return sorted(digest for digest in named if not store.blobs.exists(digest))


# Runs.


def test_a_deleted_run_leaves_no_row(store: Store) -> None:
    fill(store, "r")
    assert rows_left(store).keys() >= {"runs", "tags", "properties", "metrics", "metric_chunks", "artifacts", "blobs"}
    assert store.delete_run("r") == 1
    assert rows_left(store) == {"blobs": 2}
    for ask in (store.run, store.metric_values):
        with pytest.raises(NotFound):
            ask("r")
    assert store.runs().runs == []
    assert store.artifacts("r") == []
    assert store.experiment("exp").run_count == 0


def test_descendants_go_with_a_run_and_others_stay(store: Store) -> None:
    fill(store, "top")
    fill(store, "child", parent_id="top")
    fill(store, "grandchild", parent_id="child")
    fill(store, "elsewhere", experiment="other", parent_id="grandchild")
    fill(store, "sibling")
    fill(store, "alone", parent_id="sibling")
    assert store.delete_run("child") == 3
    assert sorted(run.run_id for run in store.runs().runs) == ["alone", "sibling", "top"]
    assert store.metric_values("alone")["loss"][-1] == 2999.0
    assert store.delete_run("top") == 1


def test_runs_that_name_each_other_as_parents_can_be_deleted(store: Store) -> None:
    fill(store, "a", parent_id="b")
    fill(store, "b", parent_id="a")
    assert store.delete_run("a") == 2
    assert store.runs().runs == []


@pytest.mark.parametrize("run_id", ["unknown", "", "\x00", "\ud800", "placeholder", "x" * 5000, "' OR 1=1 --"])
def test_a_run_that_is_not_there_is_told(store: Store, run_id: str) -> None:
    fill(store, "r")
    say(store, series("placeholder", "loss", [1.0]))
    with pytest.raises(NotFound, match="there is no run"):
        store.delete_run(run_id)
    assert len(store.runs().runs) == 1


def test_a_run_is_deleted_once(store: Store) -> None:
    fill(store, "r")
    store.delete_run("r")
    with pytest.raises(NotFound):
        store.delete_run("r")


def test_late_journals_do_not_revive_a_deleted_run(store: Store) -> None:
    fill(store, "r")
    fill(store, "child", parent_id="r")
    store.delete_run("r")
    for run_id in ("r", "child"):
        say(
            store,
            series(run_id, "loss", [1.0]),
            event("tags", run_id, set={"x": "y"}),
            event("status", run_id, status="Completed"),
            run_event(run_id, "exp"),
            event("artifact", run_id, name="late", digest="0" * 64, size=1),
            journal="late journal",
        )
    assert store.applied("late journal") > 0
    assert store.runs(RunQuery(archived=None)).runs == []
    assert rows_left(store) == {"blobs": 3}
    assert store.experiment("exp").run_count == 0


def test_models_of_a_deleted_run_keep_their_files(store: Store, tmp_path: Path) -> None:
    fill(store, "r")
    model = register(store, "r")
    store.delete_run("r")
    make_old(store)
    assert store.sweep() == Swept(1, len(b"shared by all"), 0)
    kept = store.model("model")
    assert kept == model
    store.blobs.download(kept.files[0].digest, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"r"
    store.delete_model("model", 1)
    assert store.sweep().blobs == 1
    assert store.blobs.usage() == 0


def test_a_run_that_is_being_logged_to_can_be_deleted(store: Store, database_url: str) -> None:
    fill(store, "r")
    fill(store, "other")
    stop = threading.Event()
    failures: list[BaseException] = []
    batches = [0, 0]

    def log(number: int) -> None:
        mine = open_store(database_url, "test", blobs_url=store.blobs_url)
        try:
            while not stop.is_set() or batches[number] < 5:
                start = mine.applied(f"j{number}")
                said = [series("r", f"m{number}", [1.0, 2.0]), series("other", f"m{number}", [1.0, 2.0])]
                mine.apply(Batch(f"j{number}", start, start + 10, [event("tags", "r", set={"k": "v"})], said))
                batches[number] += 1
        except BaseException as error:
            failures.append(error)
        finally:
            mine.close()

    threads = [threading.Thread(target=log, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 30
    while min(batches) < 5 and not failures and time.monotonic() < until:
        time.sleep(0.01)
    store.delete_run("r")
    before = list(batches)
    while min(now - then for now, then in zip(batches, before, strict=True)) < 3 and not failures:
        assert time.monotonic() < until
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    store.sweep()
    assert [run.run_id for run in store.runs().runs] == ["other"]
    for number in range(2):
        assert store.metric_values("other", f"m{number}")[f"m{number}"] == [1.0, 2.0] * batches[number]
    assert count(store, "runs") == 1


# Experiments.


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_deleted_experiment_goes_with_all_its_runs(store: Store, by: str) -> None:
    fill(store, "a")
    fill(store, "b", parent_id="a")
    fill(store, "elsewhere", experiment="other", parent_id="b")
    fill(store, "stays", experiment="other")
    record = store.experiment("exp")
    assert store.delete_experiment(record.id if by == "id" else record.name) == 3
    assert [run.run_id for run in store.runs().runs] == ["stays"]
    assert [each.name for each in store.experiments("all")] == ["other"]
    with pytest.raises(NotFound, match="there is no experiment"):
        store.delete_experiment("exp")


def test_the_name_of_a_deleted_experiment_can_be_used_anew(store: Store) -> None:
    fill(store, "a")
    old = store.experiment("exp")
    store.delete_experiment("exp")
    fill(store, "b")
    new = store.experiment("exp")
    assert new.id != old.id
    assert store.run("b").number == 1
    say(store, series("a", "loss", [1.0]), run_event("a", "exp"), journal="late")
    assert [run.run_id for run in store.runs().runs] == ["b"]


def test_an_experiment_is_looked_for_by_its_id_first(store: Store) -> None:
    first = store.ensure_experiment("first")
    store.ensure_experiment(first.id)
    store.delete_experiment(first.id)
    assert [each.name for each in store.experiments("all")] == [first.id]


@pytest.mark.parametrize("name", ["", "unknown", "\x00", "' OR 1=1 --", "%"])
def test_an_experiment_that_is_not_there_is_told(store: Store, name: str) -> None:
    store.ensure_experiment("exp")
    with pytest.raises(NotFound):
        store.delete_experiment(name)
    assert len(store.experiments("all")) == 1


def test_an_experiment_of_many_runs_is_deleted(store: Store) -> None:
    say(store, *(run_event(f"r{number}", tags={"a": "b"}) for number in range(1234)))
    assert store.delete_experiment("exp") == 1234
    assert rows_left(store) == {}
    assert count(store, "deleted_runs") == 1234


# Deletions that are cut off.


def test_a_deletion_that_is_killed_shows_nothing_of_the_runs_and_is_finished_by_a_sweep(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "a")
    fill(store, "b")
    fill(store, "stays", experiment="other")

    def killed(*_given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(deletion, "_remove_runs", killed)
        with pytest.raises(KeyboardInterrupt):
            store.delete_experiment("exp")
    assert [run.run_id for run in store.runs(RunQuery(archived=None)).runs] == ["stays"]
    assert [each.name for each in store.experiments("all")] == ["other"]
    assert count(store, "runs") == 3
    for run_id in ("a", "b"):
        with pytest.raises(NotFound):
            store.run(run_id)
    say(store, series("a", "loss", [1.0]), run_event("a"), journal="late")
    store.sweep()
    assert count(store, "runs") == 1
    assert store.runs().runs[0].run_id == "stays"


def test_a_run_that_came_back_at_the_very_moment_of_its_deletion_is_swept(store: Store) -> None:
    fill(store, "r")
    with deletion.write(store.engine) as connection:
        row = {"workspace_key": store.workspace_key, "run_id": "r", "deleted_ns": 1}
        connection.execute(deleted_runs.insert().values(row))
    store.sweep()
    assert store.runs().runs == []


# Sweeps.


def test_a_new_run_is_not_taken_for_the_one_that_another_process_has_just_removed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = deletion._remove_runs

    def after_another(engine: Engine, keys: list[int]) -> None:
        remove(engine, keys)
        say(store, run_event("new"))  # in SQLite it gets the key of the one that was removed
        remove(engine, keys)

    monkeypatch.setattr(deletion, "_remove_runs", after_another)
    say(store, run_event("old"))
    store.delete_run("old")
    assert [run.run_id for run in store.all_runs()] == ["new"]


def test_a_sweep_frees_what_nothing_names_any_more(store: Store) -> None:
    fill(store, "a")
    fill(store, "b")
    unnamed = store.put_bytes(b"uploaded, but the process was killed").digest
    make_old(store)
    store.delete_run("a")
    assert store.sweep() == Swept(2, len(b"a") + len(b"uploaded, but the process was killed"), 0)
    assert not store.blobs.exists(unnamed)
    assert sorted(each.name for each in store.artifacts("b")) == ["outputs/own.txt", "outputs/shared.txt"]
    assert lost_contents(store) == []
    assert store.info().blob_bytes == store.blobs.usage() == len(b"b") + len(b"shared by all")
    assert store.sweep() == Swept(0, 0, 0)


def test_what_was_stored_just_now_stays_until_the_grace_period_is_over(store: Store) -> None:
    digest = store.put_bytes(b"its event is on its way").digest
    assert store.sweep().blobs == 0
    make_old(store, age_s=500)
    assert store.sweep().blobs == 0
    assert store.sweep(grace_s=400).blobs == 1
    assert not store.blobs.exists(digest)
    store.put_bytes(b"its event is on its way")
    assert store.sweep(grace_s=0).blobs == 1


def test_what_the_caller_wants_to_keep_stays(store: Store) -> None:
    digests = [store.put_bytes(bytes([number])).digest for number in range(3)]
    make_old(store)
    assert store.sweep(keep={digests[1]}).blobs == 2
    assert [digest for digest, _size, _stored in store.blobs.list()] == [digests[1]]


def test_a_content_that_other_workspaces_of_the_database_name_stays(store: Store, database_url: str) -> None:
    other = open_store(database_url, "other", blobs_url=store.blobs_url)
    try:
        fill(store, "r")
        fill(other, "r")
        store.delete_run("r")
        make_old(store)
        assert store.sweep().blobs == 0
        other.delete_run("r")
        assert store.sweep().blobs == 2
    finally:
        other.close()


def test_a_sweep_frees_nothing_where_another_database_stores_its_files_too(store: Store) -> None:
    stranger = str(uuid4())
    foreign = open_blobs(store.blobs_url, owner=stranger).put_bytes(b"of another database").digest
    fill(store, "r")
    store.delete_run("r")
    make_old(store)
    with pytest.raises(Conflict, match=rf"nothing was freed: .*{stranger}.*owners/"):
        store.sweep(grace_s=0)
    assert store.blobs.exists(foreign)
    assert store.blobs.usage() > 20
    store.blobs.forget_owner(stranger)
    assert store.sweep().blobs == 3


def test_a_sweep_of_many_contents_goes_on_piece_by_piece(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "_AT_ONCE", 3)
    say(store, run_event("a"), run_event("b"))
    for number in range(10):
        upload(store, "a", f"f{number}", f"a{number}".encode())
        upload(store, "b", f"f{number}", f"b{number}".encode())
    make_old(store)
    store.delete_run("a")
    assert store.sweep().blobs == 10
    assert lost_contents(store) == []
    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(blobs)) == 10


def test_the_space_of_deleted_runs_goes_back_to_the_disk(store: Store, engine_name: str) -> None:
    path = sqlite_path(store.engine)
    if path is None:
        pytest.skip("PostgreSQL's autovacuum gives space back by itself")
    fill(store, "stays")
    store.sweep()
    empty = path.stat().st_size
    for number in range(20):
        say(store, run_event(f"r{number}", "big"))
        random_values = random.Random(number)
        say(store, series(f"r{number}", "loss", [random_values.random() for _ in range(20_000)]))
    full = path.stat().st_size + path.with_name(f"{path.name}-wal").stat().st_size
    assert full > empty + 2_000_000
    store.delete_experiment("big")
    swept = store.sweep()
    after = path.stat().st_size
    assert after < empty + 1_500_000
    assert swept.database_bytes > 1_000_000
    assert store.metric_values("stays")["loss"] == [float(number) for number in range(3000)]


def test_the_database_shrinks_though_somebody_else_has_it_open(store: Store, database_url: str) -> None:
    if sqlite_path(store.engine) is None:
        pytest.skip("this is about SQLite's file")
    say(store, run_event("r"), series("r", "loss", [random.random() for _ in range(200_000)]))
    other = open_store(database_url, "test", blobs_url="")
    try:
        with other.reading() as connection:
            connection.execute(select(experiments)).all()
            store.delete_run("r")
            store.sweep()
        assert other.runs().runs == []
        assert store.sweep().blobs == 0
    finally:
        other.close()


# Workspaces.


def test_a_deleted_workspace_leaves_nothing_and_the_others_alone(store: Store, database_url: str) -> None:
    other = open_store(database_url, "other", blobs_url=store.blobs_url)
    try:
        fill(other, "r")
        register(other, "r")
        others = rows_left(other)
        fill(store, "r")
        register(store, "r")
        say(store, series("placeholder", "loss", [1.0]))
        assert rows_left(other) != others
        store.delete_workspace()
        assert rows_left(other) == others
        make_old(store)
        assert other.sweep().blobs == 0
        assert rows_left(other) == others
        assert store.blobs.owners() == {other.workspace_id}
        assert other.metric_values("r")["loss"][:2] == [0.0, 1.0]
        assert lost_contents(other) == []
        other.delete_workspace()
        assert other.sweep().blobs == 2
        assert rows_left(other) == {}
        assert count(other, "workspaces") == count(other, "journals") == count(other, "deleted_runs") == 0
    finally:
        other.close()


# Races.


def run_all(*works: Callable[[], None]) -> None:
    """In threads at once; the first failure is raised."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_a_model_that_is_registered_while_its_run_is_deleted_and_swept_is_whole_or_refused(store: Store) -> None:
    refused = registered = 0
    for number in range(25):
        run_id = f"r{number}"
        say(store, run_event(run_id))
        blob = upload(store, run_id, "model", f"content {number}".encode())
        make_old(store, blob.digest)
        made: list[ModelRecord] = []

        def register_it(blob: Any = blob, number: int = number, made: list[ModelRecord] = made) -> None:
            time.sleep(random.random() * 0.03)
            with suppress(NotFound):
                made.append(store.register_model(f"m{number}", path="model", files=[("model", blob)]))

        def delete_it(run_id: str = run_id) -> None:
            store.delete_run(run_id)
            store.sweep()

        run_all(register_it, delete_it)
        assert lost_contents(store) == []
        registered += len(made)
        refused += 1 - len(made)
        for model in made:
            assert store.blobs.read_range(model.files[0].digest, 0, 100) == f"content {number}".encode()
    print(f"registered {registered}, refused {refused}")


def test_contents_that_are_stored_again_while_others_delete_and_sweep_are_never_lost(
    store: Store, database_url: str
) -> None:
    grace_s = 3.0
    end = time.monotonic() + 8
    contents = [f"content {number}".encode() for number in range(12)]
    done = {"uploads": 0, "late": 0, "freed": 0}

    def record(seed: int) -> None:
        rng = random.Random(seed)
        mine = open_store(database_url, "test", blobs_url=store.blobs_url)
        runs: list[str] = []
        while time.monotonic() < end:
            run_id = str(uuid4())
            began = time.monotonic()
            say(mine, run_event(run_id), journal=f"j{seed}")
            upload_to(mine, run_id, rng.choice(contents), f"j{seed}")
            if time.monotonic() - began > grace_s / 2:
                done["late"] += 1  # this machine is too slow just now for the promise to hold
                mine.delete_run(run_id)
                continue
            runs.append(run_id)
            done["uploads"] += 1
            for each in rng.sample(runs, min(3, len(runs))):
                with mine.open_artifact(each, "file") as source:
                    assert source.read() in contents
            while len(runs) > 2:
                mine.delete_run(runs.pop(rng.randrange(len(runs))))
            time.sleep(rng.random() * 0.3)
        mine.close()

    def sweep() -> None:
        mine = open_store(database_url, "test", blobs_url=store.blobs_url)
        while time.monotonic() < end:
            done["freed"] += mine.sweep(grace_s=grace_s).blobs
        mine.close()

    def upload_to(mine: Store, run_id: str, content: bytes, journal: str) -> None:
        blob = mine.put_bytes(content)
        named = {"name": "file", "digest": blob.digest, "size": blob.size}
        say(mine, event("artifact", run_id, **named), journal=journal)

    # Two that record and one that sweeps; what is old at the beginning is there to be freed or stored again.
    for content in contents:
        store.put_bytes(content)
    make_old(store)
    run_all(lambda: record(1), lambda: record(2), sweep)
    assert done["freed"] > 0
    assert done["uploads"] > 0
    assert lost_contents(store) == []
    print(done)


@pytest.mark.parametrize("moment", ["before the sweep forgets", "after the sweep has forgotten"])
def test_a_sweep_leaves_a_content_that_a_model_is_just_coming_to_name(
    store: Store, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    say(store, run_event("r"))
    blob = upload(store, "r", "model", b"content")
    make_old(store)
    store.delete_run("r")
    sweeps: list[threading.Thread] = []
    name_contents = models.name_contents

    def sweep_meanwhile(*given: Any) -> None:
        # The content is known to be in the store; the model's row is not committed yet.
        if moment == "after the sweep has forgotten":
            monkeypatch.setattr(sweeping, "_forget_unnamed", lambda _store: None)
        sweeps.append(threading.Thread(target=store.sweep))
        sweeps[0].start()
        sweeps[0].join(1.0)  # on SQLite, and for the row's lock on PostgreSQL, it has to wait for this transaction
        name_contents(*given)

    monkeypatch.setattr(models, "name_contents", sweep_meanwhile)
    store.register_model("m", path="model", files=[("model", blob)])
    sweeps[0].join()
    assert lost_contents(store) == []
    assert count(store, "blobs") == 1
