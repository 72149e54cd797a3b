"""Which Python an environment asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from milepost.jobs.environment_errors import EnvironmentFailed

Version = tuple[int, int, int]

_CLAUSE: Final = re.compile(r"(==|=|>=|<=|>|<|!=|~=)?([0-9]{1,4}(?:\.[0-9]{1,4}){0,2})(\.\*|\*)?")


@dataclass(frozen=True, slots=True)
class PythonWish:
    """What was asked for: ``text`` as it was written, ``clauses`` as (operator, version), all of which must hold."""

    text: str
    clauses: tuple[tuple[str, tuple[int, ...]], ...]

    def satisfied_by(self, version: Version) -> bool:
        """True if this Python will do.  Another patch release of the one that is asked for will."""
        return all(_holds(operator, wanted, version) for operator, wanted in self.clauses)

    @property
    def exact(self) -> tuple[int, ...] | None:
        """The version if one was named in full, such as (3, 8, 13)."""
        for operator, wanted in self.clauses:
            if operator == "==" and len(wanted) == 3:
                return wanted
        return None

    @property
    def request(self) -> str:
        """The wish in uv's words, without the patch release of an exact one: ``3.8`` or ``>=3.6,<3.9``."""
        if len(self.clauses) == 1 and self.clauses[0][0] == "==":
            return ".".join(map(str, self.clauses[0][1][:2]))
        words = []
        for operator, wanted in self.clauses:
            if operator == "==":
                short = ".".join(map(str, wanted[:2]))
                words.append(f"=={short}.*" if "." in short else f">={short},<{int(short) + 1}")
            else:
                words.append(operator + ".".join(map(str, wanted)))
        return ",".join(words)


def read_wish(version: str, text: str) -> PythonWish | None:
    """The wish of a conda version such as ``=3.8``, ``>=3.6,<3.9`` or ``3.8.*``; None where there is none.

    Raises:
        EnvironmentFailed: it is none that can be understood; ``text`` is what the message names.
    """
    clauses: list[tuple[str, tuple[int, ...]]] = []
    for part in version.replace(" ", "").split(","):
        if part in ("", "*", "=*", "==*"):
            continue
        found = _CLAUSE.fullmatch(part)
        if not found:
            raise EnvironmentFailed(
                f"The environment asks for the Python {text!r}, which is not understood. Write it as python=3.11."
            )
        operator = found[1] or "=="
        clauses.append(("==" if operator == "=" else operator, tuple(int(each) for each in found[2].split("."))))
    return PythonWish(text, tuple(clauses)) if clauses else None


def _holds(operator: str, wanted: tuple[int, ...], version: Version) -> bool:
    short = version[: len(wanted)]
    if operator == "==":
        return version[: min(len(wanted), 2)] == wanted[:2]
    if operator == "!=":
        return short != wanted
    if operator == "~=":
        return version >= wanted and version[: max(len(wanted) - 1, 1)] == wanted[: max(len(wanted) - 1, 1)]
    if operator == ">":
        return short > wanted
    if operator == "<=":
        return short <= wanted
    return version >= wanted if operator == ">=" else version < wanted
