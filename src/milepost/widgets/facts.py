"""What is told of a run in words, by pictures and terminals alike."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from milepost.widgets.contents import Part

_HIDDEN: Final = ("_milepost.", "azureml.git.", "mlflow.source.git.")
_MOST: Final = 200
STOPPED: Final = "tags.early_termination"
"""Why a policy has stopped a trial."""


def name(run: Part) -> str:
    """The run's name, or its id where it has none."""
    return str(run["name"] or run["run_id"])


def duration(run: Part, now: datetime) -> str:
    """How long the run took, or takes so far; empty where it has not begun."""
    seconds = run["duration_s"]
    if seconds is None:
        if run["started"] is None:
            return ""
        seconds = max(0.0, (now - datetime.fromisoformat(run["started"].replace("Z", "+00:00"))).total_seconds())
    return spell(seconds)


def spell(seconds: float) -> str:
    """Seconds as "12.3 s", "4 min 05 s", "3 h 07 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def progress(told: Part) -> str:
    """How far a run has come."""
    said = f"{value(told['done'])} of {value(told['total'])}"
    left = told.get("remaining_s")
    return said if left is None or told["done"] >= told["total"] else f"{said}, about {spell(left)} left"


def error(run: Part) -> str:
    """Why the run ended as it did; empty where it says nothing."""
    return str(run.get("error_message") or "")


def value(cell: Any) -> str:
    """A value of a metric or of a table's cell."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return f"{cell:.6g}"
    text = f"{cell:,}" if isinstance(cell, int) else str(cell)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def column(told: str) -> str:
    """The heading of a column: ``metrics.loss`` is "loss", ``min(metrics.loss)`` "least loss"."""
    if told == STOPPED:
        return "stopped early because"
    for begin, word in (("min(metrics.", "least "), ("max(metrics.", "greatest ")):
        if told.startswith(begin):
            return word + told[len(begin) : -1]
    return told.partition(".")[2] or told


def shown_properties(properties: dict[str, str]) -> dict[str, str]:
    """The properties without those that Milepost and git have for themselves."""
    return {name: value for name, value in properties.items() if not name.startswith(_HIDDEN)}


def printable(value: object) -> str:
    """A text without what terminals obey and browsers cannot be sent: controls, and halves of surrogate pairs."""
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)
