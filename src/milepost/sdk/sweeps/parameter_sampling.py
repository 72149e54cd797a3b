"""How the parameters of a sweep's trials are chosen: every setting, by chance, or from what earlier trials gave."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

from milepost.sdk.exceptions import UserErrorException

_PROPERTIES = {"seed"}


class HyperParameterSampling:
    """A way to choose parameters, and the space that they are chosen from.

    ``parameter_space``: name -> expression; a name becomes an option of the script (``"--alpha"``, or ``"alpha"``).
    ``properties={"seed": 1}``: the same seed gives the same trials again; without one each sweep draws its own.
    ``supported_distributions`` names the expressions that may be used, ``distributions_validators`` gives for a name a
    function of an expression that gives ``(whether it is right, message)``.  Raises UserErrorException.
    """

    def __init__(
        self,
        sampling_method_name: str,
        parameter_space: Mapping[str, Any],
        properties: Mapping[str, Any] | None = None,
        supported_distributions: Collection[str] | None = None,
        distributions_validators: Mapping[str, Callable[[Any], tuple[bool, str | None]]] | None = None,
    ) -> None:
        from milepost.sweeps.space import BadSpace, checked_space

        try:
            checked_space(parameter_space)
        except BadSpace as error:
            raise UserErrorException(f"{type(self).__name__}: {error}.") from error
        for name, (kind, _) in parameter_space.items():
            if supported_distributions and kind not in supported_distributions:
                raise UserErrorException(
                    f"{type(self).__name__}: the parameter {name!r} is a {kind}; this sampling takes "
                    f"{', '.join(sorted(supported_distributions))} only."
                )
            validator = (distributions_validators or {}).get(kind)
            if validator is not None:
                right, message = validator(parameter_space[name])
                if not right:
                    raise UserErrorException(f"{type(self).__name__}: the parameter {name!r}: {message}")
        self._sampling_method_name = sampling_method_name
        self._parameter_space = dict(parameter_space)
        self._properties = self._checked(properties)

    def _checked(self, properties: Mapping[str, Any] | None) -> dict[str, Any]:
        if not isinstance(properties, (Mapping, type(None))):
            raise UserErrorException(f"{type(self).__name__}: properties is a dict, not {properties!r:.80}.")
        found = dict(properties or {})
        unknown = found.keys() - _PROPERTIES
        if unknown:
            others = ", ".join(map(repr, sorted(unknown)))
            raise UserErrorException(f"{type(self).__name__}: properties may hold 'seed'; there is no {others}.")
        seed = found.get("seed")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise UserErrorException(f"{type(self).__name__}: the seed must be a whole number, not {seed!r:.80}.")
        return found

    @property
    def _seed(self) -> int | None:
        found: int | None = self._properties.get("seed")
        return found

    def to_json(self) -> dict[str, Any]:
        """The sampling as a dict: name, parameter_space, and properties where there are some."""
        found = {"name": self._sampling_method_name, "parameter_space": self._parameter_space}
        return found | ({"properties": self._properties} if self._properties else {})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    __hash__ = None  # type: ignore[assignment]


class GridParameterSampling(HyperParameterSampling):
    """Every setting of the choices once, the last parameter changing first.  Takes ``choice`` only."""

    SAMPLING_NAME: ClassVar[str] = "GRID"

    def __init__(self, parameter_space: Mapping[str, Any], properties: Mapping[str, Any] | None = None) -> None:
        super().__init__(self.SAMPLING_NAME, parameter_space, properties, supported_distributions={"choice"})


class RandomParameterSampling(HyperParameterSampling):
    """Each parameter by chance.

    Where all parameters are choices or ``randint``, a setting that was there before comes again only when few others
    are left.
    """

    SAMPLING_NAME: ClassVar[str] = "RANDOM"

    def __init__(self, parameter_space: Mapping[str, Any], properties: Mapping[str, Any] | None = None) -> None:
        super().__init__(self.SAMPLING_NAME, parameter_space, properties)


class BayesianParameterSampling(HyperParameterSampling):
    """From what the trials so far gave: Optuna's tree-structured Parzen estimator, after ten trials by chance.

    Takes all expressions, and goes together with every policy.
    """

    SAMPLING_NAME: ClassVar[str] = "BayesianOptimization"

    def __init__(self, parameter_space: Mapping[str, Any], properties: Mapping[str, Any] | None = None) -> None:
        super().__init__(self.SAMPLING_NAME, parameter_space, properties)


def sampling_of(written: Mapping[str, Any]) -> HyperParameterSampling:
    """The sampling that ``to_json`` gave."""
    kinds = (GridParameterSampling, RandomParameterSampling, BayesianParameterSampling)
    kind = next(each for each in kinds if each.SAMPLING_NAME.lower() == str(written["name"]).lower())
    return kind(written["parameter_space"], written.get("properties"))
