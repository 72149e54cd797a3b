"""Estimators for neural networks."""

from milepost.sdk.later import PyTorch, TensorFlow

__all__ = [
    "PyTorch",
    "TensorFlow",
]
