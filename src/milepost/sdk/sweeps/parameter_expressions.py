"""How a parameter of a sweep is drawn.

Each function gives the expression as the SDK writes it: ``[name, arguments]``.
"""

from __future__ import annotations

from typing import Any

from milepost.sdk.exceptions import UserErrorException

Expression = list[Any]


def choice(*options: Any) -> Expression:
    """One of the options, each as likely: ``choice(16, 32)``, ``choice([16, 32])`` or ``choice(range(1, 5))``."""
    given: Any = options
    if len(options) == 1 and isinstance(options[0], (list, tuple, range)):
        given = options[0]
    return _checked(["choice", [list(given)]])


def randint(upper: int) -> Expression:
    """A whole number from 0 to ``upper``, which is left out."""
    return _checked(["randint", [upper]])


def uniform(min_value: float, max_value: float) -> Expression:
    """A number between the two, each as likely."""
    return _checked(["uniform", [min_value, max_value]])


def quniform(min_value: float, max_value: float, q: float) -> Expression:
    """``round(uniform(min_value, max_value) / q) * q``."""
    return _checked(["quniform", [min_value, max_value, q]])


def loguniform(min_value: float, max_value: float) -> Expression:
    """``exp(uniform(min_value, max_value))``: its logarithm lies between the two."""
    return _checked(["loguniform", [min_value, max_value]])


def qloguniform(min_value: float, max_value: float, q: float) -> Expression:
    """``round(exp(uniform(min_value, max_value)) / q) * q``."""
    return _checked(["qloguniform", [min_value, max_value, q]])


def normal(mu: float, sigma: float) -> Expression:
    """Normally distributed, with the mean ``mu`` and the standard deviation ``sigma``."""
    return _checked(["normal", [mu, sigma]])


def qnormal(mu: float, sigma: float, q: float) -> Expression:
    """``round(normal(mu, sigma) / q) * q``."""
    return _checked(["qnormal", [mu, sigma, q]])


def lognormal(mu: float, sigma: float) -> Expression:
    """``exp(normal(mu, sigma))``: its logarithm is normally distributed."""
    return _checked(["lognormal", [mu, sigma]])


def qlognormal(mu: float, sigma: float, q: float) -> Expression:
    """``round(exp(normal(mu, sigma)) / q) * q``."""
    return _checked(["qlognormal", [mu, sigma, q]])


def _checked(expression: Expression) -> Expression:
    from milepost.sweeps.space import BadSpace, checked_distribution

    plain = [expression[0], [_plain(each) for each in expression[1]]]
    try:
        checked_distribution(plain)
    except BadSpace as error:
        text = str(error)
        raise UserErrorException(f"{text[:1].upper()}{text[1:]}.") from error
    return plain


def _plain(value: Any) -> Any:
    """numpy's scalars as Python's."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, (bool, int, float, str)) or not callable(getattr(value, "item", None)):
        return value
    try:
        return value.item()
    except (TypeError, ValueError):
        return value
