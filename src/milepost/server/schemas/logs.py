"""Logs as the API tells them."""

from __future__ import annotations

from pydantic import Field

from milepost.server.schemas.files import LogEntry
from milepost.server.times import Answer


class LogList(Answer):
    """The logs of a run."""

    logs: list[LogEntry]


class LogMatch(Answer):
    """Where a search in a log has found something."""

    start: int = Field(description="Byte at which the match begins.")
    line_start: int = Field(description="Byte at which the text begins: that of the line, unless it is long.")
    text: str = Field(description="The line, or up to 500 characters of it around the match.")


class LogLine(Answer):
    """A line of a log."""

    number: int = Field(description="From 1.")
    start: int = Field(description="The byte at which it begins.")


class LogMatches(Answer):
    """What a search in a log has found."""

    matches: list[LogMatch]
    next_start: int | None = Field(description="Where to go on; null at the log's end.")
    scanned_to: int = Field(description="Byte up to which the log was looked through.")
