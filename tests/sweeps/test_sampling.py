"""What the trials of a sweep are given: the same again with the same seed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from azureml.train.hyperdrive import choice, loguniform, normal, quniform, randint, uniform
from milepost.sweeps.policies import Policy
from milepost.sweeps.sampling import sampler_of
from milepost.sweeps.space import Parameters, checked_space
from milepost.sweeps.specification import BAYESIAN, GRID, RANDOM, Resumed, Sweep, Told

MIXED = {"a": uniform(0, 1), "b": choice("x", "y", "z"), "c": randint(10), "d": loguniform(-5, 0)}


def sweep(sampling: str, space: dict[str, Any], *, seed: int = 1, **more: Any) -> Sweep:
    return Sweep(
        sampling,
        checked_space(space),
        seed=seed,
        **{"metric": "m", "maximize": True, "max_total": 30, "max_concurrent": 1, "max_duration_s": 60.0} | more,
        policy=Policy(),
        child={},
    )


def drawn(what: Sweep, count: int, score: Any = lambda parameters: 0.0) -> list[Parameters]:
    """The trials of a sweep that does one after the other."""
    sampler = sampler_of(what)
    found: list[Parameters] = []
    for number in range(count):
        found.append(sampler.draw(number, found))
        sampler.tell(found[-1], score(found[-1]))
    return found


@pytest.mark.parametrize("sampling", [RANDOM, BAYESIAN])
def test_a_seed_makes_a_sweep_repeatable(sampling: str) -> None:
    first = drawn(sweep(sampling, MIXED), 15, lambda each: each["a"])
    assert first == drawn(sweep(sampling, MIXED), 15, lambda each: each["a"])
    assert first != drawn(sweep(sampling, MIXED, seed=2), 15, lambda each: each["a"])
    assert len({str(each) for each in first}) == 15


def test_a_controller_that_takes_over_draws_what_the_first_would_have_drawn() -> None:
    what = sweep(RANDOM, MIXED)
    whole = drawn(what, 10)
    assert [sampler_of(what).draw(number, whole[:number]) for number in range(10)] == whole


def test_random_sampling_of_few_settings_tries_each_before_any_comes_again() -> None:
    found = drawn(sweep(RANDOM, {"a": choice(1, 2, 3), "b": randint(4)}), 14)
    assert len({tuple(each.values()) for each in found[:12]}) == 12


def test_a_grid_ends_where_its_settings_end() -> None:
    what = sweep(GRID, {"a": choice(1, 2), "b": choice("x", "y")}, max_total=30)
    assert what.total() == 4
    assert drawn(what, 4)[-1] == {"a": 2, "b": "y"}
    assert sweep(GRID, {"a": choice(1, 2, 3)}, max_total=2).total() == 2
    after = sweep(GRID, {"a": choice(1, 2, 3)}, resumed=[Resumed("old_1", {"a": 2})])
    assert after.total() == 4
    assert after.grid_parameters(1) == {"a": 1}


def _good(each: Parameters) -> float:
    return -((float(each["a"]) - 0.7) ** 2) - (0 if each["b"] == "y" else 0.5)


def test_bayesian_sampling_gets_close_to_what_is_best() -> None:
    found = drawn(sweep(BAYESIAN, MIXED), 40, _good)
    late = [_good(each) for each in found[-10:]]
    early = [_good(each) for each in found[:10]]
    assert sum(late) / 10 > sum(early) / 10 + 0.1
    assert max(late) > -0.01


def test_bayesian_sampling_learns_from_earlier_sweeps() -> None:
    before = drawn(sweep(RANDOM, MIXED, seed=9), 40)
    told = [Told(each, _good(each)) for each in before] + [Told({"a": 99, "other": 1}, 5.0), Told(before[0], None)]
    warm = drawn(sweep(BAYESIAN, MIXED, inherited=told), 5, _good)
    cold = drawn(sweep(BAYESIAN, MIXED), 5, _good)
    assert sum(map(_good, warm)) > sum(map(_good, cold))


def test_bayesian_sampling_takes_every_expression_and_trials_at_the_same_time() -> None:
    space = {**MIXED, "n": normal(0, 1), "q": quniform(1, 100, 5)}
    sampler = sampler_of(sweep(BAYESIAN, space, maximize=False))
    found: list[Parameters] = []
    for number in range(12):
        found.append(sampler.draw(number, found))
        if number >= 4:
            sampler.tell(found[number - 4], None if number == 5 else float(found[number - 4]["q"]))
    assert all(each["q"] % 5 == 0 for each in found)  # type: ignore[operator]
    sampler.tell({**found[0], "q": 55}, 3.0)  # of before a restart


def test_a_sweep_comes_back_from_its_file() -> None:
    what = sweep(BAYESIAN, MIXED, inherited=[Told({"a": 1}, 2.0)], resumed=[Resumed("x", {"a": 1})])
    assert Sweep.from_json(what.to_json()) == what


def test_optuna_is_loaded_by_bayesian_sampling_alone() -> None:
    source = """
import sys
import milepost.sweeps.controller, milepost.sdk.sweeps.sweep_submission, azureml.train.hyperdrive
from milepost.sweeps.sampling import RandomSampler
assert "optuna" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", source], check=True, timeout=60)
