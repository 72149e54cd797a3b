"""Tags and properties: keys and values are texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.runs.values import short_name, text


def check_tags(tags: Mapping[str, Any]) -> dict[str, str | None]:
    """Tags with their values as texts; None is a tag without a value.  Raises UserErrorException."""
    return {
        _key(key, "tag"): None if value is None else text(str(value), f"Tag {key!r}") for key, value in _pairs(tags)
    }


def check_properties(properties: Mapping[str, Any]) -> dict[str, str]:
    """Properties with their values as texts.  Raises UserErrorException."""
    return {_key(key, "property"): text(str(value), f"Property {key!r}") for key, value in _pairs(properties)}


def tag_filter(tags: str | Mapping[str, Any] | None) -> dict[str, Any]:
    """A filter as the store takes it, from a key that must be there or a dict of key -> value."""
    from milepost.store.records import ANY

    if tags is None:
        return {}
    if isinstance(tags, str):
        return {tags: ANY}
    return {str(key): None if value is None else str(value) for key, value in _pairs(tags)}


def _pairs(given: Mapping[str, Any]) -> list[tuple[str, Any]]:
    if not isinstance(given, Mapping):
        raise UserErrorException(
            f"Tags and properties are given as a dict, not as {type(given).__name__}: {given!r:.80}."
        )
    return list(given.items())


def _key(key: object, what: str) -> str:
    if not isinstance(key, str) or not key:
        raise UserErrorException(f"The name of a {what} must be a text that is not empty, not {key!r:.80}.")
    return short_name(key, f"The name of a {what}")
