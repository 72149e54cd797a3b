"""The feed: what it sends, when, and when it stops."""

from __future__ import annotations

import json
import math
import shutil
import threading
import time
from pathlib import Path

import pytest

from azureml.core import Experiment, Run, ScriptRunConfig, Workspace
from milepost.server.series_format import decode
from milepost.widgets.contents import LOG_BYTES, MOST_CHILDREN, MOST_LINES, MOST_METRICS
from milepost.widgets.feed import Feed
from tests.sdk.submitted import until
from tests.widgets.conftest import Feeds
from tests.widgets.watching import Watcher, ask

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00010501"
    "012718e3660000000049454e44ae426082"
)


def lines(watcher: Watcher) -> dict[str, list[float]]:
    series = watcher.parts.get("series")
    return {each.about["name"]: each.y.tolist() for each in decode(series)[1]} if series else {}


def test_everything_of_an_ended_run_is_sent_and_then_the_feed_is_still(
    run: Run, feed_of: Feeds, tmp_path: Path
) -> None:
    for step in range(5):
        run.log("loss", 1 / (step + 1))
        run.log_row("y over x", x=step, y=step * step)
    run.log("verdict", "good")
    run.log("verdict", "better")
    (tmp_path / "dot.png").write_bytes(PNG)
    run.log_image("dot", path=str(tmp_path / "dot.png"))
    run.log_confusion_matrix(
        "confusion",
        {
            "schema_type": "confusion_matrix",
            "schema_version": "1.0.0",
            "data": {"class_labels": ["a", "b"], "matrix": [[1, 0], [0, 1]]},
        },
    )
    run.tag("stage", "prod")
    with run.child_run("kid") as child:
        child.log("loss", 0.5)
    run.complete()
    feed = feed_of(run)
    watcher = Watcher(feed)
    feed.start()
    watcher.until(lambda: watcher.told["ended"])
    parts = watcher.parts
    assert watcher.status == "Completed"
    assert parts["run"]["run"]["tags"] == {"stage": "prod"}
    assert [each["name"] for each in parts["metrics"]["metrics"]] == ["loss", "y over x", "verdict", "dot", "confusion"]
    assert lines(watcher) == {"loss": [1, 0.5, pytest.approx(1 / 3), 0.25, 0.2], "y over x": [0, 1, 4, 9, 16]}
    assert parts["values"]["tables"]["y over x"]["rows"][2] == [2, 4]
    assert parts["values"]["texts"]["verdict"]["values"] == ["good", "better"]
    assert parts["values"]["structured"]["confusion"]["data"]["matrix"] == [[1, 0], [0, 1]]
    assert list(parts["images"]["pictures"].values()) == [PNG]
    assert [each["name"] for each in parts["children"]["rows"]] == ["kid"]
    until(lambda: feed._thread is None or watcher.told["portal"])
    sent = len(watcher.sent)
    run.experiment.start_logging(snapshot_directory=None).complete()
    time.sleep(1)
    assert len(watcher.sent) <= sent + 1  # the portal's address


def test_what_is_logged_arrives_while_the_run_goes_on_and_only_what_has_changed_is_sent(
    run: Run, feed_of: Feeds
) -> None:
    feed = feed_of(run)
    watcher = Watcher(feed)
    feed.start()
    watcher.until(lambda: watcher.status == "Running")
    run.log("loss", 1.0)
    run.log("loss", 0.5)
    watcher.until(lambda: lines(watcher)["loss"] == [1, 0.5])
    run.log("loss", 0.25)
    watcher.until(lambda: lines(watcher)["loss"] == [1, 0.5, 0.25])
    seen = len(watcher.sent)
    run.tag("stage", "prod")
    watcher.until(lambda: watcher.parts["run"]["run"]["tags"])
    assert set().union(*watcher.sent[seen:]) <= {"run"}
    run.set_progress(3, 10)
    watcher.until(lambda: watcher.parts["run"]["progress"]["done"] == 3)
    run.complete()
    watcher.until(lambda: watcher.told["ended"])
    assert watcher.status == "Completed"


def test_a_submitted_runs_log_grows_and_is_whole_in_the_end(experiment: Experiment, feed_of: Feeds) -> None:
    Path("src").mkdir()
    Path("src/train.py").write_text(
        "import pathlib, time\n"
        "print('begin', flush=True)\n"
        "while not pathlib.Path(__import__('os').environ['GO']).exists(): time.sleep(0.05)\n"
        "print('end')\n"
    )
    go = Path("go").absolute()
    config = ScriptRunConfig("src", script="train.py")
    config.run_config.environment.environment_variables["GO"] = str(go)
    run = experiment.submit(config)
    feed = feed_of(run)
    watcher = Watcher(feed)
    feed.start()
    watcher.until(lambda: "begin" in watcher.log)
    assert watcher.parts["logs"]["live"]
    assert "end" not in watcher.log
    go.touch()
    watcher.until(lambda: watcher.told["ended"], 120)
    assert watcher.log.splitlines()[-2:] == ["begin", "end"]
    assert not watcher.parts["logs"]["live"]


def test_a_run_whose_children_go_on_is_followed_until_they_have_ended(run: Run, feed_of: Feeds) -> None:
    child = run.child_run("slow")
    feed = feed_of(run)
    watcher = Watcher(feed)
    feed.start()
    run.complete()
    watcher.until(lambda: watcher.status == "Completed" and watcher.parts["children"]["rows"])
    assert not watcher.told["ended"]
    child.log("loss", 2.0)
    watcher.until(lambda: watcher.parts["children"]["rows"][0]["values"].get("metrics.loss") == 2)
    child.complete()
    watcher.until(lambda: watcher.told["ended"])
    assert watcher.parts["children"]["rows"][0]["status"] == "Completed"


@pytest.mark.parametrize(("goal", "best"), [("minimize", "0"), ("maximize", "2")])
def test_children_come_best_first_where_the_primary_metric_is_told(
    run: Run, feed_of: Feeds, goal: str, best: str
) -> None:
    run.add_properties({"primary_metric_config": json.dumps({"name": "mse", "goal": goal.upper()})})
    for number in (1, 0, 2):
        with run.child_run(str(number)) as child:
            child.log("mse", float(number))
            child.log("other", 1)
    with run.child_run("without"):
        pass
    run.complete()
    feed = feed_of(run)
    children = feed.read_once()["children"]
    assert children["primary"]["goal"] == goal
    assert [each["name"] for each in children["rows"]][:1] == [best]
    assert children["rows"][-1]["name"] == "without"
    assert children["columns"][0] == children["primary"]["column"]


def test_the_state_stays_small_whatever_the_run_holds(run: Run, feed_of: Feeds) -> None:
    for number in range(MOST_METRICS + 100):
        for step in range(3):
            run.log(f"metric {number}", step)
    for number in range(MOST_LINES):
        for step in range(3_000):
            run.log(f"metric {number}", math.sin(step))
    for number in range(30):
        run.log_table(f"table {number}", {"text": ["x" * 3000] * 60})
    run.tag("long", "y" * 100_000)
    children = run.create_children(MOST_CHILDREN + 20)
    for child in children:
        child.complete()
    run.complete()
    parts = feed_of(run).read_once()
    assert len(parts["metrics"]["metrics"]) == MOST_METRICS
    assert parts["metrics"]["total"] == MOST_METRICS + 130
    assert len(decode(parts["series"])[1]) == MOST_LINES
    assert len(parts["children"]["rows"]) == MOST_CHILDREN
    assert parts["children"]["total"] == MOST_CHILDREN + 20
    data = parts["series"] + b"".join(parts["images"]["pictures"].values()) + parts["logs"]["data"]
    told = {name: part for name, part in parts.items() if name not in ("series", "images", "logs")}
    assert len(data) + len(json.dumps(told)) < 2_000_000


def test_no_spike_is_lost_in_what_is_sent_of_a_long_metric(run: Run, feed_of: Feeds) -> None:
    for step in range(100_000):
        run.log("loss", 1000.0 if step == 77_777 else 1.0)
    run.complete()
    line = decode(feed_of(run).read_once()["series"])[1][0]
    assert line.about["total"] == 100_000
    assert len(line.x) < 2000
    assert line.high is not None
    assert line.high.max() == 1000


def test_what_is_beyond_the_bounds_is_answered(run: Run, feed_of: Feeds) -> None:
    for step in range(5_000):
        run.log("loss", float(step))
    run.log_table("table", {"a": list(range(200))})
    run.complete()
    feed = feed_of(run)
    window = {"ask": "series", "series": [{"run_id": run.id, "name": "loss"}], "from": 100, "to": 120, "points": 1000}
    (line,) = decode(ask(feed, window)[1][0])[1]
    assert line.about["exact"]
    assert line.y.tolist() == [float(step) for step in range(99, 122)]
    rows = ask(feed, {"ask": "table", "run_id": run.id, "name": "table", "offset": 150, "limit": 10})[0]["rows"]
    assert rows == [[number] for number in range(150, 160)]
    found = ask(feed, {"ask": "metrics", "run_id": run.id, "search": "OSS"})[0]
    assert [each["name"] for each in found["metrics"]] == ["loss"]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"ask": "nothing"}, "no question 'nothing'"),
        ({"ask": "run", "run_id": "no such run"}, "no run 'no such run'"),
        ({"ask": "log", "run_id": 3, "name": "x"}, "run_id must be a text"),
        ({"ask": "file", "run_id": "RUN", "name": "../../store.db"}, "'../../store.db'"),
        ({"ask": "series", "series": []}, "1 to 100 lines"),
        ({"ask": "table", "run_id": "RUN", "name": "none", "limit": "all"}, "limit must be a whole number"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_why(
    run: Run, feed_of: Feeds, question: dict[str, object], says: str
) -> None:
    run.flush()
    asked = {name: run.id if value == "RUN" else value for name, value in question.items()}
    with pytest.raises(AssertionError, match=says):
        ask(feed_of(run), asked)


def test_cancel_ends_the_run_from_the_feeds_thread(experiment: Experiment, feed_of: Feeds) -> None:
    Path("src").mkdir()
    Path("src/train.py").write_text("import time\nprint('here', flush=True)\ntime.sleep(600)\n")
    run = experiment.submit(ScriptRunConfig("src", script="train.py"))
    feed = feed_of(run)
    watcher = Watcher(feed)
    feed.start()
    watcher.until(lambda: "here" in watcher.log)
    ask(feed, {"ask": "cancel", "run_id": run.id})
    watcher.until(lambda: watcher.told["ended"], 120)
    assert watcher.status == "Canceled"


def test_another_log_is_sent_when_it_is_chosen(experiment: Experiment, feed_of: Feeds) -> None:
    run = experiment.start_logging(snapshot_directory=None)
    for name, text in (("logs/a.txt", "first"), ("logs/b.txt", "x" * 2 * LOG_BYTES + "second")):
        Path("log.txt").write_text(text)
        run.upload_file(name, "log.txt")
    run.complete()
    feed = feed_of(run)
    watcher = Watcher(feed)
    feed.start()
    watcher.until(lambda: watcher.told["ended"])
    ask(feed, {"ask": "choose_log", "name": "logs/a.txt"})
    assert watcher.log == "first"
    ask(feed, {"ask": "choose_log", "name": "logs/b.txt"})
    assert watcher.log.endswith("second")
    assert len(watcher.log) == LOG_BYTES
    earlier = ask(feed, {"ask": "log", "run_id": run.id, "name": "logs/b.txt", "start": 0, "length": 10})
    assert earlier[1] == [b"x" * 10]


def test_trouble_is_told_in_words_and_ends_when_the_store_is_back(ws: Workspace, run: Run, feed_of: Feeds) -> None:
    feed = feed_of(run)
    watcher = Watcher(feed)
    feed.start()
    watcher.until(lambda: watcher.status == "Running")
    folder = ws._recorder.folder
    aside = folder.with_name("aside")
    ws._recorder.open_store().close()
    folder.rename(aside)
    try:
        watcher.until(lambda: watcher.told["trouble"])
        assert "Traceback" not in watcher.told["trouble"]
        assert watcher.status == "Running"  # what was there stays
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    watcher.until(lambda: watcher.told["trouble"] is None)
    run.log("loss", 1.0)
    watcher.until(lambda: watcher.count_of("loss") == 1)


def test_a_closed_feed_looks_no_more_and_its_thread_ends(run: Run, feed_of: Feeds) -> None:
    feed = feed_of(run)
    watcher = Watcher(feed)
    feed.start()
    watcher.until(lambda: watcher.status == "Running")
    thread = feed._thread
    assert isinstance(thread, threading.Thread)
    assert thread.daemon
    feed.close(30)
    assert not thread.is_alive()
    sent = len(watcher.sent)
    run.log("loss", 1.0)
    run.flush()
    feed.ask({"ask": "run", "run_id": run.id}, lambda *_: pytest.fail("it is closed"))
    assert len(watcher.sent) == sent


def test_looking_at_once_costs_nothing_where_nothing_has_changed(run: Run, feed_of: Feeds) -> None:
    run.complete()
    feed = feed_of(run)
    watcher = Watcher(feed)
    feed.start()
    watcher.until(lambda: watcher.told["ended"])
    feed.look_now(60)  # comes back at once: it would wait a minute for a feed that has stopped


def test_a_sink_that_breaks_does_not_take_the_others_along(run: Run, feed_of: Feeds) -> None:
    class Broken:
        def show(self, parts: object, told: object) -> None:
            raise RuntimeError("no comm")

    feed = feed_of(run)
    feed.sinks.append(Broken())
    watcher = Watcher(feed)
    feed.start()
    watcher.until(lambda: watcher.status == "Running")
    assert isinstance(feed, Feed)
