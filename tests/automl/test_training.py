"""The search itself: each task, what ends it, what it does with pipelines that fail."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, make_regression

from milepost.automl.data import prepare
from milepost.automl.featurizing import BadData
from milepost.automl.names import CLASSIFICATION, FORECASTING, REGRESSION, STACK, VOTING, UnknownModel, chosen
from milepost.automl.outcome import Outcome
from milepost.automl.settings import Featurizing, Settings
from milepost.automl.training import NoModel, train


class Seen:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.outcomes: list[Outcome] = []
        self.failures: list[BaseException] = []
        self.notes: list[str] = []

    def begins(self, number: int, algorithm: str, preprocessor: str) -> None:
        assert number == len(self.began)
        self.began.append(algorithm)

    def ended(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def failed(self, number: int, algorithm: str, error: BaseException) -> None:
        self.failures.append(error)

    def note(self, message: str) -> None:
        self.notes.append(message)


def asked(task: str, **more: Any) -> Settings:
    metric = "accuracy" if task == CLASSIFICATION else "normalized_root_mean_squared_error"
    given = {"algorithms": ["ExtremeRandomTrees", "KNN"], "iterations": 2, "folds": 2, "voting": False, "stack": False}
    return Settings(**{"task": task, "primary_metric": metric, "label": "target", "cores": 1, **given, **more})


def trained(settings: Settings, frame: Any, validation: Any = None, *, named: bool = True) -> Seen:
    seen = Seen()
    train(settings, frame, validation, seen, named=named)
    return seen


@pytest.fixture(scope="module")
def iris() -> Any:
    frame = load_iris(as_frame=True).frame
    return frame.assign(target=frame["target"].map({0: "setosa", 1: "versicolor", 2: "virginica"}))


@pytest.fixture(scope="module")
def prices() -> Any:
    features, target = make_regression(150, 4, noise=5, random_state=1)
    return pd.DataFrame(features, columns=list("abcd")).assign(target=target)


def test_a_classifier_answers_with_the_labels_as_they_came(iris: Any, tmp_path: Path) -> None:
    every = ["ExtremeRandomTrees", "LogisticRegression", "KNN"]
    seen = trained(asked(CLASSIFICATION, algorithms=every, iterations=3, voting=True, stack=True), iris)
    assert seen.failures == []
    assert {*seen.began} >= {*every, STACK}
    raw = iris.drop(columns="target")
    for outcome in seen.outcomes:
        assert (outcome.model.predict(raw) == iris["target"]).mean() > 0.7, outcome.algorithm
        assert outcome.model.predict_proba(raw.head(3)).shape == (3, 3)
    place = tmp_path / "model.pkl"
    place.write_bytes(pickle.dumps(seen.outcomes[-1].model))
    raw.head(2).to_parquet(tmp_path / "rows.parquet")
    code = "import pickle, pandas; model = pickle.load(open('model.pkl', 'rb'))\n"
    code += "print(*model.predict(pandas.read_parquet('rows.parquet')))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["setosa", "setosa"], "it loads in a fresh process"


def test_a_regressor(prices: Any) -> None:
    every = ["ExtremeRandomTrees", "ElasticNet", "LassoLars", "SGD"]
    seen = trained(asked(REGRESSION, algorithms=every, iterations=4, voting=True, stack=True), prices)
    assert seen.failures == []
    best = min(seen.outcomes, key=lambda each: each.scores["normalized_root_mean_squared_error"])
    assert best.scores["r2_score"] > 0.95
    assert {VOTING, STACK} & {each.algorithm for each in seen.outcomes}
    voted = next((each for each in seen.outcomes if each.algorithm == VOTING), None)
    if voted is not None:
        assert sum(weight for _, weight in voted.members) == pytest.approx(1)


def test_a_forecast_of_several_series_goes_on_with_their_trends() -> None:
    times = pd.date_range("2024-01-01", periods=60, freq="D")
    parts = [
        pd.DataFrame({"day": times, "shop": shop, "target": base + slope * np.arange(60)})
        for shop, base, slope in (("north", 10, 1.0), ("south", 100, 1.0))
    ]
    settings = asked(
        FORECASTING, algorithms=["ElasticNet"], iterations=3, time_column="day", series=("shop",), horizon=5
    )
    seen = trained(settings, pd.concat(parts))
    assert seen.notes[0] == "pipelines are judged by 2 rolling origins"
    best = min(seen.outcomes, key=lambda each: each.scores["normalized_root_mean_squared_error"])
    later = pd.DataFrame({"day": pd.date_range("2024-03-01", periods=3), "shop": "south"})
    assert best.model.predict(later) == pytest.approx([160, 161, 162], abs=8)


def test_rows_for_validation_are_what_pipelines_are_judged_by(iris: Any) -> None:
    held = iris.sample(30, random_state=1)
    seen = trained(asked(CLASSIFICATION, folds=None), iris.drop(held.index), held)
    assert seen.notes[0] == "pipelines are judged by validation_data"
    assert len(seen.outcomes[0].folds[0].truth) == 30
    with pytest.raises(BadData, match="classes that training_data does not have: 'virginica'"):
        trained(asked(CLASSIFICATION, folds=None), iris[iris["target"] != "virginica"], held)


def test_a_score_that_is_good_enough_ends_the_search(iris: Any) -> None:
    seen = trained(asked(CLASSIFICATION, iterations=50, exit_score=0.5), iris)
    assert len(seen.began) == 1
    assert "experiment_exit_score is reached" in seen.notes[-1]


def test_time_that_is_over_ends_the_search(iris: Any) -> None:
    seen = trained(asked(CLASSIFICATION, iterations=10_000, timeout_s=0.3), iris)
    assert 1 <= len(seen.began) < 500
    assert "experiment_timeout_hours is over" in seen.notes[-1]


def test_a_pipeline_that_fails_is_one_iteration_and_no_more(iris: Any) -> None:
    holes = iris.assign(**{"sepal length (cm)": np.nan})
    off = Featurizing(automatic=False)
    settings = asked(CLASSIFICATION, algorithms=["LightGBM", "LogisticRegression"], iterations=4, featurizing=off)
    seen = trained(settings, holes)
    assert [type(each).__name__ for each in seen.failures] == ["ValueError", "ValueError"]  # it takes no missing values
    assert {each.algorithm for each in seen.outcomes} == {"LightGBM"}
    with pytest.raises(NoModel, match="The first one's error: Input X contains NaN"):
        trained(asked(CLASSIFICATION, algorithms=["LogisticRegression"], featurizing=off), holes)


def test_models_of_arrays_take_arrays(prices: Any) -> None:
    seen = trained(asked(REGRESSION, algorithms=["ElasticNet"], iterations=1), prices, named=False)
    assert len(seen.outcomes) == 1
    assert len(seen.outcomes[0].model.predict(prices[["a", "b", "c", "d"]].to_numpy())) == 150


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "setosa"}, "one class only"),
        ({"target": np.nan}, "0 rows with a label"),
    ],
)
def test_what_cannot_be_learned_from_is_told(iris: Any, change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadData, match=message):
        prepare(asked(CLASSIFICATION), iris.assign(**change), None, named=True)


def test_the_folds_that_are_not_asked_for_follow_the_rows(prices: Any) -> None:
    few = prepare(asked(REGRESSION, folds=None), prices, None, named=True)
    many = prepare(asked(REGRESSION, folds=None), pd.concat([prices] * 10), None, named=True)
    held = prepare(asked(REGRESSION, folds=None, validation_size=0.2), prices, None, named=True)
    assert [each.splitter.get_n_splits() for each in (few, many, held)] == [10, 3, 1]


# -- names -------------------------------------------------------------------------------------------------------------


def test_models_are_those_that_are_allowed_and_not_blocked() -> None:
    assert chosen(CLASSIFICATION, ["KNN", "LightGBM"], ["LightGBM"], {}) == ["KNN"]
    assert "XGBoostClassifier" not in chosen(CLASSIFICATION, None, None, {})
    assert "XGBoostClassifier" in chosen(CLASSIFICATION, None, None, {"xgboost": True})
    assert "LightGBM" in chosen(CLASSIFICATION, None, ["TensorFlowDNN"], {}), "it is not tried anyway"


@pytest.mark.parametrize(
    ("allowed", "blocked", "message"),
    [
        (
            ["LinearSVM"],
            None,
            "LinearSVM cannot be had for classification: FLAML's learner of it gives no probabilities",
        ),
        (["LigthGBM"], None, "'LigthGBM' is no model for classification"),
        (["KNN"], ["KNN"], "No model is left"),
        (["XGBoostClassifier"], None, "needs the package xgboost"),
        (None, ["Prophet"], "'Prophet' is no model for classification"),
    ],
)
def test_a_model_that_cannot_be_had_is_refused_by_name(
    allowed: list[str] | None, blocked: list[str] | None, message: str
) -> None:
    with pytest.raises(UnknownModel, match=message):
        chosen(CLASSIFICATION, allowed, blocked, {})
