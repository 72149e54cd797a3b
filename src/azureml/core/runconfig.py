"""Run configurations."""

from milepost.sdk.conda_dependencies import CondaDependencies
from milepost.sdk.constants import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE
from milepost.sdk.environment import EnvironmentDefinition
from milepost.sdk.later import (
    DockerConfiguration,
    MpiConfiguration,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    RunConfiguration,
    TensorflowConfiguration,
)

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "CondaDependencies",
    "DockerConfiguration",
    "EnvironmentDefinition",
    "MpiConfiguration",
    "ParallelTaskConfiguration",
    "PyTorchConfiguration",
    "RunConfiguration",
    "TensorflowConfiguration",
]
