"""Environments."""

from milepost.sdk.constants import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE
from milepost.sdk.environments.cloud_sections import DatabricksSection, RSection, SparkSection
from milepost.sdk.environments.conda_dependencies import CondaDependencies
from milepost.sdk.environments.docker_section import (
    ContainerRegistry,
    DockerBuildContext,
    DockerEnvironment,
    DockerImagePlatform,
    DockerSection,
)
from milepost.sdk.environments.environment import Environment
from milepost.sdk.environments.python_section import PythonEnvironment, PythonSection

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "CondaDependencies",
    "ContainerRegistry",
    "DatabricksSection",
    "DockerBuildContext",
    "DockerEnvironment",
    "DockerImagePlatform",
    "DockerSection",
    "Environment",
    "PythonEnvironment",
    "PythonSection",
    "RSection",
    "SparkSection",
]
