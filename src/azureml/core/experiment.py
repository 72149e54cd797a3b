"""Experiments."""

from milepost.sdk.workspaces.experiment import Experiment

__all__ = [
    "Experiment",
]
