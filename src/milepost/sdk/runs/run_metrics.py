"""The part of ``Run`` that logs metrics and reads them back."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from milepost.journal import format as fmt
from milepost.journal.writer import JournalFull, SeriesName
from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.runs import values
from milepost.warning import warn

if TYPE_CHECKING:
    from milepost.journal.writer import RunJournal
    from milepost.sdk.recording.recorder import Recorder
    from milepost.sdk.runs.run_files import Artifact

# Kinds of metrics, as the store names them (milepost.store.batch; not imported, since scripts load this module).
_SERIES: Final = "series"
_TABLE: Final = "table"
_IMAGE: Final = "image"
_STRUCTURED: Final = ("accuracy_table", "confusion_matrix", "residuals", "predictions")
_CALL: Final = {_SERIES: "log or log_list", _TABLE: "log_row or log_table", _IMAGE: "log_image"}


class RunMetrics:
    """Logging of scalars, lists, rows, tables and images, and ``get_metrics``."""

    _id: str
    _recorder: Recorder

    def _open_metrics(self) -> None:
        # Two appenders, so that a scalar can never get into a table's series.
        self._series: RunJournal = self._recorder.writer.run(self._id)
        self._others: RunJournal = self._recorder.writer.run(self._id)
        self._append_float = self._series.append_float
        self._kinds: dict[str, SeriesName] = {}
        self._lost = 0

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """Log one value: float, int, str or bool (numpy scalars and 0-d arrays become those).

        A name logged again becomes a vector.  ``step`` is a whole number that fits 64 bits; without it the values
        count from 0.  Raises UserErrorException for what cannot be logged.
        """
        if value.__class__ is float and step is None and not description:
            try:
                self._append_float(name, value)
            except (KeyError, TypeError):
                pass  # a new name, a segment that wants care, or no name at all
            else:
                return
        plain = values.scalar(value, name)
        number = fmt.NO_STEP if step is None else values.step(step, name)
        series = self._named(name, _SERIES, description)
        if isinstance(plain, bool):
            self._put(series, fmt.BOOL, plain, number)
        elif isinstance(plain, float):
            self._put(series, fmt.FLOAT, plain, number)
        elif isinstance(plain, int) and -(2**63) <= plain < 2**63:
            self._put(series, fmt.INT, plain, number)
        else:
            self._put_cells(series, {"": [plain]}, step=number)

    def log_list(self, name: str, value: Any, description: str = "") -> None:
        """Log a list: any iterable of scalars.  Another call with the name extends it.

        Raises UserErrorException for what cannot be logged; nothing of the list is logged then.
        """
        name = values.metric_name(name)
        parts = values.list_parts(value, name)
        series = self._named(name, _SERIES, description)
        for index, (mark, part) in enumerate(parts):
            first = 1 if index == 0 else 0
            if isinstance(part, bytes):
                self._put_payload(series, mark, part, step=first)
            else:
                self._put_cells(series, {"": part}, calls=first, is_list=True)

    def log_row(self, name: str, description: str | None = None, **kwargs: Any) -> None:
        """Log one row; each keyword is a column.  Rows logged in a loop make a table.

        Raises UserErrorException for what cannot be logged.
        """
        name = values.metric_name(name)
        columns = values.row(kwargs, name)
        self._put_cells(self._named(name, _TABLE, description), columns, singles=list(columns))

    def log_table(self, name: str, value: Mapping[str, Any], description: str = "") -> None:
        """Log a table: a dict of column name -> list of values, or one value.

        Raises UserErrorException for what cannot be logged.
        """
        name = values.metric_name(name)
        columns, singles = values.table(value, name)
        self._put_cells(self._named(name, _TABLE, description), columns, singles=singles)

    def log_image(self, name: str, path: str | None = None, plot: Any = None, description: str = "") -> None:
        """Log an image: a file, or a matplotlib figure (or ``pyplot``, its current figure), kept as PNG.

        Raises UserErrorException where neither or both are given, or the file is not there.
        """
        name = values.metric_name(name)
        if (path is None) == (plot is None):
            raise UserErrorException(
                f"log_image of {name!r} takes either path= (a file) or plot= (a matplotlib figure)."
            )
        series = self._named(name, _IMAGE, description)
        if path is not None:
            file = Path(path)
            if not file.is_file():
                raise UserErrorException(f"log_image of {name!r}: there is no file {str(path)!r}.")
            stored = _artifact_name(name, file.suffix)
            self._record_file(stored, file)
        else:
            draw = getattr(plot, "savefig", None)
            if not callable(draw):
                raise UserErrorException(
                    f"log_image of {name!r}: plot= takes a matplotlib figure or matplotlib.pyplot, not {type(plot)!r}."
                )
            picture = io.BytesIO()
            draw(picture, format="png")
            stored = _artifact_name(name, ".png")
            self._record_file(stored, io.BytesIO(picture.getvalue()))
        self._put_cells(series, {"": [self._reference(stored)]})

    def log_accuracy_table(self, name: str, value: str | dict[str, Any], description: str = "") -> None:
        """Log an accuracy table: a dict or JSON string with the keys schema_type, schema_version and data."""
        self._log_structured("accuracy_table", name, value, description)

    def log_confusion_matrix(self, name: str, value: str | dict[str, Any], description: str = "") -> None:
        """Log a confusion matrix: a dict or JSON string with the keys schema_type, schema_version and data."""
        self._log_structured("confusion_matrix", name, value, description)

    def log_predictions(self, name: str, value: str | dict[str, Any], description: str = "") -> None:
        """Log a predictions chart: a dict or JSON string with the keys schema_type, schema_version and data."""
        self._log_structured("predictions", name, value, description)

    def log_residuals(self, name: str, value: str | dict[str, Any], description: str = "") -> None:
        """Log a residuals chart: a dict or JSON string with the keys schema_type, schema_version and data."""
        self._log_structured("residuals", name, value, description)

    def get_metrics(
        self, name: str | None = None, recursive: bool = False, run_type: str | None = None, populate: bool = False
    ) -> dict[str, Any]:
        """The metrics logged so far, in the order of first logging; only ``name`` if given ({} if there is none).

        ``recursive``: {run id: {name: value}} of all descendants, of type ``run_type`` if given.  ``populate``:
        confusion matrices and their kin as dicts, not as references.
        """
        store = self._recorder.fresh()
        from milepost.sdk.recording.recorder import translated
        from milepost.store.records import RunQuery

        with translated():
            if not recursive:
                return self._populated(store.metric_values(self._id, name), self._id, populate)
            query = RunQuery(ancestor_id=self._id, type=run_type, archived=None)
            ids = [record.run_id for record in store.all_runs(query)]
            found = store.metric_values_many(ids, name)
            return {run_id: self._populated(metrics, run_id, populate) for run_id, metrics in found.items()}

    # -- what the above are made of ----------------------------------------------------------------------------

    def _record_file(self, name: str, source: Path | IO[bytes]) -> Artifact | None:
        raise NotImplementedError  # RunFiles has it

    def _reference(self, artifact: str) -> str:
        return f"aml://artifactId/ExperimentRun/dcid.{self._id}/{artifact}"

    def _log_structured(self, kind: str, name: str, value: str | dict[str, Any], description: str) -> None:
        name = values.metric_name(name)
        given = value
        if isinstance(value, str):
            try:
                given = json.loads(value)
            except ValueError as error:
                raise UserErrorException(f"log_{kind} of {name!r}: the text is not JSON: {error}.") from error
        needed = ("schema_type", "schema_version", "data")
        missing = [key for key in needed if not isinstance(given, dict) or key not in given]
        if missing:
            raise UserErrorException(
                f"log_{kind} of {name!r} takes a dict (or its JSON) with the keys {', '.join(needed)}; "
                f"missing: {', '.join(missing)}."
            )
        try:
            content = json.dumps(given, default=lambda cell: values.scalar(cell, name)).encode()
        except (TypeError, ValueError) as error:
            raise UserErrorException(f"log_{kind} of {name!r} cannot be written as JSON: {error}.") from error
        series = self._named(name, kind, description)
        stored = _artifact_name(name, ".json")
        self._record_file(stored, io.BytesIO(content))
        self._put_cells(series, {"": [self._reference(stored)]})

    def _populated(self, metrics: dict[str, Any], run_id: str, populate: bool) -> dict[str, Any]:
        if not populate:
            return metrics
        store = self._recorder.open_store()
        for summary in store.metric_summaries([run_id]):
            if summary.kind not in _STRUCTURED:
                continue
            found = metrics.get(summary.name)
            references = found if isinstance(found, list) else [found]
            loaded = []
            for reference in references:
                artifact = str(reference).split(f"dcid.{run_id}/", 1)[-1]
                with store.open_artifact(run_id, artifact) as stream:
                    loaded.append(json.load(stream))
            metrics[summary.name] = loaded if isinstance(found, list) else loaded[0]
        return metrics

    def _named(self, name: object, kind: str, description: str | None) -> SeriesName:
        known = self._kinds.get(name) if isinstance(name, str) else None
        if known is None:
            checked = values.metric_name(name)
            text = values.text(str(description or ""), "The description of a metric")
            known = self._kinds[checked] = SeriesName(self._id, checked, kind, description=text)
        if known.kind != kind:
            earlier = _CALL.get(known.kind, f"log_{known.kind}")
            raise UserErrorException(
                f"Metric {known.name!r} was logged with {earlier} before; it cannot take "
                f"{_CALL.get(kind, f'log_{kind}')} as well. Use another name."
            )
        return known

    def _put(self, series: SeriesName, mark: int, value: float, step: int) -> None:
        try:
            self._series.append_scalar(series, mark, value, step)
        except JournalFull as error:
            self._not_taken(error)

    def _put_payload(self, series: SeriesName, mark: int, payload: bytes, step: int = fmt.NO_STEP) -> None:
        journal = self._series if series.kind == _SERIES else self._others
        try:
            journal.append_payload(series, mark, payload, step)
        except JournalFull as error:
            self._not_taken(error)

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
        record: dict[str, Any] = {"columns": columns}
        if singles:
            record["scalars"] = singles
        if calls != 1:
            record["calls"] = calls
        if is_list:
            record["list"] = True
        payload = json.dumps(record, separators=(",", ":")).encode()
        self._put_payload(series, fmt.CELLS, payload, step)

    def _not_taken(self, error: JournalFull) -> None:
        self._lost += 1
        if self._lost == 1:
            warn(f"Milepost loses what is logged: {error}", stacklevel=4)


def _artifact_name(metric: str, suffix: str) -> str:
    """A name for a metric's file: the metric's own, made safe, with the time in microseconds."""
    safe = re.sub(r"[^\w.\- ]+", "_", metric).strip(". ")[:100] or "metric"
    suffix = suffix if re.fullmatch(r"\.\w{1,10}", suffix) else ""
    return f"{safe}_{time.time_ns() // 1000}{suffix}"
