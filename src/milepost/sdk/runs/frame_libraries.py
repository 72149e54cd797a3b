"""pandas and polars: columns become a data frame with the types that people compute with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final, Literal

from milepost.sdk.exceptions import UserErrorException

LIBRARIES: Final = ("pandas", "polars")
_EXACT: Final = 2**53
"""Whole numbers up to here are the same as float64."""
_INT64: Final = 2**63


@dataclass(frozen=True)
class Column:
    """Values of one kind, None where there is none (or an array): ``time`` is ns since 1970 UTC.

    ``any``: what was logged; its type is found by looking at it.
    """

    kind: Literal["time", "int", "float", "text", "any"]
    values: Any


def find(library: str | None) -> Callable[[Mapping[str, Column]], Any]:
    """What makes a data frame of columns with the library of that name, or with the first that is installed.

    Raises ImportError where none is, UserErrorException for another name.
    """
    if library is not None and library not in LIBRARIES:
        raise UserErrorException(f"library is {' or '.join(map(repr, LIBRARIES))}, and not {library!r}.")
    for name in LIBRARIES if library is None else (library,):
        if find_spec(name) is not None:
            return _pandas if name == "pandas" else _polars
    raise ImportError(
        f"A data frame needs {library or 'pandas or polars'}, which is not installed: pip install {library or 'pandas'}"
    )


def _pandas(columns: Mapping[str, Column]) -> Any:
    import numpy as np
    import pandas as pd

    has_text = int(pd.__version__.partition(".")[0]) >= 3  # before, text is Python objects

    def series(column: Column) -> Any:
        values = column.values
        kind = _kind(values) if column.kind == "any" else column.kind
        if kind == "time":
            missing = np.iinfo(np.int64).min  # what NaT is
            ns = values
            if isinstance(values, list):
                ns = np.array([missing if each is None else each for each in values], np.int64)
            return pd.Series(pd.DatetimeIndex(ns.view("datetime64[ns]")).tz_localize("UTC"))
        if kind == "array":
            return pd.Series(values)
        if kind in ("int", "bool") and None not in values:
            return pd.Series(np.array(values, np.int64 if kind == "int" else bool))
        if kind in ("int", "float"):
            return pd.Series(np.array([np.nan if each is None else each for each in values], np.float64))
        objects = pd.Series(np.array([*values, None], object)[:-1])
        return objects.astype("str") if kind == "text" and has_text else objects

    return pd.DataFrame({name: series(column) for name, column in columns.items()}, columns=list(columns))


def _polars(columns: Mapping[str, Column]) -> Any:
    import polars as pl

    types = {"int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean, "text": pl.String}

    def series(name: str, column: Column) -> Any:
        values = column.values
        kind = _kind(values) if column.kind == "any" else column.kind
        if kind == "time":
            return pl.Series(name, values, pl.Int64).cast(pl.Datetime("ns", "UTC"))
        if kind == "array":
            return pl.Series(name, values)
        if kind == "float":
            values = [None if each is None else float(each) for each in values]
        elif kind not in types:  # a column of polars has one type
            kind, values = "text", [None if each is None else str(each) for each in values]
        return pl.Series(name, values, types[kind])

    return pl.DataFrame([series(name, column) for name, column in columns.items()])


def _kind(values: Any) -> str:
    """ "int", "float", "bool" or "text" where all values are; "mixed" where they are not; "array" for an array."""
    if not isinstance(values, list):
        return "array"
    kinds = {type(each).__name__ for each in values} - {"NoneType"}
    if kinds == {"int"}:
        inexact = None in values and not all(map(_is_exact, values))
        return "int" if all(map(_fits, values)) and not inexact else "mixed"
    if kinds <= {"float"} or (kinds == {"int", "float"} and all(map(_is_exact, values))):
        return "float"
    return "bool" if kinds == {"bool"} else "text" if kinds == {"str"} else "mixed"


def _fits(value: int | None) -> bool:
    return value is None or -_INT64 <= value < _INT64


def _is_exact(value: object) -> bool:
    return not isinstance(value, int) or -_EXACT <= value <= _EXACT
