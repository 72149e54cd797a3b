"""`milepost server` as a command: what it says, and what it serves while it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import httpx
import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

CLI = (sys.executable, "-c", "from milepost.cli import main; main()", "server")


def told(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a command that ends by itself says."""
    return subprocess.run(
        [*CLI, *arguments], capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **variables}
    )


class Running:
    """A server that was started by its command."""

    def __init__(self, process: subprocess.Popen[str], line: str) -> None:
        self.process = process
        self.line = line
        self.url = line.split(" is at ")[1].split(" ")[0]

    def next_line(self) -> str:
        """What it says besides, on its standard output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def status(self, probe: str) -> int:
        return httpx.get(f"{self.url}{probe}", trust_env=False, timeout=30).status_code

    def end(self) -> str:
        """End it as systemd or Docker does, and give what it wrote."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, said
        assert "Traceback" not in said
        return said


@contextmanager
def running(*arguments: str, **variables: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [*CLI, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise AssertionError(process.communicate(timeout=60)[1])
        yield Running(process, line)
    finally:
        with suppress(psutil.NoSuchProcess):
            for each in psutil.Process(process.pid).children(recursive=True):
                each.kill()
        process.kill()
        process.communicate(timeout=60)
