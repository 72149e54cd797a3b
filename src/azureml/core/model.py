"""Registered models."""

from milepost.sdk.later import InferenceConfig
from milepost.sdk.model import Model

__all__ = [
    "InferenceConfig",
    "Model",
]
