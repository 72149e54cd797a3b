"""What several commands take, and the errors they end with."""

from __future__ import annotations

import re
from typing import Annotated, Final

import typer


class Failed(Exception):
    """What was asked could not be done: exit code 1."""


class Misused(Exception):
    """The command was given something it does not take, or that is not there: exit code 2."""


WorkspaceName = Annotated[
    str | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="NAME",
        help="Workspace, on the server in MILEPOST_URL or else on this machine. Default: the one config.json here or "
        'above names, else "default".',
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help='Write JSON and nothing else. NaN and infinities are the strings "NaN", "Infinity" and "-Infinity"; '
        "times are ISO 8601 in UTC.",
    ),
]
RunId = Annotated[str, typer.Argument(metavar="ID", help="The run's id, or as much of its beginning as is unique.")]


def key_values(given: list[str] | None, *, what: str) -> list[tuple[str, str | None]]:
    """``KEY=VALUE`` and ``KEY`` (value None) split.  Raises Misused for an empty key."""
    pairs = []
    for text in given or []:
        key, equals, value = text.partition("=")
        if not key:
            raise Misused(f"{what} takes KEY or KEY=VALUE, not {text!r}.")
        pairs.append((key, value if equals else None))
    return pairs


def server_address(given: str, what: str) -> str:
    """The address of a server, without a slash at its end.  Raises Misused for what is none."""
    from milepost.sdk.exceptions import UserErrorException
    from milepost.sdk.workspaces.config import checked_url

    try:
        return checked_url(given, what)
    except UserErrorException as error:
        if "://" in given or "@" in given:  # before an @ may stand a password, which is not shown again
            raise Misused(error.message) from error
        raise Misused(f"{given[:200]!r} is no server's address: begin it with http:// or https://.") from error


_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?[smhdw])+|[0-9]+(?:\.[0-9]+)?", re.ASCII)
_PART: Final = re.compile(r"([0-9.]+)([smhdw]?)", re.ASCII)
_LONGEST_S: Final = 1e9


def seconds(text: str, *, what: str) -> float:
    """The seconds that ``90``, ``90s``, ``1.5h`` or ``1h30m`` mean.  Raises Misused."""
    parts = _PART.findall(text) if _DURATION.fullmatch(text) else []
    total = sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)
    if not parts or total > _LONGEST_S:
        raise Misused(f"{what} takes a time such as 90s, 30m, 2h, 1h30m or 7d, not {text!r:.80}.")
    return total


_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)I?B?", re.ASCII | re.IGNORECASE)


def byte_count(text: str, *, what: str) -> int:
    """The bytes that ``500``, ``64KB``, ``20 MB`` or ``1.5TB`` mean (1 KB = 1024 bytes).  Raises Misused."""
    found = _SIZE.fullmatch(text.strip())
    count = float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ") if found else -1
    if not 0 <= count < 1 << 62:
        raise Misused(f"{what} takes a size such as 64MB, 500GB or a number of bytes, not {text!r:.80}.")
    return int(count)
