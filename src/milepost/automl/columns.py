"""Steps of a pipeline that scikit-learn has none for: texts of what is none, parts of dates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

_PARTS = ("year", "quarter", "month", "day", "day_of_week", "day_of_year", "hour", "minute")


def as_texts(frame: Any) -> Any:
    """Every value as text; what is missing stays so."""
    table = pd.DataFrame(frame)
    return table.astype(object).where(table.isna(), table.map(_text)).where(~table.isna(), np.nan).to_numpy()


def filled_texts(column: Any) -> Any:
    """The texts of one column; empty ones where they are missing."""
    series = pd.Series(np.asarray(column, dtype=object).ravel())
    return series.where(series.notna(), "").map(str).to_numpy()


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


class DateParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Dates as numbers: the days since 1970, and the year, month, ... and minute, those that differ in training."""

    def fit(self, frame: Any, y: Any = None) -> DateParts:
        """Find the parts that differ."""
        columns = pd.DataFrame(frame)
        self.n_features_in_ = columns.shape[1]
        self.parts_ = [
            [part for part in _PARTS if _part(columns[name], part).nunique() > 1] for name in columns.columns
        ]
        return self

    def transform(self, frame: Any) -> Any:
        """A column for the days, then one for each part; NaN where there is no date."""
        columns = pd.DataFrame(frame)
        found = []
        for name, parts in zip(columns.columns, self.parts_, strict=True):
            dates = _dates(columns[name])
            found.append((dates - pd.Timestamp(0, tz=dates.dt.tz)).dt.total_seconds().to_numpy(float) / 86400)
            found += [_part(dates, part).to_numpy(float, na_value=np.nan) for part in parts]
        return np.column_stack(found)


def _dates(column: Any) -> Any:
    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    return pd.to_datetime(column, format="ISO8601", errors="coerce")


def _part(column: Any, part: str) -> Any:
    return getattr(_dates(column).dt, part)
