"""What an automated ML run is asked to do, as it is kept with the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

SEED: Final = 42


@dataclass(frozen=True)
class Featurizing:
    """How raw columns become numbers.  ``automatic`` False: they are numbers, and taken as they are."""

    automatic: bool = True
    drop: tuple[str, ...] = ()
    purposes: dict[str, str] = field(default_factory=dict)
    """Column -> Numeric, Categorical, Text or DateTime, where it is not to be guessed."""
    imputation: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """Numeric column -> scikit-learn's strategy, and the value of ``constant``."""


@dataclass(frozen=True)
class Settings:
    """An automated ML run as it was asked for: everything is checked."""

    task: str
    primary_metric: str
    label: str
    algorithms: list[str]
    """By the SDK's names."""
    iterations: int
    folds: int | None = None
    """Of cross-validation; None where there is validation data, or a part of the data is held out."""
    validation_size: float | None = None
    """That part, of all."""
    timeout_s: float | None = None
    iteration_timeout_s: float | None = None
    exit_score: float | None = None
    early_stopping: bool = True
    early_stopping_n_iters: int = 10
    featurizing: Featurizing = field(default_factory=Featurizing)
    voting: bool = True
    stack: bool = True
    cores: int = -1
    """Threads of an iteration; -1 for all."""
    seed: int = SEED
    positive_label: Any = None
    y_min: float | None = None
    y_max: float | None = None
    time_column: str | None = None
    series: tuple[str, ...] = ()
    """Columns that tell one time series from another."""
    horizon: int = 1

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Settings:
        """What ``to_json`` gave.  Raises KeyError, TypeError for what another version wrote."""
        told = kept["featurizing"]
        featurizing = Featurizing(
            **told
            | {
                "drop": tuple(told["drop"]),
                "imputation": {name: tuple(each) for name, each in told["imputation"].items()},
            }
        )
        return cls(**kept | {"featurizing": featurizing, "series": tuple(kept["series"])})
