"""The filter language: what is read, what is refused and how, and that it means the same everywhere."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sql_event

from milepost.store.engine import write
from milepost.store.errors import BadInput
from milepost.store.filter_grammar import parse, parse_field
from milepost.store.filters import (
    And,
    BadFilter,
    Compare,
    Field,
    Has,
    In,
    IsNull,
    Like,
    Moment,
    Not,
    Or,
    Part,
)
from milepost.store.records import RunQuery
from milepost.store.schema import parameters, runs
from tests.store.builders import T0, event, run_event, say, series
from tests.store.filter_reference import NAMES, TEXTS, VALUES, Facts, filters, true_of

if TYPE_CHECKING:
    from milepost.store.store import Store


def found(store: Store, text: str, **more: Any) -> set[str]:
    return {run.run_id for run in store.runs(RunQuery(filter=text, **more)).runs}


# Reading.


def test_what_is_written_is_what_is_meant() -> None:
    mse = Field("metrics", "mse")
    assert parse("metrics.mse < 0.3") == Compare(mse, "<", 0.3)
    assert parse('a.b = "c"'.replace("a.b", "tags.b")) == Compare(Field("tags", "b"), "=", "c")
    assert parse("min(metrics.mse)<1") == Compare(Field("metrics", "mse", "min"), "<", 1)
    assert parse("last(metrics.mse) is null") == IsNull(mse)
    assert parse("has params.'learning rate'") == Has(Field("params", "learning rate"))
    assert parse("metrics.`val loss` is not null") == IsNull(Field("metrics", "val loss"), True)
    assert parse('metrics."val/loss" == 1') == parse("metrics.val/loss = 1")
    assert parse("duration > 1.5h") == Compare(Field("duration"), ">", 5400.0)
    assert parse("created >= 1970-01-02") == Compare(Field("created"), ">=", Moment(86400 * 10**9))
    assert parse("created > '1970-01-01T01:00:00.5+01:00'") == Compare(Field("created"), ">", Moment(5 * 10**8))
    assert parse("status not in ('completed', \"FAILED\")") == In(Field("status"), ("Completed", "Failed"), True)
    assert parse(r'name like "100\%"') == Like(Field("name"), r"100\%")
    assert parse(r'name = "a\"b\\c"') == Compare(Field("name"), "=", 'a"b\\c')


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = (Compare(Field("number"), "=", number) for number in (1, 2, 3))
    assert parse("number=1 or number=2 AND NOT number=3") == Or((a, And((b, Not(c)))))
    assert parse("(number=1 or number=2) and number=3") == And((Or((a, b)), c))
    assert parse("not not (number=1)") == Not(Not(a))


@given(filters)
def test_every_filter_is_read_again_from_its_text(part: Part) -> None:
    assert parse(str(part)) == part


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("metrics.mse <", 13, "ends too early"),
        ("tags.stage = prod", 13, "quotes"),
        ("metircs.mse < 3", 0, "did you mean metrics"),
        ("stauts = 'Failed'", 0, "did you mean status"),
        ("tags = 'a'", 0, "tags.NAME"),
        ("status = 'Compleated'", 9, "did you mean Completed"),
        ('name = "x', 7, "does not end"),
        ("name > 3", 7, "a text in quotes"),
        ("metrics.mse = '3'", 14, "a number"),
        ("created > 'yesterday'", 10, "no time"),
        ("created > 2026-02-30", 10, "no time"),
        ("number > 2026-02-03", 9, "a number"),
        ("number=1 and", 12, "ends too early"),
        ("number=1 number=2", 9, "and, or"),
        ("min(tags.x) < 3", 4, "takes a metric"),
        ("has status", 4, "has takes"),
        ("number like '3'", 0, "texts"),
        ("name like 'a\\'", 10, "does not end"),
        ("name like 'a\\\\'", 10, "backslash"),
        ("name in ()", 9, "not understood"),
        ("x.__class__ = 1", 0, "there is no"),
        ("__import__('os')", 10, "not understood"),
        ("", 0, "ends too early"),
        ("\0", 0, "not understood"),
        ("(" * 60 + "number=1" + ")" * 60, 60, "nested"),
        ("not " * 900 + "number=1", None, "nested"),
        (" or ".join(["number=1"] * 101), 1200, "conditions"),
        ("number=1 or " * 400, 4000, "characters"),
        ("tags.'' = 'a'", 5, "empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, position: int | None, words: str) -> None:
    with pytest.raises(BadFilter) as caught:
        parse(text)
    assert words in str(caught.value)
    assert position is None or caught.value.position == position
    assert isinstance(caught.value, BadInput)
    assert len(str(caught.value)) < 600


@given(st.text(max_size=40) | st.text(alphabet="()'\"`\\.=<>!%_ andornthasmetrics0123", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        part = parse(text)
    except BadFilter as error:
        place = error.position
    else:
        place = 0
        assert parse(str(part)) == part
    assert 0 <= place <= len(text)


def test_a_field_alone() -> None:
    assert parse_field("tags.a.b") == Field("tags", "a.b")
    assert parse_field("max(metrics.mse)") == Field("metrics", "mse", "max")
    for text in ("tags.a is null or tags.b", "", "tags.", "nothing", "not status"):
        with pytest.raises(BadFilter):
            parse_field(text)


# What is found.


def fill(store: Store, count: int = 40) -> dict[str, Facts]:
    chance = random.Random(count)
    facts: dict[str, Facts] = {}
    said: list[Any] = []
    params: list[tuple[str, str, str]] = []
    for number in range(count):
        run_id = f"run{number:03}"
        created = T0 + chance.randrange(6) * 10**9
        status = chance.choice(["Running", "Completed", "Failed", "Queued"])
        plain: dict[str, Any] = {
            "experiment": chance.choice(["exp", "a", "Prod"]),
            "display_name": chance.choice([None, *TEXTS]) or None,
            "type": chance.choice([None, "a", "b"]),
            "target": chance.choice([None, "A", "prod", "y" * 120]),
            "submitted_by": chance.choice([None, "prod", "x_y"]),
            "description": chance.choice([None, "a\\b", "prod"]),
            "parent_id": chance.choice([None, None, "run000", "elsewhere"]),
        }
        run = facts[run_id] = Facts(
            {**plain, "run_id": run_id, "created": created, "status": status, "started": None, "ended": None}
        )
        given_facts = {name: value for name, value in plain.items() if value is not None}
        said.append(run_event(run_id, time_ns=created, **{**given_facts, "status": "Queued"}))
        if status != "Queued":
            run.plain["started"] = created + 5
            said.append(event("status", run_id, created + 5, status="Running"))
            if status != "Running":
                run.plain["ended"] = created + 5 + chance.choice([0, 1, 10**9, 90 * 10**9])
                said.append(event("status", run_id, run.plain["ended"], status=status))
        for name in chance.sample(NAMES, 3):
            run.tags[name] = chance.choice([None, *VALUES])
            run.properties[name] = chance.choice(VALUES)
            run.params[name] = chance.choice(VALUES)
            logged: list[Any] = chance.choice(
                [[1.0], [2, 1], [float("nan")], [float("inf")], ["text"], [3, float("nan")], [0.5, -3], [True]]
            )
            run.metrics[name] = [float(each) if not isinstance(each, str) else each for each in logged]
            said.append(series(run_id, name, logged))
            params.append((run_id, name, run.params[name]))
        said.append(event("tags", run_id, set=run.tags))
        said.append(event("properties", run_id, set=run.properties))
    say(store, *said)
    with write(store.engine) as connection:
        keys = {row.run_id: row.key for row in connection.execute(runs.select())}
        rows = [
            {"run_key": keys[run_id], "workspace_key": store.workspace_key, "name": name, "value": value}
            for run_id, name, value in params
        ]
        connection.execute(parameters.insert(), rows)
    for run_id, run in facts.items():
        record = store.run(run_id)
        run.plain["number"] = record.number
        run.plain["name"] = record.display_name or run_id
        run.plain["parent"] = record.parent_id
        run.plain["duration"] = None if run.plain["ended"] is None else run.plain["ended"] - run.plain["started"]
        for name in ("type", "target", "submitted_by", "description"):
            assert getattr(record, name) == run.plain[name], name
    return facts


def test_a_filter_finds_what_plain_python_finds(store: Store) -> None:
    facts = fill(store)

    @settings(suppress_health_check=list(HealthCheck))
    @given(filters)
    def check(part: Part) -> None:
        wanted = {run_id for run_id, run in facts.items() if true_of(part, run)}
        assert found(store, str(part)) == wanted, str(part)

    check()


def test_not_and_missing_values(store: Store) -> None:
    say(store, run_event("with"), run_event("without"), event("tags", "with", set={"stage": "prod"}))
    assert found(store, 'tags.stage = "prod"') == {"with"}
    assert found(store, 'not tags.stage = "prod"') == {"without"}
    assert found(store, 'tags.stage != "dev"') == {"with"}
    assert found(store, 'tags.stage not in ("dev")') == {"with"}
    assert found(store, "not has tags.stage") == {"without"}


def test_texts_that_are_numbers_are_compared_as_numbers(store: Store) -> None:
    values = ["0.05", "5e-2", "0.5", "1e999", "abc", "0,05", "", "-1"]
    say(store, *(run_event(f"r{place}") for place in range(len(values))))
    say(store, *(event("tags", f"r{place}", set={"lr": value}) for place, value in enumerate(values)))
    assert found(store, "tags.lr = 0.05") == {"r0", "r1"}
    assert found(store, 'tags.lr = "0.05"') == {"r0"}
    assert found(store, "tags.lr < 0.1") == {"r0", "r1", "r7"}
    assert found(store, "tags.lr > 1e300") == {"r3"}
    assert found(store, "tags.lr in (0.5, 'abc')") == {"r2", "r4"}


def test_the_largest_filters_are_answered(store: Store) -> None:
    say(store, run_event("r"))
    assert found(store, " or ".join(["number=1"] * 100)) == {"r"}
    assert found(store, " and ".join(["not has tags.a"] * 100)) == {"r"}
    assert found(store, "(" * 50 + "number=1" + ")" * 50) == {"r"}
    assert found(store, "(number=1 or " * 50 + "number=1" + ")" * 50) == {"r"}
    assert found(store, "not " * 50 + "number=1") == {"r"}
    mixed = "not (has tags.a and (number=1 or " * 16 + "not (name = 'x' and number > 3)" + "))" * 16
    assert found(store, mixed) == {"r"}
    assert found(store, f"number in ({','.join(['1'] * 1900)})") == {"r"}
    assert found(store, "tags.a not in (" + ",".join(["1,2.5,'a'"] * 300) + ")") == set()
    assert found(store, f"number < 1{'0' * 3900}") == {"r"}
    assert found(store, "name like '" + "%a" * 1900 + "'") == set()


def test_nothing_of_a_filter_becomes_a_part_of_the_statement(store: Store) -> None:
    say(store, run_event("r"))
    statements: list[str] = []
    sql_event.listen(store.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    mark = "zqx"
    for text in (
        f"name = '{mark}'",
        f"name like '%{mark}%'",
        f"tags.{mark} = '{mark}'",
        f'params."{mark}\'); DROP TABLE runs; --" < 3',
        f"metrics.{mark} > 1 and not metrics.{mark} in (2, 3)",
        f"experiment in ('{mark}', '{mark}''')".replace("'''", "\\''"),
        f"has properties.`{mark}`",
        f"target != '{mark}'",
    ):
        found(store, text)
    assert len(statements) >= 8
    assert not [each for each in statements if mark in each or "DROP" in each]


def test_orders_name_no_statement_either(store: Store) -> None:
    say(store, run_event("r"))
    for order in (
        "created; DROP TABLE runs",
        "metric:'; DROP TABLE runs; --",
        "name desc",
        "",
        "tag:",
        "param:",
        "x:y",
    ):
        if order.startswith("metric:"):
            assert [run.run_id for run in store.runs(RunQuery(order_by=order)).runs] == ["r"]
        else:
            with pytest.raises(BadInput, match="cannot be ordered"):
                store.runs(RunQuery(order_by=order))
