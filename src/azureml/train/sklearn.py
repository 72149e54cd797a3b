"""The estimator for scikit-learn."""

from milepost.sdk.later import SKLearn

__all__ = [
    "SKLearn",
]
