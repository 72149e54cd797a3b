"""Estimators."""

from milepost.sdk.submitting.estimator import Estimator

__all__ = [
    "Estimator",
]
