"""Workspaces."""

from milepost.sdk.workspaces.workspace import Workspace

__all__ = [
    "Workspace",
]
