"""Which function submits which kind of configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from milepost.sdk.exceptions import UserErrorException

SubmitFunction = Callable[..., Any]


class ExperimentSubmitRegistrar:
    """``Experiment.submit`` calls ``submit_function(config, workspace, experiment_name, **kwargs)`` for objects of the
    classes that were registered."""

    _functions: ClassVar[dict[type, SubmitFunction]] = {}

    @classmethod
    def register_submit_function(cls, method_class: type, submit_function: SubmitFunction) -> None:
        """Have objects of a class (and of those derived from it) submitted by this function."""
        cls._functions[method_class] = submit_function

    @classmethod
    def get_submit_function(cls, method: Any) -> SubmitFunction:
        """The function for an object.  Raises UserErrorException where none was registered for its class."""
        found = cls._find(method)
        if found is None:
            raise UserErrorException(f"Nothing is registered that submits a {type(method).__name__}.")
        return found

    @classmethod
    def _find(cls, method: Any) -> SubmitFunction | None:
        known = (each for each in type(method).__mro__ if each in cls._functions)
        nearest = next(known, None)
        return None if nearest is None else cls._functions[nearest]
