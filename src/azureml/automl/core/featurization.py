"""How columns are featurized."""

from milepost.sdk.featurization_config import FeaturizationConfig

__all__ = [
    "FeaturizationConfig",
]
