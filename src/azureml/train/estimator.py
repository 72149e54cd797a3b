"""Estimators."""

from milepost.sdk.estimator import Estimator

__all__ = [
    "Estimator",
]
