"""What a server holds against a process that is silent, and what it does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from milepost.server.team.listening import Listener
from milepost.store.store import open_store
from tests.store.builders import run_event, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from milepost.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'milepost.db'}", "test", blobs_url=str(tmp_path / "blobs"))
    yield opened
    opened.close()


class Clock:
    """Time as a server sees it: ``wall`` may be put right, ``steady`` only goes on."""

    def __init__(self) -> None:
        self.wall = time.time()
        self.steady = 0.0

    def pass_with(self, look: Callable[[], None], seconds: float) -> None:
        for _ in range(int(seconds / 30)):
            self.wall += 30
            self.steady += 30
            look()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def listener(store: Store, clock: Clock) -> Listener:
    say(store, run_event("r", owner=True))
    return Listener(store.engine, 300, lambda: clock.wall, lambda: clock.steady)


def test_a_server_waits_before_it_takes_a_run_for_silent(store: Store, listener: Listener, clock: Clock) -> None:
    clock.pass_with(listener.look, 270)
    assert store.run("r").status == "Running"
    clock.pass_with(listener.look, 60)
    assert store.run("r").status == "NotResponding"


@pytest.mark.parametrize(
    ("wall_s", "steady_s"), [(7200, 0), (7200, 7200), (0, 7200)], ids=["put-right", "hung", "slept"]
)
def test_a_server_that_could_not_hear_listens_first(
    store: Store, listener: Listener, clock: Clock, wall_s: float, steady_s: float
) -> None:
    clock.pass_with(listener.look, 240)
    clock.wall += wall_s
    clock.steady += steady_s
    clock.pass_with(listener.look, 300)
    assert store.run("r").status == "Running"
    clock.pass_with(listener.look, 60)
    assert store.run("r").status == "NotResponding"
