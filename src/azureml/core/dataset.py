"""Datasets."""

from milepost.sdk.workspaces.dataset import Dataset

__all__ = [
    "Dataset",
]
