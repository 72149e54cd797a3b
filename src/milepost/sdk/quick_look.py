"""Ask something that may take long, for somebody who only looks: what does not come soon is done without."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

PATIENCE_S: Final = 5.0
"""How long an answer is waited for."""
_SHORT_S: Final = 0.1
"""The same while an earlier question of the same kind has no answer yet."""

_T = TypeVar("_T")

_asking: dict[Hashable, threading.Thread] = {}


class NoAnswer(Exception):
    """There was none in time, or it was an error; the message says which."""


class _Asked(Generic[_T]):
    def __init__(self, ask: Callable[[], _T]) -> None:
        self._ask = ask
        self.answer: list[_T] = []
        self.error: BaseException | None = None

    def __call__(self) -> None:
        try:
            self.answer.append(self._ask())
        except BaseException as error:
            self.error = error


def look(kind: Hashable, what: str, ask: Callable[[], _T]) -> _T:
    """What ``ask`` gives, called in a thread of its own.  Raises NoAnswer, which says that ``what`` does not answer."""
    earlier = _asking.get(kind)
    if earlier is not None and earlier.is_alive():
        earlier.join(_SHORT_S)
        if earlier.is_alive():
            raise NoAnswer(f"{what} does not answer")
    asked = _Asked(ask)
    thread = threading.Thread(target=asked, name="milepost-look", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is ending
        asked()
    else:
        _asking[kind] = thread
        thread.join(PATIENCE_S)
        if thread.is_alive():
            raise NoAnswer(f"{what} does not answer")
        _asking.pop(kind, None)
    if asked.answer:
        return asked.answer[0]
    message = getattr(asked.error, "message", None) or str(asked.error) or type(asked.error).__name__
    raise NoAnswer(str(message)) from asked.error
