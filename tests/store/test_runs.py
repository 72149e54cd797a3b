"""Queries over runs: filters, orders, pages."""

from __future__ import annotations

import base64
import json
import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sql_event
from sqlalchemy import text

from milepost.store.errors import BadInput, NotFound
from milepost.store.migrate import HEAD
from milepost.store.records import ANY, RunQuery, RunRecord
from tests.store.builders import T0, event, run_event, say, series

if TYPE_CHECKING:
    from milepost.store.store import Store

ORDERS = [
    "created", "number", "status", "name", "started", "ended", "duration", "metric:loss", "metric_min:loss",
    "metric_max:loss", "tag:group", "metric:nowhere", "tag:nowhere", "run_id",
]  # fmt: skip


TABLE = {"experiment": "e1", "include_children": False}


def ids(store: Store, **query: Any) -> list[str]:
    return [run.run_id for run in store.runs(RunQuery(**query)).runs]


def fill(store: Store, count: int = 60) -> dict[str, dict[str, Any]]:
    """Runs with many ties, and with values missing.  Gives what each order sorts by, by run."""
    chance = random.Random(count)
    events, blocks = [], []
    keys: dict[str, dict[str, Any]] = {}
    for number in range(count):
        run_id = f"run{number:03}"
        created = T0 + chance.randrange(6) * 10**9
        name = chance.choice([None, "a", "B", "b", "ä", "z" * 250])
        group = chance.choice(["absent", None, "x", "X", "y" * 99 + "1", "é", "10", "9"])
        status = chance.choice(["Running", "Completed", "Failed", "Queued"])
        logged = chance.choice(
            [[], [1.0], [2, 1], [math.nan], [math.inf], [-math.inf], ["text"], [3, math.nan], [0.5, -7]]
        )
        events.append(run_event(run_id, f"e{number % 3}", created, status="Queued", display_name=name))
        started = ended = None
        if status != "Queued":
            started = created + 5
            events.append(event("status", run_id, started, status="Running"))
            if status != "Running":
                ended = started + chance.randrange(3)
                events.append(event("status", run_id, ended, status=status))
        if group != "absent":
            events.append(event("tags", run_id, set={"group": group}))
        if logged:
            blocks.append(series(run_id, "loss", logged))
        numbers = [value for value in logged if not isinstance(value, str) and value == value]
        last = logged[-1] if logged else None
        keys[run_id] = {
            "created": created,
            "number": number // 3 + 1,
            "status": status,
            "name": (name or run_id)[:200].encode(),
            "run_id": run_id.encode(),
            "started": started,
            "ended": ended,
            "duration": None if ended is None or started is None else ended - started,
            "metric:loss": None if last is None or isinstance(last, str) or last != last else last,
            "metric_min:loss": min(numbers, default=None),
            "metric_max:loss": max(numbers, default=None),
            "tag:group": None if group in ("absent", None) else group.encode(),
            "metric:nowhere": None,
            "tag:nowhere": None,
            "place": number,
        }
    say(store, *events, *blocks)
    return keys


def expected(keys: dict[str, dict[str, Any]], order: str, descending: bool) -> list[str]:
    with_value = [run_id for run_id in keys if keys[run_id][order] is not None]
    with_value.sort(key=lambda run_id: (keys[run_id][order], keys[run_id]["place"]), reverse=descending)
    without = [run_id for run_id in keys if keys[run_id][order] is None]
    without.sort(key=lambda run_id: keys[run_id]["place"], reverse=descending)
    return with_value + without


def test_pages_of_every_order_show_each_run_once_and_in_order_missing_values_last(store: Store) -> None:
    keys = fill(store)
    for order in ORDERS:
        for descending in (True, False):
            query = RunQuery(order_by=order, descending=descending)
            whole = expected(keys, order, descending)
            assert ids(store, order_by=order, descending=descending) == whole, (order, descending)
            for limit in (1, 7, 59, 60, 61):
                if limit == 1 and order not in ("created", "metric:loss", "tag:group"):
                    continue
                found: list[str] = []
                page = store.runs(replace(query, limit=limit))
                found += [run.run_id for run in page.runs]
                while page.next_cursor is not None:
                    assert len(page.runs) == limit
                    page = store.runs(replace(query, limit=limit, cursor=page.next_cursor))
                    found += [run.run_id for run in page.runs]
                assert found == whole, (order, descending, limit)


def test_a_cursor_goes_with_filters(store: Store) -> None:
    keys = fill(store)
    query = RunQuery(experiment="e1", order_by="metric:loss", limit=4, tags={"group": ANY})
    page = store.runs(query)
    found = page.runs
    while page.next_cursor:
        page = store.runs(replace(query, cursor=page.next_cursor))
        found += page.runs
    whole = [run_id for run_id in expected(keys, "metric:loss", True) if keys[run_id]["place"] % 3 == 1]
    assert [run.run_id for run in found] == [run_id for run_id in whole if "group" in store.run(run_id).tags]


def test_runs_that_come_while_one_pages_move_nothing(store: Store) -> None:
    fill(store, 30)
    query = RunQuery(limit=10)
    first = store.runs(query)
    say(store, run_event("new", time_ns=T0 + 10**12))
    rest = list(store.all_runs(replace(query, limit=None, cursor=first.next_cursor)))
    assert len({run.run_id for run in [*first.runs, *rest]}) == 30


@pytest.mark.parametrize("limit", [0, 1, 29, 30, 31, 1500, None])
def test_all_runs_gives_as_many_as_are_wanted(store: Store, limit: int | None) -> None:
    fill(store, 30)
    whole = ids(store)
    assert [run.run_id for run in store.all_runs(RunQuery(limit=limit))] == whole[: 30 if limit is None else limit]


def test_all_runs_goes_over_many_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milepost.store.store._PAGE", 7)
    fill(store, 30)
    assert [run.run_id for run in store.all_runs(RunQuery(limit=23))] == ids(store)[:23]
    assert [run.run_id for run in store.all_runs()] == ids(store)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda data: base64.urlsafe_b64encode(data).decode()))
)
def test_a_cursor_that_is_none_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(BadInput, match="cursor"):
        store.runs(RunQuery(cursor=cursor))


@pytest.mark.parametrize(
    "forged",
    [
        [1, "created", True, False, "text", 1],
        [1, "created", True, False, None, 1],
        [1, "created", True, False, 2**63, 1],
        [1, "created", True, False, float("nan"), 1],
        [1, "created", True, False, 1, 2**63],
        [1, "created", True, False, 1, "1"],
        [1, "created", True, False, [1], 1],
        [1, "created", True, True, 1, 1],
        [1, "created", True, "no", 1, 1],
        [2, "created", True, False, 1, 1],
        [1, "created", True, False, 1],
        {"a": 1},
        "x",
    ],
)
def test_a_forged_cursor_is_refused(store: Store, forged: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
    with pytest.raises(BadInput, match="cursor"):
        store.runs(RunQuery(cursor=cursor))


def test_a_cursor_of_another_order_is_refused(store: Store) -> None:
    fill(store, 5)
    cursor = store.runs(RunQuery(limit=2)).next_cursor
    for other in (RunQuery(cursor=cursor, order_by="name"), RunQuery(cursor=cursor, descending=False)):
        with pytest.raises(BadInput, match="another query"):
            store.runs(other)


@pytest.mark.parametrize(
    "order", ["", "created_ns", "metric:", "metric", "tag:", "key; DROP TABLE runs", "metric_avg:x"]
)
def test_an_unknown_order_is_refused(store: Store, order: str) -> None:
    with pytest.raises(BadInput, match="cannot be ordered by"):
        store.runs(RunQuery(order_by=order))


# Filters.


@pytest.fixture
def family(store: Store) -> Store:
    """root(a(b(c)), d), and other, in two experiments, with tags and properties."""
    parents = {"root": None, "a": "root", "b": "a", "c": "b", "d": "root", "other": None}
    for number, (run_id, parent) in enumerate(parents.items()):
        say(
            store,
            run_event(
                run_id,
                "second" if run_id == "other" else "first",
                T0 + number,
                parent_id=parent,
                type="azureml.scriptrun" if run_id in "ab" else None,
                status="Completed" if run_id in ("c", "d") else "Running",
                tags={"owner": run_id, "flag": None} if run_id in "abcd" else {"owner": "else"},
                properties={"commit": "1234", "p": run_id},
            ),
        )
    store.archive_run("d")
    return store


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "other c b a root"),
        ({"archived": True}, "d"),
        ({"archived": None}, "other d c b a root"),
        ({"experiment": "second"}, "other"),
        ({"experiment": "nothing"}, ""),
        ({"run_ids": ("a", "root", "nothing", "a")}, "a root"),
        ({"run_ids": ()}, ""),
        ({"type": "azureml.scriptrun"}, "b a"),
        ({"statuses": ("Completed",), "archived": None}, "d c"),
        ({"statuses": ("Completed", "Running")}, "other c b a root"),
        ({"statuses": ()}, ""),
        ({"tags": {"owner": "a"}}, "a"),
        ({"tags": {"owner": ANY}}, "other c b a root"),
        ({"tags": {"flag": None}}, "c b a"),
        ({"tags": {"flag": ANY, "owner": "b"}}, "b"),
        ({"tags": {"owner": None}}, ""),
        ({"tags": {"flag": "None"}}, ""),
        ({"tags": {"OWNER": "a"}}, ""),
        ({"properties": {"commit": "1234"}}, "other c b a root"),
        ({"properties": {"commit": "1234", "p": "c"}}, "c"),
        ({"properties": {"p": ANY}, "experiment": "second"}, "other"),
        ({"parent_id": "root"}, "a"),
        ({"parent_id": "root", "archived": None}, "d a"),
        ({"parent_id": "nothing"}, ""),
        ({"ancestor_id": "root"}, "c b a"),
        ({"ancestor_id": "a"}, "c b"),
        ({"ancestor_id": "c"}, ""),
        ({"include_children": False}, "other root"),
        ({"tags": {"owner": "' OR 1=1 --"}}, ""),
        ({"experiment": "a\0\ud800"}, ""),
        ({"tags": {"a\0\ud800": "a\0\ud800"}}, ""),
    ],
)
def test_filters(family: Store, query: dict[str, Any], found: str) -> None:
    assert ids(family, **query) == found.split()
    assert ids(family, **query, order_by="metric:loss", limit=50) == found.split()
    assert ids(family, **query, order_by="tag:nothing", limit=50) == found.split()


def test_one_run_is_found_by_its_id(family: Store) -> None:
    run = family.run("b")
    assert (run.parent_id, run.root_id, run.experiment, run.tags) == (
        "a",
        "root",
        "first",
        {"owner": "b", "flag": None},
    )
    assert run.experiment_id == family.experiment("first").id
    for unknown in ("nothing", "B", "", "a\0\ud800"):
        with pytest.raises(NotFound, match="no run"):
            family.run(unknown)


def test_an_archived_run_can_be_brought_back(family: Store) -> None:
    assert family.run("d").archived_ns is not None
    family.archive_run("d", False)
    assert family.run("d").archived_ns is None
    with pytest.raises(NotFound):
        family.archive_run("nothing")


def test_a_page_takes_a_fixed_number_of_statements(store: Store) -> None:
    fill(store, 60)
    said = []
    sql_event.listen(store.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    for limit in (5, 50):
        said.clear()
        page = store.runs(RunQuery(limit=limit, order_by="metric:loss"))
        assert all(isinstance(run, RunRecord) for run in page.runs)
        assert sum("SELECT" in statement for statement in said) <= 5


def test_pages_walk_an_index_on_sqlite(store: Store, engine_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine_name != "sqlite":
        pytest.skip("PostgreSQL plans by its statistics")
    monkeypatch.setattr("milepost.store.run_pages.FEW", 0)
    fill(store, 10)
    said: list[tuple[str, Any]] = []
    sql_event.listen(store.engine, "before_cursor_execute", lambda *given: said.append((given[2], given[3])))
    for order, filters in [
        ("created", {}),
        ("status", {}),
        ("metric:loss", {}),
        ("tag:group", {}),
        ("created", {"experiment": "e1"}),
        *((order, TABLE) for order in ("created", "number", "status", "name", "started", "ended", "duration")),
        ("metric:loss", TABLE),
    ]:
        for descending in (True, False):
            said.clear()
            page = store.runs(RunQuery(order_by=order, descending=descending, limit=3, **filters))
            store.runs(RunQuery(order_by=order, descending=descending, limit=3, cursor=page.next_cursor, **filters))
            # Those without the value are few, and sorted.
            statements = [each for each in said if "LIMIT" in each[0] and "NOT IN (SELECT" not in each[0]]
            assert len(statements) >= 2
            for statement, bound in statements:
                with store.engine.connect() as connection:
                    rows = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, bound).all()
                inner = [row[3] for row in rows if row[1] != 0 or "SUBQUERY" in row[3] or "CO-ROUTINE" in row[3]]
                assert not any(line.startswith(("SCAN runs", "SCAN metrics", "SCAN tags")) for line in inner), inner
                # Once: the runs that were found are sorted again when their rows are fetched.
                sorts = [row[3] for row in rows if "TEMP B-TREE FOR ORDER BY" in row[3]]
                assert len(sorts) <= 1, (order, [row[3] for row in rows])


def test_the_indexes_for_filters_are_used_on_sqlite(store: Store, engine_name: str) -> None:
    if engine_name != "sqlite":
        pytest.skip("PostgreSQL plans by its statistics")
    fill(store, 10)
    said: list[tuple[str, Any]] = []
    sql_event.listen(store.engine, "before_cursor_execute", lambda *given: said.append((given[2], given[3])))
    for query, index in [
        (RunQuery(tags={"group": "x"}), "ix_tags_value"),
        (RunQuery(tags={"group": ANY}), "SEARCH tags USING COVERING INDEX"),
        (RunQuery(properties={"p": ANY}), "SEARCH properties USING COVERING INDEX"),
        (RunQuery(filter="metrics.loss < 3"), "SEARCH metrics USING COVERING INDEX ix_metrics_by_value"),
        (RunQuery(filter="tags.group = 'x'", **TABLE), "ix_tags_value"),
        (RunQuery(filter="run_id = 'run001'", **TABLE), "sqlite_autoindex_runs_1"),
        (RunQuery(run_ids=("run001",), limit=5), "sqlite_autoindex_runs_1"),
        (RunQuery(parent_id="run001", limit=5), "ix_runs_workspace_key_parent_id"),
        (RunQuery(target="pool", limit=5), "ix_runs_target"),
        (RunQuery(target="x" * 200, statuses=("Queued",), limit=5), "ix_runs_target"),
        (RunQuery(ancestor_id="run001", limit=5), "ix_runs_workspace_key_parent_id"),
    ]:
        said.clear()
        store.runs(query)
        with store.engine.connect() as connection:
            plans = [
                row[3]
                for statement, bound in said
                if statement.startswith(("SELECT", "WITH"))
                for row in connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, bound).all()
            ]
        assert any(index in line for line in plans), (index, plans)


# Experiments.


def test_experiments_are_listed_newest_first_with_their_runs(store: Store) -> None:
    say(store, run_event("a", "one", T0), run_event("b", "one", T0 + 7), event("experiment", "", T0 + 3, name="two"))
    say(store, series("placeholder", "loss", [1.0]))
    assert [(one.name, one.run_count, one.last_run_ns) for one in store.experiments()] == [
        ("two", 0, None),
        ("one", 2, T0 + 7),
    ]
    one = store.experiment("one")
    assert (one.created_ns, one.archived_ns, one.description, one.tags) == (T0, None, "", {})
    assert store.experiment_by_id(one.id) == one


def test_an_experiment_is_archived_reactivated_described_and_tagged(store: Store) -> None:
    store.ensure_experiment("e")
    found = store.update_experiment("e", archived=True, description="d", set_tags={"a": "1", "b": None})
    assert found.archived_ns is not None
    assert (found.description, found.tags) == ("d", {"a": "1", "b": None})
    assert store.experiments() == []
    assert store.experiments("archived") == store.experiments("all") == [found]
    again = store.update_experiment("e", archived=True, remove_tags=["b", "never"])
    assert (again.archived_ns, again.tags, again.description) == (found.archived_ns, {"a": "1"}, "d")
    assert store.update_experiment("e", archived=False).archived_ns is None
    assert [one.name for one in store.experiments()] == ["e"]


def test_what_is_unknown_or_cannot_be_kept_is_refused(store: Store) -> None:
    for call in (store.experiment, store.experiment_by_id, store.update_experiment):
        with pytest.raises(NotFound, match="no experiment"):
            call("nothing")
    for name in ("", " x", "a\nb", "x" * 256, "a\0b", "\ud800"):
        with pytest.raises(BadInput, match="cannot be kept"):
            store.ensure_experiment(name)
    with pytest.raises(BadInput, match="none of active, archived, all"):
        store.experiments("some")


def test_an_experiment_is_made_once(store: Store) -> None:
    assert store.ensure_experiment("e").id == store.ensure_experiment("e").id


def test_the_workspace_counts_what_it_holds(store: Store) -> None:
    say(store, run_event("r"), run_event("s", status="Completed"), series("r", "a", [1, 2, 3]), series("s", "a", [1]))
    upload = {"digest": "a" * 64, "size": 10}
    say(store, event("artifact", "r", name="x", **upload), event("artifact", "s", name="y", **upload))
    info = store.info()
    assert (info.id, info.name, info.schema) == (store.workspace_id, "test", HEAD)
    assert (info.experiments, info.runs, info.active_runs, info.metrics, info.points) == (1, 2, 1, 2, 4)
    assert (info.artifacts, info.artifact_bytes, info.blob_bytes, info.models) == (2, 20, 10, 0)


def test_a_reader_sees_one_state_of_the_store(store: Store) -> None:
    say(store, run_event("r"), series("r", "a", [1]))
    with store.reading() as connection:
        query = text("SELECT count(*) FROM runs")
        before = connection.scalar(query)
        say(store, run_event("s"))
        assert connection.scalar(query) == before


def test_runs_are_found_by_the_beginnings_of_their_ids(store: Store) -> None:
    there = ["AB-1", "ab", "ab_2", "ab-1", "abc", "a\u00e4", "b\U0010fffe", "b%"]
    say(store, *(run_event(run_id) for run_id in there), event("tags", "ab-unknown", T0, set={"a": "1"}))
    found = store.ids_beginning(["ab", "a\u00e4", "b", "B", "%", "a\udcff"], 3)
    assert found == {"ab": ["ab", "ab-1", "ab_2"], "a\u00e4": ["a\u00e4"], "b": ["b%", "b\U0010fffe"]} | {
        nothing: [] for nothing in ("B", "%", "a\udcff")
    }
