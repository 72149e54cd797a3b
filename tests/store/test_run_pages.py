"""Pages of filtered runs are what plain Python makes of them, whichever way they are found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.store.filter_grammar import parse_field
from milepost.store.filters import Field, IsNull
from milepost.store.records import RunQuery
from milepost.store.run_pages import count_runs
from tests.store.filter_reference import filters, true_of, value_of
from tests.store.test_filters import fill

if TYPE_CHECKING:
    from milepost.store.filters import Part
    from milepost.store.store import Store
    from tests.store.filter_reference import Facts

ORDERS = {
    **{name: name for name in ("created", "number", "status", "name", "started", "ended", "duration", "target")},
    "experiment": "experiment",
    "metric:a": "metrics.a",
    "metric_min:b.c": "min(metrics.b.c)",
    "metric_max:a": "max(metrics.a)",
    "tag:in": "tags.in",
    "property:val/loss": "properties.val/loss",
    "param:ü": "params.ü",
}
"""Order -> the field of a filter that has its values."""
ALL = IsNull(Field("run_id"), negated=True)
SIZES = {
    "in the usual way": {},
    "looking ahead at few": {"run_pages._LEAST_AHEAD": 4, "run_pages._MOST_AHEAD": 4},
    "gathering all": {"run_pages._MOST_AHEAD": 0, "run_pages.FEW": 0, "filter_few.MOST": 0},
    "gathering, then sorting": {"run_pages._MOST_AHEAD": 1, "run_pages.FEW": 1000, "filter_few.MOST": 0},
    "walking from few": {"run_pages._MOST_AHEAD": 0, "run_pages.FEW": 0, "filter_few.MOST": 1000},
}


def place(order: str, run: Facts) -> Any:
    """What the order sorts by; None where the run does not have it."""
    value = value_of(parse_field(ORDERS[order]), run)
    if isinstance(value, str):
        kept = {"name": 200, "target": 200}.get(order, 100 if ":" in order else None)
        return value[:kept].encode()
    return value


def expected(facts: dict[str, Facts], part: Part, order: str, descending: bool) -> list[str]:
    found = [(run_id, run) for run_id, run in facts.items() if true_of(part, run)]
    having = [(place(order, run), number, run_id) for number, (run_id, run) in enumerate(found)]
    with_value = sorted((each for each in having if each[0] is not None), reverse=descending)
    without = sorted((each for each in having if each[0] is None), key=lambda each: each[1], reverse=descending)
    return [run_id for *_, run_id in [*with_value, *without]]


def walked(store: Store, query: RunQuery) -> list[str]:
    page = store.runs(query)
    found = [run.run_id for run in page.runs]
    while page.next_cursor is not None:
        assert len(page.runs) == query.limit
        page = store.runs(replace(query, cursor=page.next_cursor, offset=0))
        found += [run.run_id for run in page.runs]
    return found


@pytest.mark.parametrize("how", SIZES)
def test_pages_of_a_filter_in_any_order_show_each_run_once(
    store: Store, how: str, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine_name != "sqlite" and how != "in the usual way":
        pytest.skip("PostgreSQL decides by itself")
    for name, size in SIZES[how].items():
        monkeypatch.setattr(f"milepost.store.{name}", size)
    facts = fill(store)

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(
        part=filters,
        order=st.sampled_from(list(ORDERS)),
        descending=st.booleans(),
        limit=st.integers(1, 12),
        offset=st.integers(0, 45),
        experiment=st.sampled_from([None, "exp"]),
        children=st.booleans(),
    )
    def check(
        part: Part, order: str, descending: bool, limit: int, offset: int, experiment: str | None, children: bool
    ) -> None:
        listed = {
            run_id: run
            for run_id, run in facts.items()
            if experiment in (None, run.plain["experiment"]) and (children or run.plain["parent"] is None)
        }
        query = RunQuery(
            experiment=experiment,
            include_children=children,
            filter=str(part),
            order_by=order,
            descending=descending,
            limit=limit,
        )
        whole = expected(listed, part, order, descending)
        assert walked(store, query) == whole
        assert walked(store, replace(query, offset=offset)) == whole[offset:]
        assert count_runs(store, query, 1000) == len(whole)

    check()


def test_without_a_filter_pages_begin_where_one_wants(store: Store) -> None:
    facts = fill(store)
    everything = expected(facts, ALL, "metric:a", True)
    assert walked(store, RunQuery(order_by="metric:a", limit=7)) == everything
    for offset in (0, 1, 5, 17, 39, 40, 41, 1000):
        assert walked(store, RunQuery(order_by="metric:a", limit=7, offset=offset)) == everything[offset:]
        found = store.runs(RunQuery(order_by="metric:a", offset=offset))
        assert [run.run_id for run in found.runs] == everything[offset:]


def test_all_runs_pass_over_an_offset_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milepost.store.store._PAGE", 7)
    fill(store, 30)
    whole = [run.run_id for run in store.all_runs()]
    assert [run.run_id for run in store.all_runs(RunQuery(offset=5))] == whole[5:]
