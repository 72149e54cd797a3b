"""How columns are featurized."""

from milepost.sdk.automl.featurization_config import FeaturizationConfig

__all__ = [
    "FeaturizationConfig",
]
