"""What a submission asks for, checked: from a ScriptRunConfig, an estimator or a run configuration."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.distributed import torch_backend
from milepost.sdk.exceptions import NotAvailableException, UserErrorException, deferred
from milepost.sdk.run_configuration import (
    AML_COMPUTE,
    LOCAL,
    RunConfiguration,
    runnable_environment,
    target_name,
)
from milepost.sdk.run_sections import HistoryConfiguration, whole_number
from milepost.sdk.script_run_config import (
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
    from collections.abc import Iterator, Mapping

    from milepost.sdk.workspace import Workspace

MOST_PROCESSES: Final = 1024
"""Of one run: all are started on this machine."""
OUTPUTS: Final = "outputs"

_FRAMEWORKS: Final = {"python": "Python", "pytorch": "PyTorch", "tensorflow": "TensorFlow"}
_COMMUNICATORS: Final = {
    "none": "None",
    "mpi": "Mpi",
    "openmpi": "Mpi",
    "intelmpi": "Mpi",
    "nccl": "Nccl",
    "gloo": "Gloo",
    "parameterserver": "ParameterServer",
}
_SHELL_WORDS: Final = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<", "2>", "2>>", "2>&1", "&>", "(", ")"})
_SHELL_VARIABLE: Final = re.compile(r"[A-Za-z0-9_./:=,@%+{}-]*\$[A-Za-z0-9_./:=,@%+{}$-]*")
_VARIABLE: Final = re.compile(r"[^=\0]+")
_LOOKED_AT: Final = 2000


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
    """Those of the environment and of the run, the latter first."""
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
    folder = _folder(source)
    if command is None:
        if script is None:
            raise UserErrorException(
                "There is nothing to run: give ScriptRunConfig a script, such as script='train.py', or a command."
            )
        script = _script_in(folder, check_script(script))
    else:
        script = None
    warnings: list[str] = []
    environment = runnable_environment(run_config.environment, workspace)
    variables = _variables(environment, run_config)
    target = _target(run_config, workspace, warnings)
    processes = _processes(run_config, warnings)
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
        "framework": processes.framework,
        "communicator": processes.communicator,
        "nodeCount": processes.nodes,
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
        node_count=processes.nodes,
        processes_per_node=processes.per_node,
        total_processes=processes.nodes * processes.per_node,
        framework=processes.framework,
        communicator=processes.communicator,
        parameter_servers=processes.servers,
        max_run_duration_seconds=longest,
        output_collection=bool(history.output_collection),
        snapshot_project=bool(history.snapshot_project),
        watched=_watched(history.directories_to_watch),
        definition=definition,
        warnings=warnings,
    )


def _parts(config: Any) -> tuple[str, str | None, list[str], list[str] | str | None, RunConfiguration, int | None]:
    """Source directory, script, arguments, command, run configuration, longest duration."""
    from milepost.sdk.estimator import MMLBaseEstimator

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
        _shell_line(check_command(command)) if command else None,
        run_config,
        longest,
    )


def _not_submittable(config: Any) -> UserErrorException:
    kind = type(config).__name__
    if "HyperDrive" in kind:
        return deferred(f"Submitting a {kind}", "Submit each setting as a ScriptRunConfig of its own")
    if "AutoML" in kind:
        return deferred(f"Submitting an {kind}", "Submit a script that trains the models, as a ScriptRunConfig")
    if "Pipeline" in kind or kind.endswith("Step"):
        return NotAvailableException(
            f"Milepost runs no pipelines, so {kind} cannot be submitted. Submit each step as a ScriptRunConfig, and "
            "wait_for_completion() between them."
        )
    return UserErrorException(
        f"submit takes a ScriptRunConfig, not {kind}: {config!r:.80}. Write "
        "experiment.submit(ScriptRunConfig(source_directory='.', script='train.py'))."
    )


# -- the script ------------------------------------------------------------------------------------------------


def _folder(source: str) -> Path:
    try:
        folder = Path(source).expanduser().absolute()
        is_folder, is_there = folder.is_dir(), folder.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserErrorException(
            f"source_directory {source!r:.200} cannot be used: {error}.", inner_exception=error
        ) from error
    if not is_folder:
        trouble = "is a file; give the folder that it is in" if is_there else "is not there"
        raise UserErrorException(f"source_directory {source!r} {trouble} ({str(folder)!r}).")
    return Path(os.path.normpath(folder))


def _script_in(folder: Path, script: str) -> str:
    """The script's path in the folder, with "/".  Raises UserErrorException that names what is near."""
    given = Path(script.replace("\\", "/") if "\\" in script and not (folder / script).exists() else script)
    root = os.path.realpath(folder)
    try:
        place = Path(os.path.normpath(folder / given.expanduser()))
        if not place.is_relative_to(folder):
            linked = Path(os.path.realpath(place))  # the folder's own path may lead through a link
            if not linked.is_relative_to(root):
                raise UserErrorException(
                    f"script {script!r} is not in source_directory {str(folder)!r}: only what is in there is kept with "
                    "the run. Move it there, or give a source_directory that holds it."
                )
            place = folder / linked.relative_to(root)
        name = PurePosixPath(*place.relative_to(folder).parts).as_posix()
        if place.is_file():
            if not Path(os.path.realpath(place)).is_relative_to(root):
                raise UserErrorException(
                    f"script {script!r} is a link that leads out of source_directory {str(folder)!r}, and such links "
                    "are not kept with the run. Put the file itself there."
                )
            return name
        trouble = "is a folder" if place.is_dir() else "is not there"
    except (OSError, RuntimeError, ValueError) as error:
        raise UserErrorException(f"script {script!r:.200} cannot be used: {error}.", inner_exception=error) from error
    near = _near(folder, name)
    hint = f" Is it {' or '.join(map(repr, near))}?" if near else ""
    raise UserErrorException(f"script {script!r} {trouble} in source_directory {str(folder)!r}.{hint}")


def _near(folder: Path, name: str) -> list[str]:
    """Files of the folder whose names are like ``name``."""
    from difflib import get_close_matches

    found = list(_some_files(folder))
    same = [each for each in found if PurePosixPath(each).name.lower() == PurePosixPath(name).name.lower()]
    scripts = [each for each in found if each.endswith((".py", ".sh", ".R"))]
    return list(dict.fromkeys([*same[:3], *get_close_matches(name, scripts, n=3, cutoff=0.6)]))[:3]


def _some_files(folder: Path) -> Iterator[str]:
    seen = 0
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith((".", "__")))
        for each in sorted(files):
            seen += 1
            if seen > _LOOKED_AT:
                return
            yield (Path(path) / each).relative_to(folder).as_posix()


def _shell_line(command: list[str] | str) -> list[str] | str:
    """A list that was written for a shell as a text: Azure joins every list with spaces and gives it to one.

    That are a list of one text with spaces, and lists with words such as ``&&`` or with ``$VARIABLES``.
    """
    if isinstance(command, str):
        return command
    if len(command) == 1 and len(command[0].split()) > 1:
        return command[0]
    if not any(each in _SHELL_WORDS or _SHELL_VARIABLE.fullmatch(each) for each in command):
        return command
    return " ".join(
        each if each in _SHELL_WORDS or _SHELL_VARIABLE.fullmatch(each) else shlex.quote(each) for each in command
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
    from milepost.sdk.compute import known_record

    return known_record(workspace, name).name


def _pool(workspace: Workspace, name: str) -> str | None:
    from milepost.sdk.compute import find_record

    record = find_record(workspace, name)
    return None if record is None else record.name


@dataclass(frozen=True)
class _Processes:
    framework: str
    communicator: str
    nodes: int
    per_node: int
    servers: int = 0


def _processes(config: RunConfiguration, warnings: list[str]) -> _Processes:
    framework = _one_of(config.framework or "Python", _FRAMEWORKS, "framework")
    communicator = _one_of(config.communicator or "None", _COMMUNICATORS, "communicator")
    nodes = whole_number(config.node_count, "node_count", most=MOST_PROCESSES)
    if communicator == "ParameterServer" or (framework == "TensorFlow" and communicator == "None" and nodes > 1):
        workers = whole_number(config.tensorflow.worker_count, "worker_count", most=MOST_PROCESSES)
        servers = whole_number(
            config.tensorflow.parameter_server_count, "parameter_server_count", least=0, most=MOST_PROCESSES
        )
        return _bounded(_Processes("TensorFlow", "ParameterServer", workers + servers, 1, servers))
    if communicator == "Mpi":
        per_node = whole_number(config.mpi.process_count_per_node, "process_count_per_node", most=MOST_PROCESSES)
        return _bounded(_Processes(framework, communicator, nodes, per_node))
    if communicator in {"Nccl", "Gloo"} or (framework == "PyTorch" and (nodes > 1 or config.pytorch.process_count)):
        total = config.pytorch.process_count
        total = nodes if total is None else whole_number(total, "process_count", most=MOST_PROCESSES)
        if total % nodes:
            raise UserErrorException(
                f"process_count={total} cannot be shared evenly between node_count={nodes} nodes: give a multiple."
            )
        if communicator == "None":
            communicator = torch_backend(config.pytorch.communication_backend)
        return _bounded(_Processes("PyTorch", communicator, nodes, total // nodes))
    if nodes > 1:
        warnings.append(f"node_count={nodes} has no effect without a distributed_job_config: one process is started.")
    return _Processes(framework, communicator, 1, 1)


def _bounded(processes: _Processes) -> _Processes:
    total = processes.nodes * processes.per_node
    if total > MOST_PROCESSES:
        raise UserErrorException(
            f"The run asks for {total:,} processes, which would all be started on this machine; {MOST_PROCESSES:,} is "
            "the limit."
        )
    return processes


def _one_of(value: Any, known: Mapping[str, str], what: str) -> str:
    found = known.get(value.lower()) if isinstance(value, str) else None
    if found is not None:
        return found
    instead = ""
    if str(value).lower() == "pyspark":
        instead = " Start Spark yourself: command='spark-submit train.py'."
    elif value == "ParallelTask":
        instead = " Parallel tasks are steps of pipelines, which Milepost does not run."
    names = ", ".join(dict.fromkeys(known.values()))
    raise UserErrorException(f"{what} must be one of {names}, not {value!r:.80}.{instead}")


def _watched(folders: Any) -> list[str]:
    from milepost.sdk.recorder import translated
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
