"""What ``RunDetails.get_widget_data()`` gives: the keys of the Azure ML SDK's widget."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from milepost.widgets import facts
from milepost.widgets.contents import (
    children_part,
    lines_of,
    logs_part,
    metrics_part,
    run_part,
)
from milepost.widgets.reading import SeriesWanted

if TYPE_CHECKING:
    from milepost.widgets.contents import Part
    from milepost.widgets.reading import Reading

_POINTS = 1000


def widget_data(reading: Reading, run_id: str, url: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What the widget shows of a run, as it is now.

    Keys: status, workbench_run_details_uri, run_id, run_properties, child_runs, children_metrics, run_metrics,
    run_logs, graph, widget_settings, loading.  A metric is ``{"name", "run_id", "categories", "series"}``: where on the
    x axis its values lie, and ``[{"data": [...]}]``; of long ones about 1,000 points.
    """
    run = run_part(reading, run_id)["run"]
    metrics = metrics_part(reading, run_id)["metrics"]
    children = children_part(reading, run) if run["children_total"] else {"rows": [], "columns": []}
    logs = logs_part(reading, run_id, None)
    return {
        "status": run["status"],
        "workbench_run_details_uri": url,
        "run_id": run["run_id"],
        "run_properties": _properties(run, logs["logs"]),
        "child_runs": [_properties(each, []) for each in children["rows"]],
        "children_metrics": {
            column.partition(".")[2]: {
                each["run_id"]: each["values"][column] for each in children["rows"] if column in each["values"]
            }
            for column in children["columns"]
            if column.startswith("metrics.")
        },
        "run_metrics": _metrics(reading, run_id, metrics),
        "run_logs": logs["data"].decode("utf-8", "replace"),
        "graph": {},
        "widget_settings": settings,
        "loading": False,
    }


def _properties(run: Part, logs: list[Part]) -> Part:
    return {
        "run_id": run["run_id"],
        "run_number": run["number"],
        "run_name": facts.name(run),
        "experiment": run["experiment"],
        "run_type": run["type"],
        "status": run["status"],
        "created_utc": run["created"],
        "start_time_utc": run["started"],
        "end_time_utc": run["ended"],
        "run_duration": facts.duration(run, datetime.now(timezone.utc)),
        "tags": run["tags"],
        "properties": run.get("properties", {}),
        "error": facts.error(run),
        "log_files": [each["name"] for each in logs],
    }


def _metrics(reading: Reading, run_id: str, metrics: list[Part]) -> list[Part]:
    from milepost.server.series_format import decode

    found = [
        {"name": each["name"], "run_id": run_id, "categories": [0], "series": [{"data": [each["last"]]}]}
        for each in metrics
        if each["kind"] == "series" and not lines_of(run_id, [each])
    ]
    lines = lines_of(run_id, metrics)
    if lines:
        found += [
            {
                "name": series.about["name"],
                "run_id": run_id,
                "categories": series.x.tolist(),
                "series": [{"data": series.y.tolist()}],
            }
            for series in decode(reading.series(SeriesWanted(lines, points=_POINTS)))[1]
        ]
    return found
