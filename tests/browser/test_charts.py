"""Charts of the run's page: what is drawn is what was logged, however far one zooms, and an address holds it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import Open, Portal
from tests.browser.drawn import WAIT_MS, Chart, Drawing
from tests.browser.training import Training

if TYPE_CHECKING:
    from playwright.sync_api import Page

FIBONACCI = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
ANGLES = [number / 2.0 for number in range(-10, 10)]
SPIKE = 654_321

Show = Callable[..., "Page"]


@pytest.fixture
def show(open_page: Open, portal: Portal) -> Show:
    """Open the metrics of a run, by its name."""

    def start(run: str, rest: str = "", **look: object) -> Page:
        experiment = "charts" if run == "the article's table" else "looks"
        return open_page(f"/experiments/{experiment}/runs/{portal.runs[run]}?tab=metrics{rest}", **look).page

    return start


def follows(drawing: Drawing, points: list[tuple[float, float]]) -> bool:
    """Whether a line goes through these points, in this order and no others: its pixels are in proportion to them."""
    if len(drawing.vertices) != len(points):
        return False
    for axis in (0, 1):
        values = [point[axis] for point in points]
        pixels = [vertex[axis] for vertex in drawing.vertices]
        low, high = values.index(min(values)), values.index(max(values))
        scale = (pixels[high] - pixels[low]) / (values[high] - values[low])
        rising = scale > 0 if axis == 0 else scale < 0
        fits = all(abs(pixels[low] + (v - values[low]) * scale - p) < 0.02 for v, p in zip(values, pixels, strict=True))
        if not (rising and fits):
            return False
    return True


def address(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def until_address(page: Page, name: str, *, has: bool = True) -> None:
    page.wait_for_url(lambda url: (name in parse_qs(urlsplit(url).query)) == has, timeout=WAIT_MS)


@pytest.mark.parametrize(
    ("title", "points"),
    [
        ("Fibonacci", list(enumerate(FIBONACCI))),
        ("Sigmoid", [(step, 1 / (1 + math.exp(10 - step))) for step in range(20)]),
        ("Cosine Wave: cos over angle", [(angle, math.cos(angle)) for angle in ANGLES]),
        ("Sine Wave: sine over angle", [(angle, math.sin(angle)) for angle in ANGLES]),
    ],
)
def test_the_four_rows_of_the_articles_table_are_told_by_what_is_drawn(
    show: Show, title: str, points: list[tuple[float, float]]
) -> None:
    chart = Chart(show("the article's table"), title).wait(len(points))
    drawn = chart.points()
    columns = list(drawn[0])
    assert columns[1] == ("step" if title in ("Fibonacci", "Sigmoid") else "angle")
    assert [float(row[columns[1]]) for row in drawn] == pytest.approx([x for x, _ in points])
    assert [float(row["value"]) for row in drawn] == pytest.approx([y for _, y in points])
    (line,) = chart.lines()
    assert follows(line, points)
    assert len(line.dots) == len(points)
    assert chart.ink() > 0.6
    assert chart.png().startswith(b"\x89PNG")


def test_no_spike_is_lost_and_zooming_brings_exact_points(show: Show) -> None:
    page = show("one spike")
    chart = Chart(page, "loss").wait(1_000_000)
    assert "of 1,000,000 points, band: all" in chart.note()
    rows = chart.points()
    assert len(rows) < 6000
    assert max(float(row["value"]) for row in rows) == 25.0
    (band,), (line,) = chart.bands(), chart.lines()
    assert min(y for _, y in band.vertices) == pytest.approx(min(y for _, y in line.vertices))
    page.goto(page.url + f"&zoom={SPIKE - 40}:{SPIKE + 40}")
    chart.wait(81)
    assert chart.note() == ""
    near = {int(row["step"]): float(row["value"]) for row in chart.points()}
    assert near[SPIKE] == 25.0
    assert near[SPIKE - 1] == pytest.approx(math.exp(-(SPIKE - 1) / 200_000))
    odd = Chart(page, "odd")
    odd.box.get_by_text("no points here").wait_for(timeout=WAIT_MS)
    assert "no points here: they are from step 0 to step 5" in odd.note()


def test_what_is_no_number_is_told(show: Show) -> None:
    chart = Chart(show("one spike"), "odd").wait(6)
    assert re.findall(r"(\d) . (NaN|.∞)", chart.note()) == [("1", "NaN"), ("1", "+∞"), ("1", "\N{MINUS SIGN}∞")]
    assert [row["value"] for row in chart.points()] == ["1", "NaN", "3", "3", "1", "2"]


def test_all_points_are_to_be_had(portal: Portal, open_page: Open) -> None:
    page = open_page(f"/experiments/charts/runs/{portal.runs['a long line']}?tab=metrics").page
    lines = Chart(page, "loss").wait().all_points().splitlines()
    assert len(lines) == 200_002
    assert lines[0] == "step,time,value"
    step, _, value = lines[123_456 + 1].split(",")
    assert (step, value) == ("123456", "100.0")


def test_zooming_by_presses_alone_and_the_address_gives_the_same_picture(show: Show, open_page: Open) -> None:
    page = show("every kind", "&logy=1&smooth=ema:0.5")
    chart, other = Chart(page, "noisy").wait(200), Chart(page, "steady").wait(200)
    bar = page.get_by_role("group", name="Zoom of all charts")
    for press in ("Zoom in", "Zoom in", "Later"):
        bar.get_by_role("button", name=press, exact=True).click()
    until_address(page, "zoom")
    chart.wait(50)
    window = [float(end) for end in address(page)["zoom"].split(":")]
    assert window[1] - window[0] == pytest.approx(199 / 4)
    assert sum(window) / 2 == pytest.approx(199 / 2 + 199 / 8)
    other.wait(chart.total())
    again = open_page(page.url.partition(urlsplit(page.url).netloc)[2]).page
    copy = Chart(again, "noisy").wait(chart.total())
    assert copy.points() == chart.points()
    assert [drawing.vertices for drawing in copy.lines()] == [drawing.vertices for drawing in chart.lines()]
    page.go_back()
    bar.get_by_role("button", name="Show all of x").click()
    until_address(page, "zoom", has=False)
    chart.wait(200)


def test_zooming_by_drag_wheel_and_keys(show: Show) -> None:
    page = show("every kind")
    chart = Chart(page, "steady").wait(200)
    plot = chart.plot.locator(".u-over")
    box = plot.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2

    def at(share: float) -> None:
        page.mouse.move(box["x"] + box["width"] * share, middle)

    at(0.25)
    page.mouse.down()
    at(0.4)
    at(0.75)
    page.mouse.up()
    until_address(page, "zoom")
    window = [float(end) for end in address(page)["zoom"].split(":")]
    assert window == pytest.approx([199 * 0.25, 199 * 0.75], abs=2)
    zoomed = page.url
    page.keyboard.down("Shift")
    page.mouse.down()
    at(0.5)
    at(0.25)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_url(lambda url: "zoom=" in url and url != zoomed, timeout=WAIT_MS)
    moved = [float(end) for end in address(page)["zoom"].split(":")]
    assert moved[0] > window[0] + 10
    assert moved[1] - moved[0] == pytest.approx(window[1] - window[0], abs=1)
    plot.dblclick()
    until_address(page, "zoom", has=False)
    at(0.5)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    until_address(page, "zoom")
    narrow = [float(end) for end in address(page)["zoom"].split(":")]
    assert narrow[1] - narrow[0] == pytest.approx(199 / math.e, rel=0.05)
    chart.plot.press("Escape")
    until_address(page, "zoom", has=False)
    chart.wait(200)
    chart.plot.press("+")
    until_address(page, "zoom")
    chart.plot.press("Escape")
    until_address(page, "zoom", has=False)


def test_zooming_by_two_fingers(show: Show) -> None:
    page = show("every kind", width=390, height=800, touch=True)
    chart = Chart(page, "steady").wait(200)
    plot = chart.plot.locator(".u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    touches = page.context.new_cdp_session(page)

    def touch(kind: str, *shares: float) -> None:
        y = box["y"] + box["height"] / 2
        points = [{"x": box["x"] + box["width"] * share, "y": y, "id": at} for at, share in enumerate(shares)]
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.4)
    touch("touchStart", 0.4, 0.6)
    touch("touchMove", 0.3, 0.7)
    touch("touchMove", 0.2, 0.8)
    touch("touchEnd")
    until_address(page, "zoom")
    window = [float(end) for end in address(page)["zoom"].split(":")]
    assert window == pytest.approx([199 / 3, 199 * 2 / 3], abs=4)


def test_a_crosshair_in_step_stays_where_it_is_pinned(show: Show) -> None:
    page = show("every kind")
    chart, other = Chart(page, "steady").wait(200), Chart(page, "noisy").wait(200)
    assert "step 199" in other.readout()
    box = chart.plot.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.move(5, 5)
    found = re.search(r"step (\d+)", chart.readout())
    assert found is not None
    assert 95 <= int(found[1]) <= 105
    assert f"step {found[1]}" in other.readout()
    bar = page.get_by_role("group", name="Zoom of all charts")
    bar.get_by_role("button", name="Zoom in", exact=True).click()
    until_address(page, "zoom")
    window = [float(end) for end in address(page)["zoom"].split(":")]
    assert window[0] < int(found[1]) < window[1]


def test_smoothing_keeps_the_raw_line_visible(show: Show) -> None:
    chart = Chart(show("every kind", "&smooth=window:20"), "noisy").wait(200)
    raw, smooth = chart.lines()
    assert (raw.opacity, smooth.opacity) == (0.35, 1.0)

    def roughness(line: Drawing) -> float:
        return sum(abs(a[1] - b[1]) for a, b in zip(line.vertices, line.vertices[1:], strict=False))

    assert roughness(smooth) < roughness(raw) / 3


def test_tables_that_go_to_and_fro_are_points_and_those_that_fall_are_lines(show: Show) -> None:
    page = show("every kind")
    (spiral,) = Chart(page, "spiral: y over x").wait(60).lines()
    assert (len(spiral.dots), spiral.vertices) == (60, [])
    (falling,) = Chart(page, "falling: precision over recall").wait(3).lines()
    assert follows(falling, [(0.0, 1.0), (0.5, 0.6), (1.0, 0.2)])


def test_a_thousand_metrics_in_groups_that_open_close_and_are_searched(show: Show) -> None:
    page = show("many metrics")
    page.get_by_text("1,001 metrics").wait_for(timeout=WAIT_MS)
    Chart(page, "train/metric_000").wait(3)
    assert page.get_by_role("group", name=re.compile("^Chart of")).count() < 40
    page.get_by_role("button", name="Close all groups").click()
    page.wait_for_url(re.compile("closed="), timeout=WAIT_MS)
    assert page.get_by_role("group", name=re.compile("^Chart of")).count() == 0
    page.get_by_role("button", name=re.compile("val 333")).click()
    Chart(page, "val/metric_001").wait(3)
    page.keyboard.press("/")
    page.keyboard.type("metric_77 val")
    page.get_by_text("3 of 1,001 metrics").wait_for(timeout=WAIT_MS)
    Chart(page, "val/metric_772").wait(3)
    assert address(page)["find"] == "metric_77 val"


def test_one_chart_fills_the_window_and_the_next_is_a_press_away(show: Show, open_page: Open) -> None:
    page = show("every kind")
    Chart(page, "noisy").wait(200)
    page.get_by_role("button", name="Show noisy large").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("200 points · first").wait_for(timeout=WAIT_MS)
    box = Chart(page, "noisy").wait(200).plot.bounding_box()
    assert box is not None
    assert box["width"] > 1200
    assert box["height"] > 500
    dialog.get_by_role("button", name="Next metric").click()
    Chart(page, "steady").wait(200)
    assert address(page)["large"] == "series:steady"
    again = open_page(page.url.partition(urlsplit(page.url).netloc)[2]).page
    again.get_by_role("dialog").get_by_role("button", name="Zoom in", exact=True).click()
    until_address(again, "zoom")
    again.get_by_role("button", name="Close").click()
    until_address(again, "large", has=False)


def test_metrics_of_a_shape_of_their_own(show: Show) -> None:
    page = show("every kind")
    page.get_by_role("region", name="Confusion matrix confusion").wait_for(timeout=WAIT_MS)
    page.get_by_role("radio", name="Shares").check()
    page.get_by_role("cell", name="80 %").wait_for(timeout=WAIT_MS)
    assert address(page)["as"] == "confusion_matrix:confusion=shares"
    assert len(Chart(page, "accuracy").lines()) == 2
    predictions = Chart(page, "predictions")
    assert (len(predictions.lines()), len(predictions.bands())) == (2, 1)
    bars = page.get_by_role("img", name=re.compile("^Residuals")).locator("rect")
    heights = [float(bar.get_attribute("height") or 0) for bar in bars.all()]
    assert heights == pytest.approx([40, 200, 80])
    page.get_by_role("button", name="Show description large").click()
    assert page.get_by_role("dialog").get_by_text("word word").inner_text().count("word") == 200


def test_a_chart_grows_while_its_run_goes_on(open_page: Open, training: Training) -> None:
    watched = open_page(training.page("metrics"))
    tile = watched.page.get_by_role("heading", name="loss", exact=True)
    tile.wait_for(timeout=WAIT_MS)
    training.go_on("second")
    chart = Chart(watched.page, "loss").wait(2)
    training.go_on("third")
    chart.wait(3)
    assert [row["value"] for row in chart.points()] == ["1", "2", "2"]
    assert watched.trouble == []
