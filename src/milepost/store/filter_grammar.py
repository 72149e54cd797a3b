"""Read a filter from a text.  ``filters.py`` says what it becomes."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from milepost.store.filters import (
    DURATION,
    FIELDS,
    GROUPS,
    MAX_CHARACTERS,
    MAX_CONDITIONS,
    MAX_DEPTH,
    METRICS,
    NUMBER,
    PLAIN_NAME,
    TEXT,
    TIME,
    And,
    BadFilter,
    Compare,
    Condition,
    Field,
    Has,
    In,
    IsNull,
    Like,
    Literal,
    Moment,
    Not,
    Or,
    Part,
)
from milepost.store.status import STATUSES

_GRAMMAR: Final = rf"""
?start: either
?either: both (_OR both)*
?both: negation (_AND negation)*
?negation: NOT negation -> negate
    | "(" either ")" -> grouped
    | condition
condition: field OPERATOR literal -> compare
    | field [NOT] LIKE text -> like
    | field [NOT] IN "(" literal ("," literal)* ")" -> among
    | field IS [NOT] NULL -> is_null
    | HAS field -> has
field: WORD -> plain
    | WORD "." (NAME | QUOTED | BACKQUOTED) -> named
    | FUNCTION "(" WORD "." (NAME | QUOTED | BACKQUOTED) ")" -> reduced
?literal: NUMBER -> number
    | DURATION -> duration
    | MOMENT -> moment
    | text
text: QUOTED -> quoted

_AND.2: /and(?!\w)/i
_OR.2: /or(?!\w)/i
NOT.2: /not(?![\w.])/i
HAS.2: /has(?![\w.])/i
IN.2: /in(?!\w)/i
IS.2: /is(?!\w)/i
LIKE.2: /like(?!\w)/i
NULL.2: /null(?!\w)/i
FUNCTION.2: /(?:last|min|max)(?=\s*\()/i
WORD: /[a-z_][a-z_0-9]*/i
NAME: /{PLAIN_NAME.replace("/", chr(92) + "/")}/
QUOTED: /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/s
BACKQUOTED: /`(?:[^`]|``)+`/s
OPERATOR: /==|!=|<>|<=|>=|=|<|>/
MOMENT.4: /\d{{4}}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?(?:Z|[+-]\d\d:\d\d)?)?/
DURATION.3: /\d+(?:\.\d+)?[smhdw](?!\w)/
NUMBER.2: /[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?)(?!\w)/i
%ignore /\s+/
"""

_ALIASES: Final = {
    "metric": "metrics",
    "tag": "tags",
    "property": "properties",
    "param": "params",
    "parameter": "params",
    "parameters": "params",
}
_OPERATORS: Final = {"==": "=", "<>": "!="}
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_ESCAPED: Final = re.compile(r"\\([\"'\\])")
_MAX_INT: Final = 2**63
_STATUSES: Final = {status.lower(): status for status in STATUSES}


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read, where it stands, how deep it is nested, and how many conditions are in it."""

    what: Any
    position: int
    depth: int = 0
    conditions: int = 0


def parse(text: str) -> Part:
    """The filter that a text says.  Raises BadFilter."""
    if len(text) > MAX_CHARACTERS:
        raise BadFilter(f"it has {len(text):,} characters; up to {MAX_CHARACTERS:,} are taken", MAX_CHARACTERS)
    return _parse(text)


@lru_cache(64)
def _parse(text: str) -> Part:
    try:
        read: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from None
    part: Part = read.what
    return part


def parse_field(text: str) -> Field:
    """The field that a text names, as ``tags.stage`` or ``min(metrics.mse)``.  Raises BadFilter."""
    part = parse(f"{text} is null")
    if isinstance(part, IsNull) and not part.negated:
        return part.field
    raise BadFilter("one field is wanted here, such as tags.stage", 0)


@lru_cache(1)
def _parser() -> Lark:
    # With the transformer inside, nothing is recursive, however deep the text is nested.
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=_Build(), maybe_placeholders=True)


class _Build(Transformer[Token, _Read]):
    """Makes the parts of a filter as the parser finds them."""

    # Fields.

    def plain(self, found: list[Token]) -> _Read:
        name = str(found[0]).lower()
        if name not in FIELDS:
            if _ALIASES.get(name, name) in GROUPS:
                raise BadFilter(f"{name} needs a name: {name}.NAME", _at(found[0]))
            raise BadFilter(f"there is no field {_shown(found[0])}{_near(name)}", _at(found[0]))
        return _Read(Field(name), _at(found[0]))

    def named(self, found: list[Token]) -> _Read:
        group, name = found
        return _Read(Field(_group(group), _name(name)), _at(group))

    def reduced(self, found: list[Token]) -> _Read:
        function, group, name = found
        if _group(group) != METRICS:
            raise BadFilter(f"{function.lower()}() takes a metric: {function.lower()}(metrics.NAME)", _at(group))
        reduction = function.lower()
        return _Read(Field(METRICS, _name(name), "" if reduction == "last" else reduction), _at(function))

    # Literals.

    def number(self, found: list[Token]) -> _Read:
        return _Read(_number(str(found[0])), _at(found[0]))

    def duration(self, found: list[Token]) -> _Read:
        text = str(found[0])
        return _Read(_number(text[:-1]) * _SECONDS[text[-1]], _at(found[0]))

    def moment(self, found: list[Token]) -> _Read:
        return _Read(_moment(str(found[0]), _at(found[0])), _at(found[0]))

    def quoted(self, found: list[Token]) -> _Read:
        return _Read(_ESCAPED.sub(r"\1", str(found[0])[1:-1]), _at(found[0]))

    # Conditions.

    def compare(self, found: list[Any]) -> _Read:
        field, operator, literal = found
        value = _fitting(field.what, literal)
        return _condition(Compare(field.what, _OPERATORS.get(str(operator), str(operator)), value), field)

    def like(self, found: list[Any]) -> _Read:
        field, negated, _, literal = found
        if _kind(field.what) not in (TEXT, ""):
            raise BadFilter(f"like compares texts, and {_shown(field.what)} is none", field.position)
        if (len(literal.what) - len(literal.what.rstrip("\\"))) % 2:
            raise BadFilter("the pattern ends in a backslash that takes nothing's meaning away", literal.position)
        return _condition(Like(field.what, literal.what, negated is not None), field)

    def among(self, found: list[Any]) -> _Read:
        field, negated, _, *literals = found
        values = tuple(_fitting(field.what, literal) for literal in literals)
        return _condition(In(field.what, values, negated is not None), field)

    def is_null(self, found: list[Any]) -> _Read:
        field, _, negated, _ = found
        return _condition(IsNull(field.what, negated is not None), field)

    def has(self, found: list[Any]) -> _Read:
        _, field = found
        if field.what.kind not in GROUPS or field.what.function:
            raise BadFilter(f"has takes one of {', '.join(f'{each}.NAME' for each in GROUPS)}", field.position)
        return _condition(Has(field.what), field)

    # What holds conditions together.

    def negate(self, found: list[Any]) -> _Read:
        token, part = found
        return _deeper(part, Not(part.what), _at(token))

    def grouped(self, found: list[_Read]) -> _Read:
        return _deeper(found[0], found[0].what, found[0].position)

    def both(self, found: list[_Read]) -> _Read:
        return _joined(found, And)

    def either(self, found: list[_Read]) -> _Read:
        return _joined(found, Or)


def _condition(what: Condition, field: _Read) -> _Read:
    return _Read(what, field.position, 0, 1)


def _deeper(part: _Read, what: Part, position: int) -> _Read:
    if part.depth >= MAX_DEPTH:
        raise BadFilter(f"it is nested more than {MAX_DEPTH} deep", position)
    return _Read(what, position, part.depth + 1, part.conditions)


def _joined(found: list[_Read], kind: type[And] | type[Or]) -> _Read:
    conditions = sum(part.conditions for part in found)
    if conditions > MAX_CONDITIONS:
        raise BadFilter(
            f"it has more than {MAX_CONDITIONS} conditions; `in (...)` takes many values", found[-1].position
        )
    return _Read(
        kind(tuple(part.what for part in found)), found[0].position, max(part.depth for part in found), conditions
    )


def _at(token: Token) -> int:
    return token.start_pos or 0


def _group(token: Token) -> str:
    group = _ALIASES.get(token.lower(), token.lower())
    if group not in GROUPS:
        raise BadFilter(f"there is no {_shown(token)}.NAME{_near(group)}", _at(token))
    return group


def _name(token: Token) -> str:
    text = str(token)
    if token.type == "BACKQUOTED":
        return text[1:-1].replace("``", "`")
    if token.type == "QUOTED":
        text = _ESCAPED.sub(r"\1", text[1:-1])
        if not text:
            raise BadFilter("the name is empty", _at(token))
    return text


def _kind(field: Field) -> str:
    """The kind of a field's values; "" for texts that may be numbers."""
    return FIELDS.get(field.kind) or (NUMBER if field.kind == METRICS else "")


def _fitting(field: Field, literal: _Read) -> Literal:
    """The literal as what it is compared with.  Raises BadFilter where they have nothing in common."""
    value = literal.what
    kind = _kind(field)
    if kind == TIME and isinstance(value, str):
        value = _moment(value, literal.position)
    fits = {
        TEXT: isinstance(value, str),
        TIME: isinstance(value, Moment),
        "": not isinstance(value, Moment),
    }.get(kind, isinstance(value, int | float))
    if not fits:
        raise BadFilter(f"{_shown(field)} is compared with {_WANTED[kind]}", literal.position)
    if field.kind == "status":
        status = _STATUSES.get(value.lower())
        if status is None:
            near = difflib.get_close_matches(value, STATUSES, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(STATUSES))}"
            raise BadFilter(f"there is no status {_shown(value)}{hint}", literal.position)
        return status
    return value  # type: ignore[no-any-return]


_WANTED: Final = {
    TEXT: 'a text in quotes, such as "prod"',
    NUMBER: "a number, such as 0.3",
    DURATION: "seconds, or a time such as 90s, 30m, 2h or 1d",
    TIME: "a time in UTC, such as 2026-11-01 or 2026-11-01T12:30:00Z",
    "": 'a text in quotes, such as "prod", or a number',
}


def _number(text: str) -> float | int:
    try:
        number = int(text)
    except ValueError:
        return float(text)
    return number if -_MAX_INT <= number < _MAX_INT else float(text)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)


def _moment(text: str, position: int) -> Moment:
    found = _MOMENT.fullmatch(text)
    try:
        if not found:
            raise ValueError
        day, minute, second, fraction, zone = found.groups()
        zone = "+00:00" if zone in (None, "Z") else zone
        moment = datetime.fromisoformat(f"{day}T{minute or '00:00'}:{second or '00'}{zone}")
        ns = (moment - _EPOCH) // timedelta(seconds=1) * 1_000_000_000 + int((fraction or "").ljust(9, "0"))
        if not -_MAX_INT <= ns < _MAX_INT:
            raise ValueError
    except (ValueError, OverflowError):
        raise BadFilter(f"{_shown(text)} is no time; one is written as 2026-11-01T12:30:00Z", position) from None
    return Moment(ns)


def _shown(what: object) -> str:
    text = str(what)
    return ascii(text if len(text) <= 60 else text[:57] + "...")


def _near(name: str) -> str:
    near = difflib.get_close_matches(name, [*FIELDS, *GROUPS], 1)
    if near:
        return f"; did you mean {near[0]}{'.NAME' if near[0] in GROUPS else ''}?"
    return f"; there are {', '.join(FIELDS)}, and {', '.join(f'{each}.NAME' for each in GROUPS)}"


_WORDS: Final = {
    "WORD": "a field, such as metrics.mse",
    "OPERATOR": "one of = != < <= > >=",
    "NUMBER": "a number",
    "QUOTED": "a text in quotes",
    "NAME": "a name",
    "LPAR": '"("',
    "RPAR": '")"',
    "COMMA": '","',
    "_AND": "and",
    "_OR": "or",
    "LIKE": "like",
    "IN": "in",
    "IS": "is",
    "NOT": "not",
    "HAS": "has",
    "NULL": "null",
    "$END": "the end",
}


def _explained(error: UnexpectedInput, text: str) -> BadFilter:
    if isinstance(error, UnexpectedToken):
        wanted, found = error.accepts or error.expected, str(error.token)
        position = len(text) if error.token.type == "$END" else _at(error.token)
    else:
        wanted = error.allowed if isinstance(error, UnexpectedCharacters) else set()
        position = error.pos_in_stream or 0
        found = text[position : position + 1]
    expected = [word for name, word in _WORDS.items() if name in (wanted or ())]
    hint = f"; here can come {', '.join(expected)}" if expected else ""
    if position >= len(text):
        return BadFilter(f"it ends too early{hint}", len(text))
    if found in ("'", '"', "`"):
        return BadFilter(f"a text begins with {found} and does not end{hint}", position)
    if "QUOTED" in (wanted or ()) and "NAME" not in (wanted or ()) and found.isidentifier():
        hint += ". Texts stand in quotes"
    return BadFilter(f"{_shown(found)} is not understood{hint}", position)
