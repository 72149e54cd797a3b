"""A real Jupyter kernel, and what its cells put out."""

from __future__ import annotations

import queue
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

# What tests of the SDK share: a home, its workspace, a folder of scripts.
from tests.sdk.conftest import home, source, team, ws  # noqa: F401

WAIT_S = 120.0


@dataclass
class Output:
    """What one cell has put out, as a front end shows it."""

    shown: list[dict[str, Any]] = field(default_factory=list)
    """Displays and results (type -> content), each as it was replaced last."""
    texts: dict[str, str] = field(default_factory=lambda: {"stdout": "", "stderr": ""})
    times: list[tuple[float, str]] = field(default_factory=list)
    """When each piece of standard output came (monotonic)."""
    messages: int = 0
    bytes: int = 0
    error: str | None = None
    """The name of the exception that ended it."""
    idle: bool = False
    _places: dict[str, int] = field(default_factory=dict)

    @property
    def stdout(self) -> str:
        return self.texts["stdout"]

    def take(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        self.messages += 1
        self.bytes += len(str(content))
        if kind == "stream":
            self.texts[content["name"]] += content["text"]
            if content["name"] == "stdout":
                self.times.append((time.monotonic(), content["text"]))
        elif kind in ("display_data", "execute_result", "update_display_data"):
            place = content.get("transient", {}).get("display_id")
            if kind == "update_display_data":
                if place in self._places:  # or it stands in another cell
                    self.shown[self._places[place]] = content["data"]
                return
            if place:
                self._places[place] = len(self.shown)
            self.shown.append(content["data"])
        elif kind == "error":
            self.error = content["ename"]
        elif kind == "status" and content["execution_state"] == "idle":
            self.idle = True


class Notebook:
    """A kernel in the test's working directory."""

    def __init__(self) -> None:
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(kernel_name="python3")

    def begin(self, cell: str) -> Callable[[Callable[[Output], bool]], Output]:
        """Begin to execute a cell; what is given back waits until something is true of its output, and gives it."""
        asked = self.client.execute(textwrap.dedent(cell))
        output = Output()

        def until(condition: Callable[[Output], bool]) -> Output:
            end = time.monotonic() + WAIT_S
            while not condition(output):
                assert time.monotonic() < end, output
                try:
                    message = self.client.get_iopub_msg(timeout=1)
                except queue.Empty:
                    continue
                if message["parent_header"].get("msg_id") == asked:
                    output.take(message)
            return output

        return until

    def run(self, cell: str) -> Output:
        """Execute a cell that ends well."""
        output = self.begin(cell)(lambda output: output.idle)
        assert output.error is None, output
        return output

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def agents_end(home: Path) -> Iterator[None]:  # noqa: F811
    """What was submitted is cancelled when the test ends, and its agent goes."""
    from milepost.jobs.agent_start import stop_agent
    from milepost.jobs.job import Request, ask, job_folders

    yield
    until = time.monotonic() + 60
    for folder in (home / "workspaces").glob("*"):
        while not stop_agent(folder, 0.5):
            assert time.monotonic() < until, "submitted runs do not end"
            for job in job_folders(folder):
                ask(job, Request("Canceled", None))


@pytest.fixture
def notebook(ws: Any, source: Path, agents_end: None) -> Iterator[Notebook]:  # noqa: F811
    """A notebook with the workspace "test" as ``ws``; scripts go into the folder "../source"."""
    opened = Notebook()
    try:
        opened.run(
            """
            from azureml.core import Environment, Experiment, Model, Run, ScriptRunConfig, Workspace
            ws = Workspace.get("test")
            experiment = Experiment(ws, "exp")
            """
        )
        yield opened
    finally:
        opened.close()
