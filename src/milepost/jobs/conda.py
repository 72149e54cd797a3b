"""Conda environments: those that are there already, and new ones, made by the conda, mamba or micromamba of this
machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from milepost.jobs import uv_program
from milepost.jobs.environment_cache import python_in
from milepost.jobs.environment_errors import EnvironmentFailed
from milepost.jobs.masking import mask

_TIMEOUT_S: Final = 120.0
_MISSING: Final = (
    re.compile(r"^\s*-\s+(\S.*?)\s*$"),  # conda's list under "PackagesNotFoundError"
    re.compile(r"nothing provides requested ([^\s,]+(?: [0-9*][^\s,]*)?)"),
    re.compile(r"([A-Za-z0-9_.-]+)(?: [^\n]*?)? +does not exist \(perhaps a typo"),
)


def find_program() -> str | None:
    """conda, mamba or micromamba of this machine; None if there is none."""
    for variable in ("CONDA_EXE", "MAMBA_EXE"):
        path = os.environ.get(variable)
        if path and os.access(path, os.X_OK) and Path(path).is_file():
            return path
    for name in ("micromamba", "mamba", "conda"):
        found = shutil.which(name)
        if found:
            return found
    return None


def existing(name: str) -> Path:
    """The interpreter of the conda environment with this name, or in this folder.

    Raises:
        EnvironmentFailed: there is no such environment, no Python in it, or no conda to ask.
    """
    shown = repr(name[:300])
    if os.sep in name or "/" in name:
        return _python(Path(name).expanduser().absolute(), shown)
    program = find_program()
    if program is None:
        raise EnvironmentFailed(
            f"The conda environment {shown} cannot be found: there is no conda, mamba or micromamba here (asked were "
            "CONDA_EXE, MAMBA_EXE and PATH). Install one, or give the path of the environment's folder."
        )
    prefixes = _environments(program)
    for each in prefixes:
        if each.name == name and each.parent.name == "envs":
            return _python(each, shown)
    if name in ("base", "root") and prefixes:
        roots = [each for each in prefixes if each.parent.name != "envs"]
        return _python((roots or prefixes)[0], shown)
    for each in prefixes:
        if each.name == name:
            return _python(each, shown)
    names = [each.name for each in prefixes]
    near = get_close_matches(name, names, 3) or names[:10]
    raise EnvironmentFailed(
        f"{program} knows no environment named {shown}."
        + (f" There are: {', '.join(near)}." if near else " There is none at all.")
    )


def create(
    program: str,
    folder: Path,
    specifications: Sequence[str],
    channels: Sequence[str],
    *,
    drafts: Path,
    log: Callable[[str], None],
    secrets: Sequence[str] = (),
) -> None:
    """Make a conda environment in ``folder`` (which is not there yet).

    The packages go into a file, so that none can become an option; channels stand after a ``=`` in one argument.

    Raises:
        EnvironmentFailed: conda could not; the message names the packages that it has not found.
    """
    file = drafts / "conda-packages.txt"
    file.write_text("".join(f"{each}\n" for each in specifications), encoding="utf-8")
    arguments = [program, "create", "--yes", "--quiet", f"--prefix={folder}", f"--file={file}"]
    named = [each for each in channels if each != "nodefaults"]
    arguments += [f"--channel={each}" for each in named]
    if named and len(named) < len(channels):
        arguments.append("--override-channels")
    log("Conda packages: " + ", ".join(specifications))
    log("Running " + mask(" ".join(arguments), secrets))
    outcome = uv_program.run(arguments, folder=drafts, log=log, secrets=secrets)
    if outcome.returncode != 0:
        raise EnvironmentFailed(f"{Path(program).name} could not make the environment: {_explain(outcome)}")


def _environments(program: str) -> list[Path]:
    try:
        answer = subprocess.run(  # noqa: S603
            [program, "env", "list", "--json"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
        told: Any = json.loads(answer.stdout)
        return [Path(str(each)) for each in told["envs"]]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        raise EnvironmentFailed(f"{program} does not list its environments: {type(error).__name__}: {error}") from error


def _python(prefix: Path, shown: str) -> Path:
    path = prefix / "python.exe" if os.name == "nt" else python_in(prefix)
    if not prefix.is_dir():
        raise EnvironmentFailed(f"The conda environment {shown} is not there: {prefix} is no folder.")
    if not os.access(path, os.X_OK):
        raise EnvironmentFailed(
            f"The conda environment {shown} ({prefix}) has no Python. Install one: conda install -p {prefix} python"
        )
    return path


def _explain(outcome: uv_program.Outcome) -> str:
    text = "\n".join(outcome.lines)
    missing: list[str] = []
    if "PackagesNotFoundError" in text or "ResolvePackageNotFound" in text:
        after = re.split(r"PackagesNotFoundError|ResolvePackageNotFound", text, maxsplit=1)[1]
        for line in after.splitlines():
            found = _MISSING[0].match(line)
            if found:
                missing.append(found[1])
            elif missing:
                break
    for pattern in _MISSING[1:]:
        missing += pattern.findall(text)
    told = "not found on its channels: " + ", ".join(dict.fromkeys(missing)) + "; " if missing else ""
    own = " ".join(text[-800:].split())
    return f"{told}it ended with the code {outcome.returncode}" + (f" and said: {own}" if own else "")
