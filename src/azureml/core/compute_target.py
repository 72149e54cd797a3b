"""Compute targets of the older kind, and the exception of all."""

from milepost.sdk.compute_targets.compute import AbstractComputeTarget, LocalTarget
from milepost.sdk.exceptions import ComputeTargetException

__all__ = [
    "AbstractComputeTarget",
    "ComputeTargetException",
    "LocalTarget",
]
