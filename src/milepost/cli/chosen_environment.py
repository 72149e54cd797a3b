"""The environment that ``--env`` and ``--python`` ask for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from milepost.cli import output
from milepost.cli.options import Misused

if TYPE_CHECKING:
    from milepost.sdk.environments.environment import Environment
    from milepost.sdk.workspaces.workspace import Workspace

_PIP: Final = (".txt", ".in")
_CONDA: Final = (".yml", ".yaml")


def chosen_environment(workspace: Workspace, given: str | None, python: str | None) -> Environment | None:
    """The environment; None for the interpreter that runs this command.

    Raises Misused for what cannot be meant, and as the SDK does for files and names that are not there.
    """
    if given is not None and python is not None:
        raise Misused(
            "--env and --python cannot be had at once: an interpreter is used as it is. A built environment gets the "
            "version of Python that its environment.yml names (python=3.11)."
        )
    if python is not None:
        return _interpreter(python)
    if given is None:
        return None
    path = Path(given).expanduser()
    if path.exists() or path.suffix.lower() in (*_PIP, *_CONDA) or os.sep in given or "/" in given:
        return _from_file(path)
    return _registered(workspace, given)


def _interpreter(python: str) -> Environment:
    from milepost.sdk.environments.environment import Environment

    # Relative to this folder: the run has another one.  Links stay: they tell which virtual environment is meant.
    path = os.path.abspath(os.path.expanduser(python))  # noqa: PTH100, PTH111
    if Path(path).is_dir():
        inside = [Path(path, *each) for each in (("bin", "python"), ("Scripts", "python.exe"), ("python.exe",))]
        found = next((str(each) for each in inside if each.is_file()), None)
        if found is None:
            raise Misused(f"--python: the folder {python!r} is no virtual environment: it has no bin/python.")
    elif Path(path).is_file():
        found = path
    else:
        found = shutil.which(python)
        if found is None:
            raise Misused(f"--python: there is no interpreter {python!r} here or on PATH.")
    made = Environment(Path(found).name)
    made.python.user_managed_dependencies = True
    made.python.interpreter_path = os.path.abspath(found)  # noqa: PTH100
    return made


def _from_file(path: Path) -> Environment:
    from milepost.sdk.environments.environment import Environment

    if path.is_dir():
        return Environment.load_from_directory(path)
    name = path.stem or "environment"
    if path.suffix.lower() in _PIP:
        return Environment.from_pip_requirements(name, path)
    if path.suffix.lower() in _CONDA:
        return Environment.from_conda_specification(name, path)
    if not path.exists():
        raise Misused(f"--env: there is no file {str(path)!r}.")
    raise Misused(
        f"--env: {str(path)!r} is none of these: a requirements file (.txt, .in), a conda file (.yml, .yaml), a folder "
        "with an azureml_environment.json."
    )


def _registered(workspace: Workspace, given: str) -> Environment:
    from milepost.sdk.environments.environment import Environment
    from milepost.sdk.exceptions import ServiceException

    name, _, version = given.partition(":")
    try:
        if version and not version.isdigit():
            return Environment.get(workspace, name, label=version)
        return Environment.get(workspace, name, version=version or None)
    except ServiceException as error:
        if error.status_code != 404:
            raise
        raise Misused(
            f"--env: {output.shortened(given)!r} is no file here, and no environment of that name is registered. "
            f"{error.message}"
        ) from error
