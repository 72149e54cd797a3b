"""Every expression is drawn as its definition says."""

from __future__ import annotations

import math
from collections import Counter
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azureml.exceptions import UserErrorException
from azureml.train import hyperdrive
from milepost.sweeps.space import (
    checked_distribution,
    checked_space,
    grid_point,
    points,
    quantile_of,
    script_arguments,
    value_at,
)

EVENLY = [(each + 0.5) / 4000 for each in range(4000)]

# Expression -> its distribution function.
CONTINUOUS = {
    "uniform": (hyperdrive.uniform(-2, 3), lambda x: (x + 2) / 5),
    "loguniform": (hyperdrive.loguniform(-6, -1), lambda x: (math.log(x) + 6) / 5),
    "normal": (hyperdrive.normal(10, 3), NormalDist(10, 3).cdf),
    "lognormal": (hyperdrive.lognormal(0.5, 0.25), lambda x: NormalDist(0.5, 0.25).cdf(math.log(x))),
}
# Expression -> what is rounded to multiples of its q.
ROUNDED = {
    "quniform": (hyperdrive.quniform(1, 10, 2), hyperdrive.uniform(1, 10)),
    "qloguniform": (hyperdrive.qloguniform(0, 3, 2), hyperdrive.loguniform(0, 3)),
    "qnormal": (hyperdrive.qnormal(10, 3, 2), hyperdrive.normal(10, 3)),
    "qlognormal": (hyperdrive.qlognormal(1, 0.5, 2), hyperdrive.lognormal(1, 0.5)),
}


@pytest.mark.parametrize("name", CONTINUOUS)
@given(quantile=st.floats(0.001, 0.999))
def test_a_quantile_of_an_expression_is_where_its_distribution_says(name: str, quantile: float) -> None:
    expression, below = CONTINUOUS[name]
    distribution = checked_distribution(expression)
    value = value_at(distribution, quantile)
    assert isinstance(value, float)
    assert below(value) == pytest.approx(quantile, abs=1e-9)
    assert quantile_of(distribution, value) == pytest.approx(quantile, abs=1e-9)


@pytest.mark.parametrize("name", ROUNDED)
@given(quantile=st.floats(0, 1))
def test_with_a_q_the_value_is_rounded_to_its_multiples(name: str, quantile: float) -> None:
    expression, smooth = ROUNDED[name]
    found, exact = (
        value_at(checked_distribution(expression), quantile),
        value_at(checked_distribution(smooth), quantile),
    )
    assert isinstance(exact, float)
    assert found == round(exact / 2) * 2
    assert isinstance(found, int)  # as q is: a script that takes type=int can read it


def test_a_q_that_is_no_whole_number_gives_floats() -> None:
    assert value_at(checked_distribution(hyperdrive.quniform(0, 1, 0.25)), 0.6) == 0.5
    assert isinstance(value_at(checked_distribution(hyperdrive.quniform(0, 10, 1.0)), 0.6), float)


def test_choice_and_randint_give_each_value_as_often() -> None:
    options = checked_distribution(hyperdrive.choice("a", "b", "c", "d"))
    assert Counter(value_at(options, each) for each in EVENLY) == dict.fromkeys("abcd", 1000)
    numbers = checked_distribution(hyperdrive.randint(8))
    assert Counter(value_at(numbers, each) for each in EVENLY) == dict.fromkeys(range(8), 500)
    assert {value_at(numbers, each) for each in (0.0, 1.0)} == {0, 7}


def test_expressions_are_written_as_the_sdk_writes_them() -> None:
    assert hyperdrive.choice(1, 2) == hyperdrive.choice([1, 2]) == hyperdrive.choice(range(1, 3))
    assert hyperdrive.choice(1, 2) == ["choice", [[1, 2]]]
    assert hyperdrive.uniform(0.1, 1) == ["uniform", [0.1, 1]]
    assert hyperdrive.randint(4) == ["randint", [4]]
    assert hyperdrive.qnormal(10, 3, 1) == ["qnormal", [10, 3, 1]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hyperdrive.choice(), "Choice needs one option at least"),
        (lambda: hyperdrive.choice(None, 1), "An option of choice must be a number, a text or a bool, not None"),
        (lambda: hyperdrive.uniform(1, 1), "min_value must be less than max_value"),
        (lambda: hyperdrive.uniform("a", 1), "min_value must be a finite number, not 'a'"),
        (lambda: hyperdrive.loguniform(1, 1000), "for values up to x give log"),
        (lambda: hyperdrive.quniform(0, 1, 0), "q must be more than 0"),
        (lambda: hyperdrive.normal(0, -1), "sigma must not be negative"),
        (lambda: hyperdrive.normal(math.nan, 1), "mu must be a finite number"),
        (lambda: hyperdrive.randint(0), "upper must be a whole number from 1"),
        (lambda: hyperdrive.RandomParameterSampling({}), "with one parameter at least"),
        (lambda: hyperdrive.RandomParameterSampling({"a": 5}), "'a': it needs a distribution"),
        (lambda: hyperdrive.RandomParameterSampling({"--a": ["zipf", [1]]}), "there is no distribution 'zipf'"),
        (
            lambda: hyperdrive.RandomParameterSampling({"a": hyperdrive.choice(1), "--a": hyperdrive.choice(1)}),
            "the same option",
        ),
        (lambda: hyperdrive.GridParameterSampling({"a": hyperdrive.uniform(0, 1)}), "takes choice only"),
        (lambda: hyperdrive.RandomParameterSampling({"a": hyperdrive.choice(1)}, {"sed": 1}), "there is no 'sed'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_where_it_is_written(make: Any, message: str) -> None:
    with pytest.raises(UserErrorException, match=message):
        make()


def test_a_grid_has_every_setting_once() -> None:
    space = checked_space({"a": hyperdrive.choice(1, 2, 3), "b": hyperdrive.choice("x", "y")})
    assert points(space) == 6
    found = [grid_point(space, number) for number in range(6)]
    assert found[:3] == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}]
    assert len({tuple(each.values()) for each in found}) == 6


def test_parameters_become_options_of_the_script() -> None:
    assert script_arguments({"--kernel": "rbf", "penalty": 0.5, "-n": 3, "--quiet": True}) == [
        *("--kernel", "rbf", "--penalty", "0.5", "-n", "3", "--quiet", "True")
    ]
