"""The members of ``Workspace`` that belong to Azure's cloud: each names what to use instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from milepost.sdk.exceptions import cloud_only

_NETWORK: Final = "The workspace is on this machine; nothing of it is on a network."
_CONNECTION: Final = "Scripts reach other services with those services' own libraries."


class WorkspaceCloud:
    """Members with the SDK's signatures that raise a clear error."""

    @property
    def webservices(self) -> dict[str, Any]:
        """Deployed web services belong to Azure's cloud."""
        raise cloud_only("Workspace.webservices", "Model.download() fetches a model's files to serve them yourself.")

    @property
    def images(self) -> dict[str, Any]:
        """Container images belong to Azure's cloud."""
        raise cloud_only("Workspace.images", "Model.download() fetches a model's files to serve them yourself.")

    @property
    def linked_services(self) -> Any:
        """Linked services belong to Azure's cloud."""
        raise cloud_only("Workspace.linked_services", "Nothing needs linking here.")

    @property
    def private_endpoints(self) -> dict[str, Any]:
        """Private endpoints belong to Azure's cloud."""
        raise cloud_only("Workspace.private_endpoints", _NETWORK)

    @property
    def discovery_url(self) -> str:
        """Azure's service addresses belong to its cloud."""
        raise cloud_only("Workspace.discovery_url", "Run.get_portal_url() gives a run's address.")

    @property
    def service_context(self) -> Any:
        """Azure's service context belongs to its cloud."""
        raise cloud_only("Workspace.service_context", "The workspace's own methods give all it knows.")

    def add_private_endpoint(
        self,
        private_endpoint_config: Any,
        private_endpoint_auto_approval: bool = True,
        location: str | None = None,
        show_output: bool = True,
        tags: Mapping[str, str] | None = None,
    ) -> Any:
        """Private endpoints belong to Azure's cloud."""
        raise cloud_only("Workspace.add_private_endpoint", _NETWORK)

    def delete_private_endpoint_connection(self, private_endpoint_connection_name: str) -> None:
        """Private endpoints belong to Azure's cloud."""
        raise cloud_only("Workspace.delete_private_endpoint_connection", _NETWORK)

    def get_default_keyvault(self) -> Any:
        """Key vaults belong to Azure's cloud."""
        raise cloud_only("Workspace.get_default_keyvault", "Read secrets from environment variables.")

    def list_keys(self) -> Any:
        """Account keys belong to Azure's cloud."""
        raise cloud_only("Workspace.list_keys", "Nothing here has a key.")

    def sync_keys(self, no_wait: bool = False) -> Any:
        """Account keys belong to Azure's cloud."""
        raise cloud_only("Workspace.sync_keys", "Nothing here has a key.")

    def update(
        self,
        friendly_name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        image_build_compute: str | None = None,
        service_managed_resources_settings: Any = None,
        primary_user_assigned_identity: str | None = None,
        allow_public_access_when_behind_vnet: bool | None = None,
        v1_legacy_mode: bool | None = None,
    ) -> Any:
        """A workspace's settings in Azure's cloud."""
        raise cloud_only("Workspace.update", "Experiments and runs take tags and descriptions.")

    def update_dependencies(self, container_registry: str | None = None, force: bool = False) -> Any:
        """A workspace's resources in Azure's cloud."""
        raise cloud_only("Workspace.update_dependencies", "A workspace here needs no other resources.")

    def diagnose_workspace(self, diagnose_parameters: Any) -> Any:
        """Azure's own diagnosis."""
        raise cloud_only("Workspace.diagnose_workspace", "`milepost doctor` looks for trouble on this machine.")

    def get_connection(self, name: str) -> Any:
        """Connections belong to Azure's cloud."""
        raise cloud_only("Workspace.get_connection", _CONNECTION)

    def set_connection(self, name: str, category: str, target: str, authType: str, value: str) -> Any:  # noqa: N803
        """Connections belong to Azure's cloud."""
        raise cloud_only("Workspace.set_connection", _CONNECTION)

    def list_connections(self, category: str | None = None, target: str | None = None) -> Sequence[Any]:
        """Connections belong to Azure's cloud."""
        raise cloud_only("Workspace.list_connections", _CONNECTION)

    def delete_connection(self, name: str) -> None:
        """Connections belong to Azure's cloud."""
        raise cloud_only("Workspace.delete_connection", _CONNECTION)
