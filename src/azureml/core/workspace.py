"""Workspaces."""

from milepost.sdk.workspace import Workspace

__all__ = [
    "Workspace",
]
