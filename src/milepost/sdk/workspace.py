"""A workspace: the place that experiments, runs and models are in."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk import config, display, home
from milepost.sdk.exceptions import WorkspaceException, cloud_only, deferred
from milepost.sdk.recorder import close_recorder, recorder_for, translated
from milepost.sdk.workspace_cloud import WorkspaceCloud
from milepost.sdk.workspace_compute import WorkspaceCompute

if TYPE_CHECKING:
    from milepost.sdk.datastore import Datastore
    from milepost.sdk.environment import Environment
    from milepost.sdk.experiment import Experiment
    from milepost.sdk.model import Model
    from milepost.sdk.run import Run

DEFAULT_NAME: Final = "default"
_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
_GROUP: Final = "milepost"


class Workspace(WorkspaceCompute, WorkspaceCloud):
    """The workspace of that name on this machine, made when it is not there.

    ``subscription_id`` and ``resource_group`` are kept for scripts that read them; ``auth`` and ``sku`` are accepted
    and not used.  Raises UserErrorException for a bad name, WorkspaceException where it cannot be made.
    """

    def __init__(
        self,
        subscription_id: str,
        resource_group: str,
        workspace_name: str,
        auth: Any = None,
        sku: str = "basic",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._open(home.create_workspace(workspace_name)[0], subscription_id, resource_group)

    def _open(self, place: home.WorkspacePlace, subscription_id: str | None, resource_group: str | None) -> None:
        self._place = place
        self._subscription_id = subscription_id or _SUBSCRIPTION
        self._resource_group = resource_group or _GROUP
        self._recorder = recorder_for(place.folder, place.name, place.id)
        if (place.folder / "jobs").is_dir() and not os.environ.get("MILEPOST_JOB"):
            # After a restart of the machine somebody has to see to the runs that were waiting.
            from milepost.sdk.job_process import ensure_agent

            ensure_agent(place.folder)

    @classmethod
    def _at(cls, place: home.WorkspacePlace, subscription_id: str | None = None, group: str | None = None) -> Workspace:
        workspace = cls.__new__(cls)
        workspace._open(place, subscription_id, group)
        return workspace

    # -- finding and making ------------------------------------------------------------------------------------

    @staticmethod
    def from_config(path: str | os.PathLike[str] | None = None, auth: Any = None) -> Workspace:
        """The workspace that ``config.json`` names, looked for in ``path`` (default: here), its ``.azureml`` and above.

        Without any config.json: the workspace "default", said on standard error.  Raises UserErrorException for a
        config.json that cannot be used.
        """
        found = config.find_config(path)
        url = config.server_url(found)
        if url is not None:
            raise deferred(f"A workspace on a server ({url})", "Leave the url out to record on this machine.")
        if found is None:
            place, _made = home.create_workspace(DEFAULT_NAME)
            _tell(f"no config.json found; recording in the workspace {place.name!r} ({place.folder})")
            return Workspace._at(place)
        place, made = home.create_workspace(found.name)
        if made:
            _tell(f"made the workspace {place.name!r} in {place.folder}")
        return Workspace._at(place, found.subscription_id, found.resource_group)

    @staticmethod
    def get(
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        cloud: str = "AzureCloud",
        id: str | None = None,
    ) -> Workspace:
        """The workspace of that name, made when it is not there (and that is said on standard error)."""
        place, made = home.create_workspace(name)
        if made:
            _tell(f"made the workspace {place.name!r} in {place.folder}")
        return Workspace._at(place, subscription_id, resource_group)

    @staticmethod
    def create(
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        create_resource_group: bool = True,
        sku: str = "basic",
        tags: Mapping[str, str] | None = None,
        friendly_name: str | None = None,
        storage_account: str | None = None,
        key_vault: str | None = None,
        app_insights: str | None = None,
        container_registry: str | None = None,
        adb_workspace: Any = None,
        primary_user_assigned_identity: str | None = None,
        cmk_keyvault: str | None = None,
        resource_cmk_uri: str | None = None,
        hbi_workspace: bool = False,
        default_cpu_compute_target: Any = None,
        default_gpu_compute_target: Any = None,
        private_endpoint_config: Any = None,
        private_endpoint_auto_approval: bool = True,
        exist_ok: bool = False,
        show_output: bool = True,
        user_assigned_identity_for_cmk_encryption: str | None = None,
        system_datastores_auth_mode: str = "accessKey",
        v1_legacy_mode: bool | None = None,
    ) -> Workspace:
        """Make a workspace.  Raises WorkspaceException if it is there, unless ``exist_ok``.

        ``default_cpu_compute_target`` and ``default_gpu_compute_target``: settings to make the pools "cpu-cluster" and
        "gpu-cluster" with.  What names resources of Azure's cloud is accepted and not used.
        """
        place, made = home.create_workspace(name)
        if not made and not exist_ok:
            raise WorkspaceException(
                f"There is a workspace {place.name!r} already, in {place.folder}. Use Workspace.get({name!r}), or "
                "create(..., exist_ok=True)."
            )
        workspace = Workspace._at(place, subscription_id, resource_group)
        workspace._make_default_clusters(default_cpu_compute_target, default_gpu_compute_target)
        return workspace

    @staticmethod
    def list(subscription_id: str, auth: Any = None, resource_group: str | None = None) -> dict[str, list[Workspace]]:
        """All workspaces of this machine: name -> list of the one workspace with that name."""
        return {place.name: [Workspace._at(place, subscription_id, resource_group)] for place in home.list_workspaces()}

    @staticmethod
    def setup() -> None:
        """Azure's interactive set-up: there is nothing to set up here."""
        raise cloud_only("Workspace.setup", "Workspace.create(name) makes a workspace on this machine.")

    def write_config(self, path: str | os.PathLike[str] | None = None, file_name: str | None = None) -> None:
        """Write ``.azureml/config.json`` in a folder (default: here), for ``from_config`` to find."""
        config.write_config(path, self.name, self._subscription_id, self._resource_group, file_name=file_name)

    def delete(self, delete_dependent_resources: bool = False, no_wait: bool = False) -> None:
        """Delete the workspace with all in it.

        Raises WorkspaceException while other processes record into it, and while submitted runs are on their way.
        """
        from milepost.jobs.agent_start import stop_agent
        from milepost.jobs.listing import listing
        from milepost.journal.recovery import live_journals

        on_their_way = [each.run_id for each in listing(self._place.folder)]
        if on_their_way:
            raise WorkspaceException(
                f"Workspace {self.name!r} is not deleted: submitted runs are on their way "
                f"({', '.join(on_their_way[:5])}). Wait for them, or cancel them."
            )
        stop_agent(self._place.folder)
        close_recorder(self._recorder)
        if live_journals(self._place.folder / "journals"):
            raise WorkspaceException(
                f"Workspace {self.name!r} is not deleted: other processes are recording into it. End them first."
            )
        shutil.rmtree(self._place.folder)

    # -- what it is --------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The workspace's name."""
        return self._place.name

    @property
    def subscription_id(self) -> str:
        """The subscription id that config.json or the script gave; not used."""
        return self._subscription_id

    @property
    def resource_group(self) -> str:
        """The resource group that config.json or the script gave; not used."""
        return self._resource_group

    @property
    def location(self) -> str:
        """Where it is: "local", this machine."""
        return "local"

    @property
    def sku(self) -> str:
        """Always "basic"."""
        return "basic"

    @property
    def tags(self) -> dict[str, str]:
        """Workspaces have no tags here."""
        return {}

    def get_details(self) -> dict[str, Any]:
        """What is known of the workspace: id, name, location, creationTime, folder, counts, ..."""
        store = self._recorder.fresh()
        with translated():
            info = store.info()
        return {
            "id": self._place.id,
            "name": self.name,
            "location": self.location,
            "type": "milepost/workspaces",
            "sku": self.sku,
            "creationTime": self._place.created,
            "workspaceid": self._place.id,
            "folder": str(self._place.folder),
            "experiments": info.experiments,
            "runs": info.runs,
            "models": info.models,
        }

    # -- what is in it -----------------------------------------------------------------------------------------

    @property
    def experiments(self) -> dict[str, Experiment]:
        """The active experiments by name."""
        from milepost.sdk.experiment import Experiment

        return {experiment.name: experiment for experiment in Experiment.list(self)}

    @property
    def models(self) -> dict[str, Model]:
        """The newest version of each model, by name."""
        from milepost.sdk.model import Model

        return {model.name: model for model in Model.list(self, latest=True)}

    @property
    def environments(self) -> dict[str, Environment]:
        """The newest version of each registered environment, by name."""
        from milepost.sdk.environment import Environment

        return Environment.list(self)

    @property
    def datastores(self) -> dict[str, Datastore]:
        """The datastores by name."""
        default = self.get_default_datastore()
        return {default.name: default}

    def get_run(self, run_id: str) -> Run:
        """The run with that id.  Raises ServiceException (404) if there is none."""
        from milepost.sdk.run import Run

        return Run.get(self, run_id)

    def get_default_datastore(self) -> Datastore:
        """The datastore in the workspace's own folder."""
        from milepost.sdk.datastore import Datastore

        return Datastore.get_default(self)

    def set_default_datastore(self, name: str) -> None:
        """Another default datastore: not in this version yet."""
        raise deferred("Workspace.set_default_datastore", "get_default_datastore() gives the workspace's own.")

    # -- what later versions bring -----------------------------------------------------------------------------

    @property
    def datasets(self) -> dict[str, Any]:
        """Registered datasets: not in this version yet."""
        raise deferred("Workspace.datasets")

    def get_mlflow_tracking_uri(self) -> str:
        """The address for MLflow clients: not in this version yet."""
        raise deferred("Workspace.get_mlflow_tracking_uri")

    # -- showing it --------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return (
            f"Workspace.create(name={self.name!r}, subscription_id={self._subscription_id!r}, "
            f"resource_group={self._resource_group!r})"
        )

    def _repr_html_(self) -> str:
        return display.table(
            [("Name", self.name, None), ("Location", "this machine", None), ("Folder", str(self._place.folder), None)]
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Workspace) and other._recorder is self._recorder

    def __hash__(self) -> int:
        return hash(self._place.id)


def _tell(text: str) -> None:
    sys.stderr.write(f"Milepost: {text}\n")
