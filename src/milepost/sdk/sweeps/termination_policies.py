"""When trials of a sweep are stopped early.  How they are judged: ``milepost.sweeps.policies``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from milepost.sdk.exceptions import UserErrorException


class EarlyTerminationPolicy:
    """A policy: its name, and its settings."""

    def __init__(self, name: str, properties: Mapping[str, Any] | None = None) -> None:
        self._name = name
        self._properties = None if properties is None else dict(properties)

    def to_json(self) -> dict[str, Any]:
        """The policy as a dict: name, and properties where there are some."""
        return {"name": self._name} | ({} if self._properties is None else {"properties": self._properties})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    __hash__ = None  # type: ignore[assignment]

    def _setting(self, name: str) -> Any:
        return (self._properties or {}).get(name)

    def _intervals(self, evaluation_interval: Any, delay_evaluation: Any) -> dict[str, int]:
        found = {
            "evaluation_interval": (evaluation_interval, 1),
            "delay_evaluation": (delay_evaluation, 0),
        }
        for name, (value, least) in found.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UserErrorException(
                    f"{type(self).__name__}: {name} is a number of reports, {least} or more, not {value!r:.80}."
                )
        return {name: value for name, (value, _) in found.items()}


class _Judging(EarlyTerminationPolicy):
    """What policies share that judge trials at intervals."""

    @property
    def evaluation_interval(self) -> int:
        """A trial is judged after so many reports, and each time after so many more."""
        return int(self._setting("evaluation_interval"))

    @property
    def delay_evaluation(self) -> int:
        """Before so many reports it is not judged."""
        return int(self._setting("delay_evaluation"))


class BanditPolicy(_Judging):
    """Stops trials whose best is further from the best of all than ``slack_factor`` (a ratio) or ``slack_amount``.

    A report is one value of the primary metric.  A trial is judged after every ``evaluation_interval`` of its reports,
    from ``delay_evaluation`` on, by what all trials had reported then.  Raises UserErrorException.
    """

    POLICY_NAME: ClassVar[str] = "Bandit"

    def __init__(
        self,
        evaluation_interval: int = 1,
        slack_factor: float | None = None,
        slack_amount: float | None = None,
        delay_evaluation: int = 0,
    ) -> None:
        intervals = self._intervals(evaluation_interval, delay_evaluation)
        given = {"slack_factor": slack_factor, "slack_amount": slack_amount}
        slack = {name: value for name, value in given.items() if value is not None}
        if len(slack) != 1:
            raise UserErrorException("BanditPolicy takes either slack_factor or slack_amount.")
        for name, value in slack.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
                raise UserErrorException(f"BanditPolicy: {name} is a number, 0 or more, not {value!r:.80}.")
        super().__init__(self.POLICY_NAME, {**intervals, **slack})

    @property
    def slack_factor(self) -> float | None:
        """The slack as a ratio, if it was given so."""
        found: float | None = self._setting("slack_factor")
        return found


class MedianStoppingPolicy(_Judging):
    """Stops trials whose best is worse than the median of the running averages of all trials.

    Intervals as of ``BanditPolicy``.  Raises UserErrorException.
    """

    POLICY_NAME: ClassVar[str] = "MedianStopping"

    def __init__(self, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        super().__init__(self.POLICY_NAME, self._intervals(evaluation_interval, delay_evaluation))


class TruncationSelectionPolicy(_Judging):
    """Stops, at each interval, the lowest ``truncation_percentage`` (1 to 99) of the trials that have come as far.

    Intervals as of ``BanditPolicy``.  Raises UserErrorException.
    """

    POLICY_NAME: ClassVar[str] = "TruncationSelection"

    def __init__(self, truncation_percentage: int, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        share = truncation_percentage
        if isinstance(share, bool) or not isinstance(share, int) or not 1 <= share <= 99:
            raise UserErrorException(
                f"TruncationSelectionPolicy: truncation_percentage is a whole number from 1 to 99, not {share!r:.80}."
            )
        intervals = self._intervals(evaluation_interval, delay_evaluation)
        super().__init__(self.POLICY_NAME, {**intervals, "truncation_percentage": share})

    @property
    def truncation_percentage(self) -> int:
        """The share of trials that is stopped at each interval."""
        return int(self._setting("truncation_percentage"))


class NoTerminationPolicy(EarlyTerminationPolicy):
    """Stops no trial."""

    POLICY_NAME: ClassVar[str] = "Default"

    def __init__(self) -> None:
        super().__init__(self.POLICY_NAME)


def policy_of(written: Mapping[str, Any]) -> EarlyTerminationPolicy:
    """The policy that ``to_json`` gave."""
    kinds: tuple[type[EarlyTerminationPolicy], ...] = (BanditPolicy, MedianStoppingPolicy, TruncationSelectionPolicy)
    for kind in kinds:
        if written["name"] == kind.POLICY_NAME:  # type: ignore[attr-defined]
            return kind(**written["properties"])
    return NoTerminationPolicy()
