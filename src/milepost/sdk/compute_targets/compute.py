"""Compute targets: where submitted runs go.  A pool is a name and a number: so many runs at a time on this machine."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

from milepost.sdk.exceptions import ComputeTargetException, UserErrorException

if TYPE_CHECKING:
    from datetime import datetime

    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.records import ComputeRecord, RunRecord

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?", re.ASCII)
_RESERVED: Final = frozenset({"local", "amlcompute"})
_SHOWN: Final = 5


class ComputeTarget:
    """The compute target of that name in a workspace, as an object of its own class (`AmlCompute`, ...).

    ``name``, ``workspace``, ``type``, ``location``, ``provisioning_state``, ``created_on`` and ``modified_on``
    (datetime, UTC), ``description`` and ``tags`` are attributes, as they were when it was looked up or refreshed.
    Raises ComputeTargetException where there is no such compute target, or one of another class.
    """

    _kinds: ClassVar[dict[str, type[ComputeTarget]]] = {}
    _kind: ClassVar[str | None] = None

    name: str
    workspace: Workspace

    def __new__(cls, workspace: Workspace, name: str) -> ComputeTarget:
        """Look it up; the object is of the class that the compute target has.  Raises ComputeTargetException."""
        record = known_record(workspace, name)
        kind = _class_of(record)
        if not issubclass(kind, cls):
            raise ComputeTargetException(
                f"Compute target {record.name!r} is a {kind.__name__}, not a {cls.__name__}: take it with "
                f"ComputeTarget(workspace, {record.name!r})."
            )
        made = object.__new__(kind)
        made._take(workspace, record)
        return made

    def __init__(self, workspace: Workspace, name: str) -> None:
        """Everything is done by then: the object's class is only known once it was looked up."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls._kind is not None:
            ComputeTarget._kinds[cls._kind] = cls

    @classmethod
    def _from_record(cls, workspace: Workspace, record: ComputeRecord) -> ComputeTarget:
        made = object.__new__(_class_of(record))
        made._take(workspace, record)
        return made

    def _take(self, workspace: Workspace, record: ComputeRecord) -> None:
        definition = record.definition
        self._record = record
        self.workspace = workspace
        self.name = record.name
        self.type = record.kind
        self.location = "local"
        self.cluster_location = "local"
        self.id = f"{workspace.name}/computes/{record.name}"
        self.provisioning_state = "Succeeded"
        self.provisioning_errors: list[Any] | None = None
        self.is_attached = False
        self.description: str | None = definition.get("description")
        self.tags: dict[str, str] = dict(definition.get("tags") or {})
        self.created_on = _time(record.created_ns)
        self.modified_on = _time(record.updated_ns)

    # -- making and finding ------------------------------------------------------------------------------------

    @staticmethod
    def create(workspace: Workspace, name: str, provisioning_configuration: Any) -> ComputeTarget:
        """Make a compute target, or give the one of that name these settings, as Azure does.  It is ready at once.

        ``name``: 1 to 64 letters, digits and "-".  ``provisioning_configuration``: from
        ``AmlCompute.provisioning_configuration(...)``.  Raises ComputeTargetException.
        """
        from milepost.sdk.compute_targets.compute_settings import ComputeTargetProvisioningConfiguration

        if not isinstance(provisioning_configuration, ComputeTargetProvisioningConfiguration):
            raise ComputeTargetException(
                "provisioning_configuration must come from AmlCompute.provisioning_configuration(...), not "
                f"{type(provisioning_configuration).__name__}: {provisioning_configuration!r:.80}."
            )
        checked = check_name(name)
        provisioning_configuration.validate_configuration()
        kind, definition = provisioning_configuration._kind, provisioning_configuration._definition()
        from milepost.store.errors import Conflict

        store = workspace._recorder.fresh()
        with compute_errors():
            try:
                record = store.create_compute(checked, kind, definition)
            except Conflict:
                record = store.compute(checked)
                if record.kind != kind:
                    raise ComputeTargetException(
                        f"There is a compute target {record.name!r} already, a {record.kind}. Take another name, or "
                        "delete it first."
                    ) from None
                record = store.update_compute(checked, definition)
        return ComputeTarget._from_record(workspace, record)

    @staticmethod
    def attach(workspace: Workspace, name: str, attach_configuration: Any) -> ComputeTarget:
        """Machines of somebody else cannot be attached in this version: raises UserErrorException."""
        raise UserErrorException(
            f"{type(attach_configuration).__name__} cannot be attached: this version runs on this machine only. Make a "
            "pool here with ComputeTarget.create(workspace, name, AmlCompute.provisioning_configuration(max_nodes=4))."
        )

    @staticmethod
    def list(workspace: Workspace) -> list[ComputeTarget]:
        """All compute targets of the workspace, by name."""
        store = workspace._recorder.fresh()
        with compute_errors():
            return [ComputeTarget._from_record(workspace, record) for record in store.computes()]

    # -- one of them -------------------------------------------------------------------------------------------

    def wait_for_completion(self, show_output: bool = False, is_delete_operation: bool = False) -> None:
        """Returns at once: a compute target is ready when it is made, and gone when it is deleted.

        Raises ComputeTargetException where it is gone, unless that was waited for.
        """
        if is_delete_operation:
            gone = find_record(self.workspace, self.name) is None
            if show_output:
                _say("Deleted" if gone else self.provisioning_state)
            return
        self.refresh_state()
        if show_output:
            _say(self.provisioning_state)

    def get_status(self) -> Any:
        """The state of its provisioning: "Succeeded".  Raises ComputeTargetException where it is gone."""
        self.refresh_state()
        return self.provisioning_state

    def refresh_state(self) -> None:
        """Look it up again.  Raises ComputeTargetException where it is gone."""
        self._take(self.workspace, known_record(self.workspace, self.name))

    def delete(self) -> None:
        """Delete it.  Raises ComputeTargetException while runs are on it, and where it is gone."""
        active = [record.run_id for record in active_runs(self.workspace, self.name)]
        if active:
            more = f" and {len(active) - _SHOWN} more" if len(active) > _SHOWN else ""
            raise ComputeTargetException(
                f"Compute target {self.name!r} is not deleted: {len(active)} of its runs "
                f"{'has' if len(active) == 1 else 'have'} not ended: {', '.join(active[:_SHOWN])}{more}. Cancel them "
                "or wait for them first."
            )
        store = self.workspace._recorder.fresh()
        with compute_errors():
            store.delete_compute(self.name)
        self.provisioning_state = "Deleted"

    def detach(self) -> None:
        """Raises ComputeTargetException: nothing here is attached; `delete` takes a pool away."""
        raise ComputeTargetException(
            f"Compute target {self.name!r} was made here, not attached; delete() takes it away."
        )

    def serialize(self) -> dict[str, Any]:
        """What is known of it, as JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "location": self.location,
            "tags": dict(self.tags),
            "properties": {
                "computeType": self.type,
                "description": self.description,
                "provisioningState": self.provisioning_state,
                "provisioningErrors": self.provisioning_errors,
                "createdOn": self.created_on.isoformat(),
                "modifiedOn": self.modified_on.isoformat(),
                "isAttachedCompute": False,
                "properties": dict(self._record.definition),
            },
        }

    @staticmethod
    def deserialize(workspace: Workspace, object_dict: Mapping[str, Any]) -> ComputeTarget:
        """The opposite of `serialize`.  Raises ComputeTargetException for what it did not make."""
        from milepost.store.records import ComputeRecord

        try:
            facts = object_dict["properties"]
            times = [_nanoseconds(facts[key]) for key in ("createdOn", "modifiedOn")]
            definition = {**facts["properties"], "tags": dict(object_dict.get("tags") or {})}
            record = ComputeRecord(check_name(object_dict["name"]), facts["computeType"], definition, *times)
            return ComputeTarget._from_record(workspace, record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ComputeTargetException(
                f"This is no serialized compute target ({type(error).__name__}: {error}): {object_dict!r:.80}.",
                inner_exception=error,
            ) from error

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(workspace={self.workspace.name!r}, name={self.name!r}, type={self.type!r}, "
            f"provisioning_state={self.provisioning_state!r})"
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ComputeTarget)
            and other.workspace == self.workspace
            and other.name.lower() == self.name.lower()
        )

    def __hash__(self) -> int:
        return hash((self.workspace, self.name.lower()))


class AbstractComputeTarget:
    """A compute target that is known by type and name alone."""

    def __init__(self, compute_target_type: str, name: str) -> None:
        self._type = compute_target_type
        self._name = name

    @property
    def type(self) -> str:
        """Its type, as "local"."""
        return self._type

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @staticmethod
    def deserialize_from_dict(
        compute_target_name: str, compute_target_dict: Mapping[str, Any]
    ) -> AbstractComputeTarget:
        """A target from ``{"type": ...}``.  Raises ComputeTargetException where that is missing."""
        if not isinstance(compute_target_dict, Mapping) or not isinstance(compute_target_dict.get("type"), str):
            raise ComputeTargetException(f"{compute_target_dict!r:.80} does not tell the type of a compute target.")
        if compute_target_dict["type"].lower() == "local":
            return LocalTarget()
        return AbstractComputeTarget(compute_target_dict["type"], compute_target_name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(type={self._type!r}, name={self._name!r})"


class LocalTarget(AbstractComputeTarget):
    """This machine, without a queue."""

    def __init__(self) -> None:
        super().__init__("local", "local")


def check_name(name: object) -> str:
    """``name`` when it can name a compute target.  Raises ComputeTargetException."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ComputeTargetException(
            f"{name!r:.200} cannot name a compute target: use 1 to 64 letters, digits and '-', the latter not first or "
            "last."
        )
    if name.lower() in _RESERVED:
        raise ComputeTargetException(f"{name!r} stands for this machine itself. Choose another name.")
    return name


def known_record(workspace: Workspace, name: str) -> ComputeRecord:
    """What the store has of a compute target.  Raises ComputeTargetException, which tells of names like it."""
    from milepost.sdk.workspaces.workspace import Workspace

    if not isinstance(workspace, Workspace):
        raise UserErrorException(f"A compute target is looked for in a Workspace, not in {type(workspace).__name__}.")
    if not isinstance(name, str):
        raise ComputeTargetException(f"A compute target's name is a text, not {type(name).__name__}: {name!r:.80}.")
    store = workspace._recorder.fresh()
    with compute_errors():
        return store.compute(name)


def find_record(workspace: Workspace, name: str) -> ComputeRecord | None:
    """What the store has of a compute target, or None where there is none of that name."""
    from milepost.store.errors import NotFound

    store = workspace._recorder.fresh()
    with compute_errors():
        try:
            return store.compute(name)
        except NotFound:
            return None


def active_runs(workspace: Workspace, name: str) -> list[RunRecord]:
    """The runs of a compute target that have not ended, oldest first."""
    from milepost.store.records import RunQuery
    from milepost.store.status import STATUSES, TERMINAL

    query = RunQuery(target=name, statuses=tuple(sorted(STATUSES - TERMINAL)), archived=None, descending=False)
    store = workspace._recorder.fresh()
    with compute_errors():
        return list(store.all_runs(query))


@contextmanager
def compute_errors() -> Iterator[None]:
    """Turn what the store says of a compute target into ComputeTargetException."""
    from milepost.sdk.recording.recorder import translated  # heavy; scripts import this module for its exception alone
    from milepost.store.errors import BadInput, NotFound

    with translated():
        try:
            yield
        except NotFound as error:
            told = str(error) if str(error).endswith("?") else f"{error}."
            raise ComputeTargetException(
                f"ComputeTargetNotFound: {told} Make it with ComputeTarget.create(workspace, name, "
                "AmlCompute.provisioning_configuration(max_nodes=4)).",
                inner_exception=error,
            ) from error
        except BadInput as error:
            raise ComputeTargetException(str(error), inner_exception=error) from error


def _class_of(record: ComputeRecord) -> type[ComputeTarget]:
    from milepost.sdk.compute_targets import (
        aml_compute,  # noqa: F401  (they register themselves)
        other_compute,  # noqa: F401  (they register themselves)
    )

    return ComputeTarget._kinds.get(record.kind, ComputeTarget)


def _time(nanoseconds: int) -> datetime:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(nanoseconds / 1e9, timezone.utc)


def _nanoseconds(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp() * 1e9)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
