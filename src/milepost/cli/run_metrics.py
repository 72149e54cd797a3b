"""``milepost runs metrics``: summaries as a table, whole series as CSV or JSON.

Series are read and written window by window: one of many million points never lies in memory as a whole.
"""

from __future__ import annotations

import csv
import json
import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from milepost.cli import output, tables
from milepost.cli.opening import opened
from milepost.cli.options import AsJson, Failed, Misused, RunId, WorkspaceName
from milepost.cli.run_details import metric_table
from milepost.cli.runs import find_run, runs, summary_json
from milepost.cli.tables import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from milepost.store.batch import Points
    from milepost.store.records import MetricSummary
    from milepost.store.store import Store

_WINDOW: Final = 65_536
_CSV_HEADER: Final = ("metric", "kind", "column", "index", "step", "time", "value")
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Format(str, Enum):
    """How metrics are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@runs.command("metrics")
def show_metrics(
    run: RunId,
    metric: Annotated[
        str | None, typer.Option("--name", "-n", metavar="NAME", help="Only this metric; a table shows its points.")
    ] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            "-f",
            help="table: a line for each metric. csv and json: every point with its step and time.",
        ),
    ] = Format.TABLE,
    limit: Annotated[
        int, typer.Option(min=0, metavar="N", help="In a table: the last so many points; 0 for all.")
    ] = 100,
    system: Annotated[
        bool, typer.Option("--system", help="What the machine did meanwhile in place of what the script logged.")
    ] = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Show the metrics of a run, or write out their points.

    CSV: NaN and infinities are NaN, Infinity and -Infinity; control characters are written as escapes; a text that a
    spreadsheet would take for a formula gets a ' before it. JSON has all texts as they are.
    """
    from milepost.store.batch import SYSTEM, USER

    if as_json and form is Format.CSV:
        raise Misused("--json and --format csv cannot be had at once.")
    with opened(name) as (_workspace, store):
        record = find_run(store, run)
        found = store.metric_summaries(
            [record.run_id], None if metric is None else [metric], namespace=SYSTEM if system else USER
        )
        if metric is not None and not found:
            raise Failed(f"Run {record.run_id} has no metric {metric!r}. `milepost runs metrics` lists those it has.")
        if as_json or form is Format.JSON:
            _write_json(store, record.run_id, found)
        elif form is Format.CSV:
            _write_csv(store, record.run_id, found)
        elif not found:
            output.tell(f"run {record.run_id} has no metrics")
        else:
            metric_table(found)
            for summary in found if metric is not None else ():
                output.say("")
                _point_table(store, record.run_id, summary, limit)


def _windows(store: Store, run_id: str, summary: MetricSummary, first: int = 0) -> Iterator[tuple[int, Points]]:
    """The points from ``first`` on, as they were when the summary was read: (index of the first, points)."""
    for start in range(first, summary.count, _WINDOW):
        stop = min(start + _WINDOW, summary.count)
        yield (
            start,
            store.metric_points(run_id, summary.name, summary.namespace, summary.kind, start, stop),
        )


def _times(points: Points) -> list[str]:
    """ISO 8601 with microseconds, UTC."""
    import numpy as np

    texts = np.datetime_as_string(points.times.astype("datetime64[ns]").astype("datetime64[us]"))
    return [f"{text}Z" for text in texts.tolist()]


def _cells(points: Points, column: str) -> list[Any]:
    """A column's values, None where there is none."""
    from milepost.store.points import cells

    found = points.columns.get(column)
    return [None] * len(points) if found is None else cells(found)


def _columns(summary: MetricSummary) -> Sequence[str]:
    return summary.columns or ("",)


# -- table -----------------------------------------------------------------------------------------------------------


def _point_table(store: Store, run_id: str, summary: MetricSummary, limit: int) -> None:
    names = _columns(summary)
    rows = []
    for _, points in _windows(store, run_id, summary, max(summary.count - limit, 0) if limit else 0):
        columns = [_cells(points, name) for name in names]
        for step, ns, *cells in zip(points.steps.tolist(), points.times.tolist(), *columns, strict=True):
            rows.append([str(step), output.local(ns), *(output.number(cell) for cell in cells)])
    titles = [Column(name or "VALUE", right=True, whole=False) for name in names]
    tables.table([Column("STEP", right=True), Column("TIME"), *titles], rows)
    if limit and summary.count > limit:
        output.tell(f"the last {limit:,} of {summary.count:,} points; --limit 0 or --format csv gives all")


# -- CSV -------------------------------------------------------------------------------------------------------------


def _write_csv(store: Store, run_id: str, found: Sequence[MetricSummary]) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(_CSV_HEADER)
    for summary in found:
        name, kind = guarded(summary.name), guarded(summary.kind)
        for start, points in _windows(store, run_id, summary):
            times, steps = _times(points), points.steps.tolist()
            for column in _columns(summary):
                title = guarded(column)
                out.writerows(
                    (name, kind, title, index, step, time, csv_cell(cell))
                    for index, (step, time, cell) in enumerate(
                        zip(steps, times, _cells(points, column), strict=True), start
                    )
                    if cell is not None
                )


def csv_cell(cell: object) -> object:
    """A value for CSV: texts are guarded, numbers that are not finite have their JSON names."""
    if isinstance(cell, str):
        return guarded(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return repr(cell) if cell - cell == 0 else output.non_finite(cell)
    return cell


def guarded(text: str) -> str:
    """The text without control characters, and with a quote before it where a spreadsheet would run it."""
    shown = output.safe(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


# -- JSON ------------------------------------------------------------------------------------------------------------


def _write_json(store: Store, run_id: str, found: Sequence[MetricSummary]) -> None:
    """``{"id", "metrics": [{summary..., "steps", "times", "values" or null, "cells": {column: values} or null}]}``."""
    write = sys.stdout.write
    write(f'{{"id": {json.dumps(run_id)}, "metrics": [')
    for place, summary in enumerate(found):
        head = json.dumps(output.jsonable(summary_json(summary)), allow_nan=False)
        write(f"{',' if place else ''}\n  {head[:-1]},\n")
        _write_array("steps", (points.steps.tolist() for _, points in _windows(store, run_id, summary)))
        write(",\n")
        _write_array("times", (_times(points) for _, points in _windows(store, run_id, summary)))
        table = any(summary.columns)
        write(f',\n   "values": {"null" if table else ""}')
        if not table:
            _write_array(None, (_cells(points, "") for _, points in _windows(store, run_id, summary)))
        write(f',\n   "cells": {"{" if table else "null"}')
        for number, column in enumerate(summary.columns if table else ()):
            write(",\n" if number else "\n")
            _write_array(column, (_cells(points, column) for _, points in _windows(store, run_id, summary)))
        write("}}" if table else "}")
    write("\n]}\n" if found else "]}\n")


def _write_array(name: str | None, windows: Iterator[list[Any]]) -> None:
    """``"name": [values of all windows]``, without the name where it is None."""
    write = sys.stdout.write
    write("[" if name is None else f"   {json.dumps(name)}: [")
    for place, values in enumerate(windows):
        text = json.dumps(output.jsonable(values), allow_nan=False)
        write(f"{', ' if place else ''}{text[1:-1]}")
    write("]")
