"""Every row of the article's table of metric kinds, with every kind of value."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azureml.core import Experiment, Run
from azureml.exceptions import UserErrorException


def same(a: Any, b: Any) -> bool:
    """Equal in value and type; NaN equals NaN, 0.0 is not -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


class TestScalars:
    @pytest.mark.parametrize(
        "value",
        [
            *(0.95, -0.0, 1e-300, float("nan"), float("inf"), float("-inf")),
            *(3, 0, -(2**63), 2**63 - 1, 2**200, -(2**64), True, False),
            *("text", "", "ünïcödé 🚂", "line\nbreak", "=1+1", "a\0b"),
        ],
    )
    def test_one_value_comes_back_as_itself(self, run: Run, value: Any) -> None:
        run.log("metric", value)
        assert same(run.get_metrics(), {"metric": value})

    @pytest.mark.parametrize(
        ("value", "plain"),
        [
            (np.float64(0.5), 0.5),
            (np.float32(0.5), 0.5),
            (np.float16(0.5), 0.5),
            (np.int8(-3), -3),
            (np.uint64(2**64 - 1), 2**64 - 1),
            (np.bool_(True), True),
            (np.str_("x"), "x"),
            (np.array(7), 7),
            (np.array([7.5]), 7.5),
            (np.mean([1.0, 2.0]), 1.5),
            (Decimal("1.25"), 1.25),
            (Fraction(1, 4), 0.25),
        ],
    )
    def test_numpy_scalars_and_kin_become_python_values(self, run: Run, value: Any, plain: Any) -> None:
        run.log("metric", value)
        assert same(run.get_metrics(), {"metric": plain})

    def test_a_name_logged_again_becomes_a_vector_in_order(self, run: Run) -> None:
        values = [1.0, 2, "three", True, float("nan"), 2**70, -0.0]
        for value in values:
            run.log("metric", value)
        assert same(run.get_metrics()["metric"], values)

    def test_metrics_come_back_in_the_order_of_first_logging(self, run: Run) -> None:
        for name in ["z", "a", "m", "z", "b"]:
            run.log(name, 1.0)
        run.log_row("row", x=1)
        run.log_list("list", [1])
        assert list(run.get_metrics()) == ["z", "a", "m", "b", "row", "list"]

    def test_only_the_name_asked_for(self, run: Run) -> None:
        run.log("a", 1.0)
        run.log("b", 2.0)
        assert run.get_metrics("a") == {"a": 1.0}
        assert run.get_metrics(name="none") == {}

    def test_steps_are_kept_and_count_from_zero_where_not_given(self, run: Run) -> None:
        for step in (10, 20, np.int64(30), 40.0):
            run.log("given", 1.0, step=step)
        for _ in range(3):
            run.log("counted", 1.0)
        store = run._recorder.fresh()
        assert store.metric_points(run.id, "given").steps.tolist() == [10, 20, 30, 40]
        assert store.metric_points(run.id, "counted").steps.tolist() == [0, 1, 2]

    def test_descriptions_are_kept(self, run: Run) -> None:
        run.log("mse", 1.0, "mean squared error")
        summary = run._recorder.fresh().metric_summaries([run.id])[0]
        assert summary.description == "mean squared error"

    def test_names_in_any_script_and_up_to_1024_characters(self, run: Run) -> None:
        names = [
            "точность",
            "损失/训练",
            "a b\tc",
            "x" * 1024,
            "🚂" * 512,
            "é" * 1024,
            "..",
            "train/loss",
            "'; DROP TABLE runs; --",
        ]
        for name in names:
            run.log(name, 1.0)
        assert list(run.get_metrics()) == names


class TestLists:
    def test_the_articles_list(self, run: Run) -> None:
        run.log_list("accuracies", [0.6, 0.7, 0.87])
        assert same(run.get_metrics(), {"accuracies": [0.6, 0.7, 0.87]})

    @pytest.mark.parametrize(
        ("values", "plain"),
        [
            ([], []),
            ([1], [1]),
            ((1, 2.5, "x", True), [1, 2.5, "x", True]),
            (lambda: (each / 2 for each in range(3)), [0.0, 0.5, 1.0]),
            (range(3), [0, 1, 2]),
            (np.arange(0.0, 1.0, 0.5), [0.0, 0.5]),
            (np.arange(3, dtype=np.int32), [0, 1, 2]),
            (np.array([2**64 - 1], dtype=np.uint64), [2**64 - 1]),
            (np.array([True, False]), [True, False]),
            (np.array([1.5, 2.5], dtype=np.float32), [1.5, 2.5]),
            ([np.float64(1.5), 2.0], [1.5, 2.0]),
            ([2**70, 1], [2**70, 1]),
            ([float("nan"), float("inf")], [float("nan"), float("inf")]),
        ],
    )
    def test_any_iterable_of_scalars(self, run: Run, values: Any, plain: list[Any]) -> None:
        run.log_list("list", values() if callable(values) else values)
        assert same(run.get_metrics(), {"list": plain})

    def test_another_call_extends_it(self, run: Run) -> None:
        run.log_list("list", [1, 2])
        run.log_list("list", [])
        run.log_list("list", [3.5])
        run.log("list", 4)
        assert same(run.get_metrics(), {"list": [1, 2, 3.5, 4]})

    @pytest.mark.parametrize("kind", [float, int, str])
    def test_a_million_values(self, run: Run, kind: type) -> None:
        values = [kind(each) for each in range(1_000_000)]
        run.log_list("list", values)
        assert run.get_metrics()["list"] == values


class TestRowsAndTables:
    def test_one_row(self, run: Run) -> None:
        run.log_row("Y over X", x=1, y=0.4)
        assert same(run.get_metrics(), {"Y over X": {"x": 1, "y": 0.4}})

    def test_rows_in_a_loop_make_a_table(self, run: Run) -> None:
        for angle in range(3):
            run.log_row("Cosine Wave", angle=angle / 2, cos=math.cos(angle / 2))
        table = {"angle": [0.0, 0.5, 1.0], "cos": [math.cos(0), math.cos(0.5), math.cos(1)]}
        assert same(run.get_metrics(), {"Cosine Wave": table})

    def test_a_column_missing_in_a_row_is_none_there(self, run: Run) -> None:
        run.log_row("row", a=1)
        run.log_row("row", a=2, b="x")
        run.log_row("row", c=True)
        assert same(run.get_metrics(), {"row": {"a": [1, 2, None], "b": [None, "x", None], "c": [None, None, True]}})

    def test_the_articles_table(self, run: Run) -> None:
        run.log_table("Y over X", {"x": [1, 2, 3], "y": [0.6, 0.7, 0.89]})
        assert same(run.get_metrics(), {"Y over X": {"x": [1, 2, 3], "y": [0.6, 0.7, 0.89]}})

    def test_scalars_of_a_table_stay_scalars(self, run: Run) -> None:
        run.log_table("table", {"a": 1, "b": [1, 2], "c": "x", "d": np.array([1.5])})
        assert same(run.get_metrics(), {"table": {"a": 1, "b": [1, 2], "c": "x", "d": [1.5]}})

    def test_columns_of_unequal_length_keep_theirs(self, run: Run) -> None:
        run.log_table("table", {"a": [1, 2, 3], "b": [1], "c": []})
        assert same(run.get_metrics(), {"table": {"a": [1, 2, 3], "b": [1], "c": []}})

    def test_two_tables_of_one_name_are_one(self, run: Run) -> None:
        run.log_table("table", {"a": [1, 2]})
        run.log_table("table", {"a": [3], "b": ["x"]})
        assert same(run.get_metrics(), {"table": {"a": [1, 2, 3], "b": [None, None, "x"]}})

    def test_many_columns_with_any_name(self, run: Run) -> None:
        row = {f"column {each} é": each for each in range(200)}
        run.log_row("wide", **row)
        assert same(run.get_metrics(), {"wide": row})


class TestStructured:
    VALUE = {"schema_type": "confusion_matrix", "schema_version": "v1", "data": {"matrix": [[1, 2], [3, 4]]}}

    @pytest.mark.parametrize("call", ["log_confusion_matrix", "log_accuracy_table", "log_residuals", "log_predictions"])
    @pytest.mark.parametrize("as_text", [False, True])
    def test_a_dict_or_json_gives_a_reference_and_populated_the_dict(self, run: Run, call: str, as_text: bool) -> None:
        getattr(run, call)("cm", json.dumps(self.VALUE) if as_text else self.VALUE)
        reference = run.get_metrics()["cm"]
        assert reference.startswith(f"aml://artifactId/ExperimentRun/dcid.{run.id}/cm_")
        assert run.get_metrics(populate=True) == {"cm": self.VALUE}

    def test_numpy_cells_are_taken(self, run: Run) -> None:
        run.log_confusion_matrix("cm", {**self.VALUE, "data": [np.int64(1)]})
        assert run.get_metrics(populate=True)["cm"]["data"] == [1]

    @pytest.mark.parametrize("value", [{}, {"data": 1}, "not json", "[1]", 3, {**VALUE, "data": object()}])
    def test_what_is_not_one_is_refused_by_name(self, run: Run, value: Any) -> None:
        with pytest.raises(UserErrorException, match="cm"):
            run.log_confusion_matrix("cm", value)


class TestImages:
    def test_a_matplotlib_plot_is_kept_as_png(self, run: Run) -> None:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt

        plt.plot([1, 2])
        run.log_image("ROC", plot=plt)
        figure, _ = plt.subplots()
        run.log_image("figure/1", plot=figure)
        names = run.get_file_names()
        assert [name.split("_")[0] for name in names] == ["ROC", "figure"]
        metrics = run.get_metrics()
        assert metrics["ROC"] == f"aml://artifactId/ExperimentRun/dcid.{run.id}/{names[0]}"
        run.download_file(names[0], "roc.png")
        assert Path("roc.png").read_bytes().startswith(b"\x89PNG")

    def test_a_file_logged_twice_gives_two_references(self, run: Run) -> None:
        Path("cat.jpg").write_bytes(b"\xff\xd8\xff")
        run.log_image("cat", "cat.jpg")
        run.log_image("cat", path="cat.jpg")
        references = run.get_metrics()["cat"]
        assert len(references) == 2
        assert all(each.endswith(".jpg") for each in references)

    def test_both_neither_or_a_missing_file_is_refused(self, run: Run) -> None:
        for arguments in ({}, {"path": "x.png", "plot": object()}, {"path": "none.png"}, {"plot": "text"}):
            with pytest.raises(UserErrorException, match="picture"):
                run.log_image("picture", **arguments)


class TestRefused:
    @pytest.mark.parametrize(
        "value", [None, object(), {}, [1], (1,), b"x", 1j, np.array([1, 2]), np.datetime64("2020-01-01"), lambda: 1]
    )
    def test_what_cannot_be_logged_is_named_and_the_run_goes_on(self, run: Run, value: Any) -> None:
        run.log("before", 1.0)
        with pytest.raises(UserErrorException, match="'bad'") as caught:
            run.log("bad", value)
        assert type(value).__name__ in caught.value.message
        run.log("after", 2.0)
        assert run.get_metrics() == {"before": 1.0, "after": 2.0}

    @pytest.mark.parametrize("value", [None, 5, "text", b"x", {"a": 1}, [[1]], [None], [object()]])
    def test_lists(self, run: Run, value: Any) -> None:
        with pytest.raises(UserErrorException, match="'bad'"):
            run.log_list("bad", value)
        assert run.get_metrics() == {}

    @pytest.mark.parametrize("value", [None, 5, [], {}, {1: 2}, {"a": {"b": 1}}, {"a": [[1]]}, {"a": b"x"}])
    def test_tables(self, run: Run, value: Any) -> None:
        with pytest.raises(UserErrorException, match="'bad'"):
            run.log_table("bad", value)
        assert run.get_metrics() == {}

    @pytest.mark.parametrize("name", [None, 5, "", "x" * 1025, "🚂" * 513, "a\0b", "\ud800", ["x"]])
    def test_names(self, run: Run, name: Any) -> None:
        for call in (run.log, run.log_list, run.log_table):
            with pytest.raises(UserErrorException):
                call(name, {"a": [1]} if call == run.log_table else [1] if call == run.log_list else 1.0)
        assert run.get_metrics() == {}

    @pytest.mark.parametrize("step", ["1", 1.5, True, 2**63, object(), float("nan")])
    def test_steps(self, run: Run, step: Any) -> None:
        with pytest.raises(UserErrorException, match="step"):
            run.log("metric", 1.0, step=step)

    def test_a_name_of_one_kind_cannot_take_another(self, run: Run) -> None:
        run.log("x", 1.0)
        with pytest.raises(UserErrorException, match="log or log_list"):
            run.log_row("x", a=1)
        run.log_row("t", a=1)
        with pytest.raises(UserErrorException, match="log_row or log_table"):
            run.log("t", 1.0)
        assert run.get_metrics() == {"x": 1.0, "t": {"a": 1}}


class TestDescendants:
    def test_recursive_metrics_of_all_descendants(self, run: Run) -> None:
        child = run.child_run("child")
        grandchild = child.child_run("grandchild")
        for each, value in ((run, 0.0), (child, 1.0), (grandchild, 2.0)):
            each.log("m", value)
        assert run.get_metrics(recursive=True) == {child.id: {"m": 1.0}, grandchild.id: {"m": 2.0}}
        assert run.get_metrics(recursive=True, run_type="azureml.scriptrun") == {}
        assert run.get_metrics() == {"m": 0.0}


CELLS = st.one_of(
    st.floats(), st.integers(), st.integers(-(2**70), 2**70), st.booleans(), st.text(st.characters(codec="utf-8"))
)
CALLS = st.one_of(
    st.tuples(st.just("log"), st.sampled_from("ab"), CELLS),
    st.tuples(st.just("log_list"), st.sampled_from("ab"), st.lists(CELLS, max_size=5)),
)


@settings(suppress_health_check=list(HealthCheck))
@given(st.lists(CALLS, max_size=30))
def test_any_sequence_of_calls_comes_back_as_it_was_said(experiment: Experiment, calls: list[Any]) -> None:
    run = experiment.start_logging()
    said: dict[str, list[Any]] = {}
    is_list: set[str] = set()
    for call, name, value in calls:
        getattr(run, call)(name, value)
        said.setdefault(name, []).extend(value if call == "log_list" else [value])
        if call == "log_list":
            is_list.add(name)
    expected = {name: values if len(values) != 1 or name in is_list else values[0] for name, values in said.items()}
    assert same(run.get_metrics(), expected)
    run.complete()
