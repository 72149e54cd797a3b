"""A classifier that takes any labels, of one that takes numbers from 0 alone."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.preprocessing import LabelEncoder


class Labelled(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """``classifier`` with the labels as they came."""

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier

    def fit(self, features: Any, labels: Any) -> Labelled:
        """Fit it."""
        self.encoder_ = LabelEncoder().fit(labels)
        self.classes_ = self.encoder_.classes_
        self.classifier.fit(features, self.encoder_.transform(labels))
        return self

    def predict(self, features: Any) -> Any:
        """The labels."""
        return self.encoder_.inverse_transform(self.classifier.predict(features))

    def predict_proba(self, features: Any) -> Any:
        """The probability of each class, in the order of ``classes_``."""
        return self.classifier.predict_proba(features)
