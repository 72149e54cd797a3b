"""The part of ``Workspace`` that has the compute targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from milepost.sdk.compute_targets.compute import ComputeTarget
    from milepost.sdk.compute_targets.compute_settings import AmlComputeProvisioningConfiguration
    from milepost.sdk.workspaces.workspace import Workspace


class _DefaultCluster:
    """The settings of a default cluster, made when they are read: importing a workspace stays light."""

    def __init__(self, vm_size: str) -> None:
        self._vm_size = vm_size

    def __get__(self, instance: object, owner: Any = None) -> AmlComputeProvisioningConfiguration:
        from milepost.sdk.compute_targets.compute_settings import AmlComputeProvisioningConfiguration

        return AmlComputeProvisioningConfiguration(vm_size=self._vm_size, max_nodes=2)


class WorkspaceCompute:
    """Compute targets by name, and the two default ones."""

    DEFAULT_CPU_CLUSTER_NAME = "cpu-cluster"
    DEFAULT_GPU_CLUSTER_NAME = "gpu-cluster"
    DEFAULT_CPU_CLUSTER_CONFIGURATION = _DefaultCluster("STANDARD_DS2_V2")
    DEFAULT_GPU_CLUSTER_CONFIGURATION = _DefaultCluster("STANDARD_NC6")

    @property
    def compute_targets(self: Workspace) -> dict[str, ComputeTarget]:  # type: ignore[misc]  # a part of that class
        """The compute targets by name.  "local", this machine without a queue, is always there and not listed."""
        from milepost.sdk.compute_targets.compute import ComputeTarget

        return {target.name: target for target in ComputeTarget.list(self)}

    def get_default_compute_target(self: Workspace, type: str) -> ComputeTarget | None:  # type: ignore[misc]
        """The compute target "cpu-cluster" for the type "CPU", "gpu-cluster" for "GPU"; None where it is not there.

        Raises UserErrorException for another type.
        """
        from milepost.sdk.compute_targets.aml_compute import default_target

        return default_target(self, type, {"CPU": self.DEFAULT_CPU_CLUSTER_NAME, "GPU": self.DEFAULT_GPU_CLUSTER_NAME})

    def _make_default_clusters(self: Workspace, cpu: Any, gpu: Any) -> None:  # type: ignore[misc]
        """Make the default compute targets from their settings, where there are any."""
        from milepost.sdk.compute_targets.compute import ComputeTarget

        for name, settings in ((self.DEFAULT_CPU_CLUSTER_NAME, cpu), (self.DEFAULT_GPU_CLUSTER_NAME, gpu)):
            if settings is not None:
                ComputeTarget.create(self, name, settings)
