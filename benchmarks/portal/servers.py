"""Start a tool's server on its data, and end it with all that it has started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from portal.pages import Tool

_END_S = 10.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotStarted(Exception):
    """The server did not answer; the message says why."""


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    port: int
    link: str
    """The address that lets a browser in; empty where any may look."""
    started_s: float

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def serving(
    tool: Tool, python: Path, folder: Path, environment: dict[str, str], log: Path, limit_s: float
) -> Iterator[Server]:
    """The tool's server on the data in ``folder``, as long as the context is open.  Raises NotStarted."""
    port = _free_port()
    began = time.monotonic()
    path = os.pathsep.join([str(python.parent), environment.get("PATH", "")])
    with log.open("ab") as out:
        start = out.tell()
        process = subprocess.Popen(
            tool.command(python, folder, port),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=environment["HOME"],
            env={**environment, "PATH": path, **tool.environment},
            start_new_session=True,
        )
    try:
        while not _answers(port) or (tool.tells_link and not _link(log, start, port)):
            if process.poll() is not None or time.monotonic() - began > limit_s:
                raise NotStarted(f"the server did not answer within {time.monotonic() - began:.0f} s (see {log.name})")
            time.sleep(0.1)
        yield Server(port, _link(log, start, port), time.monotonic() - began)
    finally:
        _end(process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with _DIRECT.open(f"http://127.0.0.1:{port}/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True  # it answers, if only with an error
    except OSError:
        return False


def _link(log: Path, start: int, port: int) -> str:
    """The link that the server has printed, if it holds a token."""
    for word in log.read_bytes()[start:].decode(errors="replace").split():
        if word.startswith(f"http://127.0.0.1:{port}/?token="):
            return word
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask, then force: the process's whole session is its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
