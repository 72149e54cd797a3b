"""Compute targets of the older kind, and the exception of all."""

from milepost.sdk.exceptions import ComputeTargetException
from milepost.sdk.later import AbstractComputeTarget, LocalTarget

__all__ = [
    "AbstractComputeTarget",
    "ComputeTargetException",
    "LocalTarget",
]
