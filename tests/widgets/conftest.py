"""A workspace, and runs in it as scripts record them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from azureml.core import Experiment, Run, Workspace
from milepost.widgets.feed import Feed
from milepost.widgets.reading import EmbeddedReading
from tests.sdk.conftest import home, team, ws

__all__ = ["experiment", "feed_of", "home", "run", "team", "ws"]


@pytest.fixture
def experiment(ws: Workspace) -> Experiment:
    return Experiment(ws, "seen")


@pytest.fixture
def run(experiment: Experiment) -> Run:
    return experiment.start_logging(snapshot_directory=None, display_name="the run")


class Feeds:
    """Feeds of runs, with what they have sent; all are closed in the end."""

    def __init__(self) -> None:
        self._feeds: list[Feed] = []

    def __call__(self, run: Run) -> Feed:
        feed = Feed(EmbeddedReading(run.experiment.workspace), run.id)
        self._feeds.append(feed)
        return feed

    def close(self) -> None:
        for feed in self._feeds:
            feed.close(10)


@pytest.fixture
def feed_of() -> Iterator[Feeds]:
    feeds = Feeds()
    yield feeds
    feeds.close()
