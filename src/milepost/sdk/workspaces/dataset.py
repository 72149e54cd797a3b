"""``Dataset``: its names.  Registered datasets come in a later version."""

from __future__ import annotations

from typing import Any

from milepost.sdk.later import LaterType


class Dataset(
    metaclass=LaterType,
    module="azureml.core",
    instead="read files with the library of your choice; Workspace.get_default_datastore() keeps them in the workspace",
):
    """Data that has a name in the workspace.  In this version no dataset can be registered, so there are none.

    Every other member, and making one, raises NotAvailableException.
    """

    @staticmethod
    def list(workspace: Any) -> list[Any]:
        """The workspace's datasets of the oldest kind: none."""
        return []

    @staticmethod
    def get_all(workspace: Any) -> dict[str, Any]:
        """The workspace's registered datasets by name: none."""
        return {}
