"""The SDK's names of algorithms and metrics, and which of FLAML's learners they stand for.  Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CLASSIFICATION: Final = "classification"
REGRESSION: Final = "regression"
FORECASTING: Final = "forecasting"
TASKS: Final = (CLASSIFICATION, REGRESSION, FORECASTING)

VOTING: Final = "VotingEnsemble"
STACK: Final = "StackEnsemble"

PRIMARY_METRICS: Final = {
    CLASSIFICATION: (
        "accuracy",
        "AUC_weighted",
        "average_precision_score_weighted",
        "norm_macro_recall",
        "precision_score_weighted",
    ),
    REGRESSION: (
        "spearman_correlation",
        "normalized_root_mean_squared_error",
        "r2_score",
        "normalized_mean_absolute_error",
        "normalized_root_mean_squared_log_error",
    ),
    FORECASTING: (
        "normalized_root_mean_squared_error",
        "spearman_correlation",
        "r2_score",
        "normalized_mean_absolute_error",
    ),
}
DEFAULT_METRIC: Final = {
    CLASSIFICATION: "accuracy",
    REGRESSION: "spearman_correlation",
    FORECASTING: "normalized_root_mean_squared_error",
}

MINIMIZED: Final = frozenset(
    {
        "log_loss",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "median_absolute_error",
        "normalized_mean_absolute_error",
        "normalized_median_absolute_error",
        "normalized_root_mean_squared_error",
        "normalized_root_mean_squared_log_error",
        "root_mean_squared_error",
        "root_mean_squared_log_error",
    }
)
"""Metrics of which less is better."""


def maximized(metric: str) -> bool:
    """Whether more of a metric is better."""
    return metric not in MINIMIZED


@dataclass(frozen=True)
class Algorithm:
    """An algorithm by the SDK's name, and the learners of FLAML that are it."""

    name: str
    learners: tuple[str, ...]
    needs: str | None = None
    """A module that is not among those of ``milepost[automl]``."""
    is_default: bool = True
    """Whether it is tried where ``allowed_models`` names none: those that FLAML itself tries."""


_XGBOOST: Final = "xgboost"
_CLASSIFIERS: Final = (
    Algorithm("LightGBM", ("lgbm",)),
    Algorithm("RandomForest", ("rf",)),
    Algorithm("ExtremeRandomTrees", ("extra_tree",)),
    Algorithm("XGBoostClassifier", ("xgboost", "xgb_limitdepth"), needs=_XGBOOST),
    Algorithm("LogisticRegression", ("lrl1",)),
    Algorithm("SGD", ("sgd",)),
    Algorithm("GradientBoosting", ("histgb",), is_default=False),
    Algorithm("KNN", ("kneighbor",), is_default=False),
)
_REGRESSORS: Final = (
    Algorithm("LightGBM", ("lgbm",)),
    Algorithm("RandomForest", ("rf",)),
    Algorithm("ExtremeRandomTrees", ("extra_tree",)),
    Algorithm("XGBoostRegressor", ("xgboost", "xgb_limitdepth"), needs=_XGBOOST),
    Algorithm("SGD", ("sgd",)),
    Algorithm("ElasticNet", ("enet",), is_default=False),
    Algorithm("LassoLars", ("lassolars",), is_default=False),
    Algorithm("GradientBoosting", ("histgb",), is_default=False),
    Algorithm("KNN", ("kneighbor",), is_default=False),
)
# A trend goes on beyond what was seen: trees alone cannot say so.
_FORECASTERS: Final = (*_REGRESSORS[:4], Algorithm("ElasticNet", ("enet",)), *_REGRESSORS[6:])
ALGORITHMS: Final = {CLASSIFICATION: _CLASSIFIERS, REGRESSION: _REGRESSORS, FORECASTING: _FORECASTERS}

_NO_MODELS: Final = "FLAML has no such learner"
_NO_PROBABILITIES: Final = "FLAML's learner of it gives no probabilities, which the metrics and charts need"
_REFUSED: Final = {
    CLASSIFICATION: {
        "LinearSVM": _NO_PROBABILITIES,
        "SVM": _NO_MODELS,
        "DecisionTree": _NO_MODELS,
        "BernoulliNaiveBayes": _NO_MODELS,
        "MultinomialNaiveBayes": _NO_MODELS,
        "AveragedPerceptronClassifier": _NO_MODELS,
        "TensorFlowDNN": _NO_MODELS,
        "TensorFlowLinearClassifier": _NO_MODELS,
        "TabnetClassifier": _NO_MODELS,
        "CatBoostClassifier": "it is not in this version of Milepost",
    },
    REGRESSION: {
        "DecisionTree": _NO_MODELS,
        "FastLinearRegressor": _NO_MODELS,
        "OnlineGradientDescentRegressor": _NO_MODELS,
        "TensorFlowDNN": _NO_MODELS,
        "TensorFlowLinearRegressor": _NO_MODELS,
        "TabnetRegressor": _NO_MODELS,
        "CatBoostRegressor": "it is not in this version of Milepost",
    },
}
_NO_SERIES_MODEL: Final = "Milepost forecasts with regression on the calendar; models of time series are not in it yet"
REFUSED: Final[dict[str, dict[str, str]]] = {
    **_REFUSED,
    FORECASTING: {
        **_REFUSED[REGRESSION],
        "SGD": "it cannot be fitted to a time index reliably",
        **dict.fromkeys(
            (
                "AutoArima",
                "Arimax",
                "Average",
                "ExponentialSmoothing",
                "Naive",
                "Prophet",
                "SeasonalAverage",
                "SeasonalNaive",
                "TCNForecaster",
            ),
            _NO_SERIES_MODEL,
        ),
    },
}
"""Names of the SDK that cannot be had, by task, each with the reason."""


class UnknownModel(ValueError):
    """A model's name that is none of the SDK's, or that cannot be had; the message says which and why."""


def chosen(task: str, allowed: list[str] | None, blocked: list[str] | None, has_module: dict[str, bool]) -> list[str]:
    """The algorithms to try, by their SDK's names.

    ``has_module``: whether a module is installed.  Raises UnknownModel for a name that is no algorithm of the task, for
    an allowed one that cannot be had, and where none is left.
    """
    known = {each.name: each for each in ALGORITHMS[task]}
    blocked_names = {_checked(task, name, known, "blocked_models", refuse=False) for name in blocked or ()}
    if allowed is None:
        found = [each.name for each in known.values() if each.is_default and _is_there(each, has_module)]
    else:
        found = list(dict.fromkeys(_checked(task, name, known, "allowed_models", refuse=True) for name in allowed))
        for name in found:
            if not _is_there(known[name], has_module):
                raise UnknownModel(
                    f"allowed_models: {name} needs the package {known[name].needs}, which is not installed. Install "
                    f"{known[name].needs} (xgboost-cpu is the small one), or leave {name} out."
                )
    found = [name for name in found if name not in blocked_names]
    if not found:
        raise UnknownModel("No model is left: blocked_models names all that allowed_models allows.")
    return found


def learners_of(task: str, algorithms: list[str]) -> dict[str, str]:
    """FLAML's learners of these algorithms, each with its algorithm's name."""
    return {learner: each.name for each in ALGORITHMS[task] if each.name in algorithms for learner in each.learners}


def _is_there(algorithm: Algorithm, has_module: dict[str, bool]) -> bool:
    return algorithm.needs is None or has_module.get(algorithm.needs, False)


def _checked(task: str, name: object, known: dict[str, Algorithm], where: str, *, refuse: bool) -> str:
    text = getattr(name, "value", name)
    if isinstance(text, str):
        if text in known:
            return text
        reason = REFUSED[task].get(text)
        if reason is not None:
            if not refuse:
                return text  # it is never tried anyway
            raise UnknownModel(f"{where}: {text} cannot be had for {task}: {reason}. There are {', '.join(known)}.")
    raise UnknownModel(f"{where}: {name!r:.80} is no model for {task}. There are {', '.join(known)}.")
