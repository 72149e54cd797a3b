"""What a submission asks for, checked: from a ScriptRunConfig, an estimator or a run configuration."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import NotAvailableException, UserErrorException, deferred
from milepost.sdk.runs.run_processes import processes
from milepost.sdk.submitting.command_line import shell_line
from milepost.sdk.submitting.run_configuration import (
    AML_COMPUTE,
    LOCAL,
    RunConfiguration,
    runnable_environment,
    target_name,
)
from milepost.sdk.submitting.run_sections import HistoryConfiguration
from milepost.sdk.submitting.script_place import script_in, source_folder
from milepost.sdk.submitting.script_run_config import (
    ScriptRunConfig,
    check_arguments,
    check_command,
    check_duration,
    check_script,
    check_source_directory,
    duration,
    plain_arguments,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milepost.sdk.workspaces.workspace import Workspace

OUTPUTS: Final = "outputs"

_VARIABLE: Final = re.compile(r"[^=\0]+")


@dataclass(frozen=True)
class JobRequest:
    """A run as it was asked for: everything is checked, and nothing has been done yet."""

    source_directory: Path
    """Absolute, and there."""
    script: str | None
    """Its path in the source directory, with "/"; None where there is a command."""
    arguments: list[str]
    command: list[str] | str | None
    """A text is for the shell."""
    environment: dict[str, Any]
    """The environment's definition."""
    environment_variables: dict[str, str]
    """Those of the environment and of the run; where both have one, the run's."""
    target: str
    """"local", or the name of a pool as it is spelled there."""
    node_count: int
    processes_per_node: int
    total_processes: int
    """``node_count`` times ``processes_per_node``."""
    framework: str
    """Python, PyTorch or TensorFlow."""
    communicator: str
    """None, Mpi, Nccl, Gloo or ParameterServer."""
    parameter_servers: int
    """How many of the processes are parameter servers."""
    max_run_duration_seconds: int | None
    output_collection: bool
    snapshot_project: bool
    watched: list[str]
    """Folders of the working directory whose files are kept, ``outputs`` first."""
    definition: dict[str, Any]
    """The shape of ``get_details()["runDefinition"]``."""
    warnings: list[str] = field(default_factory=list)
    """What was asked for and has no effect."""


def job_request(config: Any, workspace: Workspace) -> JobRequest:
    """What ``config`` asks for: a ScriptRunConfig, an Estimator, or a RunConfiguration (of the current directory).

    Raises:
        UserErrorException: it is none of these, its script or directory is not there, or one of its settings is
            wrong.
        ComputeTargetException: there is no such compute target.
        NotAvailableException: what it asks for comes in a later version.
    """
    source, script, arguments, command, run_config, longest = _parts(config)
    folder = source_folder(source)
    if command is None:
        if script is None:
            raise UserErrorException(
                "There is nothing to run: give ScriptRunConfig a script, such as script='train.py', or a command."
            )
        script = script_in(folder, check_script(script))
    else:
        script = None
    warnings: list[str] = []
    environment = runnable_environment(run_config.environment, workspace)
    variables = _variables(environment, run_config)
    target = _target(run_config, workspace, warnings)
    found = processes(run_config, warnings)
    history = run_config.history
    if not isinstance(history, HistoryConfiguration):
        raise UserErrorException(f"run_config.history must be a HistoryConfiguration, not {history!r:.80}.")
    _without_effect(run_config, warnings)
    definition = run_config._to_definition()
    definition |= {
        "script": script,
        "useAbsolutePath": False,
        "arguments": arguments,
        "command": command if isinstance(command, str) else shlex.join(command or []),
        "target": target,
        "framework": found.framework,
        "communicator": found.communicator,
        "nodeCount": found.nodes,
        "maxRunDurationSeconds": longest,
        "environment": environment,
        "environmentVariables": {str(key): str(value) for key, value in run_config.environment_variables.items()},
    }
    return JobRequest(
        source_directory=folder,
        script=script,
        arguments=arguments,
        command=command,
        environment=environment,
        environment_variables=variables,
        target=target,
        node_count=found.nodes,
        processes_per_node=found.per_node,
        total_processes=found.nodes * found.per_node,
        framework=found.framework,
        communicator=found.communicator,
        parameter_servers=found.servers,
        max_run_duration_seconds=longest,
        output_collection=bool(history.output_collection),
        snapshot_project=bool(history.snapshot_project),
        watched=_watched(history.directories_to_watch),
        definition=definition,
        warnings=warnings,
    )


def _parts(config: Any) -> tuple[str, str | None, list[str], list[str] | str | None, RunConfiguration, int | None]:
    """Source directory, script, arguments, command, run configuration, longest duration."""
    from milepost.sdk.submitting.estimator import MMLBaseEstimator

    if isinstance(config, MMLBaseEstimator):
        config = config._script_run_config()
    if isinstance(config, RunConfiguration):
        config = ScriptRunConfig(".", run_config=config)
    if not isinstance(config, ScriptRunConfig):
        raise _not_submittable(config)
    if config.resume_from is not None:
        raise deferred(
            "ScriptRunConfig(resume_from=...)",
            "The script can fetch the earlier run's files itself: Run.get(workspace, run_id).download_files()",
        )
    run_config = config.run_config
    if not isinstance(run_config, RunConfiguration):
        raise UserErrorException(f"run_config must be a RunConfiguration, not {run_config!r:.80}.")
    source = check_source_directory(config.source_directory)
    script: str | None = config.script
    command: Any = config.command
    if script is None and not command:
        script, command = run_config.script, run_config.command
    if script and command:
        raise UserErrorException("The run has both a script and a command; set one of them to None.")
    given = config.arguments or (run_config.arguments if not command else [])
    if command and given:
        raise UserErrorException("The run has a command and arguments; put the arguments into the command.")
    arguments = plain_arguments(check_arguments(given or []))
    longest = check_duration(duration(config))
    return (
        source,
        script or None,
        arguments,
        shell_line(check_command(command)) if command else None,
        run_config,
        longest,
    )


def _not_submittable(config: Any) -> UserErrorException:
    kind = type(config).__name__
    if "Pipeline" in kind or kind.endswith("Step"):
        return NotAvailableException(
            f"Milepost runs no pipelines, so {kind} cannot be submitted. Submit each step as a ScriptRunConfig, and "
            "wait_for_completion() between them."
        )
    return UserErrorException(
        f"submit takes a ScriptRunConfig, not {kind}: {config!r:.80}. Write "
        "experiment.submit(ScriptRunConfig(source_directory='.', script='train.py'))."
    )


# -- where and how -----------------------------------------------------------------------------------------------


def _variables(environment: Mapping[str, Any], config: RunConfiguration) -> dict[str, str]:
    found: dict[str, str] = {}
    for given in (environment.get("environmentVariables") or {}, config.environment_variables or {}):
        if not hasattr(given, "items"):
            raise UserErrorException(f"environment variables are a dict of name -> value, not {given!r:.80}.")
        for key, value in given.items():
            if not isinstance(key, str) or not _VARIABLE.fullmatch(key):
                raise UserErrorException(f"{key!r:.80} cannot be the name of an environment variable.")
            if not isinstance(value, (str, int, float)) or "\0" in str(value):
                raise UserErrorException(
                    f"The environment variable {key!r} must be a text or a number without NUL characters, not "
                    f"{type(value).__name__}."
                )
            found[key] = str(value)
    return found


def _target(config: RunConfiguration, workspace: Workspace, warnings: list[str]) -> str:
    name = target_name(config.target)
    if name == LOCAL:
        return LOCAL
    if name == AML_COMPUTE:
        pool = config.amlcompute.name
        if pool and (found := _pool(workspace, pool)) is not None:
            return found
        warnings.append(
            "The target 'amlcompute' asks for a cluster that is made for this run alone: it runs on this machine at "
            "once."
        )
        return LOCAL
    from milepost.sdk.compute_targets.compute import known_record

    return known_record(workspace, name).name


def _pool(workspace: Workspace, name: str) -> str | None:
    from milepost.sdk.compute_targets.compute import find_record

    record = find_record(workspace, name)
    return None if record is None else record.name


def _watched(folders: Any) -> list[str]:
    from milepost.sdk.recording.recorder import translated
    from milepost.store.names import check_name

    if not isinstance(folders, (list, tuple, type(None))):
        raise UserErrorException(f"history.directories_to_watch is a list of folders, not {folders!r:.80}.")
    with translated():
        names = [check_name(each.rstrip("/") if isinstance(each, str) else each) for each in folders or ()]
    return list(dict.fromkeys([OUTPUTS, *names]))


def _without_effect(config: RunConfiguration, warnings: list[str]) -> None:
    """Say what was asked for and cannot be had."""
    docker = config.docker
    section = getattr(config.environment, "docker", None)
    if getattr(docker, "use_docker", False) or getattr(section, "enabled", False):
        warnings.append("Docker was asked for: this version runs scripts on the machine itself, without containers.")
    if config.source_directory_data_store:
        warnings.append("source_directory_data_store has no effect: the source directory is kept with the run.")
    if config.data or config.data_references or config.output_data:
        raise deferred(
            "A run configuration with data, data_references or output_data",
            "Give the script the path of a folder: Workspace.get_default_datastore().path('data') is one",
        )
