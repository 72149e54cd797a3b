"""A line of any length as so many points as a picture can show, and a band that no value is outside of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from tsdownsample import LTTBDownsampler, MinMaxLTTBDownsampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_POINTS: Final = 10
"""The fewest points that a line is thinned out to."""

_MINMAX_LTTB: Final[Any] = MinMaxLTTBDownsampler()  # type: ignore[no-untyped-call]
_LTTB: Final[Any] = LTTBDownsampler()  # type: ignore[no-untyped-call]
_RATIO: Final = 4  # as MinMaxLTTB has it: so many times more extreme values than points to choose
_NEIGHBOURS: Final = 4  # points that were thinned out together lie no further apart
_FEW_GAPS: Final = 4  # one in so many pairs of neighbours may be torn apart before only the long gaps are shown


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn of a line: float64 arrays of one length, x ascending."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    """NaN where the line has a gap; infinite values are put at the edge of the finite ones."""
    low: NDArray[np.float64] | None
    """The least value between the point before and the point after; None where all points are there."""
    high: NDArray[np.float64] | None


def drawn(x: NDArray[np.float64], y: NDArray[np.float64], points: int, *, banded: bool = False) -> Drawn:
    """The line (x ascending and finite, y of the same length) in about ``points`` points.

    Where it has no more than that many, all of them.  Else those that MinMaxLTTB picks, the greatest and the least
    value, and gaps: up to a quarter more, or one between any two where most of what lies there is missing; and a band.
    Between two neighbouring points every value of the line lies within the band's edges joined by straight lines, so
    a spike is never outside of it.  ``banded``: the line is thinned out already (see ``lines.KEPT``): it has a band
    even where all of its points are drawn, and one that is as much wider as the points that were left out may lie
    elsewhere.
    """
    missing = np.isnan(y)
    finite = np.isfinite(y)
    if not (finite | missing).all():
        y = _clipped(y, finite)
        missing = np.isnan(y)
    if len(y) <= points and not banded:
        return Drawn(x, y, None, None)
    there = np.flatnonzero(~missing) if missing.any() else None
    xs, ys = (x, y) if there is None else (x[there], y[there])
    chosen = _chosen(xs, ys, points)
    low, high = _band(ys, chosen, _NEIGHBOURS if banded else 0)
    shown = (xs[chosen], ys[chosen], low, high)
    if there is not None:
        shown = _with_gaps(shown, x, there[chosen], missing)
    return Drawn(*shown)


def _clipped(y: NDArray[np.float64], finite: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Infinite values at the greatest and the least finite one; NaN where none is finite."""
    values = y[finite]
    if not len(values):
        return np.full(len(y), np.nan)
    return np.where(np.isnan(y), y, np.clip(y, values.min(), values.max()))


def _chosen(x: NDArray[np.float64], y: NDArray[np.float64], points: int) -> NDArray[np.int64]:
    """The indices of the points to draw, ascending: the first and the last, the least and the greatest among them."""
    count = len(y)
    if count <= max(points, MIN_POINTS):
        return np.arange(count, dtype=np.int64)
    ends = np.array([0, count - 1, int(y.argmin()), int(y.argmax())], np.int64)
    budget = max(points, MIN_POINTS) - 2
    if _is_even(x, budget):
        picked = _MINMAX_LTTB.downsample(np.ascontiguousarray(y), n_out=budget)
    else:
        # Not the same call with x: it ends in a panic where nearly all x are one value (tsdownsample 0.1.5).
        among = _extremes(x, y, budget * _RATIO // 2)
        picked = among if len(among) <= budget else among[_LTTB.downsample(x[among], y[among], n_out=budget)]
    return _ascending([picked.astype(np.int64), ends])


def _ascending(indices: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Each index once, in order.  Not np.unique, whose first call imports numpy.ma: a first chart would wait for it."""
    found = np.sort(np.concatenate(indices))
    return found[np.append(True, found[1:] != found[:-1])] if len(found) else found


def _is_even(x: NDArray[np.float64], bins: int) -> bool:
    """Whether equal parts of the x axis have about equally many points, or x tells nothing of where they lie."""
    width = x[-1] - x[0]
    if not 0 < width < np.inf:
        return True
    places = np.linspace(0, len(x) - 1, bins + 1).astype(np.int64)
    off = (x[places] - x[0]) / width - places / (len(x) - 1)
    return bool(np.abs(off).max() <= 1 / bins)


def _extremes(x: NDArray[np.float64], y: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The first and the last index, and those of the least and the greatest value in each of equal parts of x."""
    edges = np.searchsorted(x, np.linspace(x[0], x[-1], bins + 1)[:-1], "left")
    starts = _ascending([edges])
    starts = starts[starts < len(x)]
    lengths = np.diff(np.append(starts, len(x)))
    found = [np.array([0, len(x) - 1], np.int64)]
    for edge in (np.minimum, np.maximum):
        places = np.flatnonzero(y == np.repeat(edge.reduceat(y, starts), lengths))
        found.append(places[np.searchsorted(places, starts)])
    return _ascending(found)


def _band(
    y: NDArray[np.float64], chosen: NDArray[np.int64], neighbours: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each chosen point the least and the greatest value from the chosen point before to the one after it.

    ``neighbours``: so many points on either side of that count, too.
    """
    found = []
    for extreme in (np.minimum, np.maximum):
        values = _spread(y, neighbours, extreme)
        edges = values[chosen]
        if len(chosen) > 1:
            # From each chosen point up to the next one, which is left out and so put in again.
            between = extreme(extreme.reduceat(values, chosen[:-1]), edges[1:])
            edges = extreme(np.append(between, between[-1]), np.insert(between, 0, between[0]))
        found.append(edges)
    return found[0], found[1]


def _spread(y: NDArray[np.float64], neighbours: int, extreme: np.ufunc) -> NDArray[np.float64]:
    """The extreme of each value and of so many on either side."""
    if not neighbours:
        return y
    spread = y.copy()
    for shift in range(1, min(neighbours, len(y) - 1) + 1):
        extreme(spread[shift:], y[:-shift], out=spread[shift:])
        extreme(spread[:-shift], y[shift:], out=spread[:-shift])
    return spread


def _with_gaps(
    shown: tuple[NDArray[np.float64], ...],
    x: NDArray[np.float64],
    chosen: NDArray[np.int64],
    missing: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The points with a NaN between those of them that NaN values lie between.

    Where that would tear the line everywhere, only where most of what lies between is NaN.
    """
    before = np.concatenate([[0], np.cumsum(missing)])
    edges = np.concatenate([[-1], chosen, [len(x)]])
    between = before[edges[1:]] - before[edges[:-1] + 1]
    torn = between > 0
    if int(torn.sum()) > 2 + len(chosen) // _FEW_GAPS:
        torn = between * 2 > np.diff(edges) - 1
    torn[0], torn[-1] = between[0] > 0, between[-1] > 0  # where a line that begins or ends with NaN begins and ends
    where = np.flatnonzero(torn)
    # The first NaN after the point before, and for the one at the end the last of all.
    first_nan = np.searchsorted(before, before[edges[where] + 1], side="right") - 1
    place = x[np.minimum(first_nan, len(x) - 1)]
    if len(where) and where[-1] == len(edges) - 2:
        place[-1] = x[-1]
    xs, *others = shown
    filled = [np.insert(values, where, np.nan) for values in others]
    return np.insert(xs, where, place), filled[0], filled[1], filled[2]
