"""Scores and charts: what they are for predictions whose scores are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from milepost.automl.charts import classification_charts, regression_charts
from milepost.automl.names import CLASSIFICATION, PRIMARY_METRICS, maximized
from milepost.automl.scores import (
    Judged,
    classification_score,
    classification_scores,
    mean_of,
    regression_scores,
)

CLASSES = ["cat", "cow", "dog"]


@pytest.fixture
def judged() -> Judged:
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 3, 60)
    said = generator.random((60, 3)) + np.eye(3)[truth]
    return Judged(truth, said / said.sum(axis=1, keepdims=True))


def test_a_perfect_classifier() -> None:
    truth = np.array([0, 1, 2, 0])
    found = classification_scores(Judged(truth, np.eye(3)[truth]), CLASSES, positive=1)
    assert found.pop("log_loss") == pytest.approx(0, abs=1e-9)
    assert set(found.values()) == {1.0}


def test_scores_are_those_of_scikit_learn(judged: Judged) -> None:
    found = classification_scores(judged, CLASSES)
    guess = judged.said.argmax(axis=1)
    assert found["AUC_weighted"] == pytest.approx(
        metrics.roc_auc_score(judged.truth, judged.said, multi_class="ovr", average="weighted")
    )
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(judged.truth, guess))
    for average in ("macro", "micro", "weighted"):
        expected = metrics.precision_recall_fscore_support(judged.truth, guess, average=average)
        named = (found[f"{name}_score_{average}"] for name in ("precision", "recall", "f1"))
        assert list(named) == pytest.approx(list(expected[:3]))
    assert found["norm_macro_recall"] == pytest.approx(
        metrics.balanced_accuracy_score(judged.truth, guess, adjusted=True)
    )


@pytest.mark.parametrize("metric", PRIMARY_METRICS[CLASSIFICATION])
def test_the_primary_metric_alone_is_the_same(judged: Judged, metric: str) -> None:
    assert classification_score(judged, metric, 3) == pytest.approx(classification_scores(judged, CLASSES)[metric])


def test_a_fold_without_one_of_the_classes_has_scores() -> None:
    truth = np.array([0, 1, 0, 1])
    found = classification_scores(Judged(truth, np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]] * 2)), CLASSES)
    assert found["AUC_weighted"] == found["balanced_accuracy"] == 1.0


def test_the_mean_of_folds_leaves_out_where_a_score_is_not_defined() -> None:
    assert mean_of([{"a": 1.0}, {"a": math.nan}, {"a": 3.0}]) == {"a": 2.0}


def test_a_regressor() -> None:
    truth = np.array([0.0, 5.0, 10.0])
    found = regression_scores(Judged(truth, truth + 1), 0, 10)
    assert found["mean_absolute_error"] == found["root_mean_squared_error"] == 1
    assert found["normalized_root_mean_squared_error"] == pytest.approx(0.1)
    assert found["spearman_correlation"] == pytest.approx(1)
    assert found["mean_absolute_percentage_error"] == pytest.approx(15)  # where the truth is not 0
    assert not maximized("normalized_root_mean_squared_error")
    assert maximized("r2_score")


def test_the_accuracy_table_counts_every_row_at_every_threshold(judged: Judged) -> None:
    charts = {kind: content for kind, _, content in classification_charts(judged, CLASSES)}
    data = charts["accuracy_table"]["data"]
    for table in (*data["probability_tables"], *data["percentile_tables"]):
        assert {sum(row) for row in table} == {60}
    first, last = data["probability_tables"][0][0], data["probability_tables"][0][-1]
    assert (first[2], first[3]) == (0, 0), "at threshold 0 all is said to be it"
    assert (last[0], last[1]) == (0, 0), "at threshold 1 nothing is"
    matrix = np.array(charts["confusion_matrix"]["data"]["matrix"])
    assert matrix.sum() == 60
    assert np.trace(matrix) / 60 == classification_scores(judged, CLASSES)["accuracy"]


def test_the_charts_of_a_regressor_hold_every_row() -> None:
    truth = np.linspace(0, 10, 50)
    charts = {kind: content["data"] for kind, _, content in regression_charts(Judged(truth, truth + 1))}
    predictions, residuals = charts["predictions"], charts["residuals"]
    assert sum(predictions["bin_counts"]) == sum(residuals["bin_counts"]) == 50
    assert len(predictions["bin_edges"]) == len(predictions["bin_averages"]) + 1
    assert set(predictions["bin_counts"]) == {5}, "as many rows in each bin"
    assert predictions["bin_averages"][0] == pytest.approx(np.mean(truth[:5]) + 1)


def test_the_charts_of_few_different_values_have_no_empty_bin() -> None:
    truth = np.array([1.0] * 20 + [2.0, 3.0])
    predictions = regression_charts(Judged(truth, truth))[0][2]["data"]
    assert min(predictions["bin_counts"]) > 0
    constant = regression_charts(Judged(np.ones(5), np.ones(5)))[0][2]["data"]
    assert constant["bin_counts"] == [5]
