"""Pools: named queues on this machine that run so many runs at a time."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from milepost.sdk.compute_targets.compute import ComputeTarget, active_runs, compute_errors
from milepost.sdk.compute_targets.compute_settings import (
    DEFAULT_IDLE_S,
    THIS_MACHINE,
    AmlComputeProvisioningConfiguration,
    AmlComputeStatus,
    ScaleSettings,
    scale,
)
from milepost.sdk.exceptions import UserErrorException, cloud_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milepost.sdk.runs.run import Run
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.records import ComputeRecord, RunRecord

_ONE_MACHINE = "All pools are on this machine, with what it has."


class AmlCompute(ComputeTarget):
    """A pool: at most ``max_nodes`` runs at a time, the others wait in order.

    Scripts that were written for a cluster in Azure's cloud submit to it unchanged.  The size of the machines, their
    priority and the time before they are given back are kept and have no effect.
    """

    _kind = "AmlCompute"

    scale_settings: ScaleSettings
    status: AmlComputeStatus | None

    def _take(self, workspace: Workspace, record: ComputeRecord) -> None:
        super()._take(workspace, record)
        definition = record.definition
        self.vm_size = str(definition.get("vm_size") or THIS_MACHINE)
        self.vm_priority = str(definition.get("vm_priority") or "dedicated")
        self.scale_settings = ScaleSettings(
            int(definition.get("min_nodes") or 0),
            int(definition.get("max_nodes") or 1),
            int(definition.get("idle_seconds_before_scaledown") or 0),
        )
        self.status = None
        self.admin_username: str | None = None
        self.identity_type: str | None = None

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int = DEFAULT_IDLE_S,
        admin_username: str | None = None,
        admin_user_password: str | None = None,
        admin_user_ssh_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        remote_login_port_public_access: str = "NotSpecified",
        identity_type: str | None = None,
        identity_id: Sequence[str] | None = None,
        location: str | None = None,
        enable_node_public_ip: bool = True,
    ) -> AmlComputeProvisioningConfiguration:
        """Settings for ``ComputeTarget.create``.  ``max_nodes`` (default 4): how many runs at a time.

        Users, keys, networks and identities are of Azure's cloud: they are accepted, and not kept.  Raises
        ComputeTargetException for numbers that cannot be.
        """
        return AmlComputeProvisioningConfiguration(
            vm_size, vm_priority, min_nodes, max_nodes, idle_seconds_before_scaledown, tags, description, location
        )

    # -- what it does ------------------------------------------------------------------------------------------

    def get_status(self) -> AmlComputeStatus:
        """How many runs it has, and how many it takes.  Raises ComputeTargetException where the pool is gone."""
        self.refresh_state()
        runs = active_runs(self.workspace, self.name)
        limit = self.scale_settings.maximum_node_count
        running = wanted = sum(self._nodes(run) for run in runs if run.started_ns is not None)
        for run in runs:
            if wanted >= limit:
                break  # thousands may wait
            wanted += self._nodes(run) if run.started_ns is None else 0
        self.status = AmlComputeStatus(
            allocation_state="Steady",
            allocation_state_transition_time=self.modified_on,
            creation_time=self.created_on,
            current_node_count=running,
            errors=None,
            modified_time=self.modified_on,
            node_state_counts={
                "preparingNodeCount": 0,
                "runningNodeCount": running,
                "idleNodeCount": 0,
                "unusableNodeCount": 0,
                "leavingNodeCount": 0,
                "preemptedNodeCount": 0,
            },
            provisioning_state=self.provisioning_state,
            provisioning_state_transition_time=self.created_on,
            scale_settings=self.scale_settings,
            target_node_count=max(running, min(limit, wanted)),
            vm_priority=self.vm_priority,
            vm_size=self.vm_size,
        )
        return self.status

    def get(self) -> dict[str, Any]:
        """What is known of it, looked up again, as JSON."""
        self.refresh_state()
        return self.serialize()

    def wait_for_completion(  # type: ignore[override]  # as in the SDK
        self,
        show_output: bool = False,
        min_node_count: int | None = None,
        timeout_in_minutes: float = 25,
        is_delete_operation: bool = False,
    ) -> None:
        """Returns at once: a pool is ready when it is made.  Raises ComputeTargetException where it is gone.

        ``min_node_count`` and ``timeout_in_minutes`` have no effect: there is no node to wait for.
        """
        super().wait_for_completion(show_output, is_delete_operation)
        if show_output and not is_delete_operation:
            sys.stdout.write(
                "AmlCompute wait for completion finished\n\nMinimum number of nodes requested have been provisioned\n"
            )

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

    def list_nodes(self) -> list[dict[str, Any]]:
        """One node for each run that is running: its runId, and Azure's keys beside it."""
        return [
            {
                "nodeId": f"{run.run_id}_{number}",
                "port": None,
                "publicIpAddress": None,
                "privateIpAddress": "127.0.0.1",
                "nodeState": "running",
                "runId": run.run_id,
            }
            for run in active_runs(self.workspace, self.name)
            if run.started_ns is not None
            for number in range(self._nodes(run))
        ]

    def _nodes(self, run: RunRecord) -> int:
        """How many nodes a run asked for."""
        store = self.workspace._recorder.open_store()
        with compute_errors():
            definition = store.document(run.run_id, "definition")
        found = definition.get("nodeCount") if isinstance(definition, dict) else None
        return found if isinstance(found, int) and found > 0 else 1

    # -- changing it -------------------------------------------------------------------------------------------

    def update(
        self,
        min_nodes: int | None = None,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int | None = None,
    ) -> None:
        """Change how many runs it takes at a time; what is None stays.  Runs that are running go on.

        Raises ComputeTargetException for numbers that cannot be, and where the pool is gone.
        """
        self.refresh_state()
        present = self.scale_settings
        changed = scale(
            present.minimum_node_count if min_nodes is None else min_nodes,
            present.maximum_node_count if max_nodes is None else max_nodes,
            present.idle_seconds_before_scaledown
            if idle_seconds_before_scaledown is None
            else idle_seconds_before_scaledown,
        )
        store = self.workspace._recorder.fresh()
        with compute_errors():
            self._take(self.workspace, store.update_compute(self.name, {**self._record.definition, **changed}))

    def add_identity(self, identity_type: str, identity_id: Sequence[str] | None = None) -> None:
        """Identities belong to Azure's cloud."""
        raise cloud_only("AmlCompute.add_identity", "Runs have the rights of the user who submits them.")

    def remove_identity(self, identity_id: Sequence[str] | None = None) -> None:
        """Identities belong to Azure's cloud."""
        raise cloud_only("AmlCompute.remove_identity", "Runs have the rights of the user who submits them.")

    # -- the machine -------------------------------------------------------------------------------------------

    @staticmethod
    def supported_vmsizes(workspace: Workspace, location: str | None = None) -> list[dict[str, Any]]:
        """The sizes of machines: this one, as Azure lists them (name, vCPUs, gpus, memoryGB, ...).

        Other names are accepted in ``vm_size`` and mean this machine too.
        """
        return [this_machine(workspace)]

    @staticmethod
    def list_usages(workspace: Workspace, show_all: bool = False, location: str | None = None) -> list[Any]:
        """Quotas belong to Azure's cloud."""
        raise cloud_only("AmlCompute.list_usages", _ONE_MACHINE)

    @staticmethod
    def list_quotas(workspace: Workspace, location: str | None = None) -> list[Any]:
        """Quotas belong to Azure's cloud."""
        raise cloud_only("AmlCompute.list_quotas", _ONE_MACHINE)

    @staticmethod
    def update_quotas(
        workspace: Workspace, vm_family: Any, limit: int | None = None, location: str | None = None
    ) -> list[Any]:
        """Quotas belong to Azure's cloud."""
        raise cloud_only("AmlCompute.update_quotas", _ONE_MACHINE)


def this_machine(workspace: Workspace) -> dict[str, Any]:
    """This machine in the words of Azure's list of sizes; the volume is that of the workspace's disk."""
    from milepost.jobs import machine

    facts = machine.facts(workspace._recorder.folder)
    memory, disk = facts["memory"]["bytes"] or 0, facts["disk"]["bytes"] or 0
    return {
        "name": THIS_MACHINE,
        "vCPUs": facts["cpu"]["logical_cores"] or 1,
        "gpus": len(facts["gpus"]),
        "memoryGB": round(memory / 2**30, 1),
        "maxResourceVolumeMB": disk >> 20,
    }


def default_target(workspace: Workspace, type: str, names: Mapping[str, str]) -> ComputeTarget | None:
    """The workspace's default pool for "CPU" or "GPU" by its usual name, or None.  Raises UserErrorException."""
    from milepost.sdk.compute_targets.compute import find_record

    name = names.get(type.upper()) if isinstance(type, str) else None
    if name is None:
        raise UserErrorException(f"The type of a default compute target is 'CPU' or 'GPU', not {type!r:.80}.")
    record = find_record(workspace, name)
    return None if record is None else ComputeTarget._from_record(workspace, record)
