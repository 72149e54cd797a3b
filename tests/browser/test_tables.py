"""The tables of the portal as they are used: by typing, by keys, by pressing; and what the address keeps of it."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Open, Portal

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

WAIT_MS = 60_000
SLEEPERS = """
import os, sys
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget

ws = Workspace.get("portal")
ComputeTarget.create(ws, "narrow", AmlCompute.provisioning_configuration(vm_size="any", max_nodes=1))
environment = Environment("here")
environment.python.user_managed_dependencies = True
os.makedirs("sleeping", exist_ok=True)
with open("sleeping/sleep.py", "w") as file:
    file.write("import time\\ntime.sleep(600)\\n")
for number in range(3):
    Experiment(ws, "asleep").submit(
        ScriptRunConfig("sleeping", "sleep.py", arguments=["--n", number], environment=environment,
                        compute_target="narrow"))
"""
NEWCOMERS = """
from azureml.core import Experiment, Workspace
ws = Workspace.get("portal")
for number in range(3):
    Experiment(ws, "growing").start_logging(snapshot_directory=None, display_name=f"late {number}").complete()
"""


@pytest.fixture(autouse=True)
def patient(browser: object) -> None:
    """Wait long for what has to come: the machine may be busy."""
    from playwright.sync_api import expect

    expect.set_options(timeout=WAIT_MS)


def rows(page: Page) -> Locator:
    """The links of the runs that are drawn."""
    return page.locator("section[aria-label='Runs'] tbody tr a")


def seen(page: Page) -> list[str]:
    return [text.partition(" ")[2] for text in rows(page).all_inner_texts()]


def status(page: Page) -> Locator:
    return page.locator("main [role=status]").first


def record(portal: Portal, folder: Path, script: str) -> None:
    """Let a script of the SDK record into the portal's workspace."""
    environment = {**os.environ, "MILEPOST_HOME": str(portal.home), "MILEPOST_PORTAL": "0"}
    subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, check=True, timeout=300)


def test_a_filter_is_typed_with_the_words_that_fit(open_page: Open) -> None:
    from playwright.sync_api import expect

    watched = open_page("/experiments/sweep")
    page = watched.page
    expect(status(page)).to_have_text("31 runs")
    page.keyboard.press("/")
    box = page.get_by_label("Filter runs")
    expect(box).to_be_focused()
    page.keyboard.type("tags.si")
    expect(page.get_by_role("option", name="tags.size")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("= ")
    expect(box).to_have_value("tags.size = ")
    expect(page.get_by_role("option", name='"2"')).to_be_visible()  # a value that runs have
    page.keyboard.type('"2')
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value('tags.size = "2" ')
    page.keyboard.press("Enter")
    expect(status(page)).to_have_text("10 runs")
    assert "filter=tags.size+%3D+%222%22" in page.url
    page.go_back()
    expect(status(page)).to_have_text("31 runs")
    expect(box).to_have_value("")
    assert watched.trouble == []


def test_what_is_wrong_with_a_filter_is_told_with_its_place(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page("/experiments/sweep").page
    box = page.get_by_label("Filter runs")
    box.fill('status = "Complete"')
    box.press("Enter")
    told = page.locator("#filter-error")
    expect(told).to_contain_text("did you mean Completed?")
    expect(told.locator("mark")).to_have_text('"')
    expect(box).to_have_attribute("aria-invalid", "true")
    box.fill("metrics.mse < -1")
    box.press("Enter")
    expect(page.get_by_role("heading", name="No run matches")).to_be_visible()
    page.locator("main").get_by_role("button", name="Clear the filter").click()
    expect(status(page)).to_have_text("31 runs")


def test_columns_are_sorted_sized_and_moved_and_a_link_shows_the_same(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page("/experiments/sweep").page
    expect(rows(page).first).to_contain_text("one that failed")
    page.get_by_role("button", name="mse", exact=True).click()
    expect(rows(page).first).to_contain_text("trial 12")
    head = page.locator("th[data-column='metrics.mse']")
    expect(head).to_have_attribute("aria-sort", "ascending")
    width = head.bounding_box()["width"]  # type: ignore[index]

    def choose(item: str) -> None:
        head.hover()
        head.get_by_role("button", name="Column").click()
        page.get_by_role("menuitem", name=item).click()

    choose("Wider")
    page.keyboard.press("Escape")
    choose("Move left")
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="size").check()
    page.keyboard.press("Escape")
    heads = [f"th[data-column='{name}']" for name in ("metrics.mse", "metrics.alpha", "tags.size")]
    expect(page.locator(f"{heads[0]} + {heads[1]} + {heads[2]}")).to_be_visible()

    page.reload()
    expect(page.locator(f"{heads[0]} + {heads[1]} + {heads[2]}")).to_be_visible()
    expect(rows(page).first).to_contain_text("trial 12")
    assert head.bounding_box()["width"] == width + 40  # type: ignore[index]

    edge = head.bounding_box()
    assert edge is not None
    page.mouse.move(edge["x"] + edge["width"] - 3, edge["y"] + 10)
    page.mouse.down()
    page.mouse.move(edge["x"] + edge["width"] + 47, edge["y"] + 10, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("widths=metrics.mse%3A2[89]"))
    page.locator(heads[2]).drag_to(page.locator(heads[0]))
    expect(page.locator(f"{heads[2]} + {heads[0]}")).to_be_visible()


def test_runs_are_chosen_by_keys_and_ranges_and_compared(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page("/experiments/sweep?sort=number").page
    expect(rows(page).nth(5)).to_be_visible()
    chosen = page.get_by_role("region", name="Chosen runs")
    for key in "jjx":
        page.keyboard.press(key)
    expect(rows(page).nth(1)).to_be_focused()
    expect(chosen).to_contain_text("1 run chosen")
    page.keyboard.press("c")
    expect(status(page)).to_contain_text("Choose two runs or more")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(chosen).to_contain_text("3 runs chosen")
    page.get_by_label("Choose run 7", exact=True).click(modifiers=["Shift"])
    expect(chosen).to_contain_text("6 runs chosen")
    assert page.evaluate("getSelection().toString()") == ""
    page.keyboard.press("c")
    page.wait_for_url("**/compare?runs=*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare 6 runs")
    page.go_back()
    expect(chosen).to_contain_text("6 runs chosen")
    page.keyboard.press("Escape")
    expect(chosen).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("trial 0")
    assert page.title().startswith("trial 0")


def test_groups_tell_how_metrics_do_and_open(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page("/experiments/sweep").page
    page.get_by_role("combobox", name="Group runs by").click()
    page.get_by_role("option", name="size").click()
    groups = page.get_by_role("region", name="Groups by size")
    expect(groups.locator("tbody tr")).to_have_count(4)
    expect(groups.locator("tbody tr").first).to_contain_text("10")
    groups.get_by_role("button", name="Mean mse").click()
    expect(groups.locator("tbody tr").first).to_contain_text("77.5")  # (n - 12)² + 1 for n = 0, 3, 6 … 27
    groups.get_by_role("button", name="2", exact=True).click()
    expect(status(page)).to_have_text("10 runs in this group")
    page.go_back()
    expect(status(page)).to_have_text("31 runs")
    assert "groupsort=metrics.mse" in page.url


def test_charts_beside_the_table_draw_what_is_chosen(open_page: Open, portal: Portal) -> None:
    from playwright.sync_api import expect

    page = open_page("/experiments/sweep").page
    page.get_by_role("button", name="Charts").click()
    panel = page.get_by_role("complementary", name="Charts")
    expect(panel.get_by_role("heading", level=2)).to_have_text("First 8 runs")
    expect(panel.locator("canvas")).to_have_count(2)
    page.get_by_label("Choose run 30", exact=True).check()
    page.get_by_label("Choose run 29", exact=True).check()
    expect(panel.get_by_role("heading", level=2)).to_have_text("2 chosen runs")
    expect(panel.get_by_role("group", name=re.compile("Chart of mse: 2 lines"))).to_be_visible()
    panel.get_by_label("Log y").check(force=True)
    page.get_by_label("Filter runs").fill('name = "trial 3"')
    page.get_by_label("Filter runs").press("Enter")
    expect(rows(page)).to_have_count(1)
    page.reload()
    # The chosen ones are drawn, and called by their names, though the table has none of them.
    expect(panel.get_by_role("heading", level=2)).to_have_text("2 chosen runs")
    expect(panel.locator("li").first).to_contain_text("trial 29")
    assert "log=y" in page.url


def test_chosen_runs_are_tagged_archived_restored_and_deleted(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page("/experiments/bulk").page
    for number in (1, 2, 3):
        page.get_by_label(f"Choose run {number}", exact=True).check()
    page.get_by_role("button", name="Tag", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 victim 0")
    dialog.get_by_label("Tag").fill("fate")
    dialog.get_by_label("Value").fill("sealed")
    dialog.get_by_role("button", name="Tag", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(status(page)).to_contain_text("Tagged 3 runs.")
    page.get_by_label("Filter runs").fill('tags.fate = "sealed"')
    page.get_by_label("Filter runs").press("Enter")
    expect(rows(page)).to_have_count(3)

    page.get_by_role("button", name="Archive").click()
    dialog.get_by_role("button", name="Archive 3 runs").click()
    expect(page.get_by_role("heading", name="No run matches")).to_be_visible()
    expect(status(page)).to_be_focused()  # what had the keyboard is gone
    page.get_by_role("button", name="Show the archived runs").click()
    page.get_by_label("Choose all runs that are loaded").check()
    page.get_by_role("button", name="Restore").click()
    dialog.get_by_role("button", name="Restore 3 runs").click()
    expect(page.get_by_role("heading", name="No run matches")).to_be_visible()
    page.get_by_role("button", name="Show the active runs").click()
    expect(rows(page)).to_have_count(3)

    page.get_by_label("Choose run 1", exact=True).check()
    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog.get_by_role("button", name="Cancel 1 run").click()
    expect(dialog.get_by_role("alert")).to_contain_text("has ended already")
    dialog.get_by_role("button", name="Close").last.click()
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete 1 run").click()
    expect(rows(page)).to_have_count(2)
    expect(status(page)).to_contain_text("Deleted 1 run.")


def test_the_table_as_csv_has_what_is_shown(open_page: Open) -> None:
    page = open_page("/experiments/sweep?filter=metrics.mse+%3C+6&sort=metrics.mse&columns=metrics.mse,tags.size").page
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the table as CSV").click()
    header, *lines = csv.reader(waiting.value.path().read_text("utf-8-sig").splitlines())
    assert header == ["number", "name", "run_id", "metrics.mse", "tags.size"]
    assert [(line[1], line[3], line[4]) for line in lines][:3] == [
        ("trial 12", "1", "0"),
        ("trial 11", "2", "2"),
        ("trial 13", "2", "1"),
    ]


def test_new_runs_do_not_move_what_is_read(open_page: Open, portal: Portal, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    page = open_page("/experiments/growing", height=600).page
    expect(status(page)).to_contain_text("40 runs")
    for _ in range(20):
        page.keyboard.press("j")
    focused = page.locator("tr[data-active]")
    expect(focused).to_contain_text("early 20")
    place = focused.bounding_box()
    record(portal, tmp_path, NEWCOMERS)
    expect(status(page)).to_contain_text("43 runs")
    assert focused.bounding_box() == place
    page.keyboard.press("x")
    expect(focused.get_by_role("checkbox")).to_be_checked()
    expect(focused).to_contain_text("early 20")

    top = page.locator("section[aria-label='Runs']").evaluate("box => box.scrollTop")
    assert top > 0
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("early 20")
    page.go_back()
    expect(rows(page).first).to_be_visible()
    assert page.locator("section[aria-label='Runs']").evaluate("box => box.scrollTop") == top


def test_experiments_are_searched_sorted_and_archived_with_a_way_back(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page("/experiments").page
    names = page.locator("tbody tr th a")
    page.get_by_role("button", name="Runs").click()
    expect(names.first).to_have_text(re.compile("growing|sweep"))
    page.get_by_role("button", name="Experiment").click()
    expect(names.first).to_have_text("asleep" if "asleep" in names.all_inner_texts() else "bulk")
    page.reload()
    expect(page.locator("th[aria-sort]")).to_have_text("Experiment")
    page.keyboard.press("/")
    page.keyboard.type("hostil")
    expect(names).to_have_count(1)
    page.get_by_role("button", name="Archive hostile").click()
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    expect(status(page)).to_contain_text("Archived hostile.")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(names).to_have_text(["hostile"])
    page.get_by_label("Search experiments").press("Enter")
    expect(names.first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/experiments/hostile")


def test_a_model_is_given_an_alias(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page("/models").page
    page.get_by_role("link", name="best-ridge").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("best-ridge")
    section = page.get_by_role("region", name="Aliases")
    section.get_by_label("Alias").fill("champion")
    section.get_by_role("button", name="Add").click()
    expect(section.get_by_role("listitem")).to_have_text(["champion"])
    page.go_back()
    expect(page.locator("tbody tr").filter(has_text="best-ridge")).to_contain_text("champion → 1")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="best-ridge").click()
        page.get_by_role("link", name="ridge_0.40.pkl").click()
    assert waiting.value.path().stat().st_size > 0


@pytest.fixture
def asleep(portal: Portal, tmp_path: Path) -> Iterator[None]:
    """A pool in which one run is at work and two wait; they are ended with the test."""
    record(portal, tmp_path, SLEEPERS)
    yield
    record(
        portal,
        tmp_path,
        "from azureml.core import Experiment, Workspace\n"
        "for run in Experiment(Workspace.get('portal'), 'asleep').get_runs():\n"
        "    run.get_status() in ('Completed', 'Canceled', 'Failed') or run.cancel()\n",
    )


@pytest.mark.usefixtures("asleep")
def test_a_run_is_cancelled_from_the_queue(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page("/compute?pool=narrow").page
    queue = page.get_by_role("region", name="Runs on their way").locator("tbody tr")
    expect(queue).to_have_count(3)
    expect(queue.nth(0)).to_contain_text("Running")
    expect(page.get_by_role("region", name="Pools").locator("tr[data-chosen]")).to_contain_text("1 of 1")
    expect(queue.nth(1).locator("td").nth(2)).to_have_text("1")
    expect(queue.nth(2).locator("td").nth(2)).to_have_text("2")
    expect(queue.nth(2)).to_contain_text("--n 2")
    queue.nth(1).get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the run").click()
    expect(queue).to_have_count(2)
    expect(queue.nth(1)).to_contain_text("--n 2")
    expect(queue.nth(1).locator("td").nth(2)).to_have_text("1")
    expect(page.locator("main [role=status]")).to_contain_text("is being cancelled")
