"""Compute targets."""

from milepost.sdk.compute_targets.aml_compute import AmlCompute
from milepost.sdk.compute_targets.compute import ComputeTarget
from milepost.sdk.compute_targets.other_compute import ComputeInstance, KubernetesCompute, RemoteCompute
from milepost.sdk.exceptions import ComputeTargetException

__all__ = [
    "AmlCompute",
    "ComputeInstance",
    "ComputeTarget",
    "ComputeTargetException",
    "KubernetesCompute",
    "RemoteCompute",
]
