"""Datastores."""

from milepost.sdk.datastore import Datastore

__all__ = [
    "Datastore",
]
