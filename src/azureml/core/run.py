"""Runs."""

from milepost.sdk.offline_run import _OfflineRun
from milepost.sdk.run import Run

__all__ = [
    "Run",
    "_OfflineRun",
]
