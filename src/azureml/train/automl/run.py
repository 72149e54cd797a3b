"""Automated ML runs."""

from milepost.sdk.automl_run import AutoMLRun

__all__ = [
    "AutoMLRun",
]
