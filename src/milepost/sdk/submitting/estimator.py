"""Estimators: the SDK's older way to say what to submit.  Each makes a run configuration from its arguments."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from milepost.sdk.exceptions import UserErrorException, deferred
from milepost.sdk.section import variables
from milepost.sdk.submitting.distributed import MpiConfiguration, PyTorchConfiguration, TensorflowConfiguration
from milepost.sdk.submitting.run_configuration import AML_COMPUTE, RunConfiguration, environment_definition, target_name
from milepost.sdk.submitting.run_sections import whole_number
from milepost.sdk.submitting.script_run_config import (
    ScriptRunConfig,
    check_duration,
    check_script,
    check_source_directory,
    distribute,
    plain_arguments,
)

if TYPE_CHECKING:
    from milepost.sdk.environments.conda_dependencies import CondaDependencies
    from milepost.sdk.environments.environment import Environment

_told: set[str] = set()


@dataclass(frozen=True)
class Wish:
    """The arguments of an estimator."""

    source_directory: str
    compute_target: Any = None
    vm_size: str | None = None
    vm_priority: str | None = None
    entry_script: str | None = None
    script_params: Mapping[str, Any] | None = None
    node_count: int = 1
    process_count_per_node: int = 1
    worker_count: int = 1
    parameter_server_count: int = 1
    distributed_backend: str | None = None
    distributed_training: Any = None
    use_docker: bool = True
    user_managed: bool = False
    conda_packages: Sequence[str] | None = None
    pip_packages: Sequence[str] | None = None
    conda_dependencies_file: str | None = None
    pip_requirements_file: str | None = None
    environment_variables: Mapping[str, str] | None = None
    environment_definition: Any = None
    inputs: Sequence[Any] | None = None
    source_directory_data_store: Any = None
    shm_size: str | None = None
    resume_from: Any = None
    max_run_duration_seconds: int | None = None
    framework_version: str | None = None
    image: str | None = None


class MMLBaseEstimator:
    """What all estimators share.

    ``script_params``: option -> value, where "" is an option without a value.  ``conda_packages``, ``pip_packages``
    and the files with more of them make an environment; without any, and without ``framework_version``, the Python
    interpreter that submits runs the script.  ``use_docker``, ``use_gpu``, ``custom_docker_image``, ``shm_size`` and
    the details of a registry are kept where a run configuration keeps them, and have no effect.

    Raises UserErrorException for arguments of a wrong kind, and NotAvailableException for ``inputs`` and
    ``resume_from``.
    """

    FRAMEWORK_NAME: ClassVar[str | None] = None
    DEFAULT_VERSION: ClassVar[str | None] = None
    _packages: ClassVar[tuple[str, ...]] = ()
    """What an environment for the framework has in it; the version is that of the first."""
    _versions: ClassVar[tuple[str, ...]] = ()

    def _configure(self, wish: Wish) -> None:
        self._deprecate()
        if wish.inputs:
            raise deferred(
                f"{type(self).__name__}(inputs=...)",
                "Give the script the path of a folder in script_params: "
                "Workspace.get_default_datastore().path('data') is one",
            )
        if wish.resume_from is not None:
            raise deferred(
                f"{type(self).__name__}(resume_from=...)",
                "The script can fetch the earlier run's files itself: Run.get(workspace, run_id).download_files()",
            )
        self._source_directory = check_source_directory(wish.source_directory)
        self._framework_version = wish.framework_version
        config = RunConfiguration()
        if wish.entry_script is not None:
            config.script = check_script(wish.entry_script)
        config.arguments = _arguments(wish.script_params)
        config.target = target_name(wish.compute_target)
        config.amlcompute.vm_size, config.amlcompute.vm_priority = wish.vm_size, wish.vm_priority
        if wish.compute_target is None and wish.vm_size:
            config.target = AML_COMPUTE
        config.max_run_duration_seconds = check_duration(wish.max_run_duration_seconds)
        config.environment = self._environment(wish, config.environment)
        how = _distribution(wish)
        if how is not None:
            distribute(config, how)
        self._run_config = config

    def _environment(self, wish: Wish, fresh: Environment) -> Environment:
        wants_packages = any(
            (wish.conda_packages, wish.pip_packages, wish.conda_dependencies_file, wish.pip_requirements_file)
        )
        environment = fresh
        if wish.environment_definition is not None:
            if wants_packages:
                raise UserErrorException(
                    "Give packages or environment_definition, not both: the latter has packages of its own."
                )
            environment_definition(wish.environment_definition, "environment_definition")
            environment = deepcopy(wish.environment_definition)
        elif wish.user_managed:
            environment.python.user_managed_dependencies = True
        elif wants_packages or wish.framework_version is not None:
            environment.python.conda_dependencies = self._dependencies(wish)
        if wish.environment_variables:
            environment.environment_variables = variables(wish.environment_variables, "environment_variables")
        if wish.image:
            environment.docker.base_image = wish.image
        if wish.shm_size:
            environment.docker.shm_size = wish.shm_size
        return environment

    def _dependencies(self, wish: Wish) -> CondaDependencies:
        from milepost.sdk.environments.conda_dependencies import CondaDependencies
        from milepost.sdk.environments.requirements_file import read_requirements

        if wish.conda_dependencies_file:
            found = CondaDependencies(_file(self._source_directory, wish.conda_dependencies_file))
        else:
            found = CondaDependencies()
        pip = list(self._framework_packages(wish.framework_version))
        if wish.pip_requirements_file:
            pip += read_requirements(_file(self._source_directory, wish.pip_requirements_file))
        for package in _names(wish.conda_packages, "conda_packages"):
            found.add_conda_package(package)
        for package in [*pip, *_names(wish.pip_packages, "pip_packages")]:
            found.add_pip_package(package)
        return found

    def _framework_packages(self, version: str | None) -> tuple[str, ...]:
        if not self._packages or version is None:
            return self._packages
        return (f"{self._packages[0]}=={version}", *self._packages[1:])

    @property
    def source_directory(self) -> str:
        """The folder that holds the script."""
        return self._source_directory

    @property
    def run_config(self) -> RunConfiguration:
        """The run configuration that was made from the arguments; changes in it count."""
        return self._run_config

    @property
    def conda_dependencies(self) -> CondaDependencies | None:
        """The packages of the environment."""
        return self._run_config.environment.python.conda_dependencies

    def _script_run_config(self) -> ScriptRunConfig:
        return ScriptRunConfig(self._source_directory, run_config=self._run_config)

    @classmethod
    def _deprecate(cls) -> None:
        if cls.__name__ not in _told:
            _told.add(cls.__name__)
            # The one who made the estimator: _configure, __init__ and this method are in between.
            warnings.warn(
                f"{cls.__name__} is deprecated in the SDK. ScriptRunConfig with an Environment does the same.",
                DeprecationWarning,
                stacklevel=4,
            )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(source_directory={self._source_directory!r}, "
            f"entry_script={self._run_config.script!r})"
        )


class Estimator(MMLBaseEstimator):
    """Any script.  See `MMLBaseEstimator` for the arguments."""

    def __init__(
        self,
        source_directory: str,
        *,
        compute_target: Any = None,
        vm_size: str | None = None,
        vm_priority: str | None = None,
        entry_script: str | None = None,
        script_params: Mapping[str, Any] | None = None,
        node_count: int = 1,
        process_count_per_node: int = 1,
        distributed_backend: str | None = None,
        distributed_training: Any = None,
        use_gpu: bool = False,
        use_docker: bool = True,
        custom_docker_base_image: str | None = None,
        custom_docker_image: str | None = None,
        image_registry_details: Any = None,
        user_managed: bool = False,
        conda_packages: Sequence[str] | None = None,
        pip_packages: Sequence[str] | None = None,
        conda_dependencies_file_path: str | None = None,
        pip_requirements_file_path: str | None = None,
        conda_dependencies_file: str | None = None,
        pip_requirements_file: str | None = None,
        environment_variables: Mapping[str, str] | None = None,
        environment_definition: Any = None,
        inputs: Sequence[Any] | None = None,
        source_directory_data_store: Any = None,
        shm_size: str | None = None,
        resume_from: Any = None,
        max_run_duration_seconds: int | None = None,
    ) -> None:
        self._configure(
            Wish(
                source_directory=source_directory,
                compute_target=compute_target,
                vm_size=vm_size,
                vm_priority=vm_priority,
                entry_script=entry_script,
                script_params=script_params,
                node_count=node_count,
                process_count_per_node=process_count_per_node,
                distributed_backend=distributed_backend,
                distributed_training=distributed_training,
                use_docker=use_docker,
                user_managed=user_managed,
                conda_packages=conda_packages,
                pip_packages=pip_packages,
                conda_dependencies_file=conda_dependencies_file or conda_dependencies_file_path,
                pip_requirements_file=pip_requirements_file or pip_requirements_file_path,
                environment_variables=environment_variables,
                environment_definition=environment_definition,
                inputs=inputs,
                source_directory_data_store=source_directory_data_store,
                shm_size=shm_size,
                resume_from=resume_from,
                max_run_duration_seconds=max_run_duration_seconds,
                image=custom_docker_image or custom_docker_base_image,
            )
        )


def _arguments(script_params: Any) -> list[str]:
    if script_params is None:
        return []
    if not isinstance(script_params, Mapping):
        raise UserErrorException(
            f"script_params is a dict such as {{'--alpha': 0.5}}, not {type(script_params).__name__}: "
            f"{script_params!r:.80}."
        )
    found: list[Any] = []
    for option, value in script_params.items():
        if not isinstance(option, str):
            raise UserErrorException(f"An option in script_params must be a text, not {option!r:.80}.")
        if value is None or (isinstance(value, str) and not value):
            found.append(option)
        else:
            found += [option, plain_arguments([value], f"script_params[{option!r}], value ")[0]]
    return plain_arguments(found, "script_params")


def _distribution(wish: Wish) -> Any:
    """The configuration for several processes that the arguments ask for, or None."""
    nodes = whole_number(wish.node_count, "node_count")
    per_node = whole_number(wish.process_count_per_node, "process_count_per_node")
    how, backend = wish.distributed_training, wish.distributed_backend
    if how is not None and backend is not None:
        raise UserErrorException("Give distributed_training or distributed_backend, not both.")
    if isinstance(how, MpiConfiguration):
        return MpiConfiguration(how.process_count_per_node, max(nodes, how.node_count))
    if isinstance(how, PyTorchConfiguration):
        return PyTorchConfiguration(how.communication_backend, how.process_count, max(nodes, how.node_count))
    if how is not None:
        return how
    if backend is None:
        if nodes > 1 or per_node > 1:
            raise UserErrorException(
                f"node_count={nodes} and process_count_per_node={per_node} need to know how the processes speak with "
                "each other: give distributed_training=MpiConfiguration(...) too."
            )
        return None
    match backend.lower() if isinstance(backend, str) else backend:
        case "mpi":
            return MpiConfiguration(per_node, nodes)
        case "ps":
            return TensorflowConfiguration(wish.worker_count, wish.parameter_server_count)
        case "nccl" | "gloo" as name:
            return PyTorchConfiguration(name, nodes * per_node, nodes)
    raise UserErrorException(f"distributed_backend is 'mpi', 'ps', 'nccl' or 'gloo', not {backend!r:.80}.")


def _file(source_directory: str, name: Any) -> Path:
    """A file beside the script, or in the current directory."""
    try:
        beside = Path(source_directory).expanduser() / name
        return beside if beside.exists() or not Path(name).exists() else Path(name)
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        raise UserErrorException(f"{name!r:.200} is not the path of a file: {error}.") from error


def _names(packages: Any, what: str) -> list[str]:
    if packages is None:
        return []
    if not isinstance(packages, (list, tuple)):
        raise UserErrorException(f"{what} is a list such as ['numpy'], not {packages!r:.80}.")
    return list(packages)
