"""Run configurations."""

from milepost.sdk.constants import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE
from milepost.sdk.later import (
    CondaDependencies,
    DockerConfiguration,
    EnvironmentDefinition,
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
