"""Runs uv (and conda): its output goes to a log line by line, and its errors are put in plain words."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from milepost.jobs.environment_errors import EnvironmentFailed
from milepost.jobs.masking import mask

_LINE_MAX: Final = 16 << 10
_KEPT_LINES: Final = 2000
_COLOURS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|\r")
# These say where to install, or add to what is installed; that is for the definition alone to say.
_NOT_PASSED_ON: Final = (
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_BREAK_SYSTEM_PACKAGES",
    "UV_BUILD_CONSTRAINT",
    "UV_CONSTRAINT",
    "UV_EXCLUDE",
    "UV_OVERRIDE",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_REQUIRE_HASHES",
    "UV_SYSTEM_PYTHON",
    "UV_TARGET",
    "UV_VENV_CLEAR",
    "UV_VENV_RELOCATABLE",
    "UV_VENV_SEED",
    "UV_WORKING_DIR",
    "UV_WORKING_DIRECTORY",
)
_NOT_FOUND: Final = re.compile(r"\b([A-Za-z0-9][A-Za-z0-9._-]*) was not found in (?:the package registry|the provided)")
_NO_VERSION: Final = re.compile(r"there (?:is|are) no versions? of ([^,]+?)(?: and|,|$)")
_OTHER_PYTHON: Final = re.compile(r"(\S+) has no wheels with a matching Python")
_BUILD: Final = re.compile(r"[Ff]ailed to (?:build|download and build|download|fetch):? `([^`]+)`")

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, and the last lines of what it said."""

    returncode: int
    lines: tuple[str, ...]


def find_uv() -> str:
    """The path of the uv program.

    Raises:
        EnvironmentFailed: it is not installed.
    """
    try:
        import uv

        return os.fspath(uv.find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        found = shutil.which("uv")
        if found is None:
            raise EnvironmentFailed(
                "The program uv, which builds environments, is not there. Install it with: pip install uv"
            ) from error
        return found


def run(
    arguments: Sequence[str],
    *,
    folder: Path,
    log: Log,
    secrets: Collection[str] = (),
    variables: Mapping[str, str] | None = None,
) -> Outcome:
    """Run a program in ``folder``, without a shell and without input; ``log`` gets each line that it writes.

    Raises:
        EnvironmentFailed: it cannot be started.
    """
    own = {key: value for key, value in os.environ.items() if key not in _NOT_PASSED_ON}
    own |= {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "GIT_TERMINAL_PROMPT": "0", "PYTHONNOUSERSITE": "1"}
    own |= variables or {}
    try:
        process = subprocess.Popen(  # noqa: S603
            list(arguments),
            cwd=folder,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=os.name != "nt",
        )
    except OSError as error:
        raise EnvironmentFailed(f"The program {arguments[0]} cannot be started: {error.strerror or error}.") from error
    kept: deque[str] = deque(maxlen=_KEPT_LINES)
    assert process.stdout is not None
    try:
        while data := process.stdout.readline(_LINE_MAX):
            line = mask(_COLOURS.sub("", data.decode(errors="replace")).rstrip("\n"), secrets)
            kept.append(line)
            log(line)
        return Outcome(process.wait(), tuple(kept))
    except BaseException:
        _end(process)
        raise
    finally:
        process.stdout.close()


def explain(outcome: Outcome, missing: Sequence[str] = ()) -> str:
    """What went wrong, from uv's own words: what could not be had is named first.

    ``missing`` are packages that are known not to be on the index; uv itself names the first one only.
    """
    text = _joined(outcome.lines)
    told: list[str] = []
    missing = list(dict.fromkeys([*missing, *not_found(outcome)]))
    if missing:
        told.append(
            f"not on the package index: {', '.join(missing)} (is the name right? another index is named with "
            "--extra-index-url among the pip packages)"
        )
    versions = list(dict.fromkeys(each.strip() for each in _NO_VERSION.findall(text)))
    if versions:
        told.append("no such version: " + ", ".join(versions))
    others = list(dict.fromkeys(_OTHER_PYTHON.findall(text)))
    if others:
        told.append(f"not made for this version of Python (ask for another one, python=3.x): {', '.join(others)}")
    builds = list(dict.fromkeys(_BUILD.findall(text)))
    if builds and not told:
        told.append("could not be fetched or built: " + ", ".join(builds))
    own = own_words(outcome)
    told.append(f"uv ended with the code {outcome.returncode}" + (f": {own}" if own else " and said nothing"))
    return "; ".join(told)


def own_words(outcome: Outcome, limit: int = 1200) -> str:
    """uv's error in one line of about ``limit`` characters; where it has told none, the end of its output."""
    text = _joined(outcome.lines)
    start = text.find("error:")
    own = (text[start + len("error:") :] if start >= 0 else text[-500:]).strip()
    # A failed build tells what it was at the beginning, and why it failed at the end.
    return own if len(own) <= limit else f"{own[: limit // 2]} … {own[-limit // 2 :]}"


def not_found(outcome: Outcome) -> list[str]:
    """The packages that uv has not found on any index."""
    return list(dict.fromkeys(_NOT_FOUND.findall(_joined(outcome.lines))))


def _joined(lines: Sequence[str]) -> str:
    return re.sub(r"\s+", " ", " ".join(lines))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it has started: nobody waits for it any more."""
    with contextlib.suppress(OSError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.SubprocessError, OSError):
        process.wait(10)
