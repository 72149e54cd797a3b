"""Times and durations as the API tells them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Moment = Annotated[str, Field(examples=["2026-11-24T19:00:00.000000Z"], description="ISO 8601, UTC, microseconds")]


class Answer(BaseModel):
    """What all answers begin with: numbers that JSON has not are the texts "NaN", "Infinity" and "-Infinity"."""

    model_config = ConfigDict(ser_json_inf_nan="strings")


def utc(ns: int) -> str:
    """A time in ns since 1970 UTC as ISO 8601 with microseconds; one that no calendar has becomes 1970."""
    seconds, rest = divmod(ns, 1_000_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):  # a clock that was far off
        moment, rest = datetime.fromtimestamp(0, timezone.utc), 0
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{rest // 1000:06d}Z"


def maybe_utc(ns: int | None) -> str | None:
    """``utc``, and None for no time."""
    return None if ns is None else utc(ns)


def seconds_between(start_ns: int | None, end_ns: int | None) -> float | None:
    """A duration in seconds, not below 0; None where an end of it is not known."""
    return None if start_ns is None or end_ns is None else max(0, end_ns - start_ns) / 1e9
