"""Tables and details, drawn by rich on a terminal, plain and whole into a pipe or file.

No text goes through rich's markup, and every one through ``safe``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from milepost.cli.output import safe, tell

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_GAP: Final = 2
_NARROW: Final = 12
"""What a column that may be cut keeps at least."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    ``whole``: on a narrow terminal its cells are never cut.  ``drop``: where the columns do not fit a terminal, the
    one with the highest number above 0 is left out first.
    """

    title: str
    right: bool = False
    whole: bool = True
    drop: int = 0


@dataclass(frozen=True, slots=True)
class Styled:
    """A cell with a style of rich."""

    text: str
    style: str


Cell = str | Styled


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    try:
        return sys.stdout.isatty()
    except ValueError:  # closed
        return False


def console(width: int | None = None) -> Console:
    """Rich's console on standard output; it honours NO_COLOR and TERM=dumb."""
    from rich.console import Console

    return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, indent: int = 0) -> None:
    """Print a table: drawn to fit a terminal, or in full in plain aligned columns into a pipe or file.

    An indented one is part of a larger view, so that it does not tell of columns it had no room for.
    """
    texts = [[safe(column.title) for column in columns], *([safe(plain(cell)) for cell in row] for row in rows)]
    widths = _widths(texts)
    if not on_terminal():
        _plain_table(columns, texts, widths, indent)
        return
    room = console().width - indent
    shown, widths = layout(columns, widths, room)
    drawn = _rich_table([columns[place] for place in shown], widths)
    for row, text in zip(rows, texts[1:], strict=True):
        drawn.add_row(*(_styled(row[place], text[place]) for place in shown))
    screen = console(max(room, _total(widths)) + indent)
    if indent:
        from rich.padding import Padding

        screen.print(Padding(drawn, (0, 0, 0, indent)))
    else:
        screen.print(drawn)
    left_out = [column.title for place, column in enumerate(columns) if place not in shown]
    if left_out and not indent:
        tell(f"no room for {', '.join(left_out)}; a wider terminal or a pipe shows all")


def fits(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether the table is shown with nothing cut or left out: into a pipe always, else if the terminal is wide."""
    if not on_terminal():
        return True
    texts = [[safe(column.title) for column in columns], *([safe(plain(cell)) for cell in row] for row in rows)]
    return _total(_widths(texts)) <= console().width


def without_empty(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], titles: Sequence[str]
) -> tuple[list[Column], list[list[Cell]]]:
    """The table without those of the columns called ``titles`` that are empty in every row."""
    kept = [
        place
        for place, column in enumerate(columns)
        if column.title not in titles or any(plain(row[place]) for row in rows)
    ]
    return [columns[place] for place in kept], [[row[place] for place in kept] for row in rows]


def layout(columns: Sequence[Column], widths: Sequence[int], room: int) -> tuple[list[int], list[int]]:
    """Which columns to show in ``room`` characters, by their places, and how wide each."""
    shown = list(range(len(columns)))
    while True:
        least = [widths[place] if columns[place].whole else min(widths[place], _NARROW) for place in shown]
        if _total(least) <= room:
            break
        last = max(shown, key=lambda place: columns[place].drop)
        if not columns[last].drop:
            break
        shown.remove(last)
    given = [widths[place] for place in shown]
    while _total(given) > room:
        widest = max(range(len(given)), key=lambda place: given[place] if given[place] > least[place] else -1)
        if given[widest] <= least[widest]:
            break
        given[widest] -= 1
    return shown, given


def plain(cell: Cell) -> str:
    """A cell without its style."""
    return cell.text if isinstance(cell, Styled) else cell


def _widths(texts: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len

    return [max(map(cell_len, column)) for column in zip(*texts, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _rich_table(columns: Sequence[Column], widths: Sequence[int]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(
        box=box.SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold"
    )
    for column, width in zip(columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if column.right else "left"
        title = Text(safe(column.title))
        drawn.add_column(title, justify=justify, width=width, no_wrap=True, overflow="ellipsis")
    return drawn


def _styled(cell: Cell, text: str) -> Text:
    from rich.text import Text

    return Text(text, style=cell.style if isinstance(cell, Styled) else "")


def _plain_table(columns: Sequence[Column], texts: Sequence[Sequence[str]], widths: Sequence[int], indent: int) -> None:
    from rich.cells import cell_len

    for row in texts:
        cells = []
        for column, text, width in zip(columns, row, widths, strict=True):
            space = " " * (width - cell_len(text))
            cells.append(space + text if column.right else text + space)
        sys.stdout.write(" " * indent + (" " * _GAP).join(cells).rstrip() + "\n")


def details(rows: Sequence[tuple[str, Cell]], *, indent: int = 0) -> None:
    """Print labels with their values, one a line; a long value goes on below itself.  Empty values are left out."""
    filled = [(" " * indent + safe(label), cell) for label, cell in rows if plain(cell)]
    width = min(max((len(label) for label, _ in filled), default=0), 40) + _GAP
    for label, cell in filled:
        _hanging(label.ljust(width), cell, len(label.ljust(width)), "dim")


def mark(status: str, text: str, advice: str = "") -> None:
    """Print a line with a mark before it ("ok", "note", "problem"), and what to do below it."""
    width = len("problem") + _GAP
    _hanging(status.ljust(width), text, width, {"ok": "green", "note": "yellow", "problem": "bold red"}[status])
    if advice:
        _hanging(" " * width, f"-> {advice}", width, "")


def _hanging(label: str, cell: Cell, width: int, style: str) -> None:
    """Print a label and a text beside it.  What does not fit the terminal's line goes on below the text."""
    text = safe(plain(cell))
    if not on_terminal():
        sys.stdout.write(f"{label}{text}\n")
        return
    from rich.text import Text

    screen = console()
    wrapped = _styled(cell, text).wrap(screen, max(screen.width - width, 20))
    for index, line in enumerate(wrapped):
        screen.print(Text.assemble((label, style) if index == 0 else " " * width, line), soft_wrap=True)


def heading(text: str) -> None:
    """Print the title of a part, with an empty line before it."""
    sys.stdout.write("\n")
    if on_terminal():
        from rich.text import Text

        console().print(Text(safe(text), style="bold"))
    else:
        sys.stdout.write(f"{safe(text)}\n")


def lines(text: str, *, indent: int = 2) -> None:
    """Print a text of several lines as it is, each made safe."""
    for line in text.splitlines():
        sys.stdout.write(" " * indent + safe(line.replace("\t", "    ")) + "\n")
