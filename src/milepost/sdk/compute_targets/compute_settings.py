"""What a pool is made with, and what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from milepost.sdk.exceptions import ComputeTargetException, UserErrorException
from milepost.sdk.submitting.run_sections import whole_number

DEFAULT_MAX_NODES: Final = 4
DEFAULT_IDLE_S: Final = 1800
THIS_MACHINE: Final = "local"
"""The size of the machine that all pools are on."""

_MOST_NODES: Final = 10_000
_LONGEST_IDLE_S: Final = 10**9
_DIGITS: Final = 12
_PRIORITIES: Final = ("dedicated", "lowpriority")


class ComputeTargetProvisioningConfiguration:
    """What a compute target is made with.  ``AmlCompute.provisioning_configuration(...)`` makes one."""

    _kind: ClassVar[str] = ""

    def validate_configuration(self) -> None:
        """Raises ComputeTargetException for settings that cannot be."""
        self._definition()

    def _definition(self) -> dict[str, Any]:
        """What the store keeps of it."""
        raise ComputeTargetException(
            f"{type(self).__name__} makes no compute target; take AmlCompute.provisioning_configuration()."
        )


class AmlComputeProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """Settings of a pool; all can be changed until the pool is made."""

    _kind = "AmlCompute"

    def __init__(
        self,
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int | None = DEFAULT_IDLE_S,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        location: str | None = None,
    ) -> None:
        self.vm_size = vm_size or THIS_MACHINE
        self.vm_priority = vm_priority or "dedicated"
        self.min_nodes = 0 if min_nodes is None else min_nodes
        self.max_nodes = DEFAULT_MAX_NODES if max_nodes is None else max_nodes
        self.idle_seconds_before_scaledown = (
            DEFAULT_IDLE_S if idle_seconds_before_scaledown is None else idle_seconds_before_scaledown
        )
        self.tags = tags
        self.description = description
        self.location = location
        self.validate_configuration()

    def _definition(self) -> dict[str, Any]:
        if str(self.vm_priority).lower() not in _PRIORITIES:
            raise ComputeTargetException(f"vm_priority is 'dedicated' or 'lowpriority', not {self.vm_priority!r:.80}.")
        return {
            "vm_size": _text(self.vm_size, "vm_size"),
            "vm_priority": str(self.vm_priority).lower(),
            **scale(self.min_nodes, self.max_nodes, self.idle_seconds_before_scaledown),
            "description": None if self.description is None else _text(self.description, "description"),
            "tags": _tags(self.tags),
        }

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(vm_size={self.vm_size!r}, min_nodes={self.min_nodes!r}, "
            f"max_nodes={self.max_nodes!r})"
        )


class ComputeInstanceProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """Settings of a compute instance: a pool of one."""

    _kind = "ComputeInstance"

    def __init__(
        self, vm_size: str = "", tags: Mapping[str, str] | None = None, description: str | None = None
    ) -> None:
        self.vm_size = vm_size or THIS_MACHINE
        self.tags = tags
        self.description = description
        self.validate_configuration()

    def _definition(self) -> dict[str, Any]:
        return {
            "vm_size": _text(self.vm_size, "vm_size"),
            "vm_priority": "dedicated",
            **scale(1, 1, DEFAULT_IDLE_S),
            "description": None if self.description is None else _text(self.description, "description"),
            "tags": _tags(self.tags),
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}(vm_size={self.vm_size!r})"


def scale(min_nodes: Any, max_nodes: Any, idle_seconds: Any) -> dict[str, int]:
    """The part of a pool's definition that says how many runs it takes at a time.  Raises ComputeTargetException."""
    # Azure takes numbers as texts here, and public scripts give them so.
    min_nodes, max_nodes, idle_seconds = (
        int(each) if isinstance(each, str) and each.isascii() and each.isdigit() and len(each) < _DIGITS else each
        for each in (min_nodes, max_nodes, idle_seconds)
    )
    try:
        found = {
            "min_nodes": whole_number(min_nodes, "min_nodes", least=0, most=_MOST_NODES),
            "max_nodes": whole_number(max_nodes, "max_nodes", most=_MOST_NODES),
            "idle_seconds_before_scaledown": whole_number(
                idle_seconds, "idle_seconds_before_scaledown", least=0, most=_LONGEST_IDLE_S
            ),
        }
    except UserErrorException as error:
        raise ComputeTargetException(error.message) from error
    if found["min_nodes"] > found["max_nodes"]:
        raise ComputeTargetException(
            f"min_nodes={found['min_nodes']} is more than max_nodes={found['max_nodes']}: a pool cannot be that way."
        )
    return found


@dataclass
class ScaleSettings:
    """How many runs a pool takes at a time.  No node is ever started or stopped for it."""

    minimum_node_count: int = 0
    maximum_node_count: int = DEFAULT_MAX_NODES
    idle_seconds_before_scaledown: int = DEFAULT_IDLE_S

    def serialize(self) -> dict[str, Any]:
        """In the shape of Azure's JSON."""
        return {
            "minNodeCount": self.minimum_node_count,
            "maxNodeCount": self.maximum_node_count,
            "nodeIdleTimeBeforeScaleDown": f"PT{self.idle_seconds_before_scaledown}S",
        }


@dataclass
class AmlComputeStatus:
    """What a pool does: a node stands for a run that is running."""

    allocation_state: str
    allocation_state_transition_time: Any
    creation_time: Any
    current_node_count: int
    errors: Any
    modified_time: Any
    node_state_counts: dict[str, int]
    provisioning_state: str
    provisioning_state_transition_time: Any
    scale_settings: ScaleSettings
    target_node_count: int
    """Nodes that the runs on the pool ask for, those that wait included, up to the pool's limit."""
    vm_priority: str
    vm_size: str

    def serialize(self) -> dict[str, Any]:
        """In the shape of Azure's JSON."""
        return {
            "currentNodeCount": self.current_node_count,
            "targetNodeCount": self.target_node_count,
            "nodeStateCounts": dict(self.node_state_counts),
            "allocationState": self.allocation_state,
            "allocationStateTransitionTime": _iso(self.allocation_state_transition_time),
            "errors": self.errors,
            "creationTime": _iso(self.creation_time),
            "modifiedTime": _iso(self.modified_time),
            "provisioningState": self.provisioning_state,
            "provisioningStateTransitionTime": _iso(self.provisioning_state_transition_time),
            "scaleSettings": self.scale_settings.serialize(),
            "vmPriority": {"dedicated": "Dedicated", "lowpriority": "LowPriority"}.get(self.vm_priority),
            "vmSize": self.vm_size,
        }


def _iso(time: Any) -> str | None:
    return None if time is None else str(time.isoformat())


def _text(value: Any, what: str) -> str:
    from milepost.sdk.runs.values import text

    if not isinstance(value, str):
        raise ComputeTargetException(f"{what} must be a text, not {type(value).__name__}: {value!r:.80}.")
    try:
        return text(value, what)
    except UserErrorException as error:
        raise ComputeTargetException(error.message) from error


def _tags(tags: Any) -> dict[str, str]:
    from milepost.sdk.tags import check_tags

    try:
        return {key: value or "" for key, value in check_tags(tags or {}).items()}
    except UserErrorException as error:
        raise ComputeTargetException(error.message) from error
