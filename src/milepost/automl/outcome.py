"""What became of one iteration, and whom it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from milepost.automl.charts import Chart
from milepost.automl.scores import Judged


@dataclass(frozen=True)
class Outcome:
    """An iteration that came to its end."""

    number: int
    algorithm: str
    """By the SDK's name."""
    preprocessor: str
    """Empty for an ensemble."""
    parameters: dict[str, Any]
    scores: dict[str, float]
    charts: list[Chart]
    model: Any
    """The pipeline, fitted on all training data; it predicts from raw columns."""
    folds: list[Judged]
    seconds: float
    members: tuple[tuple[int, float], ...] = ()
    """Of an ensemble: the iterations in it, with their weights."""


class Observer(Protocol):
    """Whoever records."""

    def begins(self, number: int, algorithm: str, preprocessor: str) -> None:
        """An iteration begins."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """An iteration has its scores and its model."""
        ...

    def failed(self, number: int, algorithm: str, error: BaseException) -> None:
        """An iteration could not be done; the next one is tried."""
        ...

    def note(self, message: str) -> None:
        """Something that people should know of the whole."""
        ...
