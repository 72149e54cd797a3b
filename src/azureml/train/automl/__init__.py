"""Automated ML."""

from milepost.sdk.automl.automl_config import AutoMLConfig
from milepost.sdk.automl.automl_run import AutoMLRun

__all__ = [
    "AutoMLConfig",
    "AutoMLRun",
]
