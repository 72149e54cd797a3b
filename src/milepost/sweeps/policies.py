"""Early termination: which trials have fallen so far behind that going on with them is a waste.

Pure functions over what the trials have reported of the primary metric.  An *interval* is one report.  A trial is
judged at the last interval that is due for it: the largest multiple of ``evaluation_interval`` that it has reached,
from ``delay_evaluation`` on.  Values are scores: the higher the better (``Curve`` turns those of a minimised metric
around).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

BANDIT: Final = "Bandit"
MEDIAN: Final = "MedianStopping"
TRUNCATION: Final = "TruncationSelection"
NONE: Final = "Default"
_WORST: Final = -math.inf


@dataclass(frozen=True)
class Policy:
    """When a trial is stopped; ``name`` is one of Bandit, MedianStopping, TruncationSelection, Default (never)."""

    name: str = NONE
    evaluation_interval: int = 1
    delay_evaluation: int = 0
    slack_factor: float | None = None
    slack_amount: float | None = None
    truncation_percentage: int = 0

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Policy:
        """The policy that ``{"name", "properties"}`` writes, as the SDK does."""
        return cls(str(written["name"]), **(written.get("properties") or {}))

    def due(self, reports: int) -> int:
        """The last interval at which a trial with so many reports is judged; 0 where it is not judged yet."""
        last = reports - reports % self.evaluation_interval
        return last if last >= max(1, self.delay_evaluation) else 0


@dataclass
class Curve:
    """What a trial has reported so far, with its best and its sum up to each interval.

    NaN counts as a report and is worse than every number.
    """

    maximize: bool
    _best: list[float] = field(default_factory=list)
    _sums: list[float] = field(default_factory=list)
    _counts: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._best)

    def extend(self, values: Iterable[float]) -> None:
        """Add what was reported since."""
        best = self._best[-1] if self._best else _WORST
        total, count = (self._sums[-1], self._counts[-1]) if self._best else (0.0, 0)
        for value in values:
            if not math.isnan(value):
                score = value if self.maximize else -value
                best, total, count = max(best, score), total + score, count + 1
            self._best.append(best)
            self._sums.append(total)
            self._counts.append(count)

    def best(self, interval: int) -> float:
        """The best score of the first ``interval`` reports, or of all where there are fewer; -inf without a number."""
        place = min(interval, len(self._best))
        return self._best[place - 1] if place else _WORST

    def mean(self, interval: int) -> float | None:
        """The mean score of the first ``interval`` reports, or of all where there are fewer; None without a number."""
        place = min(interval, len(self._best))
        count = self._counts[place - 1] if place else 0
        return self._sums[place - 1] / count if count else None

    def shown(self, score: float) -> float:
        """A score as the value that was logged."""
        return score if self.maximize else -score


def to_stop(policy: Policy, curves: Mapping[str, Curve], running: Collection[str]) -> dict[str, str]:
    """The running trials that the policy stops, each with the reason.  ``curves`` are those of all trials."""
    found = {}
    judges = {BANDIT: _bandit, MEDIAN: _median, TRUNCATION: _truncation}
    judge = judges.get(policy.name)
    for trial in running if judge is not None else ():
        curve = curves.get(trial)
        interval = policy.due(len(curve)) if curve is not None else 0
        if judge is not None and curve is not None and interval:
            reason = judge(policy, curve, curves, interval)
            if reason is not None:
                found[trial] = f"{policy.name}: after {interval} {'report' if interval == 1 else 'reports'} {reason}"
    return found


def _bandit(policy: Policy, curve: Curve, curves: Mapping[str, Curve], interval: int) -> str | None:
    """Its best is further from the best of all than the slack allows.

    With ``slack_factor`` the distance is a ratio of the smaller one of the two (for positive values: maximised,
    best / (1 + factor) is the least that is allowed; minimised, best * (1 + factor) the most).
    """
    own = curve.best(interval)
    leader = max(each.best(interval) for each in curves.values())
    if policy.slack_amount is not None:
        allowed, words = policy.slack_amount, f"slack_amount {policy.slack_amount:g}"
    else:
        factor = policy.slack_factor or 0.0
        allowed, words = factor * min(abs(own), abs(leader)), f"slack_factor {factor:g}"
    # Without any number it is behind whoever has one.
    if not (leader > own if own == _WORST else leader - own > allowed):
        return None
    return f"its best, {_text(curve, own)}, is not within {words} of the best of all, {_text(curve, leader)}"


def _median(policy: Policy, curve: Curve, curves: Mapping[str, Curve], interval: int) -> str | None:
    """Its best is worse than the median of the running averages of all trials."""
    means = [mean for each in curves.values() if (mean := each.mean(interval)) is not None]
    if not means:
        return None
    middle, own = median(means), curve.best(interval)
    if own >= middle:
        return None
    return f"its best, {_text(curve, own)}, is worse than the median of the averages, {_text(curve, middle)}"


def _truncation(policy: Policy, curve: Curve, curves: Mapping[str, Curve], interval: int) -> str | None:
    """It is among the lowest ``truncation_percentage`` of the trials that have come as far; where equals would be
    parted, all of them are spared."""
    there = sorted(each.best(interval) for each in curves.values() if len(each) >= interval)
    own = curve.best(interval)
    if own >= there[len(there) * policy.truncation_percentage // 100]:
        return None
    return (
        f"its best, {_text(curve, own)}, is in the lowest {policy.truncation_percentage} % of the {len(there)} trials "
        "that have come as far"
    )


def _text(curve: Curve, score: float) -> str:
    return "no number" if score == _WORST else f"{curve.shown(score):.6g}"
