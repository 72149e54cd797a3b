"""Compute targets."""

from milepost.sdk.aml_compute import AmlCompute
from milepost.sdk.compute import ComputeTarget
from milepost.sdk.exceptions import ComputeTargetException
from milepost.sdk.other_compute import ComputeInstance, KubernetesCompute, RemoteCompute

__all__ = [
    "AmlCompute",
    "ComputeInstance",
    "ComputeTarget",
    "ComputeTargetException",
    "KubernetesCompute",
    "RemoteCompute",
]
