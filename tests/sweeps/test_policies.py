"""Each policy stops the trials that its definition says: compared with the definitions written out plainly."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azureml.exceptions import UserErrorException
from azureml.train.hyperdrive import (
    BanditPolicy,
    EarlyTerminationPolicy,
    MedianStoppingPolicy,
    NoTerminationPolicy,
    TruncationSelectionPolicy,
)
from milepost.sweeps.policies import Curve, Policy, to_stop

Curves = dict[str, list[float]]

# Multiples of a quarter: sums and halves of them are exact, so that both sides compare the same numbers.
VALUES = st.integers(-40, 40).map(lambda number: number / 4) | st.just(math.nan)
CURVES: st.SearchStrategy[Curves] = st.dictionaries(
    st.sampled_from("abcdefgh"), st.lists(VALUES, max_size=12), min_size=1
)
INTERVALS: dict[str, Any] = {"evaluation_interval": st.integers(1, 4), "delay_evaluation": st.integers(0, 6)}
BANDITS = st.builds(
    BanditPolicy, slack_factor=st.sampled_from([0, 0.25, 1, 3]), slack_amount=st.none(), **INTERVALS
) | st.builds(BanditPolicy, slack_factor=st.none(), slack_amount=st.sampled_from([0, 0.5, 4]), **INTERVALS)
MEDIANS = st.builds(MedianStoppingPolicy, **INTERVALS)
TRUNCATIONS = st.builds(TruncationSelectionPolicy, truncation_percentage=st.integers(1, 99), **INTERVALS)


def stopped(policy: EarlyTerminationPolicy, curves: Curves, *, maximize: bool = True) -> set[str]:
    made = {}
    for name, values in curves.items():
        made[name] = Curve(maximize)
        for value in values:
            made[name].extend([value])
    return set(to_stop(Policy.of(policy.to_json()), made, list(curves)))


def last_due(policy: Any, values: list[float]) -> int | None:
    """The last report at which the policy applies to a trial."""
    due = [
        number
        for number in range(1, len(values) + 1)
        if number % policy.evaluation_interval == 0 and number >= policy.delay_evaluation
    ]
    return due[-1] if due else None


def numbers(values: list[float], upto: int) -> list[float]:
    return [value for value in values[:upto] if not math.isnan(value)]


def best(values: list[float], upto: int) -> float:
    return max(numbers(values, upto), default=-math.inf)


def plain_bandit(policy: BanditPolicy, curves: Curves) -> set[str]:
    found = set()
    for name, values in curves.items():
        at = last_due(policy, values)
        if at is None:
            continue
        own, leader = best(values, at), max(best(each, at) for each in curves.values())
        if own == -math.inf or leader == -math.inf:
            behind = own < leader
        elif (amount := policy.to_json()["properties"].get("slack_amount")) is not None:
            behind = own < leader - amount
        elif own >= 0 or leader <= 0:
            # Azure's words: best / (1 + factor) for what is maximised; what is negative is what is minimised, mirrored.
            factor = policy.slack_factor or 0
            behind = own * (1 + factor) < leader if own >= 0 else -own > -leader * (1 + factor)
        else:
            behind = leader - own > (policy.slack_factor or 0) * min(-own, leader)
        if behind:
            found.add(name)
    return found


def plain_median(policy: MedianStoppingPolicy, curves: Curves) -> set[str]:
    found = set()
    for name, values in curves.items():
        at = last_due(policy, values)
        if at is not None:
            averages = [statistics.fmean(numbers(each, at)) for each in curves.values() if numbers(each, at)]
            if averages and best(values, at) < statistics.median(averages):
                found.add(name)
    return found


def plain_truncation(policy: TruncationSelectionPolicy, curves: Curves) -> set[str]:
    found = set()
    for name, values in curves.items():
        at = last_due(policy, values)
        if at is not None:
            there = [best(each, at) for each in curves.values() if len(each) >= at]
            places = len(there) * policy.truncation_percentage // 100
            if sum(each <= best(values, at) for each in there) <= places:
                found.add(name)
    return found


@given(BANDITS, CURVES)
def test_bandit(policy: BanditPolicy, curves: Curves) -> None:
    assert stopped(policy, curves) == plain_bandit(policy, curves)


@given(MEDIANS, CURVES)
def test_median_stopping(policy: MedianStoppingPolicy, curves: Curves) -> None:
    assert stopped(policy, curves) == plain_median(policy, curves)


@given(TRUNCATIONS, CURVES)
def test_truncation_selection(policy: TruncationSelectionPolicy, curves: Curves) -> None:
    assert stopped(policy, curves) == plain_truncation(policy, curves)


@given(BANDITS | MEDIANS | TRUNCATIONS, CURVES)
def test_minimising_is_maximising_the_negative(policy: EarlyTerminationPolicy, curves: Curves) -> None:
    mirrored = {name: [-value for value in values] for name, values in curves.items()}
    assert stopped(policy, curves) == stopped(policy, mirrored, maximize=False)


@given(BANDITS | TRUNCATIONS, CURVES)
def test_the_best_of_those_that_have_come_as_far_goes_on(policy: EarlyTerminationPolicy, curves: Curves) -> None:
    longest = max(len(values) for values in curves.values())
    same_length = {name: values for name, values in curves.items() if len(values) == longest}
    judged_at = last_due(policy, [0.0] * longest) or longest
    leader = max(same_length, key=lambda name: best(same_length[name], judged_at))
    assert leader not in stopped(policy, same_length)


def test_the_examples_of_the_sdk_s_documentation() -> None:
    at_100 = {"best": [0.8] * 100, "near": [0.7] * 100, "far": [0.6] * 100}
    assert stopped(BanditPolicy(evaluation_interval=100, slack_factor=0.2), at_100) == {"far"}  # 0.8 / 1.2 = 0.667
    assert stopped(BanditPolicy(evaluation_interval=100, slack_amount=0.15), at_100) == {"far"}
    assert stopped(BanditPolicy(100, slack_factor=0.2, delay_evaluation=200), at_100) == set()
    ten = {str(number): [float(number)] * 5 for number in range(10)}
    policy = TruncationSelectionPolicy(evaluation_interval=1, truncation_percentage=20, delay_evaluation=5)
    assert stopped(policy, ten) == {"0", "1"}
    assert stopped(MedianStoppingPolicy(1, 5), ten) == {"0", "1", "2", "3", "4"}


def test_without_a_policy_nothing_is_stopped() -> None:
    assert stopped(NoTerminationPolicy(), {"a": [0.0], "b": [9.0]}) == set()


def test_the_reason_says_who_was_judged_by_what() -> None:
    curves = {"good": Curve(maximize=False), "bad": Curve(maximize=False)}
    curves["good"].extend([1.0, 0.5])
    curves["bad"].extend([4.0, 3.0])
    policy = Policy.of(BanditPolicy(slack_factor=0.1).to_json())
    assert to_stop(policy, curves, ["bad"]) == {
        "bad": "Bandit: after 2 reports its best, 3, is not within slack_factor 0.1 of the best of all, 0.5"
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BanditPolicy(), "either slack_factor or slack_amount"),
        (lambda: BanditPolicy(slack_factor=0.1, slack_amount=1), "either slack_factor or slack_amount"),
        (lambda: BanditPolicy(slack_factor=-1), "slack_factor is a number, 0 or more"),
        (lambda: BanditPolicy(0, slack_factor=1), "evaluation_interval is a number of reports, 1 or more"),
        (lambda: MedianStoppingPolicy(delay_evaluation=-1), "delay_evaluation is a number of reports"),
        (lambda: TruncationSelectionPolicy(100), "a whole number from 1 to 99"),
        (lambda: TruncationSelectionPolicy(10, evaluation_interval=1.5), "evaluation_interval"),  # type: ignore[arg-type]
    ],
)
def test_settings_that_cannot_be_meant_are_refused(make: Any, message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        make()
