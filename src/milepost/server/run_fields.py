"""Columns and orders as addresses name them.

Names stand in columns as they are, without quotes: ``metrics.val/loss``.  Between several columns is a comma; one in a
name is written %2C, and % is %25.
"""

from __future__ import annotations

from typing import Final

from milepost.server.problem import Problem
from milepost.store.field_names import field_of as field_of
from milepost.store.field_names import order_of as order_of
from milepost.store.filters import GROUPS, Field

MAX_COLUMNS: Final = 100


def names_of(text: str) -> list[str]:
    """The names of a list, each once."""
    return list(dict.fromkeys(each.replace("%2C", ",").replace("%25", "%") for each in text.split(",") if each))


def listed(name: str) -> str:
    """A name as a list takes it."""
    return name.replace("%", "%25").replace(",", "%2C")


def columns_of(text: str) -> dict[str, Field]:
    """Each column that a list names, with what it means.  Raises Problem and BadInput."""
    names = names_of(text)
    if len(names) > MAX_COLUMNS:
        raise Problem(422, f"columns: {len(names):,} are asked for; up to {MAX_COLUMNS} are given at once")
    found = {name: field_of(name) for name in names}
    plain = [name for name, field in found.items() if field.kind not in GROUPS]
    if plain:
        raise Problem(400, f"every run has {plain[0]!r} already; columns are metrics, tags, properties and params")
    return found
