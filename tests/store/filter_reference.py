"""What a filter means, in plain Python, and filters and runs by chance."""

from __future__ import annotations

import json
import operator
import re
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from milepost.store.filters import (
    DURATION,
    FIELDS,
    METRICS,
    TEXT,
    TIME,
    And,
    Compare,
    Field,
    Has,
    In,
    IsNull,
    Like,
    Moment,
    Not,
    Or,
    Part,
)
from milepost.store.status import STATUSES
from tests.store.builders import T0

OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TEXTS = [
    "",
    "a",
    "A",
    "ab",
    "prod",
    "é",
    "x%y",
    "x_y",
    "a\\b",
    "'; DROP TABLE runs; --",
    '"',
    "0.5",
    "1e-05",
    "-3",
    "y" * 120,
]
VALUES = [
    *TEXTS,
    "010",
    "1e5000",
    "1e999",
    "inf",
    "nan",
    "0x1",
    " 1",
    "1.",
    "12345678901234567890123",
    "\n",
    "[1]",
    "1" * 99,
    "1" * 100,
    "0.1\n",
    "-",
    "1e+05",
]
NUMBERS: list[float | int] = [0, 1, -3, 0.5, 1e-05, float("inf"), float("-inf"), 1.2345678901234568e22, 2, 3]
NAMES = ["a", "b.c", "val/loss", "in", "two words", '"', "`", "ü"]
PATTERNS = ["%", "", "a%", "%B", "_", "x\\%y", "x\\_y", "a\\\\b", "%'%", "É", "prod", "%y%"]


@dataclass
class Facts:
    """A run, as the reference sees it."""

    plain: dict[str, Any]
    tags: dict[str, str | None] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[float | str]] = field(default_factory=dict)


def number_in(text: str) -> float | None:
    if len(text) >= 100 or not re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?", text):
        return None
    return float(json.loads(text))


def true_of(part: Part, run: Facts) -> bool:
    if isinstance(part, Not):
        return not true_of(part.part, run)
    if isinstance(part, And):
        return all(true_of(each, run) for each in part.parts)
    if isinstance(part, Or):
        return any(true_of(each, run) for each in part.parts)
    if isinstance(part, Has):
        return part.field.name in getattr(run, part.field.kind)
    value = value_of(part.field, run)
    if isinstance(part, IsNull):
        return (value is None) != part.negated
    if value is None:
        return False
    fold = part.field.kind == "target"
    if isinstance(part, Like):
        return matches(part.pattern, value) != part.negated
    if isinstance(part, In):
        return any(compared(operator.eq, value, each, part.field) for each in part.values) != part.negated
    assert isinstance(part, Compare)
    if fold:
        value = value.lower()
        return bool(compared(OPERATORS[part.operator], value, str(part.value).lower(), part.field))
    return compared(OPERATORS[part.operator], value, part.value, part.field)


def compared(compare: Any, value: Any, wanted: Any, of: Field) -> bool:
    if isinstance(wanted, Moment):
        wanted = wanted.ns
    elif of.kind == "duration":
        wanted = wanted * 1e9
        wanted = round(wanted) if abs(wanted) < 9e18 else wanted
    elif of.kind in ("tags", "properties", "params") and not isinstance(wanted, str):
        value = number_in(value)
        if value is None:
            return False
    elif isinstance(wanted, str):
        if of.kind == "target":
            value, wanted = value.lower(), wanted.lower()
        value, wanted = value.encode(), wanted.encode()
    return bool(compare(value, wanted))


def matches(pattern: str, text: str) -> bool:
    parts, escaped = [], False
    for character in pattern:
        if escaped or character not in "%_\\":
            parts.append(re.escape(character))
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            parts.append(".*" if character == "%" else ".")
    return (
        re.fullmatch("".join(parts), text, re.DOTALL | re.IGNORECASE | re.ASCII) is not None
        if all(map(str.isascii, (pattern, text)))
        else re.fullmatch(folded("".join(parts)), folded(text), re.DOTALL) is not None
    )


def folded(text: str) -> str:
    return "".join(each.lower() if each.isascii() else each for each in text)


def value_of(of: Field, run: Facts) -> Any:
    if of.kind == METRICS:
        logged = run.metrics.get(of.name, [])
        numbers = [each for each in logged if not isinstance(each, str) and each == each]
        if of.function in ("min", "max"):
            return {"min": min, "max": max}[of.function](numbers, default=None)
        last = logged[-1] if logged else None
        return None if isinstance(last, str) or last != last else last
    if of.kind in ("tags", "properties", "params"):
        return getattr(run, of.kind).get(of.name)
    return run.plain[of.kind]


# By chance.

moments = st.integers(-5, 15).map(lambda seconds: Moment(T0 + seconds * 10**9)) | st.integers(-(2**63), 2**63 - 1).map(
    Moment
)
names = st.sampled_from(NAMES) | st.text(min_size=1, max_size=8)
numbers = st.sampled_from(NUMBERS) | st.floats(allow_nan=False) | st.integers(-(2**63), 2**63 - 1)
texts = st.sampled_from(TEXTS) | st.text(max_size=8)
plain_fields = st.sampled_from(list(FIELDS)).map(Field)
pair_fields = st.builds(Field, st.sampled_from(["tags", "properties", "params"]), names)
metric_fields = st.builds(Field, st.just(METRICS), names, st.sampled_from(["", "min", "max"]))
fields = plain_fields | pair_fields | metric_fields


def literals(of: Field) -> st.SearchStrategy[Any]:
    kind = FIELDS.get(of.kind)
    if of.kind == "status":
        return st.sampled_from(sorted(STATUSES))
    if kind == TEXT:
        return texts
    if kind == TIME:
        return moments
    if kind == DURATION or of.kind in ("number", METRICS):
        return numbers
    return texts | numbers | st.sampled_from(VALUES)


@st.composite
def conditions(draw: st.DrawFn) -> Part:
    of = draw(fields)
    wanted = literals(of)
    kinds: list[st.SearchStrategy[Part]] = [
        st.builds(Compare, st.just(of), st.sampled_from(list(OPERATORS)), wanted),
        st.builds(In, st.just(of), st.lists(wanted, min_size=1, max_size=4).map(tuple), st.booleans()),
        st.builds(IsNull, st.just(of), st.booleans()),
    ]
    if of.kind in ("tags", "properties", "params") or FIELDS.get(of.kind) == TEXT:
        kinds.append(st.builds(Like, st.just(of), st.sampled_from(PATTERNS), st.booleans()))
    if of.kind not in FIELDS and not of.function:
        kinds.append(st.just(Has(of)))
    return draw(st.one_of(kinds))


def _more(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, parts) | st.builds(And, several) | st.builds(Or, several)


filters: st.SearchStrategy[Part] = st.recursive(conditions(), _more, max_leaves=6)
