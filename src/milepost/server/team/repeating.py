"""A thread of a server that does something again and again, as long as the server runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

log: Final = logging.getLogger("milepost.server")


@contextmanager
def repeating(name: str, do: Callable[[], None], every_s: float, first_s: float = 0.0) -> Iterator[None]:
    """Call ``do`` after ``first_s`` seconds, and then with pauses of ``every_s``, until the block ends.

    What it raises is logged, and it is called again.
    """
    ended = threading.Event()

    def run() -> None:
        pause = first_s
        while not ended.wait(pause):
            try:
                do()
            except Exception:
                log.exception("%s failed; it is tried again in %g s", name, every_s)
            pause = every_s

    thread = threading.Thread(target=run, name=f"milepost-{name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(5)
