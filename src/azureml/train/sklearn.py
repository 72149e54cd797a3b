"""The estimator for scikit-learn."""

from milepost.sdk.estimator import SKLearn

__all__ = [
    "SKLearn",
]
