"""The Python of an environment: an interpreter that is there, or packages to make one from."""

from __future__ import annotations

import os
from typing import Any

from milepost.sdk.environments.conda_dependencies import CondaDependencies
from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.section import Field, Section, flag, mapping, shown, text, text_or_none


def _write_conda(value: object, where: str) -> dict[str, Any] | None:
    return None if value is None else _dependencies(value, where).as_dict()


def _read_conda(value: object, where: str) -> CondaDependencies:
    from milepost.sdk.environments.conda_file import structure_of

    return CondaDependencies(_underlying_structure=structure_of(value, where))


def _read_file(value: object, where: str) -> None:
    """What the file says is in condaDependencies; its name is not kept."""
    text(value, where)


def _dependencies(value: object, where: str) -> CondaDependencies:
    if not isinstance(value, CondaDependencies):
        raise UserErrorException(
            f"{where} must be a CondaDependencies, not {shown(value)}. "
            "CondaDependencies(PATH) reads a conda file; CondaDependencies.create(pip_packages=[...]) makes one."
        )
    return value


def _none() -> None:
    return None


class PythonSection(Section):
    """Which Python a script runs with.

    ``user_managed_dependencies`` (bool): True takes ``interpreter_path`` as it is ("python": the interpreter that
    submits); False makes an environment with ``conda_dependencies``.  ``base_conda_environment`` (str or None) names a
    conda environment of this machine to use as it is.
    """

    interpreter_path: str
    user_managed_dependencies: bool
    base_conda_environment: str | None

    _fields = (
        Field("interpreter_path", "interpreterPath", lambda: "python", text),
        Field("user_managed_dependencies", "userManagedDependencies", bool, flag),
        Field("conda_dependencies", "condaDependencies", CondaDependencies, _write_conda, _read_conda, nullable=True),
        # Its content is in condaDependencies: whoever gets the definition does not have the file.
        Field("conda_dependencies_file", "condaDependenciesFile", _none, lambda value, where: None, _read_file),
        Field("base_conda_environment", "baseCondaEnvironment", _none, text_or_none),
    )

    def __init__(self, **kwargs: Any) -> None:
        self._conda_file: str | None = None
        super().__init__(**kwargs)

    def _take(self, definition: object, where: str) -> None:
        found = mapping(definition, where)
        if found.get("condaDependenciesFile") is not None and found.get("condaDependencies") is None:
            # Where the file's path leads from, whoever reads the definition knows; the default packages are not meant.
            raise UserErrorException(
                f"{where} names the conda file {found['condaDependenciesFile']!r:.200} without its content. Put its "
                "packages into condaDependencies, or read it with CondaDependencies(PATH)."
            )
        super()._take(definition, where)

    @property
    def conda_dependencies(self) -> CondaDependencies | None:
        """The packages to make an environment from.  Setting anything but CondaDependencies or None raises."""
        return self._conda_dependencies

    @conda_dependencies.setter
    def conda_dependencies(self, value: CondaDependencies | None) -> None:
        self._conda_dependencies: CondaDependencies | None = (
            None if value is None else _dependencies(value, "conda_dependencies")
        )

    @property
    def conda_dependencies_file(self) -> str | None:
        """The conda file that the packages were read from.  Setting it reads the file into ``conda_dependencies``.

        Deprecated in the SDK: ``conda_dependencies = CondaDependencies(PATH)`` does the same.
        """
        return self._conda_file

    @conda_dependencies_file.setter
    def conda_dependencies_file(self, value: str | os.PathLike[str] | None) -> None:
        if value is not None:
            self.conda_dependencies = CondaDependencies(value)
        self._conda_file = None if value is None else os.fspath(value)


class PythonEnvironment(PythonSection):
    """An older name of `PythonSection`."""

    def __init__(self) -> None:
        super().__init__()
