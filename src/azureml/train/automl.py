"""Automated ML."""

from milepost.sdk.later import AutoMLConfig

__all__ = [
    "AutoMLConfig",
]
