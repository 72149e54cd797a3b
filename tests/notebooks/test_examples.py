"""The notebooks of examples/ run from their first cell to their last, and so does the article's own code."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Experiment, Workspace
from milepost.sdk.recording.recorder import close_recorder
from tests.notebooks.conftest import Notebook

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOTEBOOKS = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))

FINISHED = {
    "compare-runs": ["Completed"] * 9,
    "logging-api": ["Completed"] * 2,
    "manage-runs": ["Completed", "Failed", "Completed", "Canceled"],
    "train-on-local": ["Completed", "Failed"],
    "train-within-notebook": ["Completed"] * 2,
}
"""Name of a notebook, and of its experiment -> how its runs end, in the order of their starts."""
MODELS = {
    "compare-runs": "diabetes-boosting",
    "train-on-local": "best-ridge",
    "train-within-notebook": "diabetes-ridge",
}


def _read(path: Path) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)


def test_each_example_is_tested() -> None:
    assert [path.stem for path in NOTEBOOKS] == list(FINISHED)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_example_is_kept_without_outputs(path: Path) -> None:
    for cell in _read(path).cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count, dict(cell.metadata)) == ([], None, {})


@pytest.mark.usefixtures("home", "agents_end")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_example_runs_to_its_end(path: Path) -> None:
    from nbclient import NotebookClient

    notebook = _read(path)
    NotebookClient(notebook, timeout=240, kernel_name="python3").execute()

    ws = Workspace.get("default")
    runs = sorted(Experiment(ws, path.stem).get_runs(), key=lambda run: run.number)
    assert [run.get_status() for run in runs] == FINISHED[path.stem]
    if path.stem in MODELS:
        assert ws.models[MODELS[path.stem]].run_id in {run.id for run in runs}
    for cell in notebook.cells:
        shown = [output for output in cell.get("outputs", []) if output.get("name") == "stderr"]
        # The first cell tells which workspace is taken; nothing else is amiss.
        assert all(
            "no config.json found" in output["text"] or "made the workspace" in output["text"] for output in shown
        )
    close_recorder(ws._recorder)


SETUP, TRAIN = (EXAMPLES / "train_within_notebook.py").read_text().split("os.makedirs('outputs', exist_ok = True)")
SUBMIT = """
from azureml.core import Environment

# Editing a run configuration property on-fly.
user_managed_env = Environment("user-managed-env")

user_managed_env.python.user_managed_dependencies = True
---
from azureml.core import ScriptRunConfig

exp = Experiment(workspace=ws, name="train-on-local")
src = ScriptRunConfig(source_directory='./', script='train.py')
src.run_config.environment = user_managed_env
run = exp.submit(src)
---
from azureml.widgets import RunDetails
RunDetails(run).show()
---
run.wait_for_completion(show_output = True)["status"]
---
print(run.get_portal_url())
---
run.get_metrics()
---
run
"""


def test_the_first_part_of_the_article_in_cells(notebook: Notebook, ws: Workspace) -> None:
    notebook.run(SETUP.replace("Workspace.from_config()", 'Workspace.get("test")'))
    notebook.run("import os\nos.makedirs('outputs', exist_ok = True)")
    output = notebook.run(TRAIN)
    assert output.stdout.startswith("Mean Squared Error is 3")
    shown = notebook.run("run").shown[0]
    run = next(Experiment(ws, "train-within-notebook").get_runs())
    assert run.id in shown["text/html"]
    assert shown["text/plain"].startswith("Run(Experiment: train-within-notebook,\nId: ")
    assert run.get_file_names() == ["outputs/model.pkl"]
    assert run.get_status() == "Completed"


def test_the_second_part_of_the_article_in_cells(notebook: Notebook, ws: Workspace) -> None:
    for name in ("train.py", "mylib.py"):
        shutil.copy(EXAMPLES / "train_on_local" / name, name)
    outputs = [notebook.run(cell) for cell in SUBMIT.split("---\n")]
    run = next(Experiment(ws, "train-on-local").get_runs())
    widget, waited, address, metrics, shown = outputs[2:]
    assert widget.shown
    assert "alpha is 0.95, and mse is" in waited.stdout
    assert waited.shown[-1]["text/plain"] == "'Completed'"
    assert address.stdout == f"{run.get_portal_url()}\n"
    assert "'mse': [3" in metrics.shown[0]["text/plain"]
    assert run.id in shown.shown[0]["text/html"]
