"""The estimator for scikit-learn."""

from milepost.sdk.submitting.framework_estimators import SKLearn

__all__ = [
    "SKLearn",
]
