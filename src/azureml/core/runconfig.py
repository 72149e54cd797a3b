"""Run configurations."""

from milepost.sdk.constants import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE
from milepost.sdk.environments.conda_dependencies import CondaDependencies
from milepost.sdk.environments.environment import EnvironmentDefinition
from milepost.sdk.submitting.distributed import (
    MpiConfiguration,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from milepost.sdk.submitting.run_configuration import RunConfiguration
from milepost.sdk.submitting.run_sections import (
    AmlComputeConfiguration,
    DockerConfiguration,
    HdiConfiguration,
    HistoryConfiguration,
    SparkConfiguration,
)

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "AmlComputeConfiguration",
    "CondaDependencies",
    "DockerConfiguration",
    "EnvironmentDefinition",
    "HdiConfiguration",
    "HistoryConfiguration",
    "MpiConfiguration",
    "ParallelTaskConfiguration",
    "PyTorchConfiguration",
    "RunConfiguration",
    "SparkConfiguration",
    "TensorflowConfiguration",
]
