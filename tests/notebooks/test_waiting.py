"""``wait_for_completion(show_output=True)`` in the cell of a notebook."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from azureml.core import Workspace
from tests.notebooks.conftest import Notebook

SUBMIT = """
    run = experiment.submit(ScriptRunConfig("../source", "train.py"))
    run.wait_for_completion(show_output=True)["status"]
"""


def _script(source: Path, text: str) -> None:
    (source / "train.py").write_text(textwrap.dedent(text))


def _wait_for(path: Path) -> str:
    """Lines of a script that waits until there is a file."""
    return f"while not os.path.exists({str(path)!r}): time.sleep(0.02)"


def test_the_log_comes_as_it_is_written_between_where_the_run_is_and_how_it_ended(
    notebook: Notebook, source: Path, ws: Workspace, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    _script(source, f"import os, time\nprint('first', flush=True)\n{_wait_for(go)}\nprint('\\x1b[31msecond\\x1b[0m')")
    until = notebook.begin(SUBMIT)
    until(lambda output: "first\n" in output.stdout)
    assert "second" not in until(lambda output: True).stdout
    go.touch()
    output = until(lambda output: output.idle)
    run = next(iter(ws.experiments["exp"].get_runs()))
    url = run.get_portal_url()
    log = "Streaming azureml-logs/70_driver_log.txt"
    assert output.stdout == (
        f"RunId: {run.id}\nWeb View: {url}\n\n{log}\n{'=' * len(log)}\n\nfirst\n\x1b[31msecond\x1b[0m\n"
        f"\nExecution Summary\n=================\nRunId: {run.id}\nWeb View: {url}\n\n"
    )
    assert [each["text/plain"] for each in output.shown] == ["", "'Completed'"]


def test_a_progress_bar_in_the_log_is_one_line_and_few_messages(notebook: Notebook, source: Path) -> None:
    _script(
        source,
        """
        import sys
        for step in range(20_001):
            sys.stderr.write(f"\\r{step / 200:5.1f}% {step}/20000")
        print("\\ndone")
        """,
    )
    output = notebook.run(SUBMIT)
    assert output.stdout.count("%") <= 2 * len(output.times)
    assert len(output.stdout) < 20_000
    last = output.stdout[: output.stdout.index("\ndone\n")].rpartition("\r")[2]
    assert last == "100.0% 20000/20000"


def test_of_a_long_log_the_cell_keeps_the_beginning_and_the_end(
    notebook: Notebook, source: Path, ws: Workspace
) -> None:
    _script(
        source,
        """
        for line in range(300_000):
            print(f"line {line:6} " + "x" * 88)
        """,
    )
    output = notebook.run(SUBMIT)
    assert output.bytes < 3_000_000
    assert "\nline      0 " in output.stdout
    assert output.stdout.endswith("\n\n")
    assert "Execution Summary" in output.stdout
    _, window, status = (each["text/plain"] for each in output.shown)
    assert "The whole log: http" in window
    assert "70_driver_log.txt" in window
    assert window.endswith(f"line 299999 {'x' * 88}\n")
    assert status == "'Completed'"


def test_interrupting_the_cell_ends_the_waiting_and_not_the_run(
    notebook: Notebook, source: Path, ws: Workspace, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    _script(source, f"import os, time\nprint('begun', flush=True)\n{_wait_for(go)}\nprint('ended well')")
    until = notebook.begin(SUBMIT)
    until(lambda output: "begun\n" in output.stdout)
    notebook.manager.interrupt_kernel()
    output = until(lambda output: output.idle)
    assert output.error == "KeyboardInterrupt"
    run = next(iter(ws.experiments["exp"].get_runs()))
    assert f"Stopped waiting for run {run.id}, which goes on." in output.texts["stderr"]
    assert run.get_status() not in ("Completed", "Failed", "Canceled", "CancelRequested")
    go.touch()
    again = notebook.run("run.wait_for_completion(show_output=True)['status']")
    assert "begun\nended well\n" in again.stdout
    assert again.shown[-1]["text/plain"] == "'Completed'"


def test_a_run_that_counts_its_steps_has_a_bar(notebook: Notebook, source: Path, ws: Workspace, tmp_path: Path) -> None:
    go = tmp_path / "go"
    _script(
        source,
        f"""
        import os, time
        from azureml.core import Run
        run = Run.get_context()
        run.set_progress(1_000, 4_000)
        {_wait_for(go)}
        run.set_progress(4_000)
        """,
    )
    until = notebook.begin(SUBMIT)
    bar: dict[str, Any] = until(lambda output: any(each["text/plain"] for each in output.shown)).shown[0]
    assert bar["text/plain"] == "1,000 of 4,000"
    assert bar["text/html"].startswith('<progress value="0.250000" max="1"')
    go.touch()
    output = until(lambda output: output.idle)
    assert [each["text/plain"] for each in output.shown] == ["4,000 of 4,000", "'Completed'"]


def test_without_output_a_cell_stays_empty(notebook: Notebook, source: Path) -> None:
    _script(source, "print('printed')")
    output = notebook.run(
        """
        run = experiment.submit(ScriptRunConfig("../source", "train.py"))
        details = run.wait_for_completion()
        """
    )
    assert output.texts == {"stdout": "", "stderr": ""}
    assert output.shown == []


def test_the_pieces_of_a_log_are_not_held_back(notebook: Notebook, source: Path) -> None:
    _script(
        source,
        """
        import time
        for line in range(12):
            print("line", line, flush=True)
            time.sleep(0.25)
        """,
    )
    output = notebook.run(SUBMIT)
    with_lines = [text for _, text in output.times if "line" in text]
    assert len(with_lines) >= 3
