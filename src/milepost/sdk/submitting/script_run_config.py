"""What to submit: a source directory, a script in it with its arguments, and how to run it."""

from __future__ import annotations

import os
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from milepost.sdk.exceptions import UserErrorException, deferred
from milepost.sdk.submitting.distributed import (
    MpiConfiguration,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from milepost.sdk.submitting.run_configuration import (
    LONGEST_RUN_S,
    RunConfiguration,
    environment_definition,
    target_name,
)
from milepost.sdk.submitting.run_sections import DockerConfiguration, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.sdk.environments.environment import Environment


class ScriptRunConfig:
    """A script to submit with ``Experiment.submit()``.

    ``source_directory``: all of it is kept with the run, and the script runs in a copy of it.  ``script``: its path in
    there; ``arguments``: a list, in which numbers become texts.  ``command`` (a text for the shell, or a list) is run
    in place of script and arguments.  ``compute_target``: a name or a ComputeTarget; None and "local" run at once.
    ``environment``: without one, the Python interpreter that submits runs the script too.  ``distributed_job_config``:
    an Mpi-, PyTorch- or TensorflowConfiguration.  ``run_config``: a RunConfiguration to begin with; where others of
    these are given they change a copy of it.

    Whether the script is there is looked at when it is submitted.  Raises UserErrorException for arguments of a wrong
    kind.
    """

    DELIM = "#"
    MAX_DURATION_SECONDS_DEFAULT = 2592000

    def __init__(
        self,
        source_directory: str | os.PathLike[str],
        script: str | None = None,
        arguments: Sequence[Any] | None = None,
        run_config: RunConfiguration | None = None,
        compute_target: Any = None,
        environment: Environment | None = None,
        distributed_job_config: Any = None,
        resume_from: Any = None,
        max_run_duration_seconds: int | None = 2592000,
        command: Sequence[str] | str | None = None,
        docker_runtime_config: DockerConfiguration | None = None,
    ) -> None:
        if command and (script or arguments):
            raise UserErrorException(
                "ScriptRunConfig takes either script and arguments, or command: what is in command runs as it is."
            )
        if run_config is not None and not isinstance(run_config, RunConfiguration):
            raise UserErrorException(
                f"run_config must be a RunConfiguration, not {type(run_config).__name__}: {run_config!r:.80}."
            )
        changes = (compute_target, environment, distributed_job_config, docker_runtime_config)
        if run_config is None:
            run_config = RunConfiguration()
        elif any(each is not None for each in changes):
            run_config = deepcopy(run_config)
        self.source_directory = check_source_directory(source_directory)
        self.script = script if script is None else check_script(script)
        self.arguments: list[Any] = [] if arguments is None else check_arguments(arguments)
        self.command = command if command is None else check_command(command)
        self.max_run_duration_seconds = check_duration(max_run_duration_seconds)
        self.resume_from = resume_from
        self.run_config = run_config
        if compute_target is not None:
            run_config.target = target_name(compute_target)
        if environment is not None:
            environment_definition(environment)
            run_config.environment = environment
        if distributed_job_config is not None:
            distribute(run_config, distributed_job_config)
        if docker_runtime_config is not None:
            if not isinstance(docker_runtime_config, DockerConfiguration):
                raise UserErrorException(
                    f"docker_runtime_config must be a DockerConfiguration, not {docker_runtime_config!r:.80}."
                )
            run_config.docker = docker_runtime_config

    @property
    def identity(self) -> str:
        """The name of the class."""
        return type(self).__name__

    def __repr__(self) -> str:
        what = f"command={self.command!r}" if self.command else f"script={self.script!r}, arguments={self.arguments!r}"
        return f"ScriptRunConfig(source_directory={self.source_directory!r}, {what}, target={self.run_config.target!r})"


def get_run_config_from_script_run(script_run_config: ScriptRunConfig) -> RunConfiguration:
    """The run configuration with script, arguments and command of a ScriptRunConfig in it, to be saved as a file."""
    config = deepcopy(script_run_config.run_config)
    config.script = script_run_config.script or config.script
    config.arguments = plain_arguments(script_run_config.arguments) or config.arguments
    config.command = script_run_config.command or config.command
    config.max_run_duration_seconds = duration(script_run_config)
    return config


def duration(config: ScriptRunConfig) -> int | None:
    """The longest time in seconds that a run may take: the one that was given, here or in the run configuration."""
    own, general = config.max_run_duration_seconds, config.run_config.max_run_duration_seconds
    return general if own in (None, config.MAX_DURATION_SECONDS_DEFAULT) and general is not None else own


def distribute(config: RunConfiguration, how: Any) -> None:
    """Set how many processes a run has.  Raises UserErrorException for what is none of the configurations."""
    if isinstance(how, MpiConfiguration):
        config.mpi, config.framework, config.communicator = how, "Python", "Mpi"
        config.node_count = how.node_count
    elif isinstance(how, PyTorchConfiguration):
        config.pytorch, config.framework, config.communicator = how, "PyTorch", how.communication_backend
        config.node_count = how.node_count
    elif isinstance(how, TensorflowConfiguration):
        config.tensorflow, config.framework, config.communicator = how, "TensorFlow", "ParameterServer"
        config.node_count = how.worker_count + how.parameter_server_count
    elif isinstance(how, ParallelTaskConfiguration):
        config.parallel_task, config.framework, config.communicator = how, "Python", "ParallelTask"
    else:
        raise UserErrorException(
            "distributed_job_config must be an MpiConfiguration, a PyTorchConfiguration or a TensorflowConfiguration "
            f"(of azureml.core.runconfig), not {type(how).__name__}: {how!r:.80}."
        )


def check_source_directory(folder: Any) -> str:
    """The source directory as text; None is the current one.  Raises UserErrorException."""
    try:
        path = os.fspath("." if folder is None else folder)
    except TypeError:
        path = None
    if not isinstance(path, str) or not path or "\0" in path:
        raise UserErrorException(f"source_directory must be the path of a folder, not {folder!r:.200}.")
    return path


def check_script(script: Any) -> str:
    """A script's path as text.  Raises UserErrorException."""
    try:
        path = os.fspath(script)
    except TypeError:
        path = None
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise UserErrorException(f"script must be the path of a file in source_directory, not {script!r:.200}.")
    return path


def check_duration(seconds: Any) -> int | None:
    """The longest time in seconds that a run may take, or None.  Raises UserErrorException."""
    return None if seconds is None else whole_number(seconds, "max_run_duration_seconds", most=LONGEST_RUN_S)


def check_arguments(arguments: Any, where: str = "arguments") -> list[Any]:
    """The list as it is, when a script can be given what is in it.  Raises UserErrorException."""
    if isinstance(arguments, (str, bytes)):
        import shlex

        text = arguments if isinstance(arguments, str) else arguments.decode(errors="replace")
        try:
            parts = shlex.split(text)
        except ValueError:
            parts = text.split()
        raise UserErrorException(f"{where} is a list, not one text: write arguments={parts!r:.300}.")
    if not isinstance(arguments, (list, tuple)):
        raise UserErrorException(
            f"{where} is a list such as ['--alpha', 0.5], not {type(arguments).__name__}: {arguments!r:.80}."
        )
    plain_arguments(arguments, where)
    return list(arguments)


def plain_arguments(arguments: Sequence[Any], where: str = "arguments") -> list[str]:
    """The arguments as texts.  Raises UserErrorException that tells which cannot be one."""
    return [_argument(value, f"{where}[{index}]") for index, value in enumerate(arguments)]


def check_command(command: Any) -> list[str] | str:
    """The command as it is, when it can be run.  Raises UserErrorException."""
    if isinstance(command, str):
        if not command.strip() or "\0" in command:
            raise UserErrorException(f"command is empty, or holds a NUL character: {command!r:.80}.")
        return command
    if not isinstance(command, (list, tuple)) or not command:
        raise UserErrorException(
            f"command is a text such as 'python train.py', or a list, not {type(command).__name__}: {command!r:.80}."
        )
    return [_argument(value, f"command[{index}]") for index, value in enumerate(command)]


def _argument(value: Any, where: str) -> str:
    from milepost.sdk.workspaces.datastore import DataReference

    if isinstance(value, DataReference):
        return str(value.local_path)
    found: Any = value
    if not isinstance(value, (str, int, float)) and callable(getattr(value, "item", None)):
        try:
            found = value.item()  # numpy's scalars
        except (TypeError, ValueError):
            found = value
    elif isinstance(value, os.PathLike):
        found = os.fspath(value)
    if not isinstance(found, (str, int, float)):
        kind = type(value).__name__
        if any(word in kind for word in ("Dataset", "DataPath", "PipelineData", "PipelineParameter", "DataReference")):
            raise deferred(
                f"{where}: a {kind} as argument",
                "Give the path of a folder: Workspace.get_default_datastore().path('data') is one",
            )
        hint = " Leave it out, or write the text 'None'." if value is None else ""
        raise UserErrorException(f"{where} must be a text or a number, not {kind}: {value!r:.80}.{hint}")
    text = str(found)
    if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):
        raise UserErrorException(f"{where} holds a NUL character or half of a surrogate pair: {text!r:.80}.")
    return text
