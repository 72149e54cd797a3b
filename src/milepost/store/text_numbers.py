"""Texts as numbers: what the column ``number`` beside the texts of tags, properties and parameters holds.

The databases compute it themselves from the text, so it is right whoever writes, an older Milepost too.
Numbers are those that JSON and Python write (``-3``, ``0.5``, ``1e-05``), of less than 100 characters and with
exponents of up to three digits; other texts have none.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Double
from sqlalchemy.ext.compiler import compiles

# CASE, for it looks at nothing before it is safe to.
# SQLite: JSON of these characters only is a number.
SQLITE: Final = (
    "CASE WHEN value GLOB '[-0-9]*' AND length(value) < 100 AND NOT value GLOB '*[^-+.eE0-9]*'"
    " AND NOT value GLOB '*[eE]*[0-9][0-9][0-9][0-9]' AND json_valid(value) = 1 THEN CAST(value AS REAL) END"
)
# PostgreSQL raises an error for what a double cannot hold, where SQLite takes the infinities and 0.
POSTGRESQL: Final = (
    r"CASE WHEN length(value) < 100 AND value ~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$' THEN"
    " CASE WHEN value::numeric >= 1.7976931348623158e308 THEN 'Infinity'::float8"
    " WHEN value::numeric <= -1.7976931348623158e308 THEN '-Infinity'::float8"
    " WHEN abs(value::numeric) < 2.3e-308 THEN 0::float8"
    " ELSE value::float8 END END"
)


class NumberInValue(ColumnElement[float]):
    """The number that the column ``value`` of the same row holds as a text; NULL where it holds none."""

    inherit_cache = True
    type = Double()


@compiles(NumberInValue, "sqlite")
def _sqlite(_element: NumberInValue, _compiler: Any, **_more: Any) -> str:
    return SQLITE


@compiles(NumberInValue, "postgresql")
def _postgresql(_element: NumberInValue, _compiler: Any, **_more: Any) -> str:
    return POSTGRESQL
