"""Datastores."""

from milepost.sdk.workspaces.datastore import Datastore

__all__ = [
    "Datastore",
]
