"""Metrics of an offline run: printed, kept in this process, given back as a real run's ``get_metrics`` gives them."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from milepost.journal import format as fmt
from milepost.sdk.runs import values
from milepost.sdk.runs.echo import echo
from milepost.sdk.runs.run_metrics import RunMetrics

if TYPE_CHECKING:
    from milepost.journal.writer import RunJournal, SeriesName

_TABLE: Final = "table"
_STRUCTURED: Final = ("accuracy_table", "confusion_matrix", "residuals", "predictions")


@dataclass
class _Metric:
    kind: str
    calls: int = 0
    is_list: bool = False
    values: list[Any] = field(default_factory=list)
    columns: dict[str, list[Any]] = field(default_factory=dict)
    rows: int = 0
    singles: frozenset[str] = frozenset()
    """Of the first call: the columns that were given as a single value."""


class OfflineMetrics(RunMetrics):
    """The part of an offline run that logs metrics."""

    _folder: Path

    def _descendants(self) -> Iterator[OfflineMetrics]:
        raise NotImplementedError

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """Print a value."""
        plain = values.scalar(value, name)
        super().log(name, plain, description, step)
        echo(f"Attempted to log scalar metric {name}:", plain)

    def log_list(self, name: str, value: Any, description: str = "") -> None:
        """Print a list."""
        cells = [cell for mark, part in values.list_parts(value, name) for cell in _cells(mark, part)]
        super().log_list(name, cells, description)
        echo(f"Attempted to log list metric {name}:", cells)

    def log_row(self, name: str, description: str | None = None, **kwargs: Any) -> None:
        """Print a row."""
        super().log_row(name, description, **kwargs)
        columns = values.row(kwargs, name)
        echo(f"Attempted to log row metric {name}:", {column: cells[0] for column, cells in columns.items()})

    def log_table(self, name: str, value: Mapping[str, Any], description: str = "") -> None:
        """Print a table."""
        columns, singles = values.table(value, name)
        plain = {column: cells[0] if column in singles else cells for column, cells in columns.items()}
        super().log_table(name, plain, description)
        echo(f"Attempted to log table metric {name}:", plain)

    def log_image(self, name: str, path: str | None = None, plot: Any = None, description: str = "") -> None:
        """Keep an image on the local disk and print where."""
        super().log_image(name, path, plot, description)
        kept_as = str(self._kept.last(name)).removeprefix(self._reference(""))
        echo(f"Attempted to log image metric {name}:", self._folder / kept_as)

    def _log_structured(self, kind: str, name: str, value: str | dict[str, Any], description: str) -> None:
        super()._log_structured(kind, name, value, description)
        echo(f"Attempted to log {kind.replace('_', ' ')} metric {name}:", value)

    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: str | None = None, populate: bool = False
    ) -> dict[str, Any]:
        """What was logged in this process; as of a real run."""
        if recursive:
            below = [] if run_type is not None else self._descendants()
            return {child._id: child.get_metrics(name, populate=populate) for child in below}
        found = self._kept.get(name)
        if populate:
            for each, kind in self._kept.kinds().items():
                if each in found and kind in _STRUCTURED:
                    found[each] = self._loaded(found[each])
        return found

    def _loaded(self, reference: Any) -> Any:
        if isinstance(reference, list):
            return [self._loaded(each) for each in reference]
        return json.loads((self._folder / reference.removeprefix(self._reference(""))).read_bytes())

    def _open_metrics(self) -> None:
        self._series = self._others = cast("RunJournal", None)  # nothing is appended to a journal
        self._append_float = cast("Any", self._no_short_way)
        self._kinds: dict[str, SeriesName] = {}
        self._lost = 0
        self._kept = KeptMetrics()

    def _no_short_way(self, *args: Any) -> None:
        raise KeyError  # `log` then takes the long way, through `_put`

    def _put(self, series: SeriesName, mark: int, value: float, step: int) -> None:
        self._kept.add_values(series.name, series.kind, [value])

    def _put_payload(self, series: SeriesName, mark: int, payload: bytes, step: int = fmt.NO_STEP) -> None:
        # For arrays of numbers the step says whether it is the first part of its list.
        self._kept.add_values(series.name, series.kind, _cells(mark, payload), calls=step, is_list=True)

    def _put_cells(
        self,
        series: SeriesName,
        columns: dict[str, list[Any]],
        *,
        singles: list[str] | None = None,
        calls: int = 1,
        is_list: bool = False,
        step: int = fmt.NO_STEP,
    ) -> None:
        if series.kind == _TABLE:
            self._kept.add_rows(series.name, columns, singles or [])
        else:
            self._kept.add_values(series.name, series.kind, columns[""], calls=calls, is_list=is_list)


class KeptMetrics:
    """Metrics by name, in the order of first logging."""

    def __init__(self) -> None:
        self._metrics: dict[str, _Metric] = {}

    def add_values(self, name: str, kind: str, cells: list[Any], *, calls: int = 1, is_list: bool = False) -> None:
        """Append values to a series, or a reference to an image or a structured metric."""
        metric = self._metrics.setdefault(name, _Metric(kind))
        metric.calls += calls
        metric.is_list |= is_list
        metric.values.extend(cells)

    def add_rows(self, name: str, columns: dict[str, list[Any]], singles: list[str]) -> None:
        """Append one call's columns to a table.  They may differ in length, and from those of other calls."""
        metric = self._metrics.setdefault(name, _Metric(_TABLE))
        metric.calls += 1
        if metric.calls == 1:
            metric.singles = frozenset(singles)
        for column, cells in columns.items():
            kept = metric.columns.setdefault(column, [])
            # Whatever the column missed before this call is None.
            kept.extend([None] * (metric.rows - len(kept)))
            kept.extend(cells)
        metric.rows += max((len(cells) for cells in columns.values()), default=0)

    def last(self, name: str) -> Any:
        """The value that was added last to a series."""
        return self._metrics[name].values[-1]

    def kinds(self) -> dict[str, str]:
        """Name -> kind."""
        return {name: metric.kind for name, metric in self._metrics.items()}

    def get(self, name: str | None = None) -> dict[str, Any]:
        """Name -> what ``get_metrics`` gives; only ``name`` if given."""
        return {each: _given_back(metric) for each, metric in self._metrics.items() if name in (None, each)}


def _given_back(metric: _Metric) -> Any:
    if metric.kind != _TABLE:
        one = metric.calls == 1 and len(metric.values) == 1 and not metric.is_list
        return metric.values[0] if one else list(metric.values)
    if metric.calls == 1:
        return {name: cells[0] if name in metric.singles else list(cells) for name, cells in metric.columns.items()}
    return {name: cells + [None] * (metric.rows - len(cells)) for name, cells in metric.columns.items()}


def _cells(mark: int, part: bytes | list[Any]) -> list[Any]:
    """The values of one part of a list; see ``values.list_parts``."""
    if not isinstance(part, bytes):
        return part
    return array("d" if mark == fmt.FLOATS else "q", part).tolist()
