"""Estimators."""

from milepost.sdk.later import Estimator

__all__ = [
    "Estimator",
]
