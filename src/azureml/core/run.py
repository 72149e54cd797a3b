"""Runs."""

from milepost.sdk.runs.offline_run import _OfflineRun
from milepost.sdk.runs.run import Run

__all__ = [
    "Run",
    "_OfflineRun",
]
