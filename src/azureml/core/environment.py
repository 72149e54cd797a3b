"""Environments."""

from milepost.sdk.constants import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE
from milepost.sdk.later import CondaDependencies, DockerSection, Environment, PythonEnvironment, PythonSection

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "CondaDependencies",
    "DockerSection",
    "Environment",
    "PythonEnvironment",
    "PythonSection",
]
