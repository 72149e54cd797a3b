"""What several commands take, and the errors they end with."""

from __future__ import annotations

from typing import Annotated

import typer


class Failed(Exception):
    """What was asked could not be done: exit code 1."""


class Misused(Exception):
    """The command was given something it does not take: exit code 2."""


WorkspaceName = Annotated[
    str | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="NAME",
        help='Workspace on this machine. Default: the one config.json here or above names, else "default".',
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
