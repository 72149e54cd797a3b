"""A training process that does what a test tells it, step by step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

_LOOP = """
import json, sys, time, traceback
def main():
    names = {"__name__": "__main__"}
    for line in sys.stdin:
        begun = time.perf_counter()
        answer = {}
        try:
            exec(json.loads(line), names)
            answer["value"] = names.pop("result", None)
        except BaseException as error:
            answer["error"] = type(error).__name__ + ": " + str(error)
        answer["took"] = time.perf_counter() - begun
        print(json.dumps(answer), flush=True)
main()
"""
_BEGIN = """
import os, sys, time
from milepost.sdk.recording import drain
from milepost.sdk.recording import recorder
from milepost.store import engine, migrate
engine.BUSY_TIMEOUT_S, engine._BEGIN_TRIES, migrate._WAL_WAIT_S = 0.3, 2, 1.0
recorder.EXIT_TIMEOUT_S = 5.0
"""
_RUN = """
from azureml.core import Experiment, Run, Workspace
ws = Workspace.get("test")
run = Experiment(ws, "exp").start_logging(snapshot_directory=None)
"""


class Trouble(Exception):
    """What the process was told to do raised this."""


@dataclass
class Answer:
    """``value``: of the variable ``result``; ``took``: in seconds."""

    value: Any
    took: float


class Training:
    """A process with an open run ``run`` in the workspace "test".

    It waits less long for a locked database than is usual, so that tests end in time.
    """

    def __init__(self, *arguments: str, begin: str = "", run: bool = True, env: dict[str, str] | None = None) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by __exit__
        self._process = subprocess.Popen(
            [sys.executable, *arguments, "-c", _LOOP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **(env or {})},
        )
        self.do(_BEGIN)
        if begin:
            self.do(begin)
        if run:
            self.do(_RUN)

    def do(self, source: str) -> Answer:
        """Execute this there.  Raises Trouble where it raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(textwrap.dedent(source)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process died ({self._process.wait()}):\n{self.said()}"
        answer = json.loads(line)
        if "error" in answer:
            raise Trouble(answer["error"])
        return Answer(answer["value"], answer["took"])

    def said(self) -> str:
        """What it wrote to standard error so far."""
        self._errors.seek(0)
        return self._errors.read()

    def warnings(self) -> list[str]:
        """The warnings so far.  Nothing else may have been said, least of all a traceback."""
        found = []
        for line in self.said().splitlines():
            _, is_warning, text = line.partition("RuntimeWarning: ")
            if is_warning:
                found.append(text)
            else:
                # The line of source that Python shows below a warning.
                assert line.startswith("  "), self.said()
                assert "File " not in line, self.said()
        return found

    def ends(self, code: int = 0) -> Sequence[str]:
        """Let it come to its end, and give its warnings."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(timeout=120) == code, self.said()
        return self.warnings()

    def __enter__(self) -> Training:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._errors.close()
