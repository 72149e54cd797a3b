"""An environment as a folder of files, in the shape of Azure's SDK and command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from milepost.sdk.environments.conda_dependencies import FILE_NAME as CONDA_FILE
from milepost.sdk.environments.conda_dependencies import CondaDependencies
from milepost.sdk.environments.requirements_file import read_text_file
from milepost.sdk.exceptions import UserErrorException

DEFINITION_FILE: Final = "azureml_environment.json"
DOCKER_FILE: Final = "BaseDockerfile"


def save(definition: dict[str, Any], folder: Path, *, overwrite: bool) -> None:
    """Write a definition: its packages and its Dockerfile in files beside the JSON, which can be edited.

    Raises UserErrorException if one of the files is there already and not ``overwrite``, or cannot be written.
    """
    python, docker = dict(definition["python"]), dict(definition["docker"])
    packages, dockerfile = python.pop("condaDependencies"), docker.pop("baseDockerfile")
    contents = {
        DEFINITION_FILE: json.dumps(
            definition | {"python": python, "docker": docker | {"baseDockerfile": None}}, indent=4, ensure_ascii=False
        )
        + "\n",
        CONDA_FILE: None
        if packages is None
        else CondaDependencies(_underlying_structure=packages).serialize_to_string(),
        DOCKER_FILE: dockerfile,
    }
    present = [name for name in contents if (folder / name).exists()]
    if present and not overwrite:
        raise UserErrorException(
            f"{str(folder)!r} has {', '.join(present)} already. Give overwrite=True to replace what is there, or "
            "another folder."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            if content is None:
                (folder / name).unlink(missing_ok=True)  # an older one would be read as part of this environment
            else:
                (folder / name).write_text(content, encoding="utf-8", newline="")
    except (OSError, ValueError) as error:
        raise UserErrorException(f"The environment cannot be written to {str(folder)!r}: {error}.") from error


def load(folder: Path) -> dict[str, Any]:
    """The definition in a folder.  Raises UserErrorException, with file and line, where it cannot be read."""
    file = folder / DEFINITION_FILE
    try:
        definition = json.loads(read_text_file(file, "The environment's definition"))
    except json.JSONDecodeError as error:
        raise UserErrorException(f"{str(file)!r}, line {error.lineno}: this is no JSON ({error.msg}).") from error
    except RecursionError as error:
        raise UserErrorException(f"{str(file)!r} is nested too deeply.") from error
    if not isinstance(definition, dict):
        raise UserErrorException(f"{str(file)!r} must hold a JSON object ({{...}}), not {definition!r:.100}.")
    python, docker = (_section(definition, name, file) for name in ("python", "docker"))
    # Packages in the JSON itself come first; then the file it names; then the one beside it.
    if python.get("condaDependencies") is None:
        named = python.get("condaDependenciesFile")
        if isinstance(named, str) and named:
            python["condaDependencies"] = CondaDependencies(folder / named).as_dict()
        elif (folder / CONDA_FILE).is_file():
            python["condaDependencies"] = CondaDependencies(folder / CONDA_FILE).as_dict()
        else:
            python["condaDependencies"] = None
    if docker.get("baseDockerfile") is None and (folder / DOCKER_FILE).is_file():
        docker["baseDockerfile"] = read_text_file(folder / DOCKER_FILE, "The Dockerfile")
    return definition | {"python": python, "docker": docker}


def _section(definition: dict[str, Any], name: str, file: Path) -> dict[str, Any]:
    found = definition.get(name)
    if found is not None and not isinstance(found, dict):
        raise UserErrorException(f"{str(file)!r}: {name!r} must be a JSON object, not {found!r:.100}.")
    return dict(found or {})
