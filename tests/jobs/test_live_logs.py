"""What it costs to store a log again and again while it grows."""

from __future__ import annotations

from itertools import pairwise

from milepost.jobs.live_logs import BYTES_A_WAIT, GROWTH, LARGEST, QUIET_S, REPLACED_A_WAIT, Shown

LOOK_S = 5


def stored(bytes_a_s: float, seconds: int, *, replaced: int = 0) -> tuple[list[tuple[int, int]], int]:
    """When (seconds) and how long a log that grows evenly is stored, and what all of that is together."""
    shown = Shown(0, 0.0, replaced)
    seen = []
    for now in range(0, seconds, LOOK_S):
        size = int(now * bytes_a_s)
        if shown.is_due(size, now):
            shown = Shown(size, now, shown.replaced + shown.size)
            seen.append((now, size))
    return seen, shown.replaced + shown.size - replaced


def test_a_log_that_grows_fast_costs_a_multiple_of_its_size() -> None:
    seen, total = stored(50_000, 3600)
    last = seen[-1][1]
    assert LARGEST / (1 + GROWTH) - 250_000 < last <= LARGEST
    assert total <= (1 + 1 / GROWTH) * last


def test_a_log_that_grows_slowly_costs_as_much_in_its_tenth_hour_as_in_its_first() -> None:
    hour, day = stored(50, 3600)[1], stored(50, 36_000)[1]
    assert day <= 10 * BYTES_A_WAIT * 3600 / QUIET_S
    assert day < 15 * hour


def test_a_short_log_is_seen_soon_and_one_that_has_not_grown_is_left_alone() -> None:
    seen, _ = stored(1000, 120)
    assert seen[0] == (LOOK_S, 1000 * LOOK_S)
    assert max(after - before for (before, _), (after, _) in pairwise(seen)) <= 2 * QUIET_S
    assert not Shown(1000, 0.0).is_due(1000, 1e9)
    assert not Shown(1000, 0.0).is_due(LARGEST + 1, 1e9)


def test_the_more_was_replaced_the_longer_are_the_waits() -> None:
    fresh, later = stored(50, 36_000)[1], stored(50, 36_000, replaced=4 * REPLACED_A_WAIT)[1]
    assert later < fresh / 2
