"""A home in the test's own folder, and the command: in this process, as a process, or on a terminal."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = [sys.executable, "-c", "from milepost.cli import main; main()"]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON; NaN and the like, which JSON has not, are refused."""

        def refuse(text: str) -> Any:
            raise AssertionError(f"{text} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


Command = Callable[..., Result]
Record = Callable[..., Any]


def clean_environment(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("MILEPOST_HOME", str(folder / "home"))
    names = [name for name in os.environ if name.startswith("AZUREML_")]
    for name in [*names, "MILEPOST_URL", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "MILEPOST_TRACEBACK"]:
        patch.delenv(name, raising=False)
    work = folder / "work"
    work.mkdir()
    patch.chdir(work)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home (not there yet) and an empty working directory."""
    clean_environment(monkeypatch, tmp_path)
    return tmp_path / "home"


@pytest.fixture
def source(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory, to submit scripts from.  What is still on its way after the test is ended."""
    from milepost.jobs.agent_start import stop_agent
    from milepost.jobs.job import Request, ask, job_folders

    monkeypatch.setenv("MILEPOST_AGENT_IDLE", "30")
    yield Path.cwd()
    for workspace in (home / "workspaces").glob("*"):
        until = time.monotonic() + 60
        while not stop_agent(workspace, 0.5):
            assert time.monotonic() < until, f"submitted runs of {workspace} do not end"
            for folder in job_folders(workspace):
                ask(folder, Request("Canceled", None))


@pytest.fixture
def milepost(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """The command in this process: ``milepost("runs", "list")``; ``ok=False`` where it is to fail."""
    from milepost.cli.app import run

    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    log = logging.getLogger("milepost")
    before = list(log.handlers), log.propagate

    def execute(*args: str, ok: bool = True) -> Result:
        capsys.readouterr()
        with warnings.catch_warnings():
            code = run(args)
        result = Result(code, *capsys.readouterr())
        assert (code == 0) is ok, result
        return result

    yield execute
    log.handlers[:], log.propagate = before


@pytest.fixture
def process() -> Command:
    """The command as a process, its output in pipes."""

    def execute(*args: str, ok: bool = True, env: dict[str, str] | None = None, stdin: str = "") -> Result:
        done = subprocess.run(
            [*PROGRAM, *args],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **(env or {})},
            timeout=120,
            check=False,
        )
        result = Result(done.returncode, done.stdout, done.stderr)
        assert (result.code == 0) is ok, result
        return result

    return execute


@pytest.fixture
def terminal() -> Command:
    """The command with a terminal of its own; ``out`` holds all that it wrote to it."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")

    def execute(
        *args: str, width: int = 80, ok: bool = True, env: dict[str, str] | None = None, answer: str = ""
    ) -> Result:
        import fcntl
        import struct
        import termios

        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        child = subprocess.Popen(
            [*PROGRAM, *args],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color", **(env or {})},
            start_new_session=True,
        )
        os.close(theirs)
        if answer:
            os.write(ours, answer.encode())
        parts = []
        try:
            while part := os.read(ours, 65536):
                parts.append(part)
        except OSError:  # Linux's way to say that the other end is closed
            pass
        os.close(ours)
        result = Result(child.wait(timeout=120), b"".join(parts).decode().replace("\r\n", "\n"), "")
        assert (result.code == 0) is ok, result
        return result

    return execute


def execute_script(source: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Python source in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", source, *args], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def record(home: Path) -> Record:
    """Record into a workspace through the SDK; all of it is stored and the journal closed when it returns."""
    from azureml.core import Workspace
    from milepost.sdk.recording.recorder import close_recorder

    def execute(work: Callable[[Any], Any], name: str = "default") -> Any:
        workspace = Workspace.create(name, exist_ok=True)
        try:
            return work(workspace)
        finally:
            close_recorder(workspace._recorder)

    return execute


KILLED = """
import os, signal, sys
from azureml.core import Experiment, Workspace
from milepost.sdk.recording.drain import Drain

Drain._start = lambda self: None  # nothing is delivered before the end
run = Experiment(Workspace.create(sys.argv[1], exist_ok=True), "killed").start_logging()
for index in range(int(sys.argv[2])):
    run.log("x", float(index))
os.kill(os.getpid(), signal.SIGKILL)
"""
RECORDING = """
import sys
from azureml.core import Experiment, Workspace

run = Experiment(Workspace.create(sys.argv[1], exist_ok=True), "live").start_logging()
run.log("x", 1.0)
run.flush()
print(run.id, flush=True)
sys.stdin.readline()
run.complete()
"""


def record_and_die(workspace: str = "default", values: int = 100) -> None:
    """A process logs so many values of one run and is killed before any is delivered."""
    done = execute_script(KILLED, workspace, str(values))
    assert done.returncode == -9, done.stderr


def make_newer(home: Path) -> Path:
    """Give the only journal of the home the header of a newer version; its segment."""
    from milepost.journal import format as fmt

    segment = next(home.glob("workspaces/*/journals/*/*"))
    content = segment.read_bytes()
    header = fmt.parse_header(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fmt, "VERSION", 99)
        segment.write_bytes(fmt.pack_header(header) + content[fmt.HEADER_SIZE :])
    return segment


@contextmanager
def recording(workspace: str = "default") -> Iterator[str]:
    """The id of a run that another process is recording meanwhile."""
    with subprocess.Popen(
        [sys.executable, "-c", RECORDING, workspace], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        yield child.stdout.readline().strip()
        child.communicate("\n", timeout=60)


def one_line(result: Result) -> str:
    """The error's line, which must be the only one."""
    lines = result.err.splitlines()
    assert len(lines) == 1, result
    assert lines[0].startswith("milepost: ")
    assert "Traceback" not in result.err
    return lines[0]
