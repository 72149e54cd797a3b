"""The configuration of automated ML."""

from milepost.sdk.automl_config import AutoMLConfig

__all__ = [
    "AutoMLConfig",
]
