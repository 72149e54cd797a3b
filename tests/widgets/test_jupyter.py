"""The widget as its user sees it: real JupyterLab and Notebook 7 in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from milepost.widgets.view import MODULE
from tests.browser.conftest import browser
from tests.conftest import only_thorough
from tests.widgets.jupyter import WAIT_MS, Jupyter, Opened, open_notebook, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser"]

pytestmark = [
    pytest.mark.skipif(not MODULE.is_file(), reason="the widget's page is not built: make web"),
    pytest.mark.xdist_group("jupyter"),
    pytest.mark.timeout(300),
]

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"

START = """
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.widgets import RunDetails
ws = Workspace.get("notebooks")
"""

TRAIN = """
import pathlib, sys, time
from azureml.core import Run
run = Run.get_context()
go = pathlib.Path(sys.argv[1])
for step in range(40):
    run.log("loss", 1 / (step + 1))
    run.set_progress(step + 1, 40)
    print(f"\\x1b[32mepoch {step}\\x1b[0m", flush=True)
    while step == 19 and not go.exists():
        time.sleep(0.05)
    time.sleep(0.05)
"""

SWEEP = (
    START
    + """
run = Experiment(ws, "sweep").start_logging(snapshot_directory=None, display_name="the sweep")
run.add_properties({"primary_metric_config": '{"name": "mse", "goal": "minimize"}'})
for number in (2, 0, 1):
    with run.child_run(f"trial {number}") as child:
        for step in range(5):
            child.log("mse", number + 1 / (step + 1))
        child.tag("size", str(10 - number))
run.log_confusion_matrix("confusion", {"schema_type": "confusion_matrix", "schema_version": "1.0.0",
    "data": {"class_labels": ["cat", "dog"], "matrix": [[5, 1], [2, 7]]}})
run.log_table("scores", {"name": ["ann", "bob"], "score": [1, 2]})
run.log("verdict", "good")
run.complete()
RunDetails(run)
"""
)

HOSTILE = (
    START
    + r"""
import pathlib
EVIL = "<img src=x onerror=\"window.stolen=1;alert(1)\"></pre><script>window.stolen=2</script>"
run = Experiment(ws, "hostile").start_logging(snapshot_directory=None, display_name=EVIL)
run.tag(EVIL, EVIL); run.add_properties({EVIL: "javascript:alert(1)"})
for step in range(3):
    run.log(EVIL, step)
run.log("text", EVIL); run.log("link", "javascript:alert(1)")
run.log_table("table " + EVIL, {EVIL: [EVIL, EVIL]})
pathlib.Path("evil.svg").write_text(
    "<svg xmlns='http://www.w3.org/2000/svg' onload='window.stolen=3'><script>alert(1)</script></svg>")
run.log_image("svg " + EVIL, path="evil.svg")
pathlib.Path("evil.png").write_text("<html><script>window.stolen=4</script></html>")
run.log_image("png " + EVIL, path="evil.png")
pathlib.Path("log.txt").write_text(EVIL + "\n\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07\n")
run.upload_file("logs/evil.txt", "log.txt")
run.log_confusion_matrix("confusion " + EVIL, {"schema_type": "confusion_matrix", "schema_version": "1.0.0",
    "data": {"class_labels": [EVIL, EVIL], "matrix": [[1, 0], [0, 1]]}})
with run.child_run(EVIL) as child:
    child.log(EVIL, 1); child.tag(EVIL, EVIL)
run.fail(EVIL)
RunDetails(run).show()
"""
)


TRIALS = (
    START
    + r"""
EVIL = "<img src=x onerror=\"window.stolen=1;alert(1)\"></svg><script>window.stolen=2</script>"
run = Experiment(ws, "tuned").start_logging(snapshot_directory=None, display_name="tuned")
run.add_properties({"primary_metric_config": '{"name": "mse", "goal": "minimize"}'})
for number in range(60):
    child = run.child_run(f"trial {number}", run_id=f"{run.id}_{number}")
    child._say("params", {"set": {"rate": str(number / 60), EVIL: EVIL + str(number % 3)}})
    child.log("mse", abs(number - 40))
    child.complete()
run.complete()
RunDetails(run)
"""
)


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    folder = tmp_path_factory.mktemp("jupyter")
    server = Jupyter(folder / "notebooks", folder / "private", folder / "home")
    server.start()
    yield server
    server.stop()


Open = Callable[..., Opened]


@pytest.fixture
def open_in(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a notebook; what is left open where a test has failed is kept as a picture beside its other files."""
    opened: list[Opened] = []

    def start(jupyter: Jupyter, front: str, name: str) -> Opened:
        opened.append(open_notebook(browser, jupyter.address(front, name)))
        return opened[-1]

    yield start
    for number, each in enumerate(opened):
        if not each.page.is_closed():
            each.page.screenshot(path=str(tmp_path / f"left-open-{number}.png"))
            each.close()


def points_of(opened: Opened, metric: str) -> int:
    """How many points the chart of a metric says that it has."""
    label = (
        opened.widget().get_by_role("group", name=re.compile(f"Chart of {metric}")).first.get_attribute("aria-label")
    )
    found = re.search(r"(\d+) points", label or "")
    return int(found[1]) if found else 0


def until(opened: Opened, holds: object, what: str) -> None:
    for _ in range(WAIT_MS // 200):
        if callable(holds) and holds():
            return
        opened.page.wait_for_timeout(200)
    raise AssertionError(f"waited too long: {what}; {opened.trouble}")


@pytest.mark.parametrize("front", ["lab", pytest.param("notebook", marks=only_thorough)])
def test_a_submitted_run_is_watched_to_its_end_while_a_cell_waits_for_it(
    jupyter: Jupyter, open_in: Open, front: str
) -> None:
    source = jupyter.folder / f"src-{front}"
    source.mkdir()
    (source / "train.py").write_text(TRAIN)
    go = jupyter.folder / f"go-{front}"
    write_notebook(
        jupyter.folder / f"submitted-{front}.ipynb",
        START
        + f"""
run = Experiment(ws, "{front}").submit(ScriptRunConfig({source.name!r}, "train.py", arguments=[{str(go)!r}]))
RunDetails(run).show()
""",
        "run.wait_for_completion()['status']",
    )
    opened = open_in(jupyter, front, f"submitted-{front}.ipynb")
    opened.run_cell(0)
    opened.run_cell(1, wait=False)
    widget = opened.widget()
    widget.get_by_text("Running").wait_for(timeout=WAIT_MS)
    # The chart grows while the kernel is busy with the cell that waits.
    until(opened, lambda: 0 < points_of(opened, "loss") <= 20, "the first points")
    until(opened, lambda: points_of(opened, "loss") == 20, "the points before the script waits")
    assert opened.page.locator(".jp-InputPrompt").nth(1).inner_text().strip() == "[*]:"
    assert not opened.picture().is_visible()
    widget.get_by_role("tab", name="Logs").click()
    widget.get_by_text("epoch 19").wait_for(timeout=WAIT_MS)
    widget.get_by_text(re.compile("20 of 40")).wait_for(timeout=WAIT_MS)
    go.touch()
    widget.get_by_text("epoch 39").wait_for(timeout=WAIT_MS)
    widget.get_by_text("Completed").wait_for(timeout=WAIT_MS)
    widget.get_by_role("tab", name="Metrics").click()
    until(opened, lambda: points_of(opened, "loss") == 40, "all points")
    assert opened.trouble == []
    opened.close()


def test_child_runs_are_best_first_and_open_while_a_cell_is_executed(jupyter: Jupyter, open_in: Open) -> None:
    gate = jupyter.folder / "gate"
    write_notebook(
        jupyter.folder / "sweep.ipynb",
        SWEEP,
        f"import pathlib, time\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.05)",
    )
    opened = open_in(jupyter, "lab", "sweep.ipynb")
    opened.run_cell(0)
    opened.run_cell(1, wait=False)
    widget = opened.widget()
    widget.get_by_role("tab", name=re.compile("Child runs")).click()
    rows = widget.locator("tbody tr")
    until(opened, lambda: rows.count() == 3, "three child runs")
    named = "tr => tr.querySelector('button').textContent"
    assert [row.evaluate(named) for row in rows.all()] == ["trial 0", "trial 1", "trial 2"]
    widget.get_by_role("button", name="size").click()
    assert [row.evaluate(named) for row in rows.all()] == ["trial 2", "trial 1", "trial 0"]
    widget.get_by_role("button", name="trial 1").click()
    widget.get_by_role("heading", name="trial 1").wait_for(timeout=WAIT_MS)
    until(opened, lambda: points_of(opened, "mse") == 5, "the child's chart")
    widget.get_by_role("button", name="Back to the sweep").click()
    until(opened, lambda: widget.get_by_role("heading", name="the sweep").is_visible(), "the way back")
    gate.touch()
    assert opened.trouble == []
    if AXE.is_file():
        opened.page.add_script_tag(path=str(AXE))
        for tab in ("Metrics", "Images", "Logs", "Child runs", "Details"):
            widget.get_by_role("tab", name=re.compile(tab)).click()
            opened.page.wait_for_timeout(300)
            found = opened.page.evaluate(
                "async () => (await axe.run('.jp-OutputArea-output')).violations"
                ".filter(v => ['serious', 'critical'].includes(v.impact))"
                ".map(v => `${v.id}: ${v.nodes.map(n => n.html).join(' | ')}`)"
            )
            assert found == [], tab
    opened.close()


def test_a_sweep_shows_its_best_so_far_and_its_parameters_whose_lines_open_trials(
    jupyter: Jupyter, open_in: Open
) -> None:
    path = jupyter.folder / "trials.ipynb"
    write_notebook(path, TRIALS)
    opened = open_in(jupyter, "lab", path.name)
    opened.run_cell(0)
    widget = opened.widget()
    until(opened, lambda: points_of(opened, "Best mse so far") == 120, "the best so far, and each trial")
    lines = widget.locator("path[data-run]")
    until(opened, lambda: lines.count() == 60, "a line a trial")
    assert lines.last.get_attribute("data-run").endswith("_40")  # type: ignore[union-attr]
    plot = widget.get_by_role("region", name="Parameters and result")
    plot.scroll_into_view_if_needed()
    axis = plot.locator("rect[class*=reach]").last.bounding_box()
    assert axis is not None
    middle = axis["x"] + axis["width"] / 2
    opened.page.mouse.move(middle, axis["y"] + axis["height"])
    opened.page.mouse.down()
    opened.page.mouse.move(middle, axis["y"] + axis["height"] * 0.9, steps=3)
    opened.page.mouse.up()
    plot.get_by_text(re.compile(r"^\d of 60 trials are within the ranges")).wait_for(timeout=WAIT_MS)
    lines.last.dispatch_event("mouseover")
    plot.get_by_text(re.compile("trial 40 .*rate: 0.666667.*mse: 0")).wait_for(timeout=WAIT_MS)
    assert widget.evaluate("w => w.querySelectorAll('script, img[src=x]').length") == 0
    lines.last.dispatch_event("click")
    widget.get_by_role("heading", name="trial 40").wait_for(timeout=WAIT_MS)
    assert opened.page.evaluate("window.stolen") is None
    assert opened.trouble == []
    opened.close()


def test_what_a_script_has_named_does_not_run_in_the_notebook(jupyter: Jupyter, open_in: Open) -> None:
    path = jupyter.folder / "hostile.ipynb"
    write_notebook(path, HOSTILE)
    opened = open_in(jupyter, "lab", path.name)
    opened.run_cell(0)
    widget = opened.widget()
    for tab in ("Metrics", "Images", "Logs", "Child runs", "Details"):
        widget.get_by_role("tab", name=re.compile(tab)).click()
        opened.page.wait_for_timeout(500)
        made = widget.evaluate(
            "w => [...w.querySelectorAll('script, iframe, object, img[src=x], a[href^=java]')].length"
        )
        assert made == 0, tab
    widget.get_by_role("tab", name=re.compile("Child runs")).click()
    widget.locator("tbody button").first.click()
    widget.get_by_role("button", name=re.compile("Back")).wait_for(timeout=WAIT_MS)
    opened.page.wait_for_timeout(1000)
    opened.save(path)
    assert opened.page.evaluate("window.stolen") is None
    assert opened.trouble == []
    opened.close()
    # The static picture, in a notebook that was made here and is trusted: with its kernel the widget would come back.
    jupyter.end_kernels()
    again = open_in(jupyter, "lab", path.name)
    again.picture().wait_for(timeout=WAIT_MS)
    again.page.wait_for_timeout(500)
    assert again.picture().evaluate("p => p.querySelectorAll('script, svg, iframe, img[src=x], a').length") == 0
    assert again.page.evaluate("window.stolen") is None
    assert [each for each in again.trouble if "widget model not found" not in each] == []
    again.close()


def test_the_last_state_stays_when_the_kernel_is_gone(jupyter: Jupyter, open_in: Open, tmp_path: Path) -> None:
    path = jupyter.folder / "kept.ipynb"
    write_notebook(
        path,
        START
        + """
run = Experiment(ws, "kept").start_logging(snapshot_directory=None, display_name="the kept run")
RunDetails(run).show()
""",
        "for step in range(50):\n    run.log('loss', 1 / (step + 1))\nrun.tag('stage', 'prod')\nrun.complete()",
    )
    opened = open_in(jupyter, "lab", path.name)
    opened.run_cell(0)
    opened.run_cell(1)
    opened.widget().get_by_text("Completed").wait_for(timeout=WAIT_MS)

    # A restarted kernel knows nothing of the widget; what it showed stays.
    opened.page.get_by_text("Kernel", exact=True).first.click()
    opened.page.get_by_text("Restart Kernel…", exact=True).click()
    opened.page.get_by_role("button", name="Confirm Kernel Restart").click()
    opened.page.wait_for_function(
        "() => document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'", timeout=WAIT_MS
    )
    assert opened.widget().get_by_text("Completed").is_visible()
    assert points_of(opened, "loss") == 50
    saved = opened.save(path)
    opened.close()
    # A busy machine may be told of in words beside them.
    assert [sorted(each["data"]) for each in saved["cells"][0]["outputs"] if "data" in each] == [
        ["application/vnd.jupyter.widget-view+json", "text/html", "text/plain"],
        ["text/html", "text/plain"],
    ]

    def check_picture(shown: Opened) -> None:
        shown.picture().wait_for(timeout=WAIT_MS)
        told = shown.picture().inner_text()
        for words in ("the kept run", "Completed", "loss", "0.02"):
            assert words in told
        chart = shown.picture().locator("img").first
        chart.scroll_into_view_if_needed()
        assert chart.evaluate("image => image.complete && image.naturalWidth > 0")

    # Opened again without its kernel: the picture, and no words about a model that is not there.
    jupyter.end_kernels()
    again = open_in(jupyter, "lab", path.name)
    check_picture(again)
    again.page.wait_for_timeout(2000)
    assert not again.page.get_by_text("model not found").is_visible()
    again.close()

    # On another machine, where it is not trusted: front ends clean its HTML.
    saved["cells"].append({**saved["cells"][1], "id": "other", "source": "1", "outputs": []})
    elsewhere = Jupyter(tmp_path / "notebooks", tmp_path / "private", tmp_path / "home")
    elsewhere.start()
    try:
        (elsewhere.folder / path.name).write_text(json.dumps(saved))
        untrusted = open_in(elsewhere, "notebook", path.name)
        check_picture(untrusted)
        assert untrusted.page.locator(".milepost-picture style").count() == 0
        untrusted.close()
    finally:
        elsewhere.stop()
    shutil.rmtree(tmp_path / "notebooks")
