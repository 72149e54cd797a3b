"""The configuration of automated ML."""

from milepost.sdk.automl.automl_config import AutoMLConfig

__all__ = [
    "AutoMLConfig",
]
