"""Filters of runs: ``metrics.mse < 0.3 and (tags.stage = "prod" or not status in ("Failed", "Canceled"))``.

What stands here is a filter taken apart.  ``filter_grammar`` reads one from a text, ``filter_sql`` makes a condition of
it that a database understands.  ``str()`` of any part is a text that is read as the same part again.

A comparison with a value that a run does not have is false, ``!=`` and ``not in`` too; ``not`` of it is true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Final, TypeAlias

from milepost.store.errors import BadInput

MAX_CHARACTERS: Final = 4000
MAX_DEPTH: Final = 50
MAX_CONDITIONS: Final = 100
"""Comparisons in one filter: each is a search of its own in the database."""

TEXT: Final = "text"
NUMBER: Final = "number"
TIME: Final = "time"
DURATION: Final = "duration"

FIELDS: Final = {
    "run_id": TEXT,
    "name": TEXT,
    "number": NUMBER,
    "status": TEXT,
    "type": TEXT,
    "experiment": TEXT,
    "target": TEXT,
    "submitted_by": TEXT,
    "description": TEXT,
    "parent": TEXT,
    "created": TIME,
    "started": TIME,
    "ended": TIME,
    "duration": DURATION,
}
"""What every run has, and of which kind it is.  ``name`` is the run's id where it has no name; ``parent`` is an id."""
METRICS: Final = "metrics"
GROUPS: Final = (METRICS, "tags", "properties", "params")
"""What has names that the runs themselves give: ``tags.stage``."""
FUNCTIONS: Final = ("last", "min", "max")
"""Of the values of a metric; ``metrics.mse`` alone is the last one."""
OPERATORS: Final = ("=", "!=", "<", "<=", ">", ">=")


class BadFilter(BadInput):
    """A filter that cannot be understood; ``position`` is the index of the character where that shows."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"the filter is wrong at character {position + 1}: {message}")
        self.reason = message
        self.position = position


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in ns since 1970 UTC."""

    ns: int

    def __str__(self) -> str:
        seconds, rest = divmod(self.ns, 1_000_000_000)
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:09d}Z"


Literal: TypeAlias = "float | int | str | Moment"


@dataclass(frozen=True, slots=True)
class Field:
    """Something of a run: ``Field("status")``, ``Field("tags", "stage")``, ``Field("metrics", "mse", "min")``."""

    kind: str
    """One of FIELDS or GROUPS."""
    name: str = ""
    function: str = ""
    """For metrics: one of FUNCTIONS."""

    def __str__(self) -> str:
        if self.kind not in GROUPS:
            return self.kind
        named = f"{self.kind}.{_name_text(self.name)}"
        return f"{self.function}({named})" if self.function not in ("", "last") else named


@dataclass(frozen=True, slots=True)
class Compare:
    """``field operator value``.  With a number, texts of tags, properties and parameters count as numbers."""

    field: Field
    operator: str
    """One of OPERATORS."""
    value: Literal

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {_literal_text(self.value)}"


@dataclass(frozen=True, slots=True)
class Like:
    """The text matches a pattern: % is anything, _ one character, \\ takes a meaning away.  In any case of ASCII
    letters."""

    field: Field
    pattern: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.field} {'not ' if self.negated else ''}like {_literal_text(self.pattern)}"


@dataclass(frozen=True, slots=True)
class In:
    """The value is (or, negated, there is one and it is not) one of these."""

    field: Field
    values: tuple[Literal, ...]
    negated: bool = False

    def __str__(self) -> str:
        listed = ", ".join(_literal_text(value) for value in self.values)
        return f"{self.field} {'not ' if self.negated else ''}in ({listed})"


@dataclass(frozen=True, slots=True)
class IsNull:
    """The run has no such value (of a metric: no number, as NaN is none)."""

    field: Field
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.field} is {'not ' if self.negated else ''}null"


@dataclass(frozen=True, slots=True)
class Has:
    """There is such a metric, tag, property or parameter, whatever its value."""

    field: Field

    def __str__(self) -> str:
        return f"has {self.field}"


@dataclass(frozen=True, slots=True)
class Not:
    """The part is false."""

    part: Part

    def __str__(self) -> str:
        return f"not {_within(self.part)}"


@dataclass(frozen=True, slots=True)
class And:
    """All parts are true."""

    parts: tuple[Part, ...]

    def __str__(self) -> str:
        return " and ".join(map(_within, self.parts))


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part is true."""

    parts: tuple[Part, ...]

    def __str__(self) -> str:
        return " or ".join(map(_within, self.parts))


Condition: TypeAlias = "Compare | Like | In | IsNull | Has"
Part: TypeAlias = "Compare | Like | In | IsNull | Has | Not | And | Or"


def _within(part: Part) -> str:
    return f"({part})" if isinstance(part, And | Or) else str(part)


PLAIN_NAME: Final = r"[\w/\-]+(?:\.[\w/\-]+)*"
"""A regular expression for names that need no quotes."""
_PLAIN_NAME: Final = re.compile(PLAIN_NAME)


def _name_text(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _literal_text(value: Literal) -> str:
    return _quoted(value) if isinstance(value, str) else str(value)
