"""The compare page: runs over each other, what differs, ranges that choose, and one run that stands out everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import Open, Portal, Watched
from tests.browser.drawn import WAIT_MS, Chart
from tests.browser.training import Training

Compare = Callable[..., Watched]


@pytest.fixture
def compare(open_page: Open, portal: Portal) -> Compare:
    """Open the comparison of runs, by their names."""

    def start(names: list[str], rest: str = "", **look: object) -> Watched:
        ids = ",".join(portal.runs[name] for name in names)
        return open_page(f"/compare?runs={ids}{rest}", **look)

    return start


TRIALS = [f"trial {number}" for number in range(30)]


def in_address(watched: Watched, name: str) -> str:
    return parse_qs(urlsplit(watched.page.url).query).get(name, [""])[0]


def until(watched: Watched, name: str, *, has: str) -> None:
    watched.page.wait_for_url(lambda url: has in parse_qs(urlsplit(url).query).get(name, [""])[0], timeout=WAIT_MS)


def test_metrics_of_thirty_runs_lie_over_each_other(compare: Compare) -> None:
    watched = compare(TRIALS)
    chart = Chart(watched.page, "mse").wait(600)
    rows = chart.points()
    assert len({row["line"] for row in rows}) == 30
    ends = {row["line"]: float(row["value"]) for row in rows if row["step"] == "19"}
    assert ends["trial 12"] == 1
    assert ends["trial 29"] == 17**2 + 1
    assert len(chart.lines()) == 30
    text = chart.all_points()
    assert text.splitlines()[0] == "run_id,step,time,value"
    assert len(text.splitlines()) == 601
    assert watched.trouble == []


def test_one_run_stands_out_everywhere(compare: Compare) -> None:
    watched = compare(TRIALS[:10])
    page = watched.page
    chart = Chart(page, "mse").wait(200)
    assert "trial 9" not in chart.readout()
    page.get_by_role("link", name="trial 9", exact=True).hover()
    chart.box.get_by_text("trial 9", exact=True).wait_for(timeout=WAIT_MS)
    page.get_by_role("tab", name="Scatter").click()
    page.get_by_role("link", name=re.compile("^trial 0:")).wait_for(timeout=WAIT_MS)
    page.get_by_role("link", name="trial 9", exact=True).hover()
    page.locator("circle[data-shown][aria-label^='trial 9:']").wait_for(timeout=WAIT_MS)
    page.locator("circle[aria-label^='trial 3:']").focus()
    page.locator("li[data-shown]", has_text="trial 3").wait_for(timeout=WAIT_MS)
    page.get_by_role("tab", name="Parallel coordinates").click()
    page.get_by_role("link", name="trial 9", exact=True).focus()
    page.locator("path[data-shown][aria-label^='trial 9:']").wait_for(timeout=WAIT_MS)


def test_only_what_differs_or_all(compare: Compare) -> None:
    watched = compare(["source 1", "source 2"], "&view=differences")
    page = watched.page
    metrics = page.get_by_role("region", name="Metrics that differ")
    metrics.get_by_role("row", name="alpha 1 2").wait_for(timeout=WAIT_MS)
    page.get_by_role("region", name="Tags that differ").get_by_role("row", name="kind of 1 of 2").wait_for()
    run = page.get_by_role("region", name="Run that differ")
    assert run.get_by_role("row", name=re.compile("^experiment")).count() == 0
    page.get_by_role("switch", name="Only differences").uncheck(force=True)
    run.get_by_role("row", name="experiment looks looks").wait_for(timeout=WAIT_MS)
    assert in_address(watched, "all") == "1"
    page.get_by_label("Find a name").fill("alph")
    page.get_by_label("Find a name").press("Enter")
    page.get_by_role("region", name="Tags that differ").wait_for(state="detached", timeout=WAIT_MS)
    assert in_address(watched, "find") == "alph"
    assert watched.trouble == []


def test_code_line_by_line(compare: Compare) -> None:
    watched = compare(["source 1", "source 2"], "&view=code&file=train.py")
    diff = watched.page.get_by_role("region", name="What differs in train.py")
    diff.wait_for(timeout=WAIT_MS)
    assert diff.locator("[data-kind=removed]").inner_text().endswith("ALPHA = 1")
    assert watched.trouble == []


def test_ranges_choose_runs_by_drawing_and_without(compare: Compare, open_page: Open) -> None:
    watched = compare(TRIALS, "&view=parallel&axes=metrics.alpha,metrics.mse,tags.size")
    page = watched.page
    page.get_by_text("Draw along an axis").wait_for(timeout=WAIT_MS)
    page.get_by_role("button", name="Range of metrics.alpha").click()
    page.get_by_role("textbox", name="From").fill("1")
    page.get_by_role("textbox", name="To").fill("1.55")
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_text("6 of 30 runs are within the ranges.").wait_for(timeout=WAIT_MS)
    assert in_address(watched, "ranges") == "metrics.alpha=1:1.55"
    page.get_by_role("button", name="Range of tags.size").click()
    page.get_by_role("dialog", name="Range of tags.size").get_by_role("textbox", name="To").fill("1")
    page.get_by_text("4 of 30 runs are within the ranges.").wait_for(timeout=WAIT_MS)
    parts = urlsplit(page.url)
    other = open_page(f"{parts.path}?{parts.query}").page
    other.get_by_text("4 of 30 runs are within the ranges.").wait_for(timeout=WAIT_MS)
    other.get_by_role("button", name="All ranges away").click()
    other.get_by_text("Draw along an axis").wait_for(timeout=WAIT_MS)
    axis = other.locator("svg rect[class*=reach]").nth(1)
    box = axis.bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 2
    other.mouse.move(x, box["y"] + box["height"] * 0.5)
    other.mouse.down()
    other.mouse.move(x, box["y"] + box["height"] * 0.7)
    other.mouse.move(x, box["y"] + box["height"])
    other.mouse.up()
    status = other.get_by_text(re.compile(r"^\d+ of 30 runs are within"))
    status.wait_for(timeout=WAIT_MS)
    chosen = int(status.inner_text().split()[0])
    assert 5 < chosen < 30
    other.get_by_role("button", name="Compare only these").click()
    other.get_by_role("heading", name=f"Compare {chosen} runs").wait_for(timeout=WAIT_MS)


def test_a_run_is_added_and_left_out(compare: Compare, portal: Portal) -> None:
    watched = compare(["trial 1"])
    page = watched.page
    page.get_by_role("combobox", name="Add a run").click(timeout=WAIT_MS)
    page.get_by_role("option", name=re.compile("trial 2$")).click()
    page.get_by_role("heading", name="Compare 2 runs").wait_for(timeout=WAIT_MS)
    assert in_address(watched, "runs") == f"{portal.runs['trial 1']},{portal.runs['trial 2']}"
    page.get_by_role("button", name="Leave out trial 1").click()
    page.get_by_role("heading", name="Compare 1 run").wait_for(timeout=WAIT_MS)


def test_images_lie_side_by_side(compare: Compare) -> None:
    watched = compare(["painter 0", "painter 1"], "&view=images&step=2")
    page = watched.page
    page.get_by_text("Step 2", exact=True).wait_for(timeout=WAIT_MS)
    page.locator("main figure img").nth(1).wait_for(timeout=WAIT_MS)
    page.get_by_role("button", name="Next step").click()
    page.wait_for_url(lambda url: "step=" not in url, timeout=WAIT_MS)
    assert page.locator("figcaption", has_text="step 3").count() == 2
    assert watched.trouble == []


def test_lines_grow_while_their_runs_go_on(open_page: Open, portal: Portal, training: Training) -> None:
    watched = open_page(f"/compare?runs={portal.runs['source 1']},{training.run_id}")
    chart = Chart(watched.page, "loss").wait(51)
    training.go_on("second")
    chart.wait(52)
    training.go_on("third")
    chart.wait(53)
    assert watched.trouble == []
