"""A sweep's trials in the notebook: the best so far, and parallel coordinates of parameters against the metric."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from xml.etree import ElementTree

import pytest

from azureml.core import Experiment, Run
from milepost.widgets import trials
from milepost.widgets.picture import picture
from tests.widgets.conftest import Feeds
from tests.widgets.test_picture import HOSTILE, Tags, charts
from tests.widgets.watching import Watcher, ask

SVG = "{http://www.w3.org/2000/svg}"


Sweep = Callable[..., Run]


@pytest.fixture
def sweep(experiment: Experiment) -> Sweep:
    """A run that tells of a primary metric, and its trials: what each was given, and the values that it logs."""

    def record(goal: str, *each: tuple[dict[str, object], Sequence[float]], metric: str = "loss") -> Run:
        run = experiment.start_logging(snapshot_directory=None, display_name="the sweep")
        run.add_properties({"primary_metric_config": json.dumps({"name": metric, "goal": goal})})
        for number, (given, values) in enumerate(each):
            child = run.child_run(f"trial {number}", run_id=f"{run.id}_{number}")
            child._say("params", {"set": {name: str(value) for name, value in given.items()}})
            for value in values:
                child.log(metric, value)
            if number == 1:
                child.tag("early_termination", "Bandit: it is too far behind")
            child.complete()
        run.flush()
        return run

    return record


def test_the_trials_are_sent_best_first_with_what_they_were_given(sweep: Sweep, feed_of: Feeds) -> None:
    run = sweep(
        "minimize",
        ({"rate": 0.123456789, "kernel": "rbf"}, [3, 2]),
        ({"rate": 1, "kernel": "poly"}, [float("nan")]),
        ({"rate": 1e-5}, [1, 5]),
    )
    feed = feed_of(run)
    watcher = Watcher(feed)
    feed.start()
    watcher.until(lambda: watcher.parts["trials"]["ids"])
    part = watcher.parts["trials"]
    assert part["primary"] == {"name": "loss", "goal": "minimize"}
    assert part["names"] == ["trial 2", "trial 0", "trial 1"]
    assert part["values"] == [1, 2, None]
    assert part["parameters"] == {"rate": [1e-05, 0.123457, 1], "kernel": [None, "rbf", "poly"]}
    assert trials.in_order(part) == [1, 2, 0]
    # The table tells why a trial was stopped.
    assert watcher.parts["children"]["columns"][:4] == [
        *("min(metrics.loss)", "params.rate", "params.kernel", "tags.early_termination")
    ]
    # Another one joins them, and its result.
    child = run.child_run("trial 3", run_id=f"{run.id}_3")
    child.log("loss", 0.5)
    watcher.until(lambda: watcher.parts["trials"]["values"][0] == 0.5)
    assert ask(feed, {"ask": "trials", "run_id": run.id})[0] == watcher.parts["trials"]
    run.complete()


def test_a_run_that_is_no_sweep_sends_no_trials(run: Run, feed_of: Feeds) -> None:
    with run.child_run("kid") as child:
        child.log("loss", 1)
    run.complete()
    assert feed_of(run).read_once()["trials"] == {}


def test_what_is_sent_of_trials_is_bounded(sweep: Sweep, feed_of: Feeds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "MOST_BYTES", 4_000)
    given = {f"p{number}": "x" * 10_000 for number in range(10)}
    run = sweep("maximize", *((given, [number]) for number in range(10)))
    run.complete()
    part = feed_of(run).read_once()["trials"]
    assert len(json.dumps(part)) < 4_500
    assert 1 <= len(part["parameters"]) < trials.MOST_PARAMETERS
    assert len(part["values"]) == 10


def test_the_static_picture_shows_them_too(sweep: Sweep, feed_of: Feeds) -> None:
    run = sweep("maximize", *(({"rate": 10.0**-number, "kernel": "ab"[number % 2]}, [number]) for number in range(6)))
    run.complete()
    html = picture(feed_of(run).read_once(), "t")
    labels = [attributes["alt"] for tag, attributes in Tags(html).found if tag == "img"]
    assert labels == ["Best loss so far", "Parameters and loss"]
    curve, lines = (ElementTree.fromstring(each) for each in charts(html))
    assert len(list(curve.iter(f"{SVG}circle"))) == 6
    assert len(re.findall("V", list(curve.iter(f"{SVG}path"))[-1].attrib["d"])) == 5  # each is better than all before
    assert len(list(lines.iter(f"{SVG}polyline"))) == 6
    assert {"rate", "kernel", "loss"} <= {each.text for each in lines.iter(f"{SVG}text")}


def test_names_and_values_of_parameters_do_nothing_in_the_picture(sweep: Sweep, feed_of: Feeds) -> None:
    hostile = HOSTILE[:90]
    run = sweep("maximize", *(({hostile: f"{number}{hostile}"}, [number]) for number in range(3)), metric=hostile)
    run.complete()
    for chart in charts(picture(feed_of(run).read_once(), "t")):
        named = {each.tag.removeprefix(SVG) for each in ElementTree.fromstring(chart).iter()}
        assert named <= {"svg", "rect", "text", "path", "polyline", "polygon", "circle"}
