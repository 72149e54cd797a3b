"""Experiments."""

from milepost.sdk.experiment import Experiment

__all__ = [
    "Experiment",
]
