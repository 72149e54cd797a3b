"""Environments: what a submitted script runs in, defined once, registered by name and version."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.environments.cloud_sections import DatabricksSection, RSection, SparkSection
from milepost.sdk.environments.conda_dependencies import CondaDependencies
from milepost.sdk.environments.docker_section import (
    ContainerRegistry,
    DockerBuildContext,
    DockerSection,
    dockerfile_text,
)
from milepost.sdk.environments.python_section import PythonSection
from milepost.sdk.exceptions import ServiceException, UserErrorException, cloud_only
from milepost.sdk.section import Field, Section, nested, number_or_text, shown, text, text_or_none, variables

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from milepost.sdk.environments.environment_build import ImageBuildDetails
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.records import EnvironmentRecord

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,255}", re.ASCII)


def _none() -> None:
    return None


class Environment(Section):
    """An environment.  ``name``: str; it is checked when the environment is registered.

    ``python`` (PythonSection) says which interpreter or packages a script gets; ``environment_variables`` (dict) which
    variables.  ``version`` (str or None) is given by `register`.  ``docker``, ``spark``, ``databricks``, ``r`` and
    ``inferencing_stack_version`` are kept and not used by this version.
    """

    name: str | None
    version: str | None
    python: PythonSection
    docker: DockerSection
    spark: SparkSection
    databricks: DatabricksSection
    r: RSection | None
    inferencing_stack_version: str | None

    _fields = (
        Field("name", "name", _none, text_or_none),
        Field("version", "version", _none, number_or_text),
        Field("environment_variables", "environmentVariables", dict, variables),
        Field("python", "python", PythonSection, *nested(PythonSection)),
        Field("docker", "docker", DockerSection, *nested(DockerSection)),
        Field("spark", "spark", SparkSection, *nested(SparkSection)),
        Field("databricks", "databricks", DatabricksSection, *nested(DatabricksSection)),
        Field("r", "r", _none, *nested(RSection, optional=True)),
        Field("inferencing_stack_version", "inferencingStackVersion", _none, number_or_text),
    )

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = text(name, "An environment's name")

    @property
    def environment_variables(self) -> dict[str, str]:
        """The variables that the script gets, name -> value."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, value: Mapping[str, str]) -> None:
        # The dict itself is kept, so that what a script puts into it later counts.
        variables({} if value is None else value, "environment_variables")
        self._environment_variables: dict[str, str] = value if isinstance(value, dict) else dict(value or {})

    # -- making one --------------------------------------------------------------------------------------------

    @staticmethod
    def from_pip_requirements(
        name: str, file_path: str | os.PathLike[str], pip_version: str | None = None
    ) -> Environment:
        """An environment with the packages of a requirements file; files that it includes are read too.

        Paths in it (``-e .``) count from the script's working directory.  Raises UserErrorException, with the line,
        for a file that cannot be read.
        """
        from milepost.sdk.environments.requirements_file import read_requirements

        made = Environment(name)
        packages = CondaDependencies()
        packages.set_pip_requirements(read_requirements(file_path))
        if pip_version is not None:
            packages.add_conda_package(f"pip={text(number_or_text(pip_version, 'pip_version'), 'pip_version')}")
        made.python.conda_dependencies = packages
        return made

    @staticmethod
    def from_conda_specification(name: str, file_path: str | os.PathLike[str]) -> Environment:
        """An environment with the packages and variables of a conda file.

        Raises UserErrorException, with the line, for a file that is not there or is no conda specification.
        """
        made = Environment(name)
        packages = CondaDependencies(file_path)
        made.python.conda_dependencies = packages
        made.environment_variables = dict(packages.as_dict().get("variables", {}))
        return made

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> Environment:
        """An environment that uses a conda environment of this machine as it is.

        Whether it is there is seen when a run is prepared.
        """
        made = Environment(name)
        made.python.user_managed_dependencies = True
        made.python.base_conda_environment = text(conda_environment_name, "conda_environment_name")
        return made

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: ContainerRegistry | None = None,
        conda_specification: str | os.PathLike[str] | None = None,
        pip_requirements: str | os.PathLike[str] | None = None,
    ) -> Environment:
        """An environment with an image's name.  This version starts no containers: only its packages are used.

        With neither ``conda_specification`` nor ``pip_requirements``: the interpreter that submits.  Raises
        UserErrorException if both are given.
        """
        made = _with_packages(name, conda_specification, pip_requirements)
        made.docker.base_image = text(image, "image")
        if container_registry is not None:
            made.docker.base_image_registry = container_registry
        return made

    @staticmethod
    def from_dockerfile(
        name: str,
        dockerfile: str | os.PathLike[str],
        conda_specification: str | os.PathLike[str] | None = None,
        pip_requirements: str | os.PathLike[str] | None = None,
    ) -> Environment:
        """An environment with a Dockerfile, given as its text or its path.

        It can be registered and saved.  This version builds no images: a run with it fails, and says so.
        """
        made = _with_packages(name, conda_specification, pip_requirements)
        made.docker.base_image = None
        made.docker.base_dockerfile = dockerfile_text(dockerfile)
        return made

    @staticmethod
    def from_docker_build_context(name: str, docker_build_context: DockerBuildContext) -> Environment:
        """An environment with a folder to build an image from.

        It can be registered and saved.  This version builds no images: a run with it fails, and says so.
        """
        if not isinstance(docker_build_context, DockerBuildContext):
            raise UserErrorException(
                f"docker_build_context must be a DockerBuildContext, not {shown(docker_build_context)}."
            )
        made = _with_packages(name, None, None)
        made.docker.base_image = None
        made.docker.build_context = docker_build_context
        return made

    def clone(self, new_name: str) -> Environment:
        """A copy under another name, with no version yet."""
        made = deepcopy(self)
        made.name = text(new_name, "new_name")
        made.version = None
        return made

    # -- in a workspace ----------------------------------------------------------------------------------------

    def register(self, workspace: Workspace) -> Environment:
        """Keep it in the workspace.  Gives it with its version: a new one only if the content is not the newest's.

        Raises UserErrorException for a bad name, or a setting that cannot be kept.
        """
        name = _checked_name(self.name)
        definition = self._to_definition() | {"version": None}
        store = workspace._recorder.fresh()
        with _translated():
            return Environment._of(store.register_environment(name, definition))

    @staticmethod
    def get(workspace: Workspace, name: str, version: str | int | None = None, label: str | None = None) -> Environment:
        """A registered environment: its newest version, or the one of that number or label.

        Where none of that name is registered and it is one of Azure's own (``AzureML-...``) that Milepost has
        packages for: an environment with those, without a version.  Raises ServiceException (404) where there is none.
        """
        number = None if version is None else _checked_version(version)
        if number is not None and label is not None:
            raise UserErrorException("Give the environment's version or its label, not both.")
        store = workspace._recorder.fresh()
        try:
            with _translated():
                return Environment._of(store.environment(_checked_name(name), version=number, label=label))
        except ServiceException as error:
            if error.status_code != 404 or name in dict(Environment.list(workspace)):
                raise
            from milepost.sdk.environments.curated import advice, stand_in

            if (found := stand_in(name)) is not None:
                if version is not None or label not in (None, "latest"):
                    _warn_of_version(name, version if version is not None else label)
                return found
            if said := advice(name):
                raise ServiceException(
                    f"Workspace {workspace.name!r} has no environment {name!r}. {said}", status_code=404
                ) from error
            raise

    @staticmethod
    def list(workspace: Workspace) -> dict[str, Environment]:
        """The newest version of each registered environment, by name.

        Those of Azure's own (``AzureML-...``) that `get` gives can be looked up in it too, and are not listed.
        """
        from milepost.sdk.environments.curated import ByName

        store = workspace._recorder.fresh()
        with _translated():
            return ByName({record.name: Environment._of(record) for record in store.environments(latest=True)})

    @staticmethod
    def label(workspace: Workspace, name: str, version: str | int, labels: Sequence[str]) -> None:
        """Give a version labels, to `get` it by.  A label that another version of the name had moves to this one.

        Raises ServiceException (404) where there is no such version, UserErrorException for a bad label.
        """
        given = [labels] if isinstance(labels, str) else labels
        checked = [text(each, "label") for each in given]
        store = workspace._recorder.fresh()
        with _translated():
            store.label_environment(_checked_name(name), _checked_version(version), checked)

    @staticmethod
    def add_private_pip_wheel(workspace: Workspace, file_path: str | os.PathLike[str], exist_ok: bool = False) -> str:
        """Copy a wheel into the workspace and give its address, for ``CondaDependencies.add_pip_package``.

        Raises UserErrorException where there is no such wheel, or one of that name is there and not ``exist_ok``;
        environments that have that one keep it.
        """
        from glob import escape

        wheel = Path(file_path)
        if wheel.suffix != ".whl" or not wheel.is_file():
            raise UserErrorException(f"There is no wheel (a file *.whl) {str(wheel)!r} (from {str(Path.cwd())!r}).")
        store = workspace.get_default_datastore()
        if not exist_ok and any((store.folder / _WHEELS).glob(f"*/{escape(wheel.name)}")):
            raise UserErrorException(
                f"Workspace {workspace.name!r} has a wheel {wheel.name!r} already. Raise its version, or give "
                "exist_ok=True."
            )
        # Another content has another address: environments that were built with the old one are not taken for this.
        place = f"{_WHEELS}/{_digest(wheel)[:16]}"
        store.upload_files([wheel], target_path=place, show_progress=False)
        return (store.folder / place / wheel.name).absolute().as_uri()

    # -- building ----------------------------------------------------------------------------------------------

    def build(self, workspace: Workspace, image_build_compute: str | None = None) -> ImageBuildDetails:
        """Make the environment's packages ready on this machine, in the background; runs find them ready then.

        ``image_build_compute`` is accepted and not used.  ``.wait_for_completion()`` of the result waits for the end.
        """
        from milepost.sdk.environments.environment_build import ImageBuildDetails

        return ImageBuildDetails(self._to_definition())

    def build_local(self, workspace: Workspace, platform: Any = None, **kwargs: Any) -> str:
        """Make the environment's packages ready on this machine, and print how that goes.  Gives what was printed.

        ``platform`` and further keywords (``useDocker``, ``pushImageToWorkspaceAcr``) are accepted and not used.
        Raises UserErrorException where it cannot be done.
        """
        from milepost.sdk.environments.environment_build import ImageBuildDetails

        details = ImageBuildDetails(self._to_definition())
        details.wait_for_completion(show_output=True)
        return details.log

    def get_image_details(self, workspace: Workspace) -> Any:
        """Images of environments belong to Azure's cloud."""
        raise cloud_only("Environment.get_image_details", "Print the environment itself to see its definition.")

    # -- in files ----------------------------------------------------------------------------------------------

    def save_to_directory(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write azureml_environment.json, conda_dependencies.yml and, where there is one, BaseDockerfile in a folder.

        Raises UserErrorException if the folder has files already and not ``overwrite``, or cannot be written.
        """
        from milepost.sdk.environments.environment_files import save

        save(self._to_definition(), Path(path), overwrite=overwrite)

    @staticmethod
    def load_from_directory(path: str | os.PathLike[str]) -> Environment:
        """The environment that `save_to_directory`, or Azure's own SDK or command line, wrote in a folder.

        Raises UserErrorException, with file and line, for files that are not there or not as they should be.
        """
        from milepost.sdk.environments.environment_files import load

        return Environment._from_definition(load(Path(path)), f"{str(Path(path))!r}")

    # -- its definition ----------------------------------------------------------------------------------------

    def _to_definition(self, where: str = "") -> dict[str, Any]:
        """The environment as Azure's JSON.  Raises UserErrorException for a value that a setting cannot have."""
        return super()._to_definition(where or f"Environment {self.name!r}:")

    @classmethod
    def _from_definition(cls, definition: object, where: str = "") -> Environment:
        """The environment that Azure's JSON tells of.  Raises UserErrorException where it is not as it should be."""
        made = Environment("unnamed")
        made.name = None
        made._take(definition, where or "The environment's definition")
        return made

    @classmethod
    def _of(cls, record: EnvironmentRecord) -> Environment:
        made = Environment._from_definition(record.definition, f"Environment {record.name!r} in the store:")
        made.name, made.version = record.name, str(record.version)
        return made


class EnvironmentDefinition(Environment):
    """An older name of `Environment`, for which no name need be given."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__("unnamed" if name is None else name)
        self.name = name


_WHEELS: Final = "azureml-private-packages"


def _warn_of_version(name: str, version: object) -> None:
    from milepost.warning import warn

    warn(
        f"Milepost: the environment {name!r} is one of Azure's, and {version!r:.100} of it is not here. The one that "
        "stands for it has no versions.",
        stacklevel=3,
    )


def _translated() -> AbstractContextManager[None]:
    from milepost.sdk.recording.recorder import translated  # heavy, and not needed to describe an environment

    return translated()


def _with_packages(
    name: str, conda_specification: str | os.PathLike[str] | None, pip_requirements: str | os.PathLike[str] | None
) -> Environment:
    if conda_specification is not None and pip_requirements is not None:
        raise UserErrorException("Give conda_specification or pip_requirements, not both.")
    if conda_specification is not None:
        return Environment.from_conda_specification(name, conda_specification)
    if pip_requirements is not None:
        return Environment.from_pip_requirements(name, pip_requirements)
    made = Environment(name)
    made.python.user_managed_dependencies = True
    return made


def _digest(path: Path) -> str:
    from hashlib import sha256

    made = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            made.update(piece)
    return made.hexdigest()


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UserErrorException(
            f"{name!r:.300} cannot name an environment in a workspace: use 1 to 255 letters (a-z, A-Z), digits, '_', "
            "'-' and '.'."
        )
    return name


def _checked_version(version: object) -> int:
    digits = str(version) if isinstance(version, (str, int)) and not isinstance(version, bool) else ""
    if not re.fullmatch(r"[0-9]{1,9}", digits, re.ASCII) or int(digits) < 1:
        raise UserErrorException(f"An environment's version is a number from 1, as 1 or '1', not {version!r:.100}.")
    return int(digits)
