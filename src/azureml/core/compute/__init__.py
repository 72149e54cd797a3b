"""Compute targets."""

from milepost.sdk.exceptions import ComputeTargetException
from milepost.sdk.later import AmlCompute, ComputeInstance, ComputeTarget, KubernetesCompute, RemoteCompute

__all__ = [
    "AmlCompute",
    "ComputeInstance",
    "ComputeTarget",
    "ComputeTargetException",
    "KubernetesCompute",
    "RemoteCompute",
]
