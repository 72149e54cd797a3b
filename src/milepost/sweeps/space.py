"""The space that a sweep searches: a distribution for each parameter, as the SDK writes it.

A distribution is ``[name, arguments]``: ``["choice", [[16, 32]]]``, ``["uniform", [0.05, 0.1]]``, ``["randint", [5]]``.
``value_at`` gives the value at a quantile, so that whoever draws needs numbers between 0 and 1 alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any, Final

Value = int | float | str | bool
Parameters = dict[str, Value]
Distribution = tuple[str, tuple[Any, ...]]
Space = dict[str, Distribution]

CHOICE: Final = "choice"
RANDINT: Final = "randint"
_ARGUMENTS: Final = {
    CHOICE: ("options",),
    RANDINT: ("upper",),
    "uniform": ("min_value", "max_value"),
    "quniform": ("min_value", "max_value", "q"),
    "loguniform": ("min_value", "max_value"),
    "qloguniform": ("min_value", "max_value", "q"),
    "normal": ("mu", "sigma"),
    "qnormal": ("mu", "sigma", "q"),
    "lognormal": ("mu", "sigma"),
    "qlognormal": ("mu", "sigma", "q"),
}
NAMES: Final = tuple(_ARGUMENTS)
_LARGEST_EXPONENT: Final = 709.0
"""e to a larger power is no float any more."""
_EDGE: Final = 2.0**-53
_MOST_OPTIONS: Final = 100_000


class BadSpace(ValueError):
    """A parameter or a distribution that cannot be drawn from; the message says which and why."""


def checked_space(given: Any) -> Space:
    """The space, when every parameter in it can be drawn.  Raises BadSpace."""
    if not isinstance(given, Mapping) or not given:
        raise BadSpace(
            "the parameter space is a dict of name -> distribution, such as {'--alpha': uniform(0, 1)}, with one "
            f"parameter at least; not {given!r:.80}"
        )
    space: Space = {}
    for name, written in given.items():
        if not isinstance(name, str) or not name.strip("- ") or any(each.isspace() or each == "\0" for each in name):
            raise BadSpace(f"{name!r:.80} cannot name a parameter: it becomes an option of the script, such as --alpha")
        try:
            space[name] = checked_distribution(written)
        except BadSpace as error:
            raise BadSpace(f"the parameter {name!r}: {error}") from error
    if len({option(name) for name in space}) < len(space):
        raise BadSpace("two parameters become the same option of the script: with and without the leading '--'")
    return space


def checked_distribution(written: Any) -> Distribution:
    """The distribution, when it can be drawn from.  Raises BadSpace."""
    if not isinstance(written, (list, tuple)) or len(written) != 2 or not isinstance(written[0], str):
        raise BadSpace(f"it needs a distribution, such as uniform(0, 1) or choice(1, 2, 3), not {written!r:.80}")
    name, arguments = written
    if name not in _ARGUMENTS:
        raise BadSpace(f"there is no distribution {name!r:.40}; there are {', '.join(NAMES)}")
    names = _ARGUMENTS[name]
    if not isinstance(arguments, (list, tuple)) or len(arguments) != len(names):
        raise BadSpace(f"{name} takes {', '.join(names)}, not {arguments!r:.80}")
    if name == CHOICE:
        return name, (_options(arguments[0]),)
    numbers = dict(zip(names, arguments, strict=True))
    for each, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise BadSpace(f"{name}: {each} must be a finite number, not {number!r:.80}")
    _check_numbers(name, numbers)
    return name, tuple(arguments)


def _check_numbers(name: str, numbers: Mapping[str, float]) -> None:
    if name == RANDINT and (not isinstance(numbers["upper"], int) or numbers["upper"] < 1):
        raise BadSpace(f"randint: upper must be a whole number from 1, not {numbers['upper']!r}")
    if "q" in numbers and numbers["q"] <= 0:
        raise BadSpace(f"{name}: q must be more than 0, not {numbers['q']!r}")
    if "sigma" in numbers and numbers["sigma"] < 0:
        raise BadSpace(f"{name}: sigma must not be negative, but is {numbers['sigma']!r}")
    if "min_value" in numbers:
        low, high = numbers["min_value"], numbers["max_value"]
        if low >= high or not math.isfinite(high - low):
            raise BadSpace(f"{name}: min_value must be less than max_value, but they are {low!r} and {high!r}")
        if "log" in name and high > _LARGEST_EXPONENT:
            raise BadSpace(
                f"{name}: max_value is the exponent of e, and e to the power of {high!r} is too large; for values up "
                f"to x give log(x)"
            )


def _options(given: Any) -> tuple[Value, ...]:
    if not isinstance(given, (list, tuple, range)) or not given:
        raise BadSpace(f"choice needs one option at least, not {given!r:.80}")
    if len(given) > _MOST_OPTIONS:
        raise BadSpace(f"choice takes up to {_MOST_OPTIONS:,} options, not {len(given):,}")
    for each in given:
        if not isinstance(each, (int, float, str)):
            raise BadSpace(f"an option of choice must be a number, a text or a bool, not {each!r:.80}")
        if isinstance(each, str) and "\0" in each:
            raise BadSpace(f"the option {each!r:.80} holds a NUL character")
    return tuple(given)


def written(space: Space) -> dict[str, list[Any]]:
    """The space as the SDK writes it, for JSON."""
    return {
        name: [kind, [list(each) if isinstance(each, tuple) else each for each in arguments]]
        for name, (kind, arguments) in space.items()
    }


def value_at(distribution: Distribution, quantile: float) -> Value:
    """The value below which lies ``quantile`` (0 to 1) of the distribution.

    For ``choice``: the option there, where all take the same room.  Values of a ``q`` that is a whole number are whole
    numbers.
    """
    name, arguments = distribution
    if name == CHOICE:
        options: Sequence[Value] = arguments[0]
        return options[min(int(quantile * len(options)), len(options) - 1)]
    if name == RANDINT:
        return min(int(quantile * arguments[0]), int(arguments[0]) - 1)
    number = _number_at(name, arguments, quantile)
    if not name.startswith("q"):
        return number
    q = arguments[-1]
    steps = round(number / q)
    return steps * q if isinstance(q, int) else float(steps * q)


def _number_at(name: str, arguments: Sequence[float], quantile: float) -> float:
    first, second = float(arguments[0]), float(arguments[1])
    if "normal" in name:
        inside = min(max(quantile, _EDGE), 1 - _EDGE)
        found = first + second * NormalDist().inv_cdf(inside)
    else:
        found = min(max(first + (second - first) * quantile, first), second)
    return math.exp(min(found, _LARGEST_EXPONENT)) if "log" in name else found


def quantile_of(distribution: Distribution, value: Any) -> float | None:
    """The quantile at which a value lies, the other way round; None for ``choice``, ``randint`` and what is beyond."""
    name, arguments = distribution
    if name in (CHOICE, RANDINT) or isinstance(value, (bool, str)) or value is None:
        return None
    first, second = float(arguments[0]), float(arguments[1])
    if "log" in name:
        if value <= 0:
            return None
        value = math.log(value)
    number = float(value)
    if "normal" in name:
        return NormalDist(first, second).cdf(number) if second else 0.5
    return min(max((number - first) / (second - first), 0.0), 1.0)


def points(space: Space) -> int | None:
    """How many different settings the space has; None where a parameter has no countable values."""
    total = 1
    for name, arguments in space.values():
        if name == CHOICE:
            total *= len(arguments[0])
        elif name == RANDINT:
            total *= int(arguments[0])
        else:
            return None
    return total


def grid_point(space: Space, number: int) -> Parameters:
    """Setting ``number`` (from 0) of a space of choices: the last parameter changes first."""
    found: Parameters = {}
    for name, (_, arguments) in reversed(space.items()):
        number, place = divmod(number, len(arguments[0]))
        found[name] = arguments[0][place]
    return {name: found[name] for name in space}


# -- what the script is given ----------------------------------------------------------------------------------------


def option(name: str) -> str:
    """The script's option for a parameter: the name, with "--" before it where it has no dash of its own."""
    return name if name.startswith("-") else f"--{name}"


def script_arguments(parameters: Parameters) -> list[str]:
    """The arguments that a trial's script gets behind its own: each option and its value."""
    return [text for name, value in parameters.items() for text in (option(name), str(value))]
