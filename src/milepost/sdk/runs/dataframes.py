"""Runs, and what they logged, as data frames of pandas or polars, whichever is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, overload

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.recording.recorder import translated
from milepost.sdk.runs import frame_libraries
from milepost.sdk.runs.frame_libraries import Column

if TYPE_CHECKING:
    import pandas
    import polars

    from milepost.sdk.runs.run import Run
    from milepost.sdk.workspaces.experiment import Experiment
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.records import RunQuery, RunRecord
    from milepost.store.store import Store

    Source: TypeAlias = "Workspace | Experiment | Run | Iterable[Experiment]"

Library = Literal["pandas", "polars"]
Reduction = Literal["last", "min", "max"]

_FACTS: Final[dict[str, tuple[Literal["time", "int", "float", "text"], Callable[[RunRecord], Any]]]] = {
    "run_id": ("text", lambda run: run.run_id),
    "number": ("int", lambda run: run.number),
    "name": ("text", lambda run: run.display_name or run.run_id),
    "experiment": ("text", lambda run: run.experiment),
    "status": ("text", lambda run: run.status),
    "type": ("text", lambda run: run.type),
    "created": ("time", lambda run: run.created_ns),
    "started": ("time", lambda run: run.started_ns),
    "ended": ("time", lambda run: run.ended_ns),
    "duration": ("float", lambda run: _seconds(run.started_ns, run.ended_ns)),
    "target": ("text", lambda run: run.target),
    "submitted_by": ("text", lambda run: run.submitted_by),
    "parent": ("text", lambda run: run.parent_id),
    "description": ("text", lambda run: run.description),
}
"""What every run has, by the names that filters use."""
_DEFAULT: Final = (*(name for name in _FACTS if name != "description"), "params.*", "tags.*", "metrics.*")


@overload
def runs_dataframe(
    source: Source | None = ...,
    *,
    columns: Sequence[str] | None = ...,
    filter: str | None = ...,
    order_by: str = ...,
    limit: int | None = ...,
    metrics: Reduction | Mapping[str, Reduction] = ...,
    include_children: bool = ...,
    archived: bool | None = ...,
    library: Literal["polars"],
) -> polars.DataFrame: ...
@overload
def runs_dataframe(
    source: Source | None = ...,
    *,
    columns: Sequence[str] | None = ...,
    filter: str | None = ...,
    order_by: str = ...,
    limit: int | None = ...,
    metrics: Reduction | Mapping[str, Reduction] = ...,
    include_children: bool = ...,
    archived: bool | None = ...,
    library: Library | None = ...,
) -> pandas.DataFrame: ...
def runs_dataframe(
    source: Source | None = None,
    *,
    columns: Sequence[str] | None = None,
    filter: str | None = None,
    order_by: str = "created desc",
    limit: int | None = None,
    metrics: Reduction | Mapping[str, Reduction] = "last",
    include_children: bool = False,
    archived: bool | None = False,
    library: Library | None = None,
) -> Any:
    """A data frame with one row for each run.

    Args:
        source: whose runs: of a workspace (default: that of config.json), of one or several experiments of one
            workspace, or the children of a run.
        columns: their names, in this order.  Names are those of filters: ``status``, ``params.alpha``, ``tags.stage``,
            ``metrics.mse``, ``min(metrics.mse)``; ``metrics.*`` is all metrics.  Default: the facts of each run, and
            all parameters, tags and metrics; ``properties.*`` only where it is named.
        filter: which runs, in the language of the portal: ``metrics.mse < 0.3 and tags.stage = "prod"``.
        order_by: a column, and ``asc`` (the default) or ``desc``.  Runs that do not have the value come last.
        limit: so many runs at most.
        metrics: which value of a metric counts in ``metrics.*``: its last one, its minimum or maximum (named
            ``min(metrics.mse)``); or a dict of metric -> one of these, the others being the last ones.
        include_children: runs that have a parent, too.
        archived: False: active runs; True: archived ones; None: both.
        library: "pandas" or "polars"; default: the one that is installed, pandas where both are.

    Times are UTC, ``duration`` is in seconds.  Columns that hold numbers alone are numbers, those of parameters too;
    tags and properties are text.

    Raises ImportError where neither library is installed, UserErrorException for what cannot be understood.
    """
    frames = frame_libraries.find(library)
    workspace, query = _query(source, include_children=include_children, archived=archived)
    order, descending = _order(order_by)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise UserErrorException(f"limit is a number of runs, or None for all; not {limit!r}.")
    store = workspace._recorder.fresh()
    with translated():
        records = store.runs(replace(query, filter=filter, order_by=order, descending=descending, limit=limit)).runs
        return frames(_columns(store, records, list(columns or _DEFAULT), metrics))


@overload
def metrics_dataframe(
    runs: Run | Iterable[Run], names: str | Sequence[str] | None = ..., *, library: Literal["polars"]
) -> polars.DataFrame: ...
@overload
def metrics_dataframe(
    runs: Run | Iterable[Run], names: str | Sequence[str] | None = ..., *, library: Library | None = ...
) -> pandas.DataFrame: ...
def metrics_dataframe(
    runs: Run | Iterable[Run], names: str | Sequence[str] | None = None, *, library: Library | None = None
) -> Any:
    """A data frame with one row for each value that was logged: run_id, metric, step, time (UTC), value.

    ``names``: of the metrics; default: all that have numbers.  Rows and tables are left out: ``get_metrics`` gives
    those.  Values that are numbers alone are numbers.  Raises as ``runs_dataframe`` does.
    """
    from milepost.sdk.runs.run import Run

    frames = frame_libraries.find(library)
    chosen = [runs] if isinstance(runs, Run) else list(runs)
    if not all(isinstance(each, Run) for each in chosen):
        raise UserErrorException("metrics_dataframe takes a run, or runs, of a workspace.")
    listed = None if names is None else [names] if isinstance(names, str) else list(names)
    return frames(_points(chosen, listed))


# -- what is asked for -----------------------------------------------------------------------------------------------


def _query(source: Any, *, include_children: bool, archived: bool | None) -> tuple[Workspace, RunQuery]:
    from milepost.sdk.runs.run import Run
    from milepost.sdk.workspaces.experiment import Experiment
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.records import RunQuery

    if source is None:
        source = Workspace.from_config()
    if isinstance(source, Workspace):
        return source, RunQuery(include_children=include_children, archived=archived)
    if isinstance(source, Run):
        below = RunQuery(ancestor_id=source.id) if include_children else RunQuery(parent_id=source.id)
        return source.experiment.workspace, replace(below, archived=archived)
    experiments = [source] if isinstance(source, Experiment) else list(source) if isinstance(source, Iterable) else []
    if not experiments or not all(isinstance(each, Experiment) for each in experiments):
        raise UserErrorException(
            "runs_dataframe takes a workspace, an experiment, several experiments, or a run for its children; not "
            f"{source!r:.200}."
        )
    workspace = experiments[0].workspace
    if any(each.workspace != workspace for each in experiments):
        raise UserErrorException("runs_dataframe takes experiments of one workspace.")
    names = tuple(each.name for each in experiments)
    return workspace, RunQuery(experiments=names, include_children=include_children, archived=archived)


def _order(text: str) -> tuple[str, bool]:
    from milepost.store.field_names import order_of

    name, _, direction = text.strip().rpartition(" ")
    if direction.lower() not in ("asc", "desc") or not name:
        name, direction = text.strip(), "asc"
    with translated():
        return order_of(name.strip()), direction.lower() == "desc"


def _columns(
    store: Store, records: Sequence[RunRecord], names: Sequence[str], metrics: str | Mapping[str, str]
) -> dict[str, Column]:
    """The columns, in the order of their names."""
    reductions = ("last", dict(metrics)) if isinstance(metrics, Mapping) else (str(metrics), None)
    asked = [name for name in names if name not in _FACTS]
    found = iter(store.run_frame([record.run_id for record in records], asked, *reductions) if asked else [])
    columns: dict[str, Column] = {}
    for name in names:
        if name in _FACTS:
            kind, fact = _FACTS[name]
            columns[name] = Column(kind, list(map(fact, records)))
            continue
        for each, values in next(found).items():
            if each.startswith("params."):
                columns[each] = Column("any", _as_numbers(values))
            else:
                columns[each] = Column("text" if each.startswith(("tags.", "properties.")) else "any", values)
    return columns


def _as_numbers(values: list[Any]) -> list[Any]:
    """Texts as numbers where all are: the parameters of MLflow's clients are text."""
    import json

    numbers = []
    for each in values:
        try:
            number = None if each is None else json.loads(each)
        except ValueError:
            return values
        if number is not None and (isinstance(number, bool) or not isinstance(number, (int, float))):
            return values
        numbers.append(number)
    return numbers


def _points(runs: Sequence[Run], names: Sequence[str] | None) -> dict[str, Column]:
    import numpy as np

    from milepost.store.points import cells
    from milepost.store.run_points import points_of_runs

    parts: list[tuple[str, str, Any, Any]] = []
    by_recorder: dict[Any, list[str]] = {}
    for run in runs:
        by_recorder.setdefault(run._recorder, []).append(run.id)
    for recorder, run_ids in by_recorder.items():
        store = recorder.fresh()
        with translated():
            for run_id, name, points in points_of_runs(store, run_ids, names):
                column = points.columns[""]
                values: Any = cells(column)
                if len(column.floats) == len(points):
                    values = column.floats
                elif len(column.ints) == len(points) and not (column.kinds == 3).any():
                    values = column.ints
                elif names is None and not any(isinstance(each, (int, float)) for each in values):
                    continue
                parts.append((run_id, name, points, values))
    counts = [len(points) for _, _, points, _ in parts]
    values = [each[3] for each in parts]
    nothing = np.empty(0, np.int64)
    numbers = values and all(isinstance(each, np.ndarray) for each in values)
    return {
        "run_id": Column("text", _repeated([each[0] for each in parts], counts)),
        "metric": Column("text", _repeated([each[1] for each in parts], counts)),
        "step": Column("any", np.concatenate([nothing, *(each[2].steps for each in parts)])),
        "time": Column("time", np.concatenate([nothing, *(each[2].times for each in parts)])),
        "value": Column("any", np.concatenate(values) if numbers else [value for part in values for value in part]),
    }


def _repeated(texts: Sequence[str], counts: Sequence[int]) -> list[str]:
    return [text for text, count in zip(texts, counts, strict=True) for _ in range(count)]


def _seconds(start_ns: int | None, end_ns: int | None) -> float | None:
    return None if start_ns is None or end_ns is None else (end_ns - start_ns) / 1e9
