"""What a measure is told to do, and how it answers and starts helpers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

WORKER = Path(__file__).with_name("worker.py")


@dataclass
class Job:
    """One measure of one tool."""

    out: IO[str]
    began: float
    """``time.perf_counter()`` when the process's own code began."""
    tool: str
    folder: str
    """Where the tool keeps its files."""
    count: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return Path(self.folder)

    def tell(self, result: object) -> None:
        """Write one line of JSON to whoever started this process."""
        self.out.write(json.dumps(result) + "\n")

    def spawn(
        self, measure: str, count: int = 0, *, pass_fds: Sequence[int] = (), **more: Any
    ) -> subprocess.Popen[str]:
        """Start a helper for the same tool in the same folder; talk to it through its stdin and stdout."""
        parameters = {"tool": self.tool, "folder": self.folder, "count": count, "more": more}
        return subprocess.Popen(
            [sys.executable, str(WORKER), measure, json.dumps(parameters)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=pass_fds,
        )


def answer(process: subprocess.Popen[str]) -> Any:
    """The next line of JSON from a helper.  Raises RuntimeError if it ended instead."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a helper process ended with exit code {process.wait()} before it answered")
    return json.loads(line)


def say(process: subprocess.Popen[str], word: str) -> None:
    """Send a helper a line."""
    assert process.stdin is not None
    process.stdin.write(word + "\n")
    process.stdin.flush()
