"""Settings with fixed names: the sections that an environment and a run configuration are made of.

A section is a class with a list of fields: each has the attribute that scripts set, its key in Azure's JSON, and how a
value is checked on its way there and back.  An attribute that does not exist is refused: a misspelt setting that
nobody reads would go unnoticed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from milepost.sdk.exceptions import UserErrorException

Check = Callable[[object, str], Any]
"""Takes a value and where it is from ("Environment 'x': python.interpreter_path"), gives the value or raises."""

_S = TypeVar("_S", bound="Section")


@dataclass(frozen=True)
class Field:
    """One setting: ``attribute`` in Python, ``key`` in JSON, ``default()`` where nothing is said."""

    attribute: str
    key: str
    default: Callable[[], Any]
    write: Check
    """From the attribute to JSON."""
    read: Check | None = None
    """From JSON to the attribute; the same as ``write`` where that is None."""
    nullable: bool = False
    """Whether null in JSON is None, and not the default."""


class Section:
    """The base of all sections.  ``kwargs`` set fields; those that begin with ``_`` are taken and not used."""

    _fields: ClassVar[tuple[Field, ...]] = ()

    def __init__(self, **kwargs: Any) -> None:
        for field in self._fields:
            setattr(self, field.attribute, field.default())
        for name, value in kwargs.items():
            if not name.startswith("_"):
                setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            known = [field.attribute for field in self._fields]
            if name not in known:
                raise AttributeError(
                    f"{type(self).__name__} has no setting {name!r}{_near(name, known)}; it has {', '.join(known)}."
                )
        object.__setattr__(self, name, value)

    def _to_definition(self, where: str = "") -> dict[str, Any]:
        """The section as Azure's JSON.  Raises UserErrorException for a value that a setting cannot have."""
        return {
            field.key: field.write(getattr(self, field.attribute), _at(where or type(self).__name__, field.attribute))
            for field in self._fields
        }

    @classmethod
    def _from_definition(cls: type[_S], definition: object, where: str = "") -> _S:
        """The section that Azure's JSON tells of.  Keys that it lacks keep their defaults, others are passed over.

        Raises UserErrorException for a value that a setting cannot have.
        """
        made = cls()
        made._take(definition, where or cls.__name__)
        return made

    def _take(self, definition: object, where: str) -> None:
        found = mapping(definition, where)
        for field in self._fields:
            if found.get(field.key) is not None:
                read = field.read or field.write
                object.__setattr__(self, field.attribute, read(found[field.key], _at(where, field.key)))
            elif field.key in found and (field.nullable or field.write in _MAY_BE_NONE):
                object.__setattr__(self, field.attribute, None)

    def __repr__(self) -> str:
        import json

        try:
            return json.dumps(self._to_definition(), indent=4, sort_keys=True)
        except UserErrorException as error:  # showing an object must not fail
            return f"<{type(self).__name__}: {error.message}>"


def nested(section: type[Section], *, optional: bool = False) -> tuple[Check, Check]:
    """How a section within a section is written and read."""

    def write(value: object, where: str) -> dict[str, Any] | None:
        if value is None and optional:
            return None
        if not isinstance(value, section):
            raise UserErrorException(f"{where} must be a {section.__name__}, not {shown(value)}.")
        return value._to_definition(where)

    def read(value: object, where: str) -> Section:
        return section._from_definition(value, where)

    return write, read


def text(value: object, where: str) -> str:
    """Text that is not empty; a path will do."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or not value:
        raise UserErrorException(f"{where} must be text, not {shown(value)}.")
    return storable(value, where)


def text_or_none(value: object, where: str) -> str | None:
    """Text, or None; empty text is None."""
    return None if value is None or value == "" else text(value, where)


def number_or_text(value: object, where: str) -> str | None:
    """As `text_or_none`, and a whole number is its digits: a version, a size."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text_or_none(value, where)


def flag(value: object, where: str) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise UserErrorException(f"{where} must be True or False, not {shown(value)}.")
    return value


def texts(value: object, where: str) -> list[str]:
    """A list of texts."""
    return [text(each, f"{where}[{number}]") for number, each in enumerate(_list(value, where))]


def plain_list(value: object, where: str) -> list[Any]:
    """A list of whatever JSON can say."""
    import json

    items = _list(value, where)
    try:
        copied = json.loads(storable(json.dumps(items, allow_nan=False, ensure_ascii=False), where))
    except (TypeError, ValueError, RecursionError) as error:
        raise UserErrorException(f"{where} must hold text, numbers, lists and dicts only ({error}).") from error
    assert isinstance(copied, list)
    return copied


def variables(value: object, where: str) -> dict[str, str]:
    """Environment variables: name -> value.  Numbers and booleans become text."""
    made = {}
    for name, each in mapping(value, where).items():
        if not name or "=" in name:
            raise UserErrorException(f"{where}: {name!r:.100} cannot name an environment variable.")
        if isinstance(each, (bool, int, float)):
            each = str(each)
        if not isinstance(each, str):
            raise UserErrorException(f"{where}[{name!r:.100}] must be text, not {shown(each)}.")
        made[storable(name, where)] = storable(each, f"{where}[{name!r:.100}]")
    return made


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """A dict whose keys are text."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise UserErrorException(f"{where} must be a dict with text as keys, not {shown(value)}.")
    return value


def storable(value: str, what: str) -> str:
    """A text that every store can keep: no NUL, no lone surrogates.  Raises UserErrorException."""
    from milepost.sdk.runs.values import text  # what it loads, `import azureml.core` can do without

    return text(value, what)


def shown(value: object) -> str:
    """A value as an error message shows it."""
    return f"{value!r:.100} ({type(value).__name__})" if value is not None else "None"


def stored(attribute: str, doc: str) -> Any:
    """A property that keeps what it is given, for settings that are properties in Azure's SDK too."""
    name = f"_{attribute}"

    def get(section: Section) -> Any:
        return getattr(section, name)

    def put(section: Section, value: Any) -> None:
        object.__setattr__(section, name, value)

    return property(get, put, doc=doc)


_MAY_BE_NONE = {text_or_none, number_or_text}


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise UserErrorException(f"{where} must be a list, not {shown(value)}.")
    return list(value)


def _at(where: str, name: str) -> str:
    return f"{where} {name}" if where.endswith(":") else f"{where}.{name}"


def _near(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, 1)
    return f" (did you mean {close[0]!r}?)" if close else ""
