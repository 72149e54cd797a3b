"""What can be logged: names, steps, single values, lists and tables.  Everything else is refused by name."""

from __future__ import annotations

import numbers
from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, SupportsFloat

from milepost.journal import format as fmt
from milepost.sdk.exceptions import UserErrorException

LONGEST_NAME: Final = 1024
LONGEST_NAME_BYTES: Final = 2048
_LIST_PART: Final = 1 << 16
"""Values of a list in one record; a longer list is several."""

Scalar = float | int | bool | str


def metric_name(name: object) -> str:
    """The name of a metric, checked.  Raises UserErrorException."""
    if not isinstance(name, str):
        raise UserErrorException(f"A metric's name must be a str, not {_kind(name)}: {_short(name)}.")
    return short_name(name, "A metric's name")


def short_name(name: str, what: str) -> str:
    """A name that every store can keep whole and look up.  Raises UserErrorException."""
    if not name or len(name) > LONGEST_NAME:
        raise UserErrorException(
            f"{what} must have 1 to {LONGEST_NAME:,} characters; this one has {len(name):,}: {_short(name)}."
        )
    checked = text(name, what)
    if len(name) * 4 > LONGEST_NAME_BYTES and len(name.encode()) > LONGEST_NAME_BYTES:
        raise UserErrorException(
            f"{what} must have at most {LONGEST_NAME_BYTES:,} bytes in UTF-8, which is what a database can look up; "
            f"this one has {len(name.encode()):,}: {_short(name)}."
        )
    return checked


def text(value: str, what: str) -> str:
    """A text that every store can keep: no NUL, no lone surrogates.  Raises UserErrorException."""
    if "\0" in value or (not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value)):
        raise UserErrorException(f"{what} holds a NUL character or half of a surrogate pair: {_short(value)}.")
    return str(value)


def step(value: object, metric: str) -> int:
    """A step, checked.  Raises UserErrorException."""
    number = value
    if not isinstance(number, (int, float)) and callable(getattr(number, "item", None)):
        number = number.item()  # type: ignore[attr-defined]
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise UserErrorException(f"The step of metric {_short(metric)} must be a whole number, not {_short(value)}.")
    if not -(2**63) < number < 2**63:
        raise UserErrorException(f"The step of metric {_short(metric)} does not fit 64 bits: {number}.")
    return int(number)


def scalar(value: object, metric: str) -> Scalar:
    """A single value as float, int, bool or str.

    numpy scalars, 0-d arrays and tensors, Decimal and Fraction are turned into those.  Raises UserErrorException.
    """
    # Exact types first, then subclasses (numpy.float64 is a float) and what converts itself.
    if value.__class__ in (float, int, bool, str):
        return value
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    shape = getattr(value, "shape", ())
    item = getattr(value, "item", None)
    if callable(item) and tuple(shape or ()) in ((), (1,)):
        plain = item()
        if isinstance(plain, (bool, int, float, str)):
            return plain
    elif callable(getattr(value, "numpy", None)) and tuple(shape or ()) == ():
        return scalar(value.numpy(), metric)  # type: ignore[attr-defined]
    # Decimal and Fraction; a complex number is a Number too, but has no __float__.
    if isinstance(value, numbers.Number) and isinstance(value, SupportsFloat):
        return float(value)
    raise UserErrorException(
        f"Metric {_short(metric)} cannot take {_kind(value)}: {_short(value)}. Log a float, int, bool or str; "
        "log_list takes lists, log_row and log_table take columns."
    )


def list_parts(values: object, metric: str) -> Iterator[tuple[int, bytes | list[Scalar]]]:
    """A list cut into parts of at most 65,536 values.

    Each is (mark, payload bytes) for plain numbers, or (CELLS, list of values).  An empty list gives one empty part.
    Raises UserErrorException, before the first part is given.
    """
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        hint = " For columns use log_table." if isinstance(values, Mapping) else " For a single value use log."
        raise UserErrorException(
            f"log_list of metric {_short(metric)} takes a list or another iterable of values, not {_kind(values)}: "
            f"{_short(values)}.{hint}"
        )
    kind = getattr(getattr(values, "dtype", None), "kind", "")
    if kind and len(getattr(values, "shape", ())) == 1 and hasattr(values, "tobytes"):
        plain = _array_parts(values, kind)
        if plain is not None:
            return plain
    try:
        items = list(values)
    except Exception as error:
        raise UserErrorException(f"The values of metric {_short(metric)} could not be read: {error!r}") from error
    kinds = set(map(type, items))
    if kinds <= {float}:
        return _packed(fmt.FLOATS, array("d", items))
    if kinds == {int}:
        try:
            return _packed(fmt.INTS, array("q", items))
        except OverflowError:
            pass
    cells = [scalar(each, metric) for each in items]
    if kinds and not kinds <= {float, int, bool, str}:
        return list_parts(cells, metric)  # numpy scalars and the like are plain numbers now
    return ((fmt.CELLS, cells[at : at + _LIST_PART]) for at in range(0, len(cells), _LIST_PART))


def _array_parts(values: Any, kind: str) -> Iterator[tuple[int, bytes | list[Scalar]]] | None:
    size = values.dtype.itemsize
    if kind == "f" and size <= 8:
        return _packed(fmt.FLOATS, array("d", values.astype("float64").tobytes()))
    if kind == "i" or (kind == "u" and size < 8):
        return _packed(fmt.INTS, array("q", values.astype("int64").tobytes()))
    return None


def _packed(mark: int, values: array[Any]) -> Iterator[tuple[int, bytes | list[Scalar]]]:
    return ((mark, values[at : at + _LIST_PART].tobytes()) for at in range(0, len(values) or 1, _LIST_PART))


def row(columns: Mapping[str, object], metric: str) -> dict[str, list[Scalar | None]]:
    """The columns of one row, one value each.  None is a missing value.  Raises UserErrorException."""
    if not columns:
        raise UserErrorException(f"log_row of metric {_short(metric)} needs at least one column, as name=value.")
    return {_column(name, metric): [_cell(value, metric, name)] for name, value in columns.items()}


def table(value: object, metric: str) -> tuple[dict[str, list[Scalar | None]], list[str]]:
    """The columns of a table, and the names of those that were given as a single value.

    ``value`` is a dict of name -> list of values, or one value.  Raises UserErrorException.
    """
    if not isinstance(value, Mapping):
        raise UserErrorException(
            f"log_table of metric {_short(metric)} takes a dict of column name -> list of values, not {_kind(value)}: "
            f"{_short(value)}."
        )
    if not value:
        raise UserErrorException(f"log_table of metric {_short(metric)} needs at least one column.")
    columns: dict[str, list[Scalar | None]] = {}
    singles = []
    for name, cells in value.items():
        column = _column(name, metric)
        if isinstance(cells, str) or not isinstance(cells, Iterable) or getattr(cells, "shape", None) == ():
            columns[column] = [_cell(cells, metric, column)]
            singles.append(column)
        elif isinstance(cells, (bytes, Mapping)):
            raise UserErrorException(_bad_cell(cells, metric, column))
        else:
            columns[column] = [_cell(each, metric, column) for each in cells]
    return columns, singles


def _column(name: object, metric: str) -> str:
    if not isinstance(name, str):
        raise UserErrorException(
            f"The columns of metric {_short(metric)} must be named by str, not {_kind(name)}: {_short(name)}."
        )
    return text(name, f"A column of metric {_short(metric)}")


def _cell(value: object, metric: str, column: str) -> Scalar | None:
    if value is None:
        return None
    try:
        return scalar(value, metric)
    except UserErrorException:
        raise UserErrorException(_bad_cell(value, metric, column)) from None


def _bad_cell(value: object, metric: str, column: str) -> str:
    return (
        f"Column {_short(column)} of metric {_short(metric)} cannot take {_kind(value)}: {_short(value)}. "
        "A cell is a float, int, bool, str or None."
    )


def _kind(value: object) -> str:
    return f"a {type(value).__module__}.{type(value).__qualname__}".replace("a builtins.", "a ")


def _short(value: object) -> str:
    try:
        shown = repr(value)
    except Exception:  # a value whose repr fails must not hide the real trouble
        shown = f"<{type(value).__qualname__}>"
    return shown if len(shown) <= 80 else shown[:77] + "..."
