"""What a widget shows of a sweep's trials beside their table: what each gave, and what it was given.

By columns and with few digits: charts of a thousand trials travel with every notebook that is saved.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from milepost.widgets.contents import MAXIMIZE, best_column, primary_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.widgets.contents import Part
    from milepost.widgets.reading import Reading

MOST_TRIALS: Final = 1_000
"""The best of them."""
MOST_PARAMETERS: Final = 8
"""Those that most trials were given."""
MOST_BYTES: Final = 250_000
"""As JSON, of all columns together; parameters that do not fit are left out."""
_MOST_TEXT: Final = 80


def trials_part(reading: Reading, run: Part) -> Part:
    """The trials of a run that tells of a primary metric, the best first; empty for any other run.

    ``ids``, ``numbers``, ``names``, ``values`` (the best value of the primary metric, or None) and each of
    ``parameters`` are lists of the same length.
    """
    primary = primary_part(run)
    if primary is None or not run["children_total"]:
        return {}
    counts = reading.child_columns(run["run_id"]).get("params", {})
    parameters = sorted(counts, key=lambda name: -counts[name])[:MOST_PARAMETERS]
    best = best_column(primary)
    asked = [best, *(f"params.{name}" for name in parameters)]
    rows = reading.children(run["run_id"], asked, best, primary["goal"] == MAXIMIZE, MOST_TRIALS)["runs"]
    found: Part = {
        "primary": primary,
        "total": max(run["children_total"], len(rows)),
        "ids": [row["run_id"] for row in rows],
        "numbers": [row["number"] for row in rows],
        "names": [None if row["name"] is None else row["name"][:_MOST_TEXT] for row in rows],
        "values": [_number(row["values"].get(best)) for row in rows],
        "parameters": {},
    }
    left = MOST_BYTES - _size(list(found.values()))
    for name in parameters:
        column = [given(row["values"].get(f"params.{name}")) for row in rows]
        left -= _size(column) + len(name)
        if left < 0:
            break
        found["parameters"][name] = column
    return found


def in_order(trials: Part) -> list[int]:
    """The places of the trials in its lists, in the order in which they were begun.

    A trial's id ends with its place among them; else its run's number tells.
    """

    def place(at: int) -> int:
        end = trials["ids"][at].rpartition("_")[2]
        return int(end) if end.isdecimal() and end.isascii() else int(trials["numbers"][at])

    return sorted(range(len(trials["ids"])), key=place)


def _number(value: Any) -> float | None:
    """A value of the metric that has a place in a chart."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return value


def given(value: Any) -> str | float | None:
    """A parameter: texts that are numbers are numbers of six digits, long ones are cut."""
    if value is None:
        return None
    text = str(value)
    try:
        number = float("" if "_" in text else text)
    except ValueError:
        return text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 1]}…"
    if not isfinite(number):
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else float(f"{number:.6g}")


def _size(column: Sequence[Any]) -> int:
    return len(json.dumps(column, ensure_ascii=False))
