"""The estimator for scikit-learn."""

from milepost.sdk.framework_estimators import SKLearn

__all__ = [
    "SKLearn",
]
