"""The SDK's scores of a classifier or a regressor, by scikit-learn."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import metrics

Array = Any
"""A numpy array."""


@dataclass(frozen=True)
class Judged:
    """What a pipeline said of rows that it had not seen.

    ``truth``: of a classifier the indices of the classes, else the values.  ``said``: of a classifier the probabilities
    (a column a class), else the values.
    """

    truth: Array
    said: Array


def classification_scores(judged: Judged, classes: Sequence[Any], positive: int | None = None) -> dict[str, float]:
    """All scores of a classifier, by the SDK's names; those that are not defined for these rows are NaN.

    ``positive``: the index of the class that binary scores (``*_binary``) are about.
    """
    truth, said = judged.truth, judged.said
    count = len(classes)
    guess = said.argmax(axis=1)
    right = guess == truth
    hot = np.eye(count)[truth]
    sizes = np.bincount(truth, minlength=count)
    found: dict[str, float] = {
        "accuracy": float(right.mean()),
        "weighted_accuracy": float((right * sizes[truth]).sum() / sizes[truth].sum()),
        "log_loss": float(metrics.log_loss(truth, _normalized(said), labels=range(count))),
        "matthews_correlation": float(metrics.matthews_corrcoef(truth, guess)),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that a fold does not have
        found |= _by_guess(truth, guess, count)
        found["balanced_accuracy"] = balanced = _recalls(truth, guess, count)
        found["norm_macro_recall"] = (balanced - 1 / count) / (1 - 1 / count)
        found |= _by_threshold("AUC", metrics.roc_auc_score, hot, said, sizes)
        found |= _by_threshold("average_precision_score", metrics.average_precision_score, hot, said, sizes)
        if positive is not None:
            one, other = truth == positive, guess == positive
            found["precision_score_binary"] = float(metrics.precision_score(one, other, zero_division=0.0))
            found["recall_score_binary"] = float(metrics.recall_score(one, other, zero_division=0.0))
            found["f1_score_binary"] = float(metrics.f1_score(one, other, zero_division=0.0))
    return found


def classification_score(judged: Judged, metric: str, count: int) -> float:
    """One of the primary metrics alone: ensembles ask for it many times.  ``count``: of the classes."""
    truth, said = judged.truth, judged.said
    guess = said.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if metric == "accuracy":
            return float((guess == truth).mean())
        if metric in _THRESHOLD_SCORES:
            name, score = _THRESHOLD_SCORES[metric]
            hot, sizes = np.eye(count)[truth], np.bincount(truth, minlength=count)
            return _by_threshold(name, score, hot, said, sizes)[metric]
        if metric == "precision_score_weighted":
            return _by_guess(truth, guess, count)[metric]
    if metric == "norm_macro_recall":
        return (_recalls(truth, guess, count) - 1 / count) / (1 - 1 / count)
    raise ValueError(f"there is no primary metric {metric!r}")


def regression_scores(judged: Judged, low: float, high: float) -> dict[str, float]:
    """All scores of a regressor, by the SDK's names; those that are not defined for these rows are NaN.

    ``low``, ``high``: the bounds of the target, by whose distance normalized scores are divided.
    """
    truth, said = judged.truth, judged.said
    wide = (high - low) or math.nan
    squared = math.sqrt(metrics.mean_squared_error(truth, said))
    absolute = float(metrics.mean_absolute_error(truth, said))
    median = float(metrics.median_absolute_error(truth, said))
    logarithmic = math.nan
    if min(truth.min(), said.min()) > -1:
        logarithmic = math.sqrt(metrics.mean_squared_log_error(np.maximum(truth, 0), np.maximum(said, 0)))
    wide_log = math.log1p(high) - math.log1p(low) if low > -1 and high > low else math.nan
    percent = np.abs((truth - said)[truth != 0] / truth[truth != 0])
    several = len(truth) > 1
    return {
        "explained_variance": float(metrics.explained_variance_score(truth, said)) if several else math.nan,
        "r2_score": float(metrics.r2_score(truth, said)) if several else math.nan,
        "spearman_correlation": _spearman(truth, said),
        "mean_absolute_error": absolute,
        "mean_absolute_percentage_error": float(percent.mean() * 100) if percent.size else math.nan,
        "median_absolute_error": median,
        "root_mean_squared_error": squared,
        "root_mean_squared_log_error": logarithmic,
        "normalized_mean_absolute_error": absolute / wide,
        "normalized_median_absolute_error": median / wide,
        "normalized_root_mean_squared_error": squared / wide,
        "normalized_root_mean_squared_log_error": logarithmic / wide_log,
    }


def mean_of(folds: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of each score over the folds in which it is defined."""
    found = {}
    for name in folds[0]:
        defined = [each[name] for each in folds if math.isfinite(each[name])]
        found[name] = sum(defined) / len(defined) if defined else math.nan
    return found


def together(folds: Sequence[Judged]) -> Judged:
    """The rows of all folds."""
    return Judged(np.concatenate([each.truth for each in folds]), np.concatenate([each.said for each in folds]))


def _by_guess(truth: Array, guess: Array, count: int) -> dict[str, float]:
    """Precision, recall and F1 of each class, put together in the three ways."""
    found = metrics.precision_recall_fscore_support(truth, guess, labels=range(count), zero_division=0.0)
    sizes, scores = found[3], {}
    for name, each in zip(("precision_score", "recall_score", "f1_score"), found[:3], strict=True):
        scores[f"{name}_macro"] = float(each.mean())
        scores[f"{name}_micro"] = float((truth == guess).mean())  # where each row has one class they are all the same
        scores[f"{name}_weighted"] = float((each * sizes).sum() / sizes.sum())
    return scores


def _recalls(truth: Array, guess: Array, count: int) -> float:
    """The mean of the recalls of the classes that there are."""
    sizes = np.bincount(truth, minlength=count)
    right = np.bincount(truth[guess == truth], minlength=count)
    return float((right[sizes > 0] / sizes[sizes > 0]).mean())


def _by_threshold(name: str, score: Any, hot: Array, said: Array, sizes: Array) -> dict[str, float]:
    """A score of each class against the others, put together in the three ways."""
    split = (sizes > 0) & (sizes < len(hot))  # of other classes it is not defined
    each = np.atleast_1d(score(hot[:, split], said[:, split], average=None)) if split.any() else np.array([])
    weights = sizes[split]
    return {
        f"{name}_macro": float(each.mean()) if each.size else math.nan,
        f"{name}_micro": float(score(hot.ravel(), said.ravel())),
        f"{name}_weighted": float((each * weights).sum() / weights.sum()) if each.size else math.nan,
    }


def _normalized(said: Array) -> Array:
    return said / said.sum(axis=1, keepdims=True)


def _spearman(truth: Array, said: Array) -> float:
    from scipy.stats import rankdata

    if len(truth) < 2 or np.ptp(truth) == 0:
        return math.nan
    if np.ptp(said) == 0:
        return 0.0  # a constant says nothing of the order
    return float(np.corrcoef(rankdata(truth), rankdata(said))[0, 1])


_THRESHOLD_SCORES = {
    "AUC_weighted": ("AUC", metrics.roc_auc_score),
    "average_precision_score_weighted": ("average_precision_score", metrics.average_precision_score),
}
