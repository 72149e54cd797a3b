"""The data that the pages show: the same numbers in every tool."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import loops

SPIKE = 7.65625
"""One value of the long metric, far above all others: a chart without it hides something.  Exact in float32, too."""
SPIKE_AT = 0.654321
"""Where it lies, as a share of the metric's length."""
GROUP = 50
"""Metrics of one prefix."""
LIMIT = 0.8
"""The filter of the table: a loss below this, and the tag stage = prod."""


@dataclass(frozen=True)
class DataSet:
    """``runs`` runs, each with ``metrics`` metrics of ``points`` points."""

    name: str
    runs: int
    metrics: int
    points: int

    @property
    def size(self) -> str:
        if self.name == "table":
            return f"{self.runs:,} runs"
        if self.name == "overlay":
            return f"{self.runs:,} x {self.points:,} points"
        return f"{self.metrics:,} x {self.points:,} points"

    def small(self) -> DataSet:
        """The same, tiny."""
        return DataSet(self.name, max(1, self.runs // 50), max(1, self.metrics // 25), max(1, self.points // 100))

    def names(self) -> list[str]:
        """Names of the metrics, with prefixes where there are many."""
        if self.metrics == 1:
            return ["loss"]
        return [f"block_{number // GROUP}/metric_{number % GROUP:02}" for number in range(self.metrics)]

    def values(self, run: int, metric: int) -> list[float]:
        """The points of one metric of one run."""
        values = loops.noisy_loss(self.points, seed=1 + run * 1000 + metric)
        if self.name == "million":
            values[int(SPIKE_AT * self.points)] = SPIKE
        return values


SETS = {
    each.name: each
    for each in (
        DataSet("million", 1, 1, 1_000_000),
        DataSet("many", 1, 500, 1_000),
        DataSet("overlay", 200, 1, 10_000),
        DataSet("table", 100_000, 3, 1),
    )
}


@dataclass(frozen=True)
class TableRun:
    """A run of the table: what each column holds."""

    number: int
    metrics: dict[str, float]
    tags: dict[str, str]
    params: dict[str, str]

    @property
    def name(self) -> str:
        return f"run-{self.number:06}"


def table_runs(count: int) -> Iterator[TableRun]:
    """The runs of the table."""
    chance = random.Random(5)
    for number in range(count):
        loss = chance.uniform(0.05, 2.5)
        yield TableRun(
            number,
            {"loss": loss, "accuracy": 1 - loss / 3, "seconds": chance.expovariate(0.01)},
            {"stage": chance.choice(("dev", "dev", "test", "prod")), "owner": f"user{chance.randrange(40)}"},
            {"lr": repr(10 ** chance.uniform(-5, -1)), "batch_size": str(chance.choice((16, 32, 64, 128)))},
        )


def first_newest(count: int) -> str:
    """The run that stands first where the newest does."""
    return max(table_runs(count), key=lambda run: run.number).name


def first_sorted(count: int) -> str:
    """The run that stands first in the order of the loss."""
    return min(table_runs(count), key=lambda run: run.metrics["loss"]).name


def first_filtered(count: int) -> str:
    """The newest run that the filter finds."""
    found = (run for run in table_runs(count) if run.metrics["loss"] < LIMIT and run.tags["stage"] == "prod")
    return max(found, key=lambda run: run.number).name


def from_job(more: dict[str, Any]) -> DataSet:
    """The data set that a process is told to record."""
    return DataSet(more["name"], more["runs"], more["metrics"], more["points"])
