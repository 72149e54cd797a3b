"""A sweep's trials as SVG: the best so far, and parallel coordinates of their parameters against what they gave."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import log
from typing import TYPE_CHECKING, Any, Final

from milepost.widgets.contents import MAXIMIZE
from milepost.widgets.picture_chart import HEIGHT, WIDTH, number, short
from milepost.widgets.trials import in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.widgets.contents import Part

PARALLEL_WIDTH: Final = 620
PARALLEL_HEIGHT: Final = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 68, 10, 24, 22
_SIDE, _HEAD, _FOOT = 50, 44, 12
_LINE, _DOT, _BEST, _INK, _GRID = "#3b5bdb", "#868e96", "#d9480f", "#343a40", "#ced4da"
_MOST_DOTS: Final = 300
_MOST_LINES: Final = 100
"""The best ones: the picture stays with the notebook."""
_MOST_AXES: Final = 7
_MOST_TICKS: Final = 6
_WIDE: Final = 100
_CROWDED: Final = 0.2


def best_so_far(trials: Part) -> str:
    """What each trial gave as dots, and the best up to there as steps.  Empty where none has given a number."""
    told = [(at + 1, trials["values"][place]) for at, place in enumerate(in_order(trials))]
    drawn = [(trial, float(value)) for trial, value in told if value is not None]
    if not drawn:
        return ""
    better = max if trials["primary"]["goal"] == MAXIMIZE else min
    first, last = 1, max(len(told), 2)
    bottom, top = min(value for _, value in drawn), max(value for _, value in drawn)
    if bottom == top:
        room = abs(bottom) * 0.05 or 1.0
        bottom, top = bottom - room, top + room

    def across(trial: int) -> str:
        return f"{_LEFT + (trial - first) / (last - first) * (WIDTH - _LEFT - _RIGHT):.1f}"

    def up(value: float) -> str:
        return f"{HEIGHT - _BOTTOM - (value / 2 - bottom / 2) / (top / 2 - bottom / 2) * (HEIGHT - _TOP - _BOTTOM):.1f}"

    best = drawn[0][1]
    steps = f"M{across(drawn[0][0])} {up(best)}"
    for trial, value in drawn[1:]:
        if better(value, best) != best:
            best = value
            steps += f"H{across(trial)}V{up(best)}"
    steps += f"H{across(drawn[-1][0])}"
    every = -(-len(drawn) // _MOST_DOTS)
    dots = "".join(
        f'<circle cx="{across(trial)}" cy="{up(value)}" r="1.6" fill="{_DOT}"/>' for trial, value in drawn[::every]
    )
    floor, end = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    title = short(f"Best {trials['primary']['name']} so far: {number(best)}", 44)
    return _svg(
        WIDTH,
        HEIGHT,
        title,
        f'<path d="M{_LEFT} {_TOP}V{floor}H{end}M{_LEFT} {_TOP}H{end}" fill="none" stroke="{_GRID}"/>'
        f'{dots}<path d="{steps}" fill="none" stroke="{_LINE}" stroke-width="1.5"/>'
        + _label(_LEFT - 4, _TOP + 8, number(top), "end")
        + _label(_LEFT - 4, floor, number(bottom), "end")
        + _label(_LEFT, HEIGHT - 7, "1")
        + _label(end, HEIGHT - 7, number(last), "end")
        + _label((_LEFT + end) // 2, HEIGHT - 7, "trial", "middle"),
    )


def parallel(trials: Part) -> str:
    """An axis a parameter and one for the metric, a line a trial, the best on top.  Empty where nothing varies."""
    last = _axis(trials["primary"]["name"], trials["values"])
    given = [
        axis
        for name, column in trials["parameters"].items()
        if len(set(column) - {None}) > 1 and (axis := _axis(name, column)) is not None
    ][: _MOST_AXES - 1]
    if last is None or not given:
        return ""
    axes = [*given, last]
    gap = (PARALLEL_WIDTH - 2 * _SIDE) / (len(axes) - 1)
    height = PARALLEL_HEIGHT - _HEAD - _FOOT
    shown = [at for at, value in enumerate(trials["values"]) if value is not None][:_MOST_LINES]
    lines = "".join(
        f'<polyline points="{points}" fill="none" stroke="{_BEST if at == shown[0] else _shade(rank, len(shown))}" '
        f'stroke-width="{2 if at == shown[0] else 1}"/>'
        for rank, at in reversed(list(enumerate(shown)))
        for points in _stretches(axes, at, gap, height)
    )
    marks = ""
    for place, axis in enumerate(axes):
        x = _SIDE + gap * place
        marks += f'<path d="M{x:.0f} {_HEAD}v{height}" stroke="{_INK}" fill="none"/>'
        marks += _label(round(x), _HEAD - 8, short(axis.name, max(6, int(gap / 7))), "middle")
        for text, at in axis.ticks:
            marks += _label(round(x) - 4, round(_HEAD + (1 - at) * height) + 4, short(text, 9), "end")
    count = f" of the best {len(shown)}" if len(shown) < len(trials["ids"]) else ""
    title = short(f"Parameters and {trials['primary']['name']}{count}", 80)
    return _svg(PARALLEL_WIDTH, PARALLEL_HEIGHT, title, lines + marks)


@dataclass(frozen=True, slots=True)
class _Axis:
    name: str
    places: Sequence[float | None]
    """0 (the bottom) to 1, one a trial."""
    ticks: Sequence[tuple[str, float]]


def _axis(name: str, column: Sequence[Any]) -> _Axis | None:
    """An axis of numbers where all are numbers, else of texts; None where there is nothing."""
    told = [cell for cell in column if cell is not None]
    if not told:
        return None
    if not all(isinstance(cell, int | float) for cell in told):
        texts = sorted({str(cell) for cell in told})
        at = {text: 0.5 if len(texts) == 1 else place / (len(texts) - 1) for place, text in enumerate(texts)}
        every = -(-len(texts) // _MOST_TICKS)
        ticks = [(text, at[text]) for text in texts[::every]]
        return _Axis(name, [None if cell is None else at[str(cell)] for cell in column], ticks)
    low, high = min(told), max(told)
    if low == high:
        return _Axis(name, [None if cell is None else 0.5 for cell in column], [(number(low), 0.5)])
    crowded = sum(cell - low <= _CROWDED * (high - low) for cell in told) * 2 >= len(told)
    if low > 0 and high / low >= _WIDE and crowded:
        places = [None if cell is None else log(cell / low) / log(high / low) for cell in column]
    else:
        places = [None if cell is None else (cell / 2 - low / 2) / (high / 2 - low / 2) for cell in column]
    return _Axis(name, places, [(number(low), 0.0), (number(high), 1.0)])


def _stretches(axes: Sequence[_Axis], at: int, gap: float, height: float) -> list[str]:
    """A trial's line; several where it has no value on an axis between."""
    found: list[list[str]] = [[]]
    for place, axis in enumerate(axes):
        where = axis.places[at]
        if where is None:
            found.append([])
        else:
            found[-1].append(f"{_SIDE + gap * place:.0f},{_HEAD + (1 - where) * height:.1f}")
    return [" ".join(points) for points in found if len(points) > 1]


def _shade(rank: int, count: int) -> str:
    """From strong (the second best) to pale."""
    part = rank / max(1, count - 1)
    strong, pale = (0x36, 0x4F, 0xC7), (0xC5, 0xCB, 0xD8)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(strong, pale, strict=True))


def _label(x: int, y: int, text: str, anchor: str = "start") -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-family="system-ui, sans-serif" font-size="11" '
        f'fill="{_INK}" stroke="#ffffff" stroke-width="3" paint-order="stroke">{escape(text)}</text>'
    )


def _svg(width: int, height: int, title: str, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
        f'<text x="8" y="15" font-weight="bold" font-family="system-ui, sans-serif" font-size="11" '
        f'fill="{_INK}">{escape(title)}</text>{inside}</svg>'
    )
