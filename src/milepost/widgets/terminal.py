"""A run in a terminal: its state, last values, children, and where its page is."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from milepost.widgets import facts

if TYPE_CHECKING:
    from milepost.widgets.contents import Part

_MOST_METRICS: Final = 20
_MOST_CHILDREN: Final = 10


def plain_summary(parts: dict[str, Any]) -> str:
    """The run in one line."""
    run: Part = parts.get("run", {}).get("run", {})
    if not run:
        return "Reading the run ..."
    words = [facts.name(run), run["status"], facts.duration(run, datetime.now(timezone.utc))]
    return ", ".join(each for each in words if each)


def print_summary(parts: dict[str, Any], url: str) -> None:
    """Print the run, with colours where the terminal has them."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def text(value: object, style: str = "") -> Text:
        return Text(facts.printable(value), style=style)

    console = Console()
    run: Part = parts["run"]["run"]
    head = Table.grid(padding=(0, 2))
    head.add_row("Run", text(facts.name(run), "bold"))
    head.add_row("Id", text(run["run_id"]))
    head.add_row("Experiment", text(f"{run['experiment']}, run {run['number']}"))
    head.add_row("Status", text(run["status"]))
    spent = facts.duration(run, datetime.now(timezone.utc))
    if spent:
        head.add_row("Duration", text(spent))
    if parts["run"]["progress"] is not None:
        head.add_row("Progress", text(facts.progress(parts["run"]["progress"])))
    if facts.error(run):
        head.add_row("Why it ended", text(facts.error(run)))
    for key, value in run["tags"].items():
        head.add_row("Tag", text(key if value is None else f"{key}: {value}"))
    console.print(head)
    metrics = [each for each in parts["metrics"]["metrics"] if each["kind"] == "series"]
    if metrics:
        table = Table(title="Last values", title_justify="left")
        for column in ("Metric", "Value", "Least", "Greatest", "Count"):
            table.add_column(column)
        for each in metrics[:_MOST_METRICS]:
            cells = (each["name"], *(facts.value(each[name]) for name in ("last", "min", "max", "count")))
            table.add_row(*map(text, cells))
        console.print(table)
    rows = parts.get("children", {}).get("rows", [])
    if rows:
        columns = parts["children"]["columns"]
        table = Table(title="Child runs", title_justify="left")
        for column in ("Run", "Status", *map(facts.column, columns)):
            table.add_column(text(column))
        for row in rows[:_MOST_CHILDREN]:
            values = (facts.value(row["values"].get(each)) for each in columns)
            table.add_row(*map(text, (facts.name(row), row["status"], *values)))
        console.print(table)
    console.print(Text(f"Details: {url}"), soft_wrap=True)
