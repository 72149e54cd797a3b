"""The database comes to the schema of this version, or says why it cannot."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, inspect, text

# Its tables are in the same metadata.
from milepost.store import account_schema as _account_schema  # noqa: F401
from milepost.store import migrate
from milepost.store.engine import open_engine, read, sqlite_path, write
from milepost.store.errors import NotFound, StoreDamaged
from milepost.store.migrate import HEAD, REVISIONS, ensure_schema
from milepost.store.schema import metadata
from milepost.store.store import open_store
from tests.store.builders import migrated, run_event, say, series

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    migrated(engine)
    with read(engine) as connection, warnings.catch_warnings():
        # Indexes over expressions cannot be told of, or are told in other words; the next test compares those.
        warnings.filterwarnings("ignore", message=".*expression-based index.*")
        opts = {"compare_type": True, "include_object": lambda _object, name, *_: name != "ix_runs_by_name"}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []


def column(about: dict[str, Any]) -> dict[str, object]:
    told = {**about, "type": str(about["type"])}
    if "computed" in about:  # of a table that was written in one line, its reflection takes in what follows
        told["computed"] = (about["computed"]["sqltext"].partition(") STORED")[0], about["computed"]["persisted"])
    return told


def described(engine: Engine) -> dict[str, Any]:
    """Everything of the tables that a database can tell, apart from the order of columns."""
    found: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*expression-based index.*")  # those are told below
        about = inspect(engine)
        for table in about.get_table_names():
            found[table] = (
                {each["name"]: column(dict(each)) for each in about.get_columns(table)},
                about.get_pk_constraint(table)["constrained_columns"],
                sorted(map(str, about.get_foreign_keys(table))),
                sorted(map(str, about.get_unique_constraints(table))),
                sorted(map(str, about.get_check_constraints(table))),
            )
    queries = {
        "sqlite": (
            "SELECT name, replace(sql, '\"', '') FROM sqlite_master WHERE type != 'table' AND sql != '' ORDER BY name",
            "SELECT name, wr, strict FROM pragma_table_list ORDER BY name",
        ),
        "postgresql": ("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname",),
    }
    with read(engine) as connection:
        found["rest"] = [list(map(tuple, connection.execute(text(each)))) for each in queries[engine.dialect.name]]
        found["version"] = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def test_a_database_that_is_built_at_once_is_one_that_was_migrated(engine: Engine, new_database) -> None:
    migrated(engine)
    other = open_engine(new_database(False))
    ensure_schema(other)
    built = described(other)
    other.dispose()
    assert built == described(engine)
    assert any("substr" in definition for _, definition in built["rest"][0])


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


def test_a_beginning_that_fails_leaves_nothing_behind(engine: Engine) -> None:
    def fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "ix_tags_value" in statement:
            raise RuntimeError("the power went out")

    event.listen(Engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(RuntimeError):
            ensure_schema(engine)
    finally:
        event.remove(Engine, "before_cursor_execute", fail)
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
