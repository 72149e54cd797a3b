"""AutoMLConfig: what scripts give it is understood, or refused by name; nothing is ignored."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from azureml.automl.core.featurization import FeaturizationConfig
from azureml.automl.core.forecasting_parameters import ForecastingParameters
from azureml.core import Experiment, Workspace
from azureml.exceptions import ComputeTargetException, UserErrorException
from azureml.train.automl import AutoMLConfig
from azureml.train.automl.exceptions import ConfigException, DataException
from azureml.train.automl.utilities import get_primary_metrics

FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"], "target": [0, 1]})


def config(**given: Any) -> AutoMLConfig:
    return AutoMLConfig(**{"task": "classification", "training_data": FRAME, "label_column_name": "target"} | given)


def test_a_call_of_public_notebooks_is_understood() -> None:
    made = config(
        path="./project",
        debug_log="automl_errors.log",
        compute_target="local",
        experiment_timeout_hours=0.3,
        iteration_timeout_minutes=10,
        iterations=30,
        max_concurrent_iterations=4,
        n_cross_validations=5,
        primary_metric="AUC_weighted",
        enable_early_stopping=True,
        featurization="auto",
        verbosity=logging.INFO,
        blocked_models=["KNN", "LinearSVM"],
        model_explainability=True,
    )
    settings = made._settings
    assert (settings.folds, settings.iterations, settings.primary_metric) == (5, 30, "AUC_weighted")
    assert (settings.timeout_s, settings.iteration_timeout_s) == (1080, 600)
    assert settings.stack
    assert [each.split(":")[0].split(" is")[0] for each in made._notes] == [
        "max_concurrent_iterations",
        "path",
        "debug_log",
        "model_explainability",
    ]


def test_the_older_names_and_forms_are_understood() -> None:
    features, target = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    made = AutoMLConfig(
        task="classification",
        name="my run",
        X=features,
        y=target,
        X_valid=features,
        y_valid=target,
        whitelist_models=["LightGBM"],
        experiment_timeout_minutes=20,
        preprocess=False,
    )
    assert made._settings.algorithms == ["LightGBM"]
    assert (made._settings.timeout_s, made._settings.featurizing.automatic) == (1200, False)
    assert (made._data.named, made._data.label, len(made._data.validation)) == (False, "y", 4)


@pytest.mark.parametrize("name", ["data.csv", "data.tsv", "data.parquet"])
def test_data_is_read_from_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        FRAME.to_parquet(path)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if name.endswith("tsv") else ",")
    made = config(training_data=str(path))
    assert list(made._data.training.columns) == ["a", "b", "target"]


def test_data_is_taken_from_what_gives_a_data_frame() -> None:
    class Tabular:
        def to_pandas_dataframe(self) -> Any:
            return FRAME

    assert len(config(training_data=Tabular())._data.training) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"task": "image-classification"}, "task is one of classification, regression, forecasting"),
        ({"primary_metric": "auc"}, "primary_metric of classification is one of accuracy, AUC_weighted"),
        ({"iterations": 0}, "iterations is a whole number"),
        ({"n_cross_validations": 1}, "n_cross_validations is a whole number from 2"),
        ({"n_cross_validations": 3, "validation_data": FRAME}, "exclude each other"),
        ({"validation_size": 0.1, "n_cross_validations": 3}, "validation_size goes with neither"),
        ({"validation_size": 2}, "validation_size is between 0 and 1"),
        ({"experiment_timeout_hours": -1}, "experiment_timeout_hours is more than 0"),
        ({"experiment_timeout_hours": 1, "experiment_timeout_minutes": 5}, "not both"),
        ({"enable_onnx_compatible_models": True}, "enable_onnx_compatible_models=...\\): it is not in this version"),
        ({"enable_dnn": True}, "enable_dnn"),
        ({"weight_column_name": "a"}, "weight_column_name"),
        ({"sample_weight": np.ones(2)}, "sample_weight"),
        ({"cv_splits_indices": [[[0], [1]]]}, "cv_splits_indices"),
        ({"spark_context": object()}, "spark_context"),
        ({"test_data": FRAME}, "test_data.*judge the model that get_output"),
        ({"featurization": "on"}, "featurization is 'auto', 'off' or a FeaturizationConfig"),
        ({"allowed_models": ["TabnetClassifier"]}, "TabnetClassifier cannot be had"),
        ({"allowed_models": "LightGBM"}, "allowed_models is a list"),
        ({"time_column_name": "a"}, "belongs to task='forecasting'"),
        ({"target_lags": 3}, "target_lags=3 is not in this version"),
        ({"n_cross_validation": 3}, "no setting 'n_cross_validation'"),
        ({"label_column_name": None}, "needs label_column_name"),
        ({"label_column_name": "label"}, "no column 'label'"),
        ({"training_data": None}, "needs training_data and label_column_name, or X and y"),
        ({"training_data": 5}, "training_data is a pandas data frame"),
        ({"X": FRAME, "y": [0, 1]}, "not both"),
        ({"enable_early_stopping": "yes"}, "enable_early_stopping is True or False"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigException, match=message):
        config(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"training_data": "no/such.csv"}, "there is no file 'no/such.csv'"),
        ({"training_data": FRAME[["target"]]}, "no column beside the label"),
        ({"training_data": FRAME.rename(columns={"a": 1})}, "name all of them by texts"),
        ({"validation_data": FRAME[["a", "target"]]}, "validation_data has no column 'b'"),
    ],
)
def test_data_that_cannot_be_used_is_told(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataException, match=message):
        config(**given)


def test_values_of_several_kinds_in_a_column_are_told(tmp_path: Path) -> None:
    made = config(training_data=FRAME.assign(b=[1, "one"]))
    with pytest.raises(DataException, match="values of one kind"):
        made._data.write(tmp_path)


def test_forecasts() -> None:
    frame = FRAME.assign(day=pd.date_range("2024-01-01", periods=2))
    loose = config(task="forecasting", training_data=frame, time_column_name="day", max_horizon=3)
    given = ForecastingParameters(time_column_name="day", forecast_horizon=3)
    assert loose._settings == config(task="forecasting", training_data=frame, forecasting_parameters=given)._settings
    assert (loose._settings.horizon, loose._settings.time_column) == (3, "day")
    with pytest.raises(ConfigException, match="target_lags='auto' is not|target_rolling_window_size=7 is not"):
        ForecastingParameters(time_column_name="day", target_rolling_window_size=7)
    with pytest.raises(ConfigException, match="time_column_name is the name"):
        config(task="forecasting")


def test_featurization_that_is_not_guessed() -> None:
    made = FeaturizationConfig(column_purposes={"a": "Categorical"}, drop_columns=["c"])
    made.add_transformer_params("Imputer", ["b"], {"strategy": "constant", "fill_value": 0})
    made.add_column_purpose("d", "Ignore")
    found = config(featurization=made)._settings.featurizing
    assert (found.purposes, found.drop, found.imputation) == ({"a": "Categorical"}, ("c", "d"), {"b": ("constant", 0)})
    for refused in (
        lambda: FeaturizationConfig(blocked_transformers=["TfIdf"]),
        lambda: FeaturizationConfig(dataset_language="deu"),
        lambda: made.add_transformer_params("HashOneHotEncoder", [], {"number_of_bits": 3}),
        lambda: made.add_column_purpose("a", "Colour"),
    ):
        with pytest.raises(ConfigException):
            refused()


def test_primary_metrics_of_a_task() -> None:
    assert "AUC_weighted" in get_primary_metrics("classification")
    with pytest.raises(UserErrorException):
        get_primary_metrics("clustering")


def test_a_compute_target_that_is_not_there_is_told(ws: Workspace, experiment: Experiment) -> None:
    with pytest.raises(ComputeTargetException, match="cpu-cluster"):
        experiment.submit(config(compute_target="cpu-cluster"))


def test_missing_packages_are_told_with_what_to_install() -> None:
    code = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "flaml" else find(name, *rest)
from azureml.train.automl import AutoMLConfig
heavy = {"pandas", "sklearn", "flaml", "lightgbm"} & set(sys.modules)
assert not heavy, heavy
try:
    AutoMLConfig(task="regression", training_data="x.csv", label_column_name="y")
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("OptionalDependencyMissingException")
    assert "pip install 'milepost[automl]'" in done.stdout
