"""Estimators for frameworks: scikit-learn, PyTorch and TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from milepost.sdk.submitting.estimator import MMLBaseEstimator, Wish


class _FrameworkEstimator(MMLBaseEstimator):
    @property
    def framework_version(self) -> str | None:
        """The framework's version: the one that was asked for, else the SDK's default."""
        return self._framework_version or self.DEFAULT_VERSION

    @classmethod
    def get_supported_versions(cls) -> list[str]:
        """The versions that the SDK had images for.  Others can be asked for too, where pip finds them."""
        return list(cls._versions)


class SKLearn(_FrameworkEstimator):
    """A script with scikit-learn; ``framework_version`` is its version.  See `MMLBaseEstimator`."""

    FRAMEWORK_NAME = "SKLearn"
    DEFAULT_VERSION = "0.20.3"
    _packages = ("scikit-learn", "joblib")
    _versions = ("0.20.3",)

    def __init__(
        self,
        source_directory: str,
        *,
        compute_target: Any = None,
        vm_size: str | None = None,
        vm_priority: str | None = None,
        entry_script: str | None = None,
        script_params: Mapping[str, Any] | None = None,
        use_docker: bool = True,
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
        shm_size: str | None = None,
        resume_from: Any = None,
        max_run_duration_seconds: int | None = None,
        framework_version: str | None = None,
    ) -> None:
        self._configure(
            Wish(
                source_directory=source_directory,
                compute_target=compute_target,
                vm_size=vm_size,
                vm_priority=vm_priority,
                entry_script=entry_script,
                script_params=script_params,
                use_docker=use_docker,
                user_managed=user_managed,
                conda_packages=conda_packages,
                pip_packages=pip_packages,
                conda_dependencies_file=conda_dependencies_file or conda_dependencies_file_path,
                pip_requirements_file=pip_requirements_file or pip_requirements_file_path,
                environment_variables=environment_variables,
                environment_definition=environment_definition,
                inputs=inputs,
                shm_size=shm_size,
                resume_from=resume_from,
                max_run_duration_seconds=max_run_duration_seconds,
                image=custom_docker_image,
                framework_version=framework_version,
            )
        )


class PyTorch(_FrameworkEstimator):
    """A script with PyTorch; ``framework_version`` is its version.  See `MMLBaseEstimator`."""

    FRAMEWORK_NAME = "PyTorch"
    DEFAULT_VERSION = "1.4"
    _packages = ("torch", "torchvision")
    _versions = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6")

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
        framework_version: str | None = None,
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
                framework_version=framework_version,
            )
        )


class TensorFlow(_FrameworkEstimator):
    """A script with TensorFlow; ``framework_version`` is its version.  See `MMLBaseEstimator`."""

    FRAMEWORK_NAME = "TensorFlow"
    DEFAULT_VERSION = "1.13"
    _packages = ("tensorflow",)
    _versions = ("1.10", "1.12", "1.13", "2.0", "2.1", "2.2")

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
        worker_count: int = 1,
        parameter_server_count: int = 1,
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
        framework_version: str | None = None,
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
                worker_count=worker_count,
                parameter_server_count=parameter_server_count,
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
                framework_version=framework_version,
            )
        )
