"""The run configuration: everything about a submitted run but its source directory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import ServiceException, UserErrorException
from milepost.sdk.section import Field, Section, flag, nested, plain_list, shown, stored, text, text_or_none, variables
from milepost.sdk.submitting.distributed import (
    MpiConfiguration,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from milepost.sdk.submitting.run_sections import (
    AmlComputeConfiguration,
    DockerConfiguration,
    HdiConfiguration,
    HistoryConfiguration,
    SparkConfiguration,
    always,
    number,
    number_or_none,
    table,
)
from milepost.warning import warn

if TYPE_CHECKING:
    from milepost.sdk.environments.conda_dependencies import CondaDependencies
    from milepost.sdk.environments.environment import Environment
    from milepost.sdk.workspaces.workspace import Workspace

LOCAL: Final = "local"
AML_COMPUTE: Final = "amlcompute"
"""The target of a run that Azure would make a cluster for."""
DEFAULT_ENVIRONMENT: Final = "default"
"""The name of the environment that a run configuration begins with."""
LONGEST_RUN_S: Final = 10**9


def target_name(target: Any, where: str = "The compute target") -> str:
    """The name of a compute target, from its name or object; "local" for None.  Raises UserErrorException."""
    name = LOCAL if target is None else target if isinstance(target, str) else getattr(target, "name", None)
    if not isinstance(name, str) or not name.strip():
        raise UserErrorException(f"{where} is given as a name or as a ComputeTarget, not as {shown(target)}.")
    return name.lower() if name.lower() in (LOCAL, AML_COMPUTE) else name


def default_environment() -> Environment:
    """An environment that nothing was asked of."""
    from milepost.sdk.environments.environment import Environment

    return Environment(DEFAULT_ENVIRONMENT)


def environment_definition(environment: Any, where: str = "environment") -> dict[str, Any]:
    """An environment's definition.  Raises UserErrorException where it is no Environment."""
    from milepost.sdk.environments.environment import Environment

    if not isinstance(environment, Environment):
        raise UserErrorException(
            f"{where} must be an Environment, not {shown(environment)}. Make one with Environment(name), or take a "
            "registered one with Environment.get(workspace, name)."
        )
    definition: dict[str, Any] = environment._to_definition()
    return definition


def runnable_environment(environment: Any, workspace: Workspace) -> dict[str, Any]:
    """The definition of what a script is to be run in.

    An environment that nothing was asked of is the submitting interpreter as it is; one of which a file gives the
    name alone is that environment of the workspace.  Raises UserErrorException where there is none of that name.
    """
    definition = environment_definition(environment)
    untouched = default_environment()._to_definition()["python"]
    if definition["python"] != untouched:
        return definition
    if definition["name"] in (None, DEFAULT_ENVIRONMENT):
        own = {"interpreterPath": "python", "userManagedDependencies": True, "condaDependencies": None}
        return {**definition, "python": {**untouched, **own}}
    if getattr(environment, "_is_reference", False):
        from milepost.sdk.environments.environment import Environment

        try:
            return environment_definition(Environment.get(workspace, definition["name"], definition["version"]))
        except ServiceException as error:
            if error.status_code != 404:
                raise
            raise UserErrorException(
                f"The run configuration asks for a registered environment: {error.message}. Register it with "
                "Environment.register(workspace), or write its packages into the run configuration.",
                inner_exception=error,
            ) from error
    return definition


def _read_environment(value: object, where: str) -> Environment:
    from milepost.sdk.environments.environment import Environment

    if not isinstance(value, Mapping):
        raise UserErrorException(f"{where} must hold keys and values, not {shown(value)}.")
    made = Environment._from_definition({**value, "name": value.get("name") or DEFAULT_ENVIRONMENT}, where)
    # A name alone, as the command line's files have it, means the registered environment.
    made._is_reference = bool(value.get("name")) and set(value) <= {"name", "version"}
    return made


def _line(value: object, where: str) -> str | list[Any] | None:
    return plain_list(value, where) if isinstance(value, (list, tuple)) else text_or_none(value, where)


def _arguments(value: object, where: str) -> list[Any]:
    """Arguments are checked one by one when they are submitted; a file takes them as texts."""
    from milepost.sdk.submitting.script_run_config import check_arguments, plain_arguments

    return plain_arguments(check_arguments(value, where), where)


class RunConfiguration(Section):
    """How a script is run.

    ``script`` (relative to the source directory) with ``arguments``, or ``command``; ``framework``: "Python",
    "PyTorch" or "TensorFlow"; ``communicator``: "None", "Mpi", "Nccl", "Gloo" or "ParameterServer".

    ``environment`` begins as one that nothing was asked of: left so, the script is run by the Python interpreter that
    submits it.  With packages of its own (``environment.python.conda_dependencies``, or ``conda_dependencies`` here)
    an environment is built for it.  ``environment_variables`` are set for the run, over those of the environment.

    Attributes that concern Azure's cloud alone are kept, and have no effect.
    """

    script: str | None
    command: Sequence[str] | str | None
    arguments: list[Any]
    source_directory_data_store: str | None
    framework: str
    communicator: str
    max_run_duration_seconds: int | None
    node_count: int
    instance_types: list[str]
    priority: int | None
    credential_passthrough: bool
    job_name: str | None
    environment: Environment
    data_references: dict[str, Any]
    data: dict[str, Any]
    output_data: dict[str, Any]
    datacaches: list[Any]
    docker: DockerConfiguration
    history: HistoryConfiguration
    mpi: MpiConfiguration
    pytorch: PyTorchConfiguration
    tensorflow: TensorflowConfiguration
    parallel_task: ParallelTaskConfiguration
    amlcompute: AmlComputeConfiguration
    spark: SparkConfiguration
    hdi: HdiConfiguration

    _fields = (
        Field("script", "script", always(None), text_or_none),
        Field("command", "command", always(None), _line),
        Field("arguments", "arguments", list, _arguments),
        Field("source_directory_data_store", "sourceDirectoryDataStore", always(None), text_or_none),
        Field("framework", "framework", always("Python"), text),
        Field("communicator", "communicator", always("None"), text),
        Field("target", "target", always(LOCAL), target_name),
        Field("auto_prepare_environment", "autoPrepareEnvironment", always(True), flag),
        Field("max_run_duration_seconds", "maxRunDurationSeconds", always(None), number_or_none(1, LONGEST_RUN_S)),
        Field("node_count", "nodeCount", always(1), number()),
        Field("instance_types", "instanceTypes", list, plain_list),
        Field("priority", "priority", always(None), number_or_none(-LONGEST_RUN_S, LONGEST_RUN_S)),
        Field("credential_passthrough", "credentialPassthrough", always(False), flag),
        Field("job_name", "jobName", always(None), text_or_none),
        Field("environment", "environment", default_environment, environment_definition, _read_environment),
        Field("environment_variables", "environmentVariables", dict, variables),
        Field("data_references", "dataReferences", dict, table),
        Field("data", "data", dict, table),
        Field("output_data", "outputData", dict, table),
        Field("datacaches", "datacaches", list, plain_list),
        Field("docker", "docker", DockerConfiguration, *nested(DockerConfiguration)),
        Field("history", "history", HistoryConfiguration, *nested(HistoryConfiguration)),
        Field("mpi", "mpi", MpiConfiguration, *nested(MpiConfiguration)),
        Field("pytorch", "pyTorch", PyTorchConfiguration, *nested(PyTorchConfiguration)),
        Field("tensorflow", "tensorflow", TensorflowConfiguration, *nested(TensorflowConfiguration)),
        Field("parallel_task", "parallelTask", ParallelTaskConfiguration, *nested(ParallelTaskConfiguration)),
        Field("amlcompute", "amlCompute", AmlComputeConfiguration, *nested(AmlComputeConfiguration)),
        Field("spark", "spark", SparkConfiguration, *nested(SparkConfiguration)),
        Field("hdi", "hdi", HdiConfiguration, *nested(HdiConfiguration)),
    )

    def __init__(
        self,
        script: str | None = None,
        arguments: Sequence[Any] | None = None,
        framework: str | None = None,
        communicator: str | None = None,
        conda_dependencies: CondaDependencies | None = None,
        command: Sequence[str] | str | None = None,
    ) -> None:
        from milepost.sdk.submitting.script_run_config import check_arguments, check_command, check_script

        super().__init__()
        self.identity = None
        self.services = {}
        if command and (script or arguments):
            raise UserErrorException("RunConfiguration takes either script and arguments, or command.")
        self.script = None if script is None else check_script(script)
        self.arguments = [] if arguments is None else check_arguments(arguments)
        self.command = None if command is None else check_command(command)
        self.framework = framework or "Python"
        self.communicator = communicator or "None"
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except AttributeError as error:
            # Scripts written for another version of the SDK set what that version had.
            warn(f"{error} What is set has no effect.", stacklevel=2)
            object.__setattr__(self, name, value)

    identity = stored("identity", "Who a run in Azure's cloud is run as.  Has no effect.")
    services = stored("services", "What a run in Azure's cloud offers on the network.  Has no effect.")

    @property
    def target(self) -> str:
        """The name of the compute target: "local" (the default) or a pool's.  A target's object may be set too."""
        return self._target

    @target.setter
    def target(self, target: Any) -> None:
        self._target = target_name(target)

    @property
    def auto_prepare_environment(self) -> bool:
        """Has no effect: environments are always prepared."""
        return self._auto_prepare_environment

    @auto_prepare_environment.setter
    def auto_prepare_environment(self, auto_prepare_environment: bool) -> None:
        self._auto_prepare_environment = bool(auto_prepare_environment)

    @property
    def environment_variables(self) -> dict[str, str]:
        """Variables for the run, over those of the environment."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, environment_variables: Mapping[str, str]) -> None:
        # The dict itself is kept, so that what a script puts into it later counts.
        given = {} if environment_variables is None else environment_variables
        variables(given, "environment_variables")
        self._environment_variables: dict[str, str] = given if isinstance(given, dict) else dict(given)

    def save(
        self,
        path: str | os.PathLike[str] | None = None,
        name: str | None = None,
        separate_environment_yaml: bool = False,
    ) -> None:
        """Write ``.azureml/NAME.runconfig`` in the folder ``path`` (default: here).

        ``path`` may also be the file itself (``.runconfig``, ``.yml`` or ``.yaml``).  ``separate_environment_yaml``:
        the packages go to ``environment.yml`` beside it.  Raises UserErrorException where it cannot be written.
        """
        from milepost.sdk.submitting.run_configuration_files import save

        save(self, path, name, separate_environment_yaml)

    @staticmethod
    def load(path: str | os.PathLike[str], name: str | None = None) -> RunConfiguration:
        """Read ``NAME.runconfig`` of the folder ``path`` (in ``.azureml``, ``aml_config`` or the folder itself).

        ``path`` may also be the file itself.  Raises UserErrorException for a file that is not there or not one.
        """
        from milepost.sdk.submitting.run_configuration_files import load

        return load(path, name)

    @staticmethod
    def delete(path: str | os.PathLike[str], name: str) -> None:
        """Delete ``NAME.runconfig`` of the folder ``path``.  Raises UserErrorException where there is none."""
        from milepost.sdk.submitting.run_configuration_files import delete

        delete(path, name)

    def __repr__(self) -> str:
        what = f"command={self.command!r}" if self.command else f"script={self.script!r}, arguments={self.arguments!r}"
        return f"RunConfiguration({what}, target={self._target!r}, framework={self.framework!r})"
