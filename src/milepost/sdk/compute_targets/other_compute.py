"""Compute targets of other kinds: an instance is a pool of one; other people's machines come in a later version."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from milepost.sdk import links
from milepost.sdk.compute_targets.aml_compute import this_machine
from milepost.sdk.compute_targets.compute import ComputeTarget
from milepost.sdk.compute_targets.compute_settings import THIS_MACHINE, ComputeInstanceProvisioningConfiguration
from milepost.sdk.exceptions import cloud_only, deferred

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milepost.sdk.runs.run import Run
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.records import ComputeRecord

_POOL = (
    "A pool on this machine takes the same runs: ComputeTarget.create(workspace, name, "
    "AmlCompute.provisioning_configuration(max_nodes=4))"
)
_MACHINE = "It stands for this machine, which is not Milepost's to turn off; Run.cancel() ends a run on it"


@dataclass
class ComputeInstanceStatus:
    """What a compute instance does: it is always there."""

    state: str
    creation_time: Any
    modified_time: Any
    vm_size: str
    errors: Any = None

    def serialize(self) -> dict[str, Any]:
        """In the shape of Azure's JSON."""
        return {
            "state": self.state,
            "creationTime": self.creation_time.isoformat(),
            "modifiedTime": self.modified_time.isoformat(),
            "vmSize": self.vm_size,
            "errors": self.errors,
        }


class ComputeInstance(ComputeTarget):
    """A pool that takes one run at a time, on this machine."""

    _kind = "ComputeInstance"

    def _take(self, workspace: Workspace, record: ComputeRecord) -> None:
        super()._take(workspace, record)
        self.vm_size = str(record.definition.get("vm_size") or THIS_MACHINE)
        self.status: ComputeInstanceStatus | None = None

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        ssh_public_access: bool = False,
        admin_user_ssh_public_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        assigned_user_object_id: str | None = None,
        assigned_user_tenant_id: str | None = None,
    ) -> ComputeInstanceProvisioningConfiguration:
        """Settings for ``ComputeTarget.create``.  Keys, networks and users are accepted, and not kept."""
        return ComputeInstanceProvisioningConfiguration(vm_size, tags, description)

    def get_status(self) -> ComputeInstanceStatus:
        """ "Running", with its times.  Raises ComputeTargetException where it is gone."""
        self.refresh_state()
        self.status = ComputeInstanceStatus("Running", self.created_on, self.modified_on, self.vm_size)
        return self.status

    def get(self) -> dict[str, Any]:
        """What is known of it, looked up again, as JSON."""
        self.refresh_state()
        return self.serialize()

    def get_active_runs(
        self,
        type: str | None = None,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        status: str | None = None,
    ) -> Iterator[Run]:
        """The runs that have not ended, newest first; the filters are those of ``Run.list``."""
        from milepost.sdk.compute_targets.run_targets import active_statuses, runs_of_target

        return runs_of_target(self, type, tags, properties, active_statuses(status))

    def start(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Nothing to do: this machine is on.  Raises ComputeTargetException where the instance is gone."""
        self.refresh_state()
        if show_output:
            sys.stdout.write("Running\n")

    def stop(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Virtual machines belong to Azure's cloud."""
        raise cloud_only("ComputeInstance.stop", _MACHINE)

    def restart(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Virtual machines belong to Azure's cloud."""
        raise cloud_only("ComputeInstance.restart", _MACHINE)

    def delete(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Delete it.  Raises ComputeTargetException while runs are on it, and where it is gone."""
        super().delete()
        if show_output:
            sys.stdout.write("Deleted\n")

    def update_sso_settings(self, value: bool) -> None:
        """Single sign-on belongs to Azure's cloud."""
        raise cloud_only("ComputeInstance.update_sso_settings", "Nobody signs in to this machine through Milepost")

    @staticmethod
    def supported_vmsizes(workspace: Workspace, location: str | None = None) -> list[dict[str, Any]]:
        """The sizes of machines: this one."""
        return [this_machine(workspace)]

    @classmethod
    def get_docs_url(cls) -> str:
        """The address of the SDK's own page on compute instances."""
        return links.docs_url("azureml.core.compute.ComputeInstance")


class RemoteCompute(ComputeTarget):
    """Another machine, reached by SSH: not in this version.  There is none to look up."""

    _kind = "RemoteCompute"

    @staticmethod
    def attach(  # type: ignore[override]  # as in the SDK
        workspace: Workspace,
        name: str,
        username: str,
        address: str,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> ComputeTarget:
        """Other machines: not in this version yet."""
        raise deferred("RemoteCompute.attach", _POOL)

    @staticmethod
    def attach_configuration(
        username: str,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        vm_name: str | None = None,
        resource_id: str | None = None,
        address: str | None = None,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> Any:
        """Other machines: not in this version yet."""
        raise deferred("RemoteCompute.attach_configuration", _POOL)

    def get_credentials(self) -> Mapping[str, str]:
        """Other machines: not in this version yet."""
        raise deferred("RemoteCompute.get_credentials", _POOL)


class KubernetesCompute(ComputeTarget):
    """A Kubernetes cluster: not in this version.  There is none to look up."""

    _kind = "Kubernetes"

    @staticmethod
    def attach_configuration(
        resource_id: str | None = None,
        namespace: str | None = None,
        identity_type: str | None = None,
        identity_ids: Any = None,
    ) -> Any:
        """Clusters: not in this version yet."""
        raise deferred("KubernetesCompute.attach_configuration", _POOL)

    def get(self) -> Any:
        """Clusters: not in this version yet."""
        raise deferred("KubernetesCompute.get", _POOL)
