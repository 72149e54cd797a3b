"""What the SDK's charts of a model are drawn from: the dicts that ``log_accuracy_table`` and its kin take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from sklearn.metrics import confusion_matrix as count_pairs

from milepost.automl.scores import Judged

Chart = tuple[str, str, dict[str, Any]]
"""Kind, name of the metric, content."""
_THRESHOLDS: Final = 101
_BINS: Final = 10


def classification_charts(judged: Judged, classes: Sequence[Any]) -> list[Chart]:
    """Confusion matrix, and the accuracy table from which ROC, precision and recall, and calibration are drawn."""
    labels = [str(each) for each in classes]
    matrix = count_pairs(judged.truth, judged.said.argmax(axis=1), labels=range(len(labels)))
    confusion = {
        "schema_type": "confusion_matrix",
        "schema_version": "1.0.0",
        "data": {"class_labels": labels, "matrix": matrix.tolist()},
    }
    return [
        ("confusion_matrix", "confusion_matrix", confusion),
        ("accuracy_table", "accuracy_table", _accuracy_table(judged, labels)),
    ]


def regression_charts(judged: Judged) -> list[Chart]:
    """Predicted against true values, in bins of the true ones, and the histogram of the residuals."""
    truth, said = judged.truth, judged.said
    # As many rows in each bin: one that has none would have no mean.
    edges = np.unique(np.quantile(truth, np.linspace(0, 1, _BINS + 1)))
    if len(edges) < 2:
        edges = np.array([edges[0] - 0.5, edges[0] + 0.5])
    bins = len(edges) - 1
    place = np.clip(np.digitize(truth, edges[1:-1]), 0, bins - 1)
    groups = [said[place == at] for at in range(bins)]
    predictions = {
        "schema_type": "predictions",
        "schema_version": "1.0.0",
        "data": {
            "bin_averages": [float(each.mean()) for each in groups],
            "bin_errors": [float(each.std()) for each in groups],
            "bin_counts": [int(each.size) for each in groups],
            "bin_edges": edges.tolist(),
        },
    }
    apart = said - truth
    spread = 3 * float(apart.std()) or 1.0
    bounds = np.linspace(-spread, spread, _BINS + 1)
    counts, _ = np.histogram(np.clip(apart, -spread, spread), bounds)
    residuals = {
        "schema_type": "residuals",
        "schema_version": "1.0.0",
        "data": {"bin_edges": bounds.tolist(), "bin_counts": counts.tolist()},
    }
    return [("predictions", "predicted_true", predictions), ("residuals", "residuals", residuals)]


def _accuracy_table(judged: Judged, labels: list[str]) -> dict[str, Any]:
    thresholds = np.linspace(0, 1, _THRESHOLDS)
    tables, ranked = [], []
    for at in range(len(labels)):
        is_it, said = judged.truth == at, judged.said[:, at]
        tables.append(_counts(is_it, said, thresholds))
        ranked.append(_counts(is_it, said, np.quantile(said, thresholds)))
    return {
        "schema_type": "accuracy_table",
        "schema_version": "1.0.1",
        "data": {
            "probability_tables": tables,
            "percentile_tables": ranked,
            "probability_thresholds": thresholds.tolist(),
            "percentile_thresholds": thresholds.tolist(),
            "class_labels": labels,
        },
    }


def _counts(is_it: Any, said: Any, thresholds: Any) -> list[list[int]]:
    """True positives, false positives, true negatives, false negatives at each threshold."""
    ones, others = np.sort(said[is_it]), np.sort(said[~is_it])
    true_positive = len(ones) - np.searchsorted(ones, thresholds, side="left")
    false_positive = len(others) - np.searchsorted(others, thresholds, side="left")
    columns = [true_positive, false_positive, len(others) - false_positive, len(ones) - true_positive]
    return np.stack(columns, axis=1).tolist()  # type: ignore[no-any-return]
