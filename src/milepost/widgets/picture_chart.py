"""A small chart as SVG, drawn from the lines as they are sent to pages."""

from __future__ import annotations

from html import escape
from math import isfinite
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from milepost.server.series_format import DecodedSeries

WIDTH: Final = 300
HEIGHT: Final = 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 68, 10, 24, 22
_LINE, _BAND, _INK, _GRID = "#3b5bdb", "#bac8ff", "#343a40", "#ced4da"
MOST_POINTS: Final = 160


def chart(title: str, series: DecodedSeries, x_label: str) -> str:
    """The chart with its title, on white: it is shown in light and dark notebooks.  Empty where nothing is drawable."""
    x, y = series.x.tolist(), series.y.tolist()
    low = y if series.low is None else series.low.tolist()
    high = y if series.high is None else series.high.tolist()
    drawn = [place for place in range(len(x)) if isfinite(y[place])]
    if not drawn:
        return ""
    left, right = x[drawn[0]], x[drawn[-1]]
    bottom = min(low[place] for place in drawn if isfinite(low[place]))
    top = max(high[place] for place in drawn if isfinite(high[place]))
    if left == right:
        left, right = left - 1, right + 1
    if bottom == top:
        room = abs(bottom) * 0.05 or 1.0
        bottom, top = bottom - room, top + room

    def across(value: float) -> str:
        return f"{_LEFT + (value - left) / (right - left) * (WIDTH - _LEFT - _RIGHT):.1f}"

    def up(value: float) -> str:
        part = (value - bottom) / (top - bottom)
        return f"{HEIGHT - _BOTTOM - part * (HEIGHT - _TOP - _BOTTOM):.1f}"

    group = max(1, -(-len(drawn) // MOST_POINTS))
    thinned = [drawn[place] for place in range(0, len(drawn), group)]
    if thinned[-1] != drawn[-1]:
        thinned.append(drawn[-1])
    band = ""
    if series.low is not None or group > 1:
        parts = [drawn[place : place + group + 1] for place in range(0, len(drawn), group)]
        edges = [(x[part[0]], min(low[p] for p in part), max(high[p] for p in part)) for part in parts]
        outline = [f"{across(at)},{up(most)}" for at, _, most in edges]
        outline += [f"{across(at)},{up(least)}" for at, least, _ in reversed(edges)]
        band = f'<polygon points="{" ".join(outline)}" fill="{_BAND}"/>'
    if len(thinned) == 1:
        mark = f'<circle cx="{across(x[thinned[0]])}" cy="{up(y[thinned[0]])}" r="3" fill="{_LINE}"/>'
    else:
        points = " ".join(f"{across(x[place])},{up(y[place])}" for place in thinned)
        mark = f'<polyline points="{points}" fill="none" stroke="{_LINE}" stroke-width="1.5" stroke-linejoin="round"/>'
    floor, ceiling = HEIGHT - _BOTTOM, _TOP
    text = f'font-family="system-ui, sans-serif" font-size="11" fill="{_INK}"'
    end = WIDTH - _RIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
        f'<text x="8" y="15" font-weight="bold" {text}>{escape(short(title, 44))}</text>'
        f'<path d="M{_LEFT} {ceiling}V{floor}H{end}M{_LEFT} {ceiling}H{end}" fill="none" stroke="{_GRID}"/>'
        f"{band}{mark}"
        f'<text x="{_LEFT - 4}" y="{ceiling + 8}" text-anchor="end" {text}>{number(top)}</text>'
        f'<text x="{_LEFT - 4}" y="{floor}" text-anchor="end" {text}>{number(bottom)}</text>'
        f'<text x="{_LEFT}" y="{HEIGHT - 7}" {text}>{number(left)}</text>'
        f'<text x="{end}" y="{HEIGHT - 7}" text-anchor="end" {text}>{number(right)}</text>'
        f'<text x="{(_LEFT + end) / 2:.0f}" y="{HEIGHT - 7}" text-anchor="middle" {text}>'
        f"{escape(short(x_label, 24))}</text></svg>"
    )


def number(value: float) -> str:
    """A number in up to four significant digits."""
    if not isfinite(value):
        return "NaN" if value != value else "∞" if value > 0 else "-∞"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:.4g}"


def short(text: str, most: int) -> str:
    """A text of at most so many characters, all of them printable."""
    text = "".join(each if each.isprintable() else "\ufffd" for each in text)
    return text if len(text) <= most else text[: most - 1] + "…"
