"""Datasets."""

from milepost.sdk.dataset import Dataset

__all__ = [
    "Dataset",
]
