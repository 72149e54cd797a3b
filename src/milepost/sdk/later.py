"""Classes of Azure's SDK that this version of Milepost does not have yet, and some that it never will.

Scripts import them at the top of a file beside what they do use, so importing them works.  Making one, calling one
or reading one of its members raises `NotAvailableException`, which says what to do instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NoReturn

from milepost.sdk.exceptions import NotAvailableException, cloud_only, deferred


class LaterType(type):
    """The type of classes that are names only.

    Class keywords: ``module``, where scripts import the class from; ``instead``, what to do meanwhile;
    ``cloud``, whether it belongs to Azure's cloud and no version of Milepost brings it.
    """

    _module: str
    _instead: str
    _cloud: bool

    def __new__(mcs, name: str, bases: tuple[type, ...], members: dict[str, Any], **keywords: Any) -> LaterType:
        """Make the class without its keywords, which ``__init__`` takes."""
        return super().__new__(mcs, name, bases, members)

    def __init__(
        cls,
        name: str,
        bases: tuple[type, ...],
        members: dict[str, Any],
        *,
        module: str | None = None,
        instead: str = "",
        cloud: bool = False,
    ) -> None:
        super().__init__(name, bases, members)
        if module is not None:  # a class that a script derives from one of these keeps what its base has
            cls._module, cls._instead, cls._cloud = f"{module}.{name}", instead, cloud

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise NotAvailableException: there is no such object to make."""
        raise cls._refusal()

    def __getattr__(cls, name: str) -> NoReturn:
        if name.startswith("_"):  # what Python itself and its tools look for
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        raise cls._refusal(f".{name}")

    def _refusal(cls, member: str = "") -> NotAvailableException:
        return (cloud_only if cls._cloud else deferred)(f"{cls._module}{member}", cls._instead)


def later_class(name: str, module: str, instead: str, *, cloud: bool = False) -> LaterType:
    """A class that is a name only; see `LaterType`."""
    members = {"__module__": __name__, "__doc__": f"``{module}.{name}``: not in this version of Milepost."}
    return LaterType(name, (), members, module=module, instead=instead, cloud=cloud)


@dataclass(frozen=True)
class _Group:
    module: str
    names: str
    instead: str
    cloud: bool = False


_LOAD: Final = (
    "Get the model's files with Model.download() or Model.get_model_path() and load them in a server of yours"
)

_GROUPS: Final = (
    _Group("azureml.core", "Keyvault", "Read secrets from environment variables", cloud=True),
    _Group("azureml.core", "Webservice", _LOAD, cloud=True),
    _Group("azureml.core.model", "InferenceConfig", _LOAD, cloud=True),
)

NAMES: Final = {name: group for group in _GROUPS for name in group.names.split()}
"""Every name that this module gives, with where it comes from."""


def __getattr__(name: str) -> Any:
    group = NAMES.get(name)
    if group is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = later_class(name, group.module, group.instead, cloud=group.cloud)
    return made


def __dir__() -> list[str]:
    return sorted({*globals(), *NAMES})
