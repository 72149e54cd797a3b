"""The same work for many things, in a few threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

_T = TypeVar("_T")
_R = TypeVar("_R")


def together(work: Callable[[_T], _R], items: Sequence[_T], threads: int) -> list[_R]:
    """What ``work`` gives for each of the items, in their order, done by up to ``threads`` threads.

    Helps where the work waits (for a disk, for the network).  The first trouble ends it: what has begun is finished,
    then that exception is raised.  The calling thread works too, alone where no thread can be started: at the end of
    the process, when ``concurrent.futures`` takes nothing any more.
    """
    results: list[Any] = [None] * len(items)
    numbers = iter(range(len(items)))
    taking = threading.Lock()
    trouble: list[BaseException] = []

    def serve() -> None:
        while not trouble:
            with taking:
                number = next(numbers, None)
            if number is None:
                return
            try:
                results[number] = work(items[number])
            except BaseException as error:
                trouble.append(error)

    helpers = [threading.Thread(target=serve, daemon=True) for _ in range(min(threads, len(items)) - 1)]
    started = []
    with suppress(RuntimeError):
        for helper in helpers:
            helper.start()
            started.append(helper)
    try:
        serve()
    finally:
        for helper in started:
            helper.join()
    if trouble:
        raise trouble[0]
    return cast("list[_R]", results)
