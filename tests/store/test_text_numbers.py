"""The number beside the text of a tag, property or parameter is what the text says, whoever wrote it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from milepost.store.engine import read, write
from milepost.store.schema import parameters, properties, tags
from milepost.store.texts import clean
from tests.store.builders import event, run_event, say
from tests.store.filter_reference import VALUES, number_in

if TYPE_CHECKING:
    from sqlalchemy import Table

    from milepost.store.store import Store

NEARLY_NUMBERS = st.text(alphabet="0123456789.eE+- ", min_size=1, max_size=12)
NUMBERS = st.floats(allow_nan=False).map(repr) | st.integers().map(str)


def number(store: Store, table: Table) -> float | None:
    with read(store.engine) as connection:
        found: float | None = connection.scalar(select(table.c.number).where(table.c.name == "n"))
        return found


def test_numbers_are_those_that_json_and_python_write(store: Store) -> None:
    say(store, run_event("r", tags={"n": None}))

    @settings(suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(VALUES) | NUMBERS | NEARLY_NUMBERS | st.text(max_size=20))
    @example("1" * 99)
    @example("1" * 100)
    @example("1e-400")
    @example("-1e999")
    @example("2.2250738585072014e-308")
    @example("٣")
    def check(value: str) -> None:
        value = clean(value)
        with write(store.engine) as connection:
            connection.execute(tags.update().values(value=value))
        found, wanted = number(store, tags), number_in(value)
        if found is None or wanted is None or math.isinf(wanted):
            assert found == wanted
        elif abs(wanted) < 2.3e-308:  # PostgreSQL has no smaller ones
            assert abs(found) <= 2.3e-308
        else:  # SQLite is off by a bit where exponents are large
            assert math.isclose(found, wanted, rel_tol=1e-14)

    check()


def test_a_number_follows_its_text(store: Store) -> None:
    say(store, run_event("r"))
    for value, wanted in (("0.5", 0.5), ("none", None), ("-2e3", -2000.0), (None, None), ("7", 7.0)):
        say(store, event("tags", "r", set={"n": value}))
        assert number(store, tags) == wanted
    say(store, event("tags", "r", remove=["n"]), event("properties", "r", set={"n": "12"}))
    assert (number(store, tags), number(store, properties)) == (None, 12.0)


def test_who_does_not_know_of_numbers_writes_them_too(store: Store) -> None:
    say(store, run_event("r"))
    with write(store.engine) as connection:
        connection.execute(
            text("INSERT INTO parameters (run_key, name, workspace_key, value) VALUES (1, 'n', :ws, '0.25')"),
            {"ws": store.workspace_key},
        )
    assert number(store, parameters) == 0.25
