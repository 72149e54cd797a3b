"""The packages of an environment, as a conda specification."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from milepost.sdk.constants import AZUREML_VERSION
from milepost.sdk.environments.requirements_file import one_line, package_name
from milepost.sdk.exceptions import UserErrorException

DEFAULT_PYTHON: Final = "3.10.18"
"""What the SDK asks for where a script says nothing.  It is no wish of the script's."""

FILE_NAME: Final = "conda_dependencies.yml"

_PYTHON_VERSION: Final = re.compile(r"[0-9]+(\.[0-9]+){0,2}(\.\*)?", re.ASCII)
_REQUIREMENT: Final = re.compile(
    r"(?P<package>[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[^\]]*\])?)\s*(?P<versions>[<>=!~][^;@]*)?"
)
_NOT_OPTIONS: Final = ("-e", "--editable", "-r", "--requirement")
"""These begin with a dash too, but name something to install."""
_OTHER_VERSIONS: Final = ("azureml-dataprep", "azureml-dataset-runtime", "azureml-inference-server-http")
"""Packages of the SDK that are not numbered like the rest."""

_HEAD: Final = """\
# A conda environment specification: https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/
# The environments of runs with user_managed_dependencies=False are made from it.

"""


class CondaDependencies:
    """A conda specification, read from ``conda_dependencies_file_path`` or with the SDK's default packages.

    Raises UserErrorException, with the line, for a file that is not there or is no conda specification.
    """

    DEFAULT_NUMBER_OF_CONDA_PACKAGES = 0
    DEFAULT_NUMBER_OF_PIP_PACKAGES = 0

    def __init__(
        self,
        conda_dependencies_file_path: str | os.PathLike[str] | None = None,
        _underlying_structure: dict[str, Any] | None = None,
    ) -> None:
        if conda_dependencies_file_path is not None:
            from milepost.sdk.environments.conda_file import read_conda_file

            self._structure = read_conda_file(conda_dependencies_file_path)
        elif _underlying_structure is not None:
            from milepost.sdk.environments.conda_file import structure_of

            self._structure = structure_of(_underlying_structure, "A conda specification")
        else:
            self._structure = {
                "name": "project_environment",
                "dependencies": [f"python={DEFAULT_PYTHON}", {"pip": ["azureml-defaults"]}],
                "channels": ["anaconda", "conda-forge"],
            }

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: Iterable[str] | None = None,
        conda_packages: Iterable[str] | None = None,
        python_version: str = DEFAULT_PYTHON,
        pin_sdk_version: bool = True,
    ) -> CondaDependencies:
        """A specification of these packages.  Without ``pip_packages``, azureml-defaults is the only one of pip.

        ``pin_sdk_version`` gives the SDK's own packages this SDK's version where they have none.  (Milepost provides
        them; none of them is installed.)  Raises UserErrorException for what is not a list of texts.
        """
        made = CondaDependencies()
        made.set_python_version(python_version)
        if pip_packages is not None:
            made.set_pip_requirements(pip_packages)
        if pin_sdk_version:
            for package in list(made.pip_packages):
                if _is_of_sdk(package):
                    made._replace_pip(package, f"{package}~={AZUREML_VERSION}")
        if pip_indexurl is not None:
            made.set_pip_index_url(pip_indexurl)
        for package in _lines(conda_packages or (), "conda_packages"):
            made.add_conda_package(package)
        return made

    # -- conda's packages --------------------------------------------------------------------------------------

    @property
    def conda_packages(self) -> Iterator[str]:
        """Conda's packages, Python among them."""
        return iter([each for each in self._dependencies if isinstance(each, str)])

    @property
    def conda_channels(self) -> Iterator[str]:
        """The channels that conda looks in, first one first."""
        return iter(list(self._structure["channels"]))

    def add_conda_package(self, conda_package: str) -> None:
        """Add a package; one of the same name is removed, whatever its version."""
        package = one_line(conda_package, "A conda package")
        if package_name(package) == "python":
            self._put_python(package)
            return
        self._dependencies[:] = [*_without(self._dependencies, package), package]

    def remove_conda_package(self, conda_package: str) -> None:
        """Remove the package of that name, if it is there."""
        self._dependencies[:] = _without(self._dependencies, one_line(conda_package, "A conda package"))

    def add_channel(self, channel: str) -> None:
        """Add a channel behind those that are there."""
        name = one_line(channel, "A conda channel")
        if name not in self._structure["channels"]:
            self._structure["channels"].append(name)

    def remove_channel(self, channel: str) -> None:
        """Remove a channel, if it is there."""
        self._structure["channels"] = [each for each in self._structure["channels"] if each != channel]

    def set_python_version(self, version: str) -> None:
        """Ask for a version of Python, as "3.10" or "3.10.4".  Raises UserErrorException for anything else."""
        if not isinstance(version, str) or not _PYTHON_VERSION.fullmatch(version.strip()):
            raise UserErrorException(f"A version of Python is text such as '3.10' or '3.10.4', not {version!r:.100}.")
        self._put_python(f"python={version.strip()}")

    def get_python_version(self) -> str | None:
        """The version of Python asked for, as it is written; None where there is no wish."""
        for each in self._dependencies:
            if isinstance(each, str) and package_name(each) == "python":
                versions = re.sub(r"^.*?python\s*", "", each, flags=re.IGNORECASE).strip("= ")
                return versions.partition("=")[0] if versions[:1].isdigit() else versions or None
        return None

    # -- pip's packages and options ----------------------------------------------------------------------------

    @property
    def pip_packages(self) -> Iterator[str]:
        """pip's packages, without options."""
        return iter([each for each in self._pip() if not _is_option(each)])

    @property
    def pip_options(self) -> Iterator[str]:
        """pip's options, such as ``--index-url URL``."""
        return iter([each for each in self._pip() if _is_option(each)])

    def add_pip_package(self, pip_package: str) -> None:
        """Add a package; one of the same name is removed, whatever its version."""
        package = one_line(pip_package, "A pip package")
        self._set_pip([*_without(self._pip(), package), package])

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove the package of that name, if it is there."""
        self._set_pip(_without(self._pip(), one_line(pip_package, "A pip package")))

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        """Replace all of pip's packages and options."""
        made: list[str] = []
        for package in _lines(pip_requirements, "pip_packages"):
            made = [*_without(made, package), package]
        self._set_pip(made)

    def set_pip_index_url(self, index_url: str) -> None:
        """Have pip look for packages at this address instead of PyPI."""
        self.set_pip_option(f"--index-url {one_line(index_url, 'index_url')}")

    def set_pip_option(self, pip_option: str) -> None:
        """Add an option of pip.  There is one index URL: a new one takes the place of the last."""
        option = one_line(pip_option, "A pip option")
        if not _is_option(option):
            raise UserErrorException(f"A pip option begins with '-', as '--pre' or '--index-url URL', not {option!r}.")
        same = (
            [option]
            if _flag(option) != "--index-url"
            else [each for each in self._pip() if _flag(each) == "--index-url"]
        )
        rest = [each for each in self._pip() if each not in same]
        options = [each for each in rest if _is_option(each)]
        self._set_pip([*options, option, *(each for each in rest if not _is_option(each))])

    def remove_pip_option(self, pip_option: str) -> None:
        """Remove an option, given whole or by its name alone."""
        given = one_line(pip_option, "A pip option")
        self._set_pip(
            [
                each
                for each in self._pip()
                if not _is_option(each) or (each != given and _flag(each) != _flag(given, whole=True))
            ]
        )

    # -- frameworks --------------------------------------------------------------------------------------------

    def add_tensorflow_conda_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add conda's TensorFlow for "cpu" or "gpu".  Raises UserErrorException for another ``core_type``."""
        self.add_conda_package(_with_version("tensorflow", core_type, version, "="))

    def add_tensorflow_pip_package(self, core_type: str = "cpu", version: str | None = None) -> None:
        """Add pip's TensorFlow for "cpu" or "gpu".  Raises UserErrorException for another ``core_type``."""
        self.add_pip_package(_with_version("tensorflow", core_type, version, "=="))

    def add_cntk_package(self, core_type: str = "cpu") -> None:
        """Add pip's CNTK for "cpu" or "gpu".  Raises UserErrorException for another ``core_type``."""
        self.add_pip_package(_with_version("cntk", core_type, None, "=="))

    # -- giving it away ----------------------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """The specification as conda's file has it: name, dependencies, channels.  A copy."""
        return deepcopy({key: value for key, value in self._structure.items() if value is not None})

    def serialize_to_string(self) -> str:
        """The specification as the text of a conda file."""
        import yaml

        return _HEAD + yaml.safe_dump(self.as_dict(), sort_keys=False, allow_unicode=True, width=2**31)

    def save(self, path: str | os.PathLike[str] | None = None) -> str:
        """Write a conda file and give its path.  ``path`` is a file (default: conda_dependencies.yml) or a folder.

        Raises UserErrorException where it cannot be written.
        """
        target = Path(FILE_NAME if path is None else path)
        try:
            if target.is_dir():
                target /= FILE_NAME
            target.write_text(self.serialize_to_string(), encoding="utf-8")
        except (OSError, ValueError) as error:
            raise UserErrorException(f"The conda file {str(target)!r} cannot be written: {error}.") from error
        return str(target)

    def save_to_file(
        self, base_directory: str | os.PathLike[str], conda_file_path: str | os.PathLike[str] | None = None
    ) -> str:
        """Write a conda file in a folder and give its path.  `save` is the newer way."""
        return self.save(Path(base_directory) / (FILE_NAME if conda_file_path is None else conda_file_path))

    def get_default_number_of_packages(self) -> int:
        """How many packages a specification has by itself, as the SDK counts: 0."""
        return self.DEFAULT_NUMBER_OF_CONDA_PACKAGES + self.DEFAULT_NUMBER_OF_PIP_PACKAGES

    @staticmethod
    def sdk_origin_url() -> str:
        """Where pip looks for packages when nothing is said: PyPI."""
        return "https://pypi.org/simple"

    @staticmethod
    def merge_requirements(requirements: Iterable[str]) -> list[str]:
        """Requirements of the same package as one that asks for all of their versions, in order of first naming."""
        merged: dict[str, tuple[str, list[str]]] = {}
        for line in _lines(requirements, "requirements"):
            found = _REQUIREMENT.fullmatch(line)
            if not found:
                merged.setdefault(line, (line, []))
                continue
            package = re.sub(r"\s", "", found["package"])
            _, versions = merged.setdefault(f"{package_name(package)}{package.partition('[')[2]}", (package, []))
            for each in (found["versions"] or "").split(","):
                if (version := re.sub(r"\s", "", each)) and version not in versions:
                    versions.append(version)
        return [package + ",".join(versions) for package, versions in merged.values()]

    def __repr__(self) -> str:
        return f"CondaDependencies(_underlying_structure={self.as_dict()!r})"

    # -- the structure -----------------------------------------------------------------------------------------

    @property
    def _dependencies(self) -> list[Any]:
        found: list[Any] = self._structure["dependencies"]
        return found

    def _pip(self) -> list[str]:
        return next((list(each["pip"]) for each in self._dependencies if isinstance(each, dict)), [])

    def _set_pip(self, lines: list[str]) -> None:
        rest = [each for each in self._dependencies if not isinstance(each, dict)]
        place = next((at for at, each in enumerate(self._dependencies) if isinstance(each, dict)), len(rest))
        self._dependencies[:] = [*rest[:place], *([{"pip": lines}] if lines else []), *rest[place:]]

    def _replace_pip(self, old: str, new: str) -> None:
        self._set_pip([new if each == old else each for each in self._pip()])

    def _put_python(self, package: str) -> None:
        at = [
            number
            for number, each in enumerate(self._dependencies)
            if isinstance(each, str) and package_name(each) == "python"
        ]
        rest = [each for number, each in enumerate(self._dependencies) if number not in at]
        rest.insert(at[0] if at else 0, package)
        self._dependencies[:] = rest


def _lines(values: Iterable[str], what: str) -> list[str]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise UserErrorException(f"{what} takes a list of texts, as ['numpy', 'pandas>=2'], not {values!r:.100}.")
    return [one_line(each, f"{what}[{number}]") for number, each in enumerate(values)]


def _without(present: list[Any], package: str) -> list[Any]:
    name = package_name(package)
    return [
        each
        for each in present
        if not isinstance(each, str) or (each != package and (name is None or package_name(each) != name))
    ]


def _is_option(line: str) -> bool:
    return line.startswith("-") and not re.match(rf"({'|'.join(_NOT_OPTIONS)})([\s=]|$)", line)


def _flag(option: str, *, whole: bool = False) -> str:
    """An option's name, its long form for an index URL.  ``whole``: only if it is the name alone."""
    name = re.split(r"[\s=]", option, maxsplit=1)[0]
    if whole and name != option:
        return ""
    return "--index-url" if name == "-i" else name


def _is_of_sdk(package: str) -> bool:
    return re.fullmatch(r"azureml-[a-z0-9-]+(\[[^\]]*\])?", package) is not None and not package.startswith(
        _OTHER_VERSIONS
    )


def _with_version(package: str, core_type: str, version: str | None, operator: str) -> str:
    if core_type not in ("cpu", "gpu"):
        raise UserErrorException(f"core_type must be 'cpu' or 'gpu', not {core_type!r:.100}.")
    name = package if core_type == "cpu" else f"{package}-gpu"
    return name if version is None else f"{name}{operator}{one_line(version, 'version')}"
