"""A workspace: the place that experiments, runs and models are in."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk import display, links
from milepost.sdk.exceptions import WorkspaceException, cloud_only, deferred
from milepost.sdk.recording.recorder import close_recorder, recorder_for, translated
from milepost.sdk.workspaces import config, home
from milepost.sdk.workspaces.workspace_cloud import WorkspaceCloud
from milepost.sdk.workspaces.workspace_compute import WorkspaceCompute

if TYPE_CHECKING:
    from milepost.sdk.environments.environment import Environment
    from milepost.sdk.models.model import Model
    from milepost.sdk.runs.run import Run
    from milepost.sdk.workspaces.datastore import Datastore
    from milepost.sdk.workspaces.experiment import Experiment

DEFAULT_NAME: Final = "default"
_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"
_GROUP: Final = "milepost"


class Workspace(WorkspaceCompute, WorkspaceCloud):
    """The workspace of that name: on the server in ``MILEPOST_URL``, else on this machine, made when it is not there.

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
        url = config.server_url(None)
        place = home.create_workspace(workspace_name)[0] if url is None else _on_server(url, workspace_name, auth)
        self._open(place, subscription_id, resource_group)

    def _open(self, place: home.WorkspacePlace, subscription_id: str | None, resource_group: str | None) -> None:
        self._place = place
        self._subscription_id = subscription_id or _SUBSCRIPTION
        self._resource_group = resource_group or _GROUP
        self._recorder = recorder_for(place)
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
            place = _on_server(url, found.name if found is not None and found.name else DEFAULT_NAME, auth)
            return Workspace._at(place, *((found.subscription_id, found.resource_group) if found else ()))
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
        """The workspace of that name: on the server in ``MILEPOST_URL``, else on this machine.

        One of this machine is made when it is not there, and that is said on standard error.  Raises WorkspaceException
        where the server says that it has no such workspace.
        """
        url = config.server_url(None)
        if url is not None:
            return Workspace._at(_on_server(url, name, auth), subscription_id, resource_group)
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
        """Make a workspace: on the server in ``MILEPOST_URL``, else on this machine.

        Raises WorkspaceException if it is there, unless ``exist_ok``, and where the server cannot make it.

        ``default_cpu_compute_target`` and ``default_gpu_compute_target``: settings to make the pools "cpu-cluster" and
        "gpu-cluster" with.  What names resources of Azure's cloud is accepted and not used.
        """
        url = config.server_url(None)
        if url is not None:
            from milepost.sdk.access.authentication import use_authentication
            from milepost.sdk.recording.server_store import create_there

            use_authentication(auth, url)
            place = create_there(url, name, exist_ok=exist_ok)
            workspace = Workspace._at(place, subscription_id, resource_group)
            workspace._make_default_clusters(default_cpu_compute_target, default_gpu_compute_target)
            return workspace
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
        """All workspaces: name -> list of the one workspace with that name.

        Those of the server in ``MILEPOST_URL`` that this user may see, else those of this machine.  Raises
        WorkspaceException where the server cannot be asked, AuthenticationException where it does not let this user in.
        """
        url = config.server_url(None)
        if url is not None:
            from milepost.sdk.recording.server_store import list_there

            if auth is not None:
                from milepost.sdk.access.authentication import use_authentication

                use_authentication(auth, url)
            places = list_there(url)
            return {place.name: [Workspace._at(place, subscription_id, resource_group)] for place in places}
        return {place.name: [Workspace._at(place, subscription_id, resource_group)] for place in home.list_workspaces()}

    @staticmethod
    def setup() -> None:
        """Azure's interactive set-up: there is nothing to set up here."""
        raise cloud_only("Workspace.setup", "Workspace.create(name) makes a workspace on this machine.")

    def write_config(self, path: str | os.PathLike[str] | None = None, file_name: str | None = None) -> None:
        """Write ``.azureml/config.json`` in a folder (default: here), for ``from_config`` to find."""
        config.write_config(
            path,
            self.name,
            self._subscription_id,
            self._resource_group,
            url=self._place.server,
            file_name=file_name,
        )

    def delete(self, delete_dependent_resources: bool = False, no_wait: bool = False) -> None:
        """Delete the workspace with all in it; on a server its owners may.

        Raises WorkspaceException while other processes of this machine record into it, and while submitted runs are on
        their way; AuthenticationException where the server does not let this user do it, ServiceException where it
        cannot.
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
        self._delete_there()
        close_recorder(self._recorder)
        shutil.rmtree(self._place.folder)

    def _delete_there(self) -> None:
        """Delete the workspace on its server; nothing is done for one of this machine.  Raises as the SDK does."""
        if self._place.server is not None:
            with translated():
                self._recorder.open_store().delete_workspace()

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
        """Where it is: "local" for this machine, else the server's address."""
        return self._place.server or "local"

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
        from milepost.sdk.workspaces.experiment import Experiment

        return {experiment.name: experiment for experiment in Experiment.list(self)}

    @property
    def models(self) -> dict[str, Model]:
        """The newest version of each model, by name."""
        from milepost.sdk.models.model import Model

        return {model.name: model for model in Model.list(self, latest=True)}

    @property
    def environments(self) -> dict[str, Environment]:
        """The newest version of each registered environment, by name."""
        from milepost.sdk.environments.environment import Environment

        return Environment.list(self)

    @property
    def datastores(self) -> dict[str, Datastore]:
        """The datastores by name."""
        default = self.get_default_datastore()
        return {default.name: default}

    def get_run(self, run_id: str) -> Run:
        """The run with that id.  Raises ServiceException (404) if there is none."""
        from milepost.sdk.runs.run import Run

        return Run.get(self, run_id)

    def get_default_datastore(self) -> Datastore:
        """The datastore in the workspace's own folder."""
        from milepost.sdk.workspaces.datastore import Datastore

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
        folder = self._recorder.folder
        return display.table(
            [
                ("Name", self.name, None),
                ("Location", self._place.server or "this machine", None),
                ("Folder", str(self._place.folder), None),
                display.page("Experiments", folder, lambda: links.workspace_url(self._recorder)),
                display.docs(links.docs_url("azureml.core.workspace.Workspace")),
            ]
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Workspace) and other._recorder is self._recorder

    def __hash__(self) -> int:
        return hash(self._place.id)


def _on_server(url: str, name: str, auth: Any) -> home.WorkspacePlace:
    """A server's workspace.  A server that cannot be reached is no trouble: what is logged is kept for it.

    Raises WorkspaceException where it answers that there is no such workspace, AuthenticationException where it does
    not let this user in.
    """
    place = home.server_workspace(url, name)
    if auth is not None:
        from milepost.sdk.access.authentication import use_authentication

        use_authentication(auth, url)
    if not os.environ.get("MILEPOST_JOB"):
        from milepost.sdk.recording.server_store import check_there

        check_there(place)
    return place


def _tell(text: str) -> None:
    sys.stderr.write(f"Milepost: {text}\n")
