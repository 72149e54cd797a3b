"""The database comes to the schema of this version, or says why it cannot."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from milepost.store import migrate
from milepost.store.engine import open_engine, read, sqlite_path, write
from milepost.store.errors import NotFound, StoreDamaged
from milepost.store.migrate import HEAD, REVISIONS, ensure_schema
from milepost.store.schema import metadata
from milepost.store.store import open_store
from tests.store.builders import run_event, say, series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from milepost.store.store import Store


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    engine = open_engine(empty_database_url)
    yield engine
    engine.dispose()


def test_the_known_revisions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    scripts = ScriptDirectory.from_config(config)
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(REVISIONS)
    assert scripts.get_current_head() == HEAD


def test_the_migrations_build_what_the_schema_says(engine: Engine) -> None:
    ensure_schema(engine)
    with read(engine) as connection, warnings.catch_warnings():
        # SQLite cannot tell of indexes over expressions; the next test compares those.
        warnings.filterwarnings("ignore", message=".*expression-based index.*")
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_indexes_are_those_of_the_schema_also_where_they_have_expressions(
    engine: Engine, new_database, engine_name: str
) -> None:
    ensure_schema(engine)
    other = open_engine(new_database(False))
    path = sqlite_path(other)
    if path:
        path.parent.mkdir()
    with write(other) as connection:
        metadata.create_all(connection)
    query = (
        "SELECT name, replace(sql, '\"', '') FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
        if engine_name == "sqlite"
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
        "AND tablename <> 'alembic_version' ORDER BY indexname"
    )
    found = []
    for one in (engine, other):
        with read(one) as connection:
            found.append([tuple(row) for row in connection.execute(text(query))])
    other.dispose()
    assert found[0] == found[1]
    assert any("substr" in definition for _, definition in found[0])


def test_a_database_at_head_is_not_touched_and_alembic_not_imported(database_url: str) -> None:
    code = f"""
import sys
from milepost.store.engine import open_engine
from milepost.store.migrate import ensure_schema
ensure_schema(open_engine({database_url!r}), create=False)
assert "alembic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_importing_the_package_alone_loads_no_heavy_module() -> None:
    code = (
        "import sys, milepost.store, milepost.store.batch, milepost.store.errors, milepost.store.records;"
        "assert not {'sqlalchemy', 'numpy', 'alembic', 'pcodec'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_many_processes_that_start_at_once_on_a_new_database_all_succeed(empty_database_url: str) -> None:
    code = f"""
import sys
from milepost.store.store import open_store
from milepost.store.batch import Batch, Event
print("ready", flush=True)
sys.stdin.readline()
store = open_store({empty_database_url!r}, "shared", blobs_url="")
name = sys.argv[1]
store.apply(Batch(name, 0, 1, [Event("run", name, 1, {{"experiment": "e"}})]))
print(store.workspace_id)
"""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, f"run{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for number in range(4)
    ]
    for process in started:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert len(set(said)) == 1
    store = open_store(empty_database_url, "shared", blobs_url="", create=False)
    found = store.runs().runs
    store.close()
    assert sorted(run.number for run in found) == [1, 2, 3, 4]


def test_without_create_a_missing_database_is_not_found_and_not_made(engine: Engine) -> None:
    with pytest.raises(NotFound, match="no store"):
        ensure_schema(engine, create=False)
    path = sqlite_path(engine)
    if path:
        assert not path.exists()
        assert not path.parent.exists()
    else:
        assert not inspect(engine).get_table_names()


def test_a_database_of_a_newer_version_says_to_upgrade(store: Store) -> None:
    with write(store.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreDamaged, match=r"newer Milepost.*9999.*pip install -U milepost"):
        ensure_schema(store.engine)


@pytest.mark.parametrize("revision", [None, "abcdef123456"])
def test_a_database_of_another_program_is_left_alone(engine: Engine, revision: str | None) -> None:
    path = sqlite_path(engine)
    if path:
        path.parent.mkdir()
    with write(engine) as connection:
        connection.execute(text("CREATE TABLE experiments (experiment_id INTEGER)"))
        if revision:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
    before = inspect(engine).get_table_names()
    with pytest.raises(StoreDamaged, match="another program"):
        ensure_schema(engine)
    assert inspect(engine).get_table_names() == before


def test_a_migration_that_fails_leaves_nothing_behind(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    created = op.create_index

    def fail(name: str, *arguments: object, **more: object) -> None:
        if name == "ix_tags_value":
            raise RuntimeError("the power went out")
        created(name, *arguments, **more)

    monkeypatch.setattr(op, "create_index", fail)
    with pytest.raises(RuntimeError):
        ensure_schema(engine)
    monkeypatch.undo()
    assert inspect(engine).get_table_names() == []
    ensure_schema(engine)


def test_a_workspace_is_found_by_its_id_and_by_its_name(database_url: str) -> None:
    made = open_store(database_url, "mine", blobs_url="", workspace_id="0a1b")
    assert (made.workspace_id, made.workspace_name) == ("0a1b", "mine")
    by_id = open_store(database_url, "another name", blobs_url="", workspace_id="0a1b", create=False)
    assert by_id.workspace_key == made.workspace_key
    by_name = open_store(database_url, "mine", blobs_url="", create=False)
    assert by_name.workspace_id == "0a1b"
    with pytest.raises(NotFound, match="other"):
        open_store(database_url, "other", blobs_url="", create=False)
    for opened in (made, by_id, by_name):
        opened.close()


def test_workspaces_of_one_database_do_not_see_each_other(database_url: str) -> None:
    one, two = (open_store(database_url, name, blobs_url="") for name in ("one", "two"))
    say(one, run_event("r"), series("r", "loss", [1.0]))
    say(two, run_event("r"), series("r", "loss", [2.0, 3.0]))
    assert one.metric_values("r") == {"loss": 1.0}
    assert two.metric_values("r") == {"loss": [2.0, 3.0]}
    assert one.info().points == 1
    assert [run.number for run in two.runs().runs] == [1]
    one.close()
    two.close()
