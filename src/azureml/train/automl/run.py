"""Automated ML runs."""

from milepost.sdk.automl.automl_run import AutoMLRun

__all__ = [
    "AutoMLRun",
]
