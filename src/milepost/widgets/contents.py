"""What a widget shows of a run without being asked: bounded, so that a notebook stays small whatever the run holds.

Each part is JSON, with bytes where numbers or pictures are; what is beyond the bounds is there for the asking.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from milepost.widgets.facts import STOPPED
from milepost.widgets.reading import SeriesWanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from milepost.widgets.reading import Reading

Part = dict[str, Any]

MOST_METRICS: Final = 300
"""Whose summaries are sent."""
MOST_LINES: Final = 24
"""Charts whose lines are sent; those beyond are asked for when they come into sight."""
LINE_POINTS: Final = 400
"""About what a chart in a notebook is wide, in pixels."""
MOST_ROWS: Final = 50
"""Of a table, and of a list of texts."""
_MOST_VALUES_BYTES: Final = 200_000
"""As JSON: tables, texts, confusion matrices and their kin together."""
_MOST_VALUE_BYTES: Final = 60_000
MOST_IMAGES: Final = 200
"""Whose names and steps are sent."""
_MOST_IMAGE_BYTES: Final = 300_000
_MOST_IMAGES_BYTES: Final = 900_000
"""Of the pictures that are sent: the last one of each metric, as long as they fit."""
LOG_BYTES: Final = 64 << 10
"""The end of the chosen log."""
MOST_CHILDREN: Final = 200
_MOST_COLUMNS: Final = 8
_MOST_RUN_BYTES: Final = 100_000
_MOST_TEXT: Final = 2_000
"""Characters of a tag or a property."""
_MOST_PAIRS: Final = 200

STRUCTURED: Final = ("accuracy_table", "confusion_matrix", "residuals", "predictions")
DRIVER_LOG: Final = "azureml-logs/70_driver_log.txt"
MAXIMIZE: Final = "maximize"
MINIMIZE: Final = "minimize"


def run_part(reading: Reading, run_id: str) -> Part:
    """What is known of the run, and how far it has come."""
    run = reading.run(run_id)
    run["tags"] = _pairs(run["tags"])
    run["properties"] = _pairs(run["properties"])
    run["params"] = _pairs(run["params"])
    run["packages"] = None  # hundreds; the portal has them
    for name in ("definition", "environment", "machine", "error", "warnings"):
        if run.get(name) is not None and _size(run[name]) > _MOST_RUN_BYTES // 5:
            run[name] = [] if name == "warnings" else {"message": "too long to be shown here; the portal has it"}
    return {"run": run, "progress": reading.progress(run_id)}


def _pairs(pairs: dict[str, str | None]) -> dict[str, str | None]:
    return {
        name[:_MOST_TEXT]: value if value is None or len(value) <= _MOST_TEXT else value[: _MOST_TEXT - 1] + "…"
        for name, value in list(pairs.items())[:_MOST_PAIRS]
    }


def metrics_part(reading: Reading, run_id: str) -> Part:
    """The run's metrics without their points."""
    return reading.metrics(run_id, "", 0, MOST_METRICS)


def is_line(metric: Part) -> bool:
    """Whether a metric is drawn as a line over its steps."""
    numbers = metric["min"] is not None or metric["nan_count"] > 0
    return bool(metric["kind"] == "series" and numbers and (metric["count"] > 1 or metric["is_list"]))


def is_curve(metric: Part) -> bool:
    """Whether a table may be drawn: its second column over its first."""
    return bool(metric["kind"] == "table" and len(metric["columns"]) == 2 and metric["count"] > 1)


def lines_of(run_id: str, metrics: Iterable[Part]) -> list[Part]:
    """The lines that the metrics are drawn as."""
    lines: list[Part] = []
    for each in metrics:
        if is_line(each):
            lines.append({"run_id": run_id, "name": each["name"]})
        elif is_curve(each):
            x, y = each["columns"]
            lines.append({"run_id": run_id, "name": each["name"], "column": y, "x_column": x})
    return lines


def series_part(reading: Reading, run_id: str, metrics: Part) -> bytes:
    """The lines of the first charts."""
    lines = lines_of(run_id, metrics["metrics"])[:MOST_LINES]
    return reading.series(SeriesWanted(lines, points=LINE_POINTS)) if lines else b""


@dataclass(frozen=True, slots=True)
class Value:
    """What a metric holds that is no line."""

    kind: str
    """tables, texts or structured."""
    content: Any
    size: int
    """Bytes as JSON."""


Memory = dict[tuple[Any, ...], "Value | None"]
"""Values that were read before: they are read again only where something was logged to them since."""


def values_part(reading: Reading, run_id: str, metrics: Part, memory: Memory) -> Part:
    """First rows of tables, lists of texts, confusion matrices and their kin: kind -> name -> what it holds."""
    found: Part = {"tables": {}, "texts": {}, "structured": {}}
    left = _MOST_VALUES_BYTES
    now: Memory = {}
    for each in metrics["metrics"]:
        key = (each["kind"], each["name"], each["count"], each["calls"])
        # One that cannot be read is told when it is asked for; it must not take the others along.
        with suppress(Exception):
            now[key] = memory[key] if key in memory else _value(reading, run_id, each)
        value = now.get(key)
        if value is not None and value.size <= min(left, _MOST_VALUE_BYTES):
            found[value.kind][each["name"]] = value.content
            left -= value.size
    memory.clear()
    memory.update(now)
    return found


def _value(reading: Reading, run_id: str, metric: Part) -> Value | None:
    name = metric["name"]
    if metric["kind"] == "table":
        kind, content = "tables", reading.table(run_id, name, 0, MOST_ROWS)
    elif metric["kind"] in STRUCTURED:
        kind, content = "structured", reading.structured(run_id, name)
    elif metric["kind"] == "series" and metric["count"] > 1 and not is_line(metric):
        kind, content = "texts", reading.values(run_id, name, 0, MOST_ROWS)
    else:
        return None
    return Value(kind, content, _size(content))


def images_part(reading: Reading, run_id: str) -> Part:
    """The newest images: what is known of them, and the last one of each metric as bytes."""
    total = reading.images(run_id, 0, 1)[1]
    entries, total = reading.images(run_id, max(0, total - MOST_IMAGES), MOST_IMAGES) if total else ([], 0)
    last = {each["metric"]: each for each in entries}
    left = _MOST_IMAGES_BYTES
    pictures: dict[str, bytes] = {}
    for each in last.values():
        name, size = each["artifact"], each["size"]
        if name is None or size is None or size > min(left, _MOST_IMAGE_BYTES) or not is_image(each["content_type"]):
            continue
        with suppress(Exception):  # the file is gone; the entry says so
            pictures[name] = reading.file(run_id, name, size)
            left -= size
    return {"images": entries, "total": total, "pictures": pictures}


def is_image(content_type: str | None) -> bool:
    """Whether a file is pixels and nothing else, so that a page may show it."""
    from milepost.server.shown_types import SAFE_IMAGES

    return (content_type or "").partition(";")[0].strip().lower() in SAFE_IMAGES


@dataclass(frozen=True, slots=True)
class LogChoice:
    """A log that is shown."""

    name: str
    size: int
    live: bool


def choose_log(logs: Sequence[Part], wanted: str | None) -> LogChoice | None:
    """The log that was chosen; else what the script prints; else the last one."""
    by_name = {each["name"]: each for each in logs}
    for name in (wanted, DRIVER_LOG, *reversed(list(by_name))):
        if name is not None and name in by_name:
            return LogChoice(name, by_name[name]["size"], by_name[name]["live"])
    return None


def logs_part(reading: Reading, run_id: str, wanted: str | None) -> Part:
    """The logs by name, and the end of one of them."""
    logs = reading.logs(run_id)
    chosen = choose_log(logs, wanted)
    if chosen is None:
        return {"logs": logs, "name": None, "start": 0, "size": 0, "live": False, "data": b""}
    piece = reading.log(run_id, chosen.name, -LOG_BYTES, LOG_BYTES)
    return {
        "logs": logs,
        "name": piece.name,
        "start": piece.start,
        "size": piece.size,
        "live": piece.live,
        "data": piece.data,
    }


def children_part(reading: Reading, run: Part) -> Part:
    """The child runs, the best first where it is known what is best."""
    primary = primary_part(run)
    best = None if primary is None else best_column(primary)
    columns = _columns(reading.child_columns(run["run_id"]), best)
    descending = primary is not None and primary["goal"] == MAXIMIZE
    found = reading.children(run["run_id"], columns, best or "number", descending, MOST_CHILDREN)
    return {
        "rows": found["runs"],
        "total": run["children_total"],
        "columns": columns,
        "primary": None if primary is None else {**primary, "column": best},
    }


def _columns(counts: dict[str, dict[str, int]], best: str | None) -> list[str]:
    """What most of the children have; of a sweep first its best metric, parameters, and why some ended early."""
    named = [
        (count, f"{kind}.{name}")
        for kind in ("metrics", "params", "tags")
        for name, count in counts.get(kind, {}).items()
    ]
    named.sort(key=lambda each: -each[0])
    first: list[str] = []
    if best is not None:
        stopped = [STOPPED] if STOPPED.partition(".")[2] in counts.get("tags", {}) else []
        given = [column for _, column in named if column.startswith("params.")]
        first = [best, *given[: _MOST_COLUMNS - 1 - len(stopped)], *stopped]
    primary = None if best is None else best[best.index("(") + 1 : -1]
    named = [each for each in named if each[1] != primary]  # the best of it is there
    return list(dict.fromkeys([*first, *(column for _, column in named)]))[:_MOST_COLUMNS]


def primary_part(run: Part) -> Part | None:
    """The name and the goal of what the children are compared by; None where none is told."""
    primary = primary_metric(run)
    return None if primary is None else {"name": primary[0], "goal": primary[1]}


def best_column(primary: Part) -> str:
    """The best value that a child has logged, as a column of runs."""
    return f"{'max' if primary['goal'] == MAXIMIZE else 'min'}(metrics.{primary['name']})"


def primary_metric(run: Part) -> tuple[str, str] | None:
    """The metric that the children of a sweep are compared by, and its goal; None where none is told.

    As Azure tells it: the property ``primary_metric_config`` of sweeps is ``{"name", "goal"}`` as JSON; others have
    ``primary_metric`` and ``primary_metric_goal``, as properties or tags.
    """
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        told = json.loads(run["properties"]["primary_metric_config"])
        return str(told["name"]), _goal(told.get("goal"))
    for pairs in (run["properties"], run["tags"]):
        if pairs.get("primary_metric"):
            return str(pairs["primary_metric"]), _goal(pairs.get("primary_metric_goal"))
    return None


def _goal(told: object) -> str:
    return MINIMIZE if str(told).lower().startswith("min") else MAXIMIZE


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False))
