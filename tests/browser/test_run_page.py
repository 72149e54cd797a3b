"""The run's page beside its charts: details, files of every kind, logs, images, source, and what can be done."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import Open, Portal, Watched
from tests.browser.drawn import WAIT_MS
from tests.browser.training import Training

Show = Callable[..., Watched]
RANK_0 = "azureml-logs/70_driver_log_0.txt"
RANK_1 = "azureml-logs/70_driver_log_1.txt"


@pytest.fixture
def show(open_page: Open, portal: Portal) -> Show:
    """Open the page of a run of the experiment looks, by its name."""

    def start(run: str, rest: str = "", **look: object) -> Watched:
        return open_page(f"/experiments/looks/runs/{portal.runs[run]}?{rest}", **look)

    return start


def sees(watched: Watched, text: str) -> None:
    watched.page.get_by_text(text, exact=True).first.wait_for(timeout=WAIT_MS)


def in_address(watched: Watched, name: str) -> str | None:
    return parse_qs(urlsplit(watched.page.url).query).get(name, [None])[0]


def until(watched: Watched, name: str, value: str | None) -> None:
    watched.page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get(name, [None])[0] == value, timeout=WAIT_MS)


def again(open_page: Open, watched: Watched) -> Watched:
    """The same address in another tab."""
    parts = urlsplit(watched.page.url)
    return open_page(f"{parts.path}?{parts.query}")


# -- details -----------------------------------------------------------------------------------------------------------


def test_tags_are_set_changed_and_removed(show: Show, open_page: Open) -> None:
    watched = show("source 1")
    page = watched.page
    sees(watched, "kind")
    page.get_by_label("Tag", exact=True).fill("colour")
    page.get_by_label("Value", exact=True).fill("red")
    page.get_by_role("button", name="Add").click()
    sees(watched, "red")
    page.get_by_role("button", name="colour red").click()
    page.get_by_label("Value", exact=True).fill("blue")
    page.get_by_label("Value", exact=True).press("Enter")
    sees(watched, "blue")
    sees(again(open_page, watched), "blue")
    page.get_by_role("button", name="Remove the tag colour").click()
    page.get_by_text("blue", exact=True).wait_for(state="detached", timeout=WAIT_MS)
    assert watched.trouble == []


def test_name_and_description_are_changed(show: Show, open_page: Open) -> None:
    watched = show("painter 1")
    page = watched.page
    page.get_by_role("button", name="Edit").click(timeout=WAIT_MS)
    page.get_by_role("textbox", name="Name").fill("painter of 1")
    page.get_by_role("textbox", name="Description").fill("Two lines\nof text")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", level=1, name="painter of 1").wait_for(timeout=WAIT_MS)
    page.get_by_text("Two lines").wait_for(timeout=WAIT_MS)
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("textbox", name="Name").fill("painter 1")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", level=1, name="painter 1").wait_for(timeout=WAIT_MS)
    assert watched.trouble == []


def test_an_error_is_told_in_words_with_its_place_in_the_script(show: Show) -> None:
    watched = show("one that raised")
    sees(watched, "The run failed")
    sees(watched, "KeyError: 'age'")
    watched.page.get_by_text(re.compile(r"^At <string>, line \d+$")).wait_for(timeout=WAIT_MS)


def test_what_cannot_be_undone_is_asked_for_once_more(open_page: Open, training: Training) -> None:
    watched = open_page(training.page("details"))
    page = watched.page
    page.get_by_text("Running").first.wait_for(timeout=WAIT_MS)
    page.get_by_role("button", name="Cancel run").click()
    dialog = page.get_by_role("dialog", name="Cancel this run?")
    dialog.get_by_role("button", name="Leave it").click()
    dialog.wait_for(state="detached")
    assert page.get_by_text("Running").count() > 0
    page.get_by_role("button", name="Cancel run").click()
    dialog.get_by_role("button", name="Cancel run").click()
    page.get_by_text("Canceled").first.wait_for(timeout=WAIT_MS)
    page.get_by_role("button", name="Archive").click()
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    page.get_by_text("Archived", exact=True).wait_for(timeout=WAIT_MS)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url(re.compile("/experiments/tabs$"), timeout=WAIT_MS)
    assert watched.trouble == []


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("people.csv", ["age", "integer", "date", "p199", "The first 200 rows."]),
        ("table.parquet", ["score", "double", "date", "ann", "2024-01-31", "3 rows"]),
        ("work.ipynb", ["# A title", "[1]", "2"]),
        ("facts.json", ["answer"]),
        ("big.txt", ["line number 0 of a big text"]),
        ("weights.bin", ["This is no text, table, image or PDF: download it to look into it."]),
    ],
)
def test_files_are_shown_by_their_kind(show: Show, name: str, texts: list[str]) -> None:
    watched = show("every file", f"tab=files&file=outputs/{name}")
    for text in texts:
        watched.page.locator("main").get_by_text(text).first.wait_for(timeout=WAIT_MS)
    assert watched.trouble == []


def test_a_large_text_is_read_to_its_end_and_searched(show: Show) -> None:
    watched = show("every file", "tab=files&file=outputs/big.txt")
    sees(watched, "line number 0 of a big text")
    watched.page.get_by_role("button", name="End", exact=True).click()
    sees(watched, "line number 19999 of a big text")
    watched.page.get_by_label("Search in the log").fill("number 12345 of")
    watched.page.get_by_label("Search in the log").press("Enter")
    watched.page.get_by_text("1 of 1").wait_for(timeout=WAIT_MS)
    assert watched.trouble == []


def test_a_pdf_is_shown_in_the_page_and_offered_by_itself(show: Show, portal: Portal) -> None:
    watched = show("every file", "tab=files&file=outputs/plot.pdf")
    page = watched.page
    link = page.get_by_role("link", name="Open the PDF in a page of its own")
    link.wait_for(timeout=WAIT_MS)
    address = str(link.get_attribute("href"))
    answer = page.request.get(portal.base + address)
    assert answer.headers["content-type"] == "application/pdf"
    assert "sandbox" not in answer.headers["content-security-policy"]
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    if page.evaluate("navigator.pdfViewerEnabled"):
        frame = page.locator("iframe[title='outputs/plot.pdf']")
        frame.wait_for(timeout=WAIT_MS)
        assert frame.get_attribute("src") == address
    assert watched.trouble == []


def test_an_image_is_enlarged_and_moved(show: Show) -> None:
    watched = show("every file", "tab=files&file=outputs/plot.png")
    page = watched.page
    page.get_by_text("640 \N{MULTIPLICATION SIGN} 480 px").wait_for(timeout=WAIT_MS)
    page.get_by_role("button", name="Larger").click()
    page.get_by_text("640 \N{MULTIPLICATION SIGN} 480 px · 2\N{MULTIPLICATION SIGN}").wait_for(timeout=WAIT_MS)
    image = page.get_by_role("img", name="outputs/plot.png")
    before = image.evaluate("image => image.style.transform")
    page.get_by_role("group", name="outputs/plot.png: plus and minus").press("ArrowRight")
    page.wait_for_function("before => document.querySelector('main img').style.transform !== before", arg=before)


def test_a_folder_is_downloaded_as_a_zip(show: Show, tmp_path: Path) -> None:
    watched = show("every file", f"tab=files&file={RANK_0}")
    link = watched.page.get_by_role("link", name="azureml-logs/ as a zip")
    link.wait_for(timeout=WAIT_MS)
    with watched.page.expect_download(timeout=WAIT_MS) as download:
        link.click()
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert sorted(archive.namelist()) == [RANK_0, RANK_1]
    assert archive.read(RANK_1).startswith(b"rank 1 line 1\n")


# -- logs --------------------------------------------------------------------------------------------------------------


def test_a_log_has_colours_wraps_and_shows_what_a_progress_bar_said_last(show: Show) -> None:
    watched = show("every file", f"tab=files&file={RANK_0}")
    page = watched.page
    red = page.get_by_text("red words", exact=True)
    red.wait_for(timeout=WAIT_MS)
    assert red.evaluate("element => getComputedStyle(element).color") == "rgb(192, 38, 28)"
    sees(watched, "100%|done")
    long = page.get_by_text("y" * 500, exact=True)
    assert long.evaluate("element => element.closest('section').scrollWidth > element.closest('section').clientWidth")
    page.get_by_label("Wrap").check(force=True)
    until(watched, "wrap", "1")
    page.wait_for_function(
        "() => { const log = document.querySelector('section[aria-label^=\"Log \"]');"
        " return log.scrollWidth <= log.clientWidth }",
        timeout=WAIT_MS,
    )
    assert long.evaluate("element => element.getBoundingClientRect().height") > 50
    assert watched.trouble == []


def test_another_ranks_log_is_chosen_and_a_line_of_it_linked(show: Show, open_page: Open) -> None:
    watched = show("every file", f"tab=files&file={RANK_0}")
    page = watched.page
    page.get_by_role("combobox", name="Log").click(timeout=WAIT_MS)
    page.get_by_role("option", name=RANK_1).click()
    sees(watched, "rank 1 line 1")
    page.get_by_label("Go to line").fill("29000")
    page.get_by_label("Go to line").press("Enter")
    sees(watched, "rank 1 line 29000")
    start = sum(len(f"rank 1 line {number}\n") for number in range(1, 29000))
    until(watched, "at", str(start))
    other = again(open_page, watched)
    sees(other, "rank 1 line 29000")
    marked = other.page.locator("[data-marked]")
    marked.wait_for(timeout=WAIT_MS)
    assert "rank 1 line 29000" in marked.inner_text()
    number = marked.locator("[data-number]")
    other.page.wait_for_function("() => document.querySelector('[data-marked] [data-number]').dataset.number")
    assert number.get_attribute("data-number") == "29,000"
    assert watched.trouble == []


def test_a_log_is_followed_until_its_end(open_page: Open, training: Training) -> None:
    watched = open_page(training.page("files"))
    sees(watched, "the first line")
    training.go_on("second")
    sees(watched, "the second line")
    for word in ("third", "last"):
        training.go_on(word)
    sees(watched, "the third line")
    watched.page.get_by_text("· live").wait_for(state="detached", timeout=WAIT_MS)
    assert watched.trouble == []


# -- images ------------------------------------------------------------------------------------------------------------


def test_images_go_by_steps_beside_those_of_other_runs_and_are_enlarged_together(
    show: Show, portal: Portal, open_page: Open
) -> None:
    watched = show("painter 0", f"tab=images&with={portal.runs['painter 1']}")
    page = watched.page
    page.get_by_text("Step 3", exact=True).wait_for(timeout=WAIT_MS)
    page.locator("main figure img").nth(1).wait_for(timeout=WAIT_MS)
    assert page.locator("main figure img").count() == 2
    page.get_by_role("button", name="Step before").click()
    page.get_by_role("button", name="Step before").click()
    until(watched, "step", "1")
    sources = [image.get_attribute("src") for image in page.locator("main figure img").all()]
    other = again(open_page, watched)
    other.page.locator("main figure img").nth(1).wait_for(timeout=WAIT_MS)
    assert [image.get_attribute("src") for image in other.page.locator("main figure img").all()] == sources
    page.get_by_role("button", name="All 4 steps").click()
    assert page.locator("main figure").count() == 8
    page.get_by_role("button", name="Show samples large").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="4\N{MULTIPLICATION SIGN}").click()
    moved = [image.evaluate("image => image.style.transform") for image in dialog.locator("figure img").all()]
    assert len(moved) == 2
    assert moved[0] == moved[1]
    assert "scale(4)" in moved[0]
    assert watched.trouble == []


# -- source ------------------------------------------------------------------------------------------------------------


def test_the_source_is_compared_line_by_line_and_downloaded(show: Show, portal: Portal) -> None:
    watched = show("source 2", f"tab=snapshot&other={portal.runs['source 1']}&file=train.py")
    page = watched.page
    diff = page.get_by_role("region", name="What differs in train.py")
    diff.wait_for(timeout=WAIT_MS)
    assert diff.locator("[data-kind=removed]").inner_text().endswith("ALPHA = 1")
    assert diff.locator("[data-kind=added]").inner_text().endswith("ALPHA = 2")
    page.get_by_role("button", name="extra.py added").click()
    page.get_by_text("# only here").wait_for(timeout=WAIT_MS)
    with page.expect_download(timeout=WAIT_MS) as download:
        page.get_by_role("link", name="Download as a zip").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert sorted(archive.namelist()) == ["extra.py", "train.py"]
    assert watched.trouble == []
