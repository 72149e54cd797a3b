"""Loops with a tool's own call compiled into them, as ``timeit`` does, so that no wrapper is measured with it."""

from __future__ import annotations

import math
import random
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

from adapters import Recording

_PLAIN = """
def loop(items, i, step, {names}):
    for value in items:
        {call}
        i += step
"""
_TIMED = """
def loop(items, i, step, samples, clock, {names}):
    for n, value in enumerate(items):
        began = clock()
        {call}
        samples[n] = clock() - began
        i += step
"""
_TIMED_UNTIL = """
def loop(end, samples, clock, {names}):
    i = 0
    value = 0.5
    room = len(samples)
    while i < room:
        began = clock()
        {call}
        ended = clock()
        samples[i] = ended - began
        i += 1
        if ended > end:
            break
    return i
"""
_TOLD = """
def loop(write, pack, pause, {names}):
    i = 0
    while True:
        value = float(i)
        {call}
        i += 1
        write(pack(i))
        if pause:
            sleep(pause)
"""


def _compiled(template: str, call: str, scope: dict[str, Any]) -> Callable[..., Any]:
    space: dict[str, Any] = {"sleep": time.sleep}
    exec(template.format(names=", ".join(scope), call=call), space)
    loop: Callable[..., Any] = space["loop"]
    return loop


def chunks(values: Sequence[float], size: int) -> Iterable[Any]:
    """What one call takes: the values themselves, or lists of ``size``."""
    return values if size == 1 else [values[at : at + size] for at in range(0, len(values), size)]


def log_all(tool: ModuleType, recording: Recording, values: Sequence[float], first: int = 0) -> None:
    """Log ``values`` at full speed; they are the points ``first`` and following."""
    loop = _compiled(_PLAIN, tool.CALL, recording.scope)
    loop(chunks(values, tool.BATCH), first, tool.BATCH, **recording.scope)


def log_timed(tool: ModuleType, recording: Recording, values: Sequence[float], first: int = 0) -> array[int]:
    """Log ``values`` at full speed; gives the ns that each call took."""
    items = chunks(values, tool.BATCH)
    samples = array("q", bytes(8 * len(list(items))))
    loop = _compiled(_TIMED, tool.CALL, recording.scope)
    loop(items, first, tool.BATCH, samples, time.perf_counter_ns, **recording.scope)
    return samples


def log_timed_for(tool: ModuleType, recording: Recording, seconds: float, room: int) -> array[int]:
    """Log at full speed for so many seconds, at most ``room`` calls; gives the ns that each call took."""
    samples = array("q", bytes(8 * room))
    loop = _compiled(_TIMED_UNTIL, tool.CALL, recording.scope)
    made = loop(time.perf_counter_ns() + int(seconds * 1e9), samples, time.perf_counter_ns, **recording.scope)
    return samples[:made]


def log_told(
    tool: ModuleType,
    recording: Recording,
    write: Callable[[bytes], Any],
    pack: Callable[[int], bytes],
    pause_s: float,
) -> None:
    """Log 0.0, 1.0, 2.0, ... until killed; after each call tell how many were logged, then pause."""
    _compiled(_TOLD, tool.CALL, recording.scope)(write, pack, pause_s, **recording.scope)


def clock_ns() -> float:
    """What the clock itself adds to a sample, ns (median)."""
    samples = array("q", bytes(8 * 20_000))
    _compiled(_TIMED, "pass", {"_": None})(range(20_000), 0, 1, samples, time.perf_counter_ns, _=None)
    return float(sorted(samples)[len(samples) // 2])


def spread(samples: Iterable[int]) -> dict[str, float]:
    """Percentiles in µs of samples in ns."""
    ordered = sorted(samples)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000

    return {
        "calls": len(ordered),
        "p50_us": at(0.5),
        "p90_us": at(0.9),
        "p99_us": at(0.99),
        "p999_us": at(0.999),
        "max_us": ordered[-1] / 1000,
        "mean_us": sum(ordered) / len(ordered) / 1000,
    }


def noisy_loss(count: int, seed: int = 7) -> list[float]:
    """A loss that falls smoothly with noise on it, every bit of float64 in use: harder to compress than most."""
    gauss = random.Random(seed).gauss
    noise = 0.0
    values = []
    for step in range(count):
        noise = 0.9 * noise + gauss(0.0, 0.01)
        values.append(2.3 * math.exp(-8.0 * step / count) + 0.2 + noise)
    return values
