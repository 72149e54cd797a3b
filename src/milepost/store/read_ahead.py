"""An iterator that is read by a thread of its own, a little ahead of who needs it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

_T = TypeVar("_T")
_HELD: Final = 1


@contextmanager
def read_ahead(source: Iterator[_T]) -> Iterator[Iterator[_T]]:
    """Gives what ``source`` gives, and raises what it raises.  The thread has ended when the block has."""
    held: queue.Queue[tuple[_T] | BaseException | None] = queue.Queue(_HELD)
    over = threading.Event()

    def hold(item: tuple[_T] | BaseException | None) -> None:
        while not over.is_set():
            try:
                held.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def run() -> None:
        try:
            for each in source:
                hold((each,))
                if over.is_set():
                    return
            hold(None)
        except BaseException as error:
            hold(error)

    def given() -> Iterator[_T]:
        while True:
            item = held.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item[0]

    thread = threading.Thread(target=run, name="milepost-read-ahead", daemon=True)
    thread.start()
    try:
        yield given()
    finally:
        over.set()
        thread.join()
