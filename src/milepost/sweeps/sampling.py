"""What a trial is given: drawn from a sweep's seed and the trial's number, so that a restart draws the same again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from milepost.sweeps.space import CHOICE, RANDINT, Distribution, Parameters, Value, points, quantile_of, value_at
from milepost.sweeps.specification import BAYESIAN, GRID, Sweep, Told

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial

_REDRAWS: Final = 100
_SEEDS: Final = 2**32


class Sampler(Protocol):
    """Gives the parameters of one trial after the other."""

    def draw(self, number: int, before: Sequence[Parameters]) -> Parameters:
        """The parameters of trial ``number``; ``before``: those of the trials before it."""
        ...

    def tell(self, parameters: Parameters, value: float | None) -> None:
        """A trial has ended: the best that it reported, None where it reported nothing or failed."""
        ...


def sampler_of(sweep: Sweep) -> Sampler:
    """The sampler that the sweep asks for."""
    if sweep.sampling == GRID:
        return GridSampler(sweep)
    return BayesianSampler(sweep) if sweep.sampling == BAYESIAN else RandomSampler(sweep)


class GridSampler:
    """Every setting once, in order."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep

    def draw(self, number: int, before: Sequence[Parameters]) -> Parameters:
        """See ``Sampler``."""
        return self._sweep.grid_parameters(number)

    def tell(self, parameters: Parameters, value: float | None) -> None:
        """See ``Sampler``."""


class RandomSampler:
    """Each parameter by itself, at a quantile of its distribution drawn evenly.

    Where the space has few settings, one that was there before is drawn anew as long as there are others.
    """

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._points = points(sweep.space)

    def draw(self, number: int, before: Sequence[Parameters]) -> Parameters:
        """See ``Sampler``."""
        chance = random.Random(f"{self._sweep.seed}/{number}")  # noqa: S311 - no secret
        found = self._once(chance)
        if self._points is not None and len(before) < self._points:
            for _ in range(_REDRAWS):
                if found not in before:
                    break
                found = self._once(chance)
        return found

    def _once(self, chance: random.Random) -> Parameters:
        return {name: value_at(distribution, chance.random()) for name, distribution in self._sweep.space.items()}

    def tell(self, parameters: Parameters, value: float | None) -> None:
        """See ``Sampler``."""


class BayesianSampler:
    """Optuna's tree-structured Parzen estimator (TPE), which knows the trials that still run, too.

    It searches the quantiles of the distributions, so that what it begins with are the distributions themselves.
    """

    def __init__(self, sweep: Sweep) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna = optuna
        self._seed = sweep.seed
        self._space = sweep.space
        self._distributions = {name: _searched(each) for name, each in sweep.space.items()}
        self._study: Study = optuna.create_study(
            direction="maximize" if sweep.maximize else "minimize", sampler=self._tpe(0)
        )
        self._running: list[tuple[Parameters, int]] = []
        for told in sweep.inherited:
            self._add(told)

    def draw(self, number: int, before: Sequence[Parameters]) -> Parameters:
        """See ``Sampler``."""
        self._study.sampler = self._tpe(number)
        trial = self._study.ask(self._distributions)
        found = {name: _value(each, trial.params[name]) for name, each in self._space.items()}
        self._running.append((found, trial.number))
        return found

    def tell(self, parameters: Parameters, value: float | None) -> None:
        """See ``Sampler``."""
        for index, (each, number) in enumerate(self._running):
            if each == parameters:
                del self._running[index]
                self._finish(number, value)
                return
        self._add(Told(parameters, value))

    def _finish(self, number: int, value: float | None) -> None:
        state = self._optuna.trial.TrialState
        if value is None:
            self._study.tell(number, state=state.FAIL)
        else:
            self._study.tell(number, value)

    def _add(self, told: Told) -> None:
        """One that was not drawn here: of an earlier sweep, or before a restart."""
        if told.value is not None and (places := self._places(told.parameters)) is not None:
            self._study.add_trial(self._frozen(places, told.value))

    def _frozen(self, places: dict[str, Any], value: float) -> FrozenTrial:
        return self._optuna.trial.create_trial(params=places, distributions=self._distributions, value=value)

    def _places(self, parameters: Parameters) -> dict[str, Any] | None:
        """Where the parameters lie in what is searched; None where they are not of this space."""
        found: dict[str, Any] = {}
        for name, (kind, arguments) in self._space.items():
            value = parameters.get(name)
            if kind == CHOICE:
                place: Any = arguments[0].index(value) if value in arguments[0] else None
            else:
                place = value if kind == RANDINT else quantile_of((kind, arguments), value)
            if place is None or not self._distributions[name]._contains(place):
                return None
            found[name] = place
        return found

    def _tpe(self, number: int) -> Any:
        """The sampler for that trial: what it draws by chance depends on the seed and the number alone."""
        seed = random.Random(f"{self._seed}/{number}").randrange(_SEEDS)  # noqa: S311 - no secret
        return self._optuna.samplers.TPESampler(seed=seed, constant_liar=True)


def _searched(distribution: Distribution) -> BaseDistribution:
    """What Optuna searches for a parameter: the number of an option, a whole number, or a quantile."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    kind, arguments = distribution
    if kind == CHOICE:
        return CategoricalDistribution(range(len(arguments[0])))
    if kind == RANDINT:
        return IntDistribution(0, arguments[0] - 1)
    return FloatDistribution(0.0, 1.0)


def _value(distribution: Distribution, place: Any) -> Value:
    """The value of a parameter at the place that Optuna has chosen."""
    kind, arguments = distribution
    if kind == CHOICE:
        option: Value = arguments[0][place]
        return option
    return int(place) if kind == RANDINT else value_at(distribution, place)
