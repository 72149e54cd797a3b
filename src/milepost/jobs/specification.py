"""Reads the definition of an environment, as Azure writes it in ``azureml_environment.json``.

A definition may come from anybody's file, so every part's type is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from milepost.jobs import conda_packages, pip_requirements
from milepost.jobs.conda_packages import CondaPackage
from milepost.jobs.environment_errors import EnvironmentFailed
from milepost.jobs.pip_requirements import PipRequirements, check_plain
from milepost.jobs.python_versions import PythonWish, read_wish

FILE_MAX: Final = 4 << 20
"""Bytes of a conda file."""
# What CondaDependencies.create() writes when nobody has said anything; the older ones by older versions of the SDK, in
# files that scripts still have.
NO_WISH: Final = ((3, 10, 18), (3, 8, 13), (3, 6, 2))
STANDS_FOR: Final = "stands-for-"
"""How the name of the conda specification begins in an environment that stands for one of Azure's images; the name of
that one follows.  It stays where a script clones the environment or adds packages to it."""
_A_VERSION: Final = re.compile(r"[a-z]*[0-9][0-9.x]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Specification:
    """What a managed environment is to have."""

    name: str
    python: PythonWish | None
    """None: nothing was said."""
    pip: PipRequirements
    conda: tuple[CondaPackage, ...]
    """Without Python itself."""
    channels: tuple[str, ...]
    notes: tuple[str, ...]


def name_of(definition: Mapping[str, Any]) -> str:
    """The environment's name, for messages."""
    name = definition.get("name")
    return name if isinstance(name, str) and name else "(without a name)"


def section(definition: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of the definition; empty where it is not given.

    Raises:
        EnvironmentFailed: it is no mapping.
    """
    found = definition.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise EnvironmentFailed(
            f"The environment {name_of(definition)!r} has {name!r} as {type(found).__name__}; it must be a mapping."
        )
    return found


def text_of(part: Mapping[str, Any], key: str, where: str) -> str | None:
    """A text of a section; None where it is not given, or empty.

    Raises:
        EnvironmentFailed: it is no text.
    """
    found = part.get(key)
    if found is None or found == "":
        return None
    if not isinstance(found, str):
        raise EnvironmentFailed(f"The environment's {where}.{key} is {type(found).__name__}; it must be text.")
    return found


def notes(definition: Mapping[str, Any]) -> list[str]:
    """What a run's log shall say of the parts of a definition that have no effect here.

    Raises:
        EnvironmentFailed: a part cannot be passed over without harm.
    """
    found = _stands_for(definition)
    docker = section(definition, "docker")
    for key in ("baseDockerfile", "buildContext"):
        if docker.get(key):
            raise EnvironmentFailed(
                f"The environment {name_of(definition)!r} is to be built from a Dockerfile (docker.{key}), and this "
                "version of Milepost runs no containers. Say what the script needs with pip or conda packages "
                "(Environment.from_pip_requirements), or give an interpreter that has it "
                "(python.user_managed_dependencies = True and python.interpreter_path)."
            )
    image = text_of(docker, "baseImage", "docker")
    if docker.get("enabled") or (image and not image.startswith("mcr.microsoft.com/azureml/")):
        found.append(
            f"The container image {image or '(none named)'} is not used: this version runs no containers. "
            "The script runs on this machine, with the environment's Python packages."
        )
    if section(definition, "r"):
        raise EnvironmentFailed(
            f"The environment {name_of(definition)!r} is one for R, and Milepost builds Python environments only."
        )
    if section(definition, "spark").get("packages"):
        found.append("The environment's Spark packages are not installed: runs are not submitted to Spark here.")
    return found


def _stands_for(definition: Mapping[str, Any]) -> list[str]:
    python = section(definition, "python")
    conda = python.get("condaDependencies")
    name = conda.get("name") if isinstance(conda, Mapping) else None
    if not isinstance(name, str) or not name.startswith(STANDS_FOR):
        return []
    if python.get("userManagedDependencies") or python.get("baseCondaEnvironment"):
        return []
    name = name[len(STANDS_FOR) :][:300]
    versions = [each for each in name.split("-")[1:] if _A_VERSION.fullmatch(each)]
    said = f"{name} is an image of Azure's, which is not used. Packages from the package index stand for it, in the "
    said += "newest versions that fit here"
    if versions:
        said += f"; the versions in its name ({', '.join(versions)}) are not used"
    if name.lower().startswith("azureml-designer"):
        said += ". The Designer's own modules (azureml-designer-*) are not among them"
    return [f"{said}. To have other packages or versions, register an environment of that name."]


def read(definition: Mapping[str, Any], folder: Path) -> Specification:
    """Read a managed environment's packages; paths lead from ``folder``.

    Raises:
        EnvironmentFailed: something in it is not understood, or not there; the message names it.
    """
    name = name_of(definition)
    python = section(definition, "python")
    conda = python.get("condaDependencies")
    if conda is None:
        file = text_of(python, "condaDependenciesFile", "python")
        conda = _load(file, folder) if file else {}
    if not isinstance(conda, Mapping):
        raise EnvironmentFailed(
            f"The environment {name!r} has python.condaDependencies as {type(conda).__name__}; it must be a mapping "
            "with 'channels' and 'dependencies'."
        )
    wish, texts, strings, said = None, [], [], []
    for each in _list(conda, "dependencies", name):
        if isinstance(each, Mapping):
            unknown = [str(key) for key in each if key != "pip"]
            if unknown:
                raise EnvironmentFailed(
                    f"The environment {name!r} has a list of dependencies for {unknown[0]!r}; only 'pip' is known."
                )
            strings += [_text(one, "pip requirement", name) for one in _list(each, "pip", name)]
        else:
            texts.append(_text(each, "conda package", name))
    packages = []
    for each in texts:
        package = conda_packages.read(each)
        if package.name != "python":
            packages.append(package)
            continue
        wish = read_wish(package.version, package.text)
        if wish and wish.exact in NO_WISH:
            said.append(f"{package.text} is the SDK's own default and no wish of anybody's")
            wish = None
    channels = [_text(each, "channel", name) for each in _list(conda, "channels", name)]
    for each in channels:
        check_plain(each, "The conda channel")
        if not conda_packages.is_channel(each):
            raise EnvironmentFailed(f"The environment {name!r} has the conda channel {each[:200]!r}, which is none.")
    requirements = pip_requirements.read(strings, folder)
    return Specification(name, wish, requirements, tuple(packages), tuple(channels), tuple(said))


def _load(file: str, folder: Path) -> object:
    """The content of a conda file.  Tags that would make objects are refused by the loader."""
    import yaml

    try:
        path = folder / Path(file).expanduser()
        with path.open("rb") as opened:
            data = opened.read(FILE_MAX + 1)
    except (OSError, RuntimeError, ValueError) as error:
        raise EnvironmentFailed(
            f"The environment's conda file {file!r} cannot be read ({error}). "
            "Is it in the source directory, and part of the snapshot?"
        ) from error
    if len(data) > FILE_MAX:
        raise EnvironmentFailed(f"The environment's conda file {file!r} is larger than {FILE_MAX} bytes.")
    try:
        found = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise EnvironmentFailed(f"The environment's conda file {file!r} is not the YAML it must be: {error}") from error
    return {} if found is None else found


def _list(part: Mapping[str, Any], key: str, name: str) -> list[Any]:
    found = part.get(key)
    if found is None:
        return []
    if isinstance(found, str):
        return [found]
    if not isinstance(found, list | tuple):
        raise EnvironmentFailed(
            f"The environment {name!r} has {key!r} as {type(found).__name__}; it must be a list of texts."
        )
    return list(found)


def _text(value: object, what: str, name: str) -> str:
    if not isinstance(value, str):
        # A list is not shown: YAML's aliases can make it huge.
        shown = f"{value} " if isinstance(value, int | float) else ""
        raise EnvironmentFailed(
            f"The environment {name!r} has the {what} {shown}of the type {type(value).__name__}; it must be text."
        )
    return value
