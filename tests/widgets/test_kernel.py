"""``show()`` in a real kernel, as programs execute notebooks: what is left in the file, and in its HTML."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from milepost.widgets.view import MODULE

pytestmark = pytest.mark.skipif(not MODULE.is_file(), reason="the widget's page is not built: make web")

START = """
from azureml.core import Experiment, Workspace
from azureml.widgets import RunDetails
run = Experiment(Workspace.get("kernel"), "e").start_logging(snapshot_directory=None, display_name="the run")
"""
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def execute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Execute the cells of a notebook, as ``jupyter execute`` does."""
    monkeypatch.setenv("MILEPOST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))

    def run(*cells: str) -> nbformat.NotebookNode:
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
        return notebook

    return run


def outputs(notebook: nbformat.NotebookNode, cell: int) -> list[dict[str, str]]:
    return [each["data"] for each in notebook.cells[cell].outputs if "data" in each]


def test_a_run_that_trains_in_the_notebook_is_left_with_its_last_state(execute: object) -> None:
    notebook = execute(  # type: ignore[operator]
        START + "RunDetails(run).show()",
        "import time\nfor step in range(20):\n    run.log('loss', 1 / (step + 1)); time.sleep(0.05)",
        "run.log('verdict', 'good')\nrun.complete()",
    )
    view, picture = outputs(notebook, 0)
    assert view["text/html"] == ""
    assert VIEW in view
    for told in ("Completed", "the run", "0.05", "good"):
        assert told in picture["text/html"]
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    model = state[view[VIEW]["model_id"]]
    assert model["model_module"] == "anywidget"
    assert model["state"]["run"]["run"]["status"] == "Completed"
    assert model["state"]["told"]["ended"]
    assert len(json.dumps(model)) < 2_000_000


@pytest.mark.parametrize("with_state", [True, False])
def test_its_html_has_the_picture_whether_or_not_the_state_of_widgets_was_kept(
    execute: object, with_state: bool
) -> None:
    from nbconvert import HTMLExporter

    notebook = execute(START + "run.log('loss', 0.5)\nrun.complete()\nRunDetails(run).show()")  # type: ignore[operator]
    if not with_state:
        del notebook.metadata["widgets"]
    html, _ = HTMLExporter().from_notebook_node(notebook)
    assert "milepost-picture" in html
    assert "Completed" in html
    assert (f'type="{VIEW}"' in html) is with_state


def test_a_run_as_the_last_value_of_a_cell_is_shown(execute: object) -> None:
    notebook = execute(START + "run.complete()\nRunDetails(run)")  # type: ignore[operator]
    view, picture = outputs(notebook, 0)
    assert VIEW in view
    assert "Completed" in picture["text/html"]


def test_without_anywidget_the_picture_is_kept_up_to_date_and_says_what_to_install(execute: object) -> None:
    notebook = execute(  # type: ignore[operator]
        "import sys\nsys.modules['anywidget'] = None\n" + START + "RunDetails(run).show()",
        "run.log('loss', 0.5)\nrun.tag('stage', 'prod')\nrun.complete()",
    )
    (picture,) = outputs(notebook, 0)
    assert "milepost[notebook]" in picture["text/html"]
    assert "Completed" in picture["text/html"]
    assert "prod" in picture["text/html"]


def test_a_cell_that_shows_the_run_again_ends_what_it_showed_before(execute: object) -> None:
    threads = "[each.name for each in __import__('threading').enumerate() if 'milepost-widget' in each.name]"
    notebook = execute(  # type: ignore[operator]
        START + "from milepost.widgets import run_details\nnumber = 0\n"
        "run_details.executed_cell = lambda: ('the cell', str(number))",
        "import time\nfor number in range(5): RunDetails(run).show()\n"
        f"until = time.monotonic() + 60\nwhile len({threads}) > 1 and time.monotonic() < until: time.sleep(0.1)\n"
        f"{threads}",
    )
    result = next(each for each in notebook.cells[1].outputs if each.output_type == "execute_result")
    assert result["data"]["text/plain"].count("milepost-widget") == 1


def test_the_facade_loads_no_widget_library_before_a_run_is_shown() -> None:
    code = (
        "import sys; from azureml.widgets import RunDetails; "
        "print([m for m in ('ipywidgets', 'anywidget', 'IPython', 'numpy', 'sqlalchemy') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_show_comes_back_while_the_store_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the store is waited for but the first picture, and that not for long."""
    from milepost.widgets.feed import Feed

    class Stuck:
        def __getattr__(self, name: str) -> object:
            def wait(*_: object) -> object:
                threading.Event().wait(60)
                return None

            return wait

    feed = Feed(Stuck(), "run")  # type: ignore[arg-type]
    feed.start()
    began = time.monotonic()
    assert not feed.wait_first(0.2)
    feed.look_now(0.05)
    feed.close()
    assert time.monotonic() - began < 30
