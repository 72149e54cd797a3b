"""Registered models."""

from milepost.sdk.later import InferenceConfig
from milepost.sdk.models.model import Model

__all__ = [
    "InferenceConfig",
    "Model",
]
