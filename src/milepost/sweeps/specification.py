"""What a sweep is to do, as it is kept in its job and with its run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from milepost.sweeps.policies import Policy
from milepost.sweeps.space import Parameters, Space, checked_space, grid_point, points, written

RANDOM: Final = "RANDOM"
GRID: Final = "GRID"
BAYESIAN: Final = "BayesianOptimization"


@dataclass(frozen=True)
class Told:
    """A trial of an earlier sweep: what it was given, and the best that it reported, if anything."""

    parameters: Parameters
    value: float | None


@dataclass(frozen=True)
class Resumed:
    """A trial of an earlier sweep that is to be done again, as one of this one."""

    run_id: str
    parameters: Parameters


@dataclass(frozen=True)
class Sweep:
    """A sweep as it was asked for: everything is checked."""

    sampling: str
    """RANDOM, GRID or BayesianOptimization."""
    space: Space
    seed: int
    """What the parameters are drawn from; the same again gives the same trials."""
    metric: str
    maximize: bool
    max_total: int
    """So many trials, fewer where a grid has fewer points."""
    max_concurrent: int
    max_duration_s: float
    policy: Policy
    child: dict[str, Any]
    """The job of a trial, but for what is each trial's own."""
    inherited: list[Told] = field(default_factory=list)
    """Trials of earlier sweeps to learn from."""
    resumed: list[Resumed] = field(default_factory=list)
    """The first trials."""

    def to_json(self) -> dict[str, Any]:
        """For the job's file."""
        return asdict(self) | {"space": written(self.space)}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Sweep:
        """What ``to_json`` gave.  Raises KeyError, TypeError, ValueError for what was written by another version."""
        return cls(
            **kept
            | {
                "space": checked_space(kept["space"]),
                "policy": Policy(**kept["policy"]),
                "inherited": [Told(**each) for each in kept["inherited"]],
                "resumed": [Resumed(**each) for each in kept["resumed"]],
            }
        )

    def total(self) -> int:
        """How many trials it has."""
        if self.sampling != GRID:
            return self.max_total
        return min(self.max_total, len(self.resumed) + (points(self.space) or 0))

    def grid_parameters(self, number: int) -> Parameters:
        """What trial ``number`` of a grid is given."""
        return grid_point(self.space, number - len(self.resumed))
