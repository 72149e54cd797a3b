"""The static picture, and what is printed where there is no notebook."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from azureml.core import Run
from azureml.widgets import RunDetails
from milepost.sdk.exceptions import UserErrorException
from milepost.widgets.picture import picture
from milepost.widgets.terminal import plain_summary
from tests.widgets.conftest import Feeds
from tests.widgets.test_feed import PNG

HOSTILE = "<img src=x onerror=alert(1)>\"'</pre></td></svg><script>alert(2)</script>\x1b]0;title\x07"
"""As a name, a tag, a text or a line of a log."""


class Tags(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def charts(html: str) -> list[str]:
    return [base64.b64decode(each).decode() for each in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", html)]


@pytest.fixture
def recorded(run: Run) -> Run:
    for step in range(1000):
        run.log("loss", 5.0 if step == 321 else 1 / (step + 1))
    run.log("verdict", "good")
    Path("dot.png").write_bytes(PNG)
    run.log_image("dot", path="dot.png")
    run.tag("stage", "prod")
    with run.child_run("kid") as child:
        child.log("mse", 0.25)
    Path("log.txt").write_text("one\n\x1b[32mtwo\x1b[0m\n10 %\r20 %\n")
    run.upload_file("logs/out.txt", "log.txt")
    run.fail("the data was wrong")
    return run


def test_it_shows_the_last_state(recorded: Run, feed_of: Feeds) -> None:
    html = picture(feed_of(recorded).read_once(), "t")
    for told in ("the run", "Failed", "the data was wrong", "good", "stage", "prod", "kid", "0.25", "two\n20 %"):
        assert told in html
    assert "\x1b" not in html
    (loss,) = charts(html)
    drawing = ElementTree.fromstring(loss)
    assert "loss" in "".join(drawing.itertext())
    assert "5" in [each.text for each in drawing.iter("{http://www.w3.org/2000/svg}text")]  # the spike
    assert base64.b64encode(PNG).decode() in html
    assert len(html) < 60_000


def test_nothing_in_it_runs_or_fetches(run: Run, feed_of: Feeds) -> None:
    run.display_name = HOSTILE
    run.tag(HOSTILE, HOSTILE)
    run.add_properties({HOSTILE: HOSTILE})
    for step in range(3):
        run.log(HOSTILE, step)
    run.log("text", HOSTILE)
    Path("dot.png").write_bytes(PNG)
    run.log_image(HOSTILE[:40], path="dot.png")
    Path("log.txt").write_text(HOSTILE, errors="replace")
    run.upload_file("logs/out.txt", "log.txt")
    with run.child_run(HOSTILE) as child:
        child.tag("t", HOSTILE)
    run.fail(HOSTILE)
    html = picture(feed_of(run).read_once(), "t")
    for tag, attributes in Tags(html).found:
        assert tag not in ("script", "svg", "iframe", "object", "link", "form", "a"), tag
        assert not [name for name in attributes if name.startswith("on")]
        assert str(attributes.get("src", "data:image/")).startswith("data:image/")
    for chart in charts(html):
        named = {each.tag.rpartition("}")[2] for each in ElementTree.fromstring(chart).iter()}
        assert named <= {"svg", "rect", "text", "path", "polyline", "polygon", "circle"}
    html.encode()


def test_a_run_that_was_not_read_yet_has_one_too() -> None:
    assert "Reading the run" in picture({}, "t")
    assert plain_summary({}) == "Reading the run ..."


def test_a_display_function_is_given_the_picture(recorded: Run) -> None:
    shown: list[str] = []
    RunDetails(recorded).show(render_lib=shown.append)
    assert "the data was wrong" in shown[0]


def test_outside_a_notebook_the_run_is_printed_with_the_address_of_its_page(
    recorded: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    RunDetails(recorded).show()
    printed = capsys.readouterr().out
    for told in ("the run", "Failed", "the data was wrong", "stage: prod", "loss", "kid", recorded.get_portal_url()):
        assert told in printed


def test_what_a_script_has_named_does_not_steer_the_terminal(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.display_name = HOSTILE
    run.tag(HOSTILE, HOSTILE)
    run.log("[bold]markup[/bold] \x1b[2J", HOSTILE)
    run.complete()
    RunDetails(run).show()
    printed = capsys.readouterr().out
    assert "\x1b]0" not in printed
    assert "\x1b[2J" not in printed
    assert "[bold]markup[/bold]" in printed


def test_the_data_of_the_widget_as_the_sdk_names_it(recorded: Run) -> None:
    data = RunDetails(recorded).get_widget_data({"display": "popup"})
    assert data["status"] == "Failed"
    assert data["run_id"] == recorded.id
    assert data["workbench_run_details_uri"] == recorded.get_portal_url()
    assert data["run_properties"]["tags"] == {"stage": "prod"}
    assert [each["run_name"] for each in data["child_runs"]] == ["kid"]
    assert data["children_metrics"]["mse"] == {data["child_runs"][0]["run_id"]: 0.25}
    loss = next(each for each in data["run_metrics"] if each["name"] == "loss")
    assert max(loss["series"][0]["data"]) == 5
    assert next(each for each in data["run_metrics"] if each["name"] == "verdict")["series"] == [{"data": ["good"]}]
    assert "two" in data["run_logs"]
    assert data["widget_settings"] == {"display": "popup"}


@pytest.mark.parametrize("wrong", [None, "a run's id", 3])
def test_what_is_no_run_is_refused(wrong: object) -> None:
    with pytest.raises(UserErrorException, match="RunDetails shows a run"):
        RunDetails(wrong)  # type: ignore[arg-type]
