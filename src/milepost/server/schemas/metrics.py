"""Metrics as the API tells them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from milepost.server.limits import MAX_NAME, Name
from milepost.server.times import Answer, Moment

MAX_SERIES = 500
MAX_POINTS = 20_000
MAX_ANSWER_POINTS = 2_000_000

Namespace = Literal["", "system"]
"""\"\" for what scripts log, "system" for what is sampled of the machine."""
Cell = str | float | int | bool | None
Number = Annotated[float | str | None, Field(description='A number, "NaN", "Infinity" or "-Infinity".')]


class MetricEntry(Answer):
    """What is known of a metric without its points."""

    name: str
    kind: Literal["series", "table", "image", "accuracy_table", "confusion_matrix", "residuals", "predictions"] | str
    description: str
    namespace: str = Field(description='"" for what scripts log, "system" for what was sampled of the machine.')
    count: int = Field(description="Points of a series, rows of a table.")
    calls: int = Field(description="Log calls that made them.")
    first: Cell
    last: Cell
    min: Number = None
    max: Number = None
    nan_count: int
    first_step: int | None
    last_step: int | None
    first_time: Moment | None
    last_time: Moment | None
    columns: list[str] = Field(description='Of a table, the first 500; a series has one, named "".')
    is_list: bool


class MetricList(Answer):
    """Metrics of a run, in the order in which they were first logged."""

    metrics: list[MetricEntry]
    total: int = Field(description="How many names there are, of which these are a page.")


class SeriesName(BaseModel):
    """A line that is wanted."""

    model_config = ConfigDict(extra="forbid")

    run_id: Name
    name: Name
    namespace: Namespace = ""
    column: str | None = Field(None, max_length=MAX_NAME, description="Of a table.")
    x_column: str | None = Field(
        None, max_length=MAX_NAME, description="Of a table: the column that x is, in place of the axis."
    )


class SeriesRequest(BaseModel):
    """Lines that are wanted, and how."""

    model_config = ConfigDict(extra="forbid")

    series: list[SeriesName] = Field(min_length=1, max_length=MAX_SERIES)
    x: Literal["step", "time", "relative"] = Field(
        "step", description="time: seconds since 1970 UTC; relative: seconds since the run began."
    )
    begin: FiniteFloat | None = Field(None, alias="from", description="The least x that is wanted.")
    end: FiniteFloat | None = Field(None, alias="to", description="The greatest x that is wanted.")
    points: int = Field(
        1000, ge=2, le=MAX_POINTS, description="About how many points of a series are sent at most, not below ten."
    )


class ValuesPage(Answer):
    """Values of a metric in the order of logging."""

    name: str
    kind: str
    total: int
    offset: int
    steps: list[int | str]
    times: list[Moment]
    values: list[Cell]
    cut: int = Field(description='How many texts were too long: they end in "...".')


class TablePage(Answer):
    """Rows of a table."""

    name: str
    total: int
    offset: int
    columns: list[str] = Field(description="The first 500.")
    columns_total: int
    rows: list[list[Cell]]
    cut: int = Field(description='How many texts were too long: they end in "...".')


class ImageEntry(Answer):
    """An image that a run has logged."""

    metric: str
    step: int | str
    time: Moment
    artifact: str | None = Field(description="The name of the file; None where the reference names none of this run.")
    url: str | None = Field(description="Where the image is; None where the file is not there (any more).")
    content_type: str | None
    size: int | None = Field(description="Bytes.")
    shown: bool = Field(description="Whether the file is of a type that is shown; else it is only to be saved.")
