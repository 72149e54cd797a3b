"""Estimators for neural networks."""

from milepost.sdk.distributed import Gloo, Mpi, Nccl, ParameterServer
from milepost.sdk.framework_estimators import PyTorch, TensorFlow

__all__ = [
    "Gloo",
    "Mpi",
    "Nccl",
    "ParameterServer",
    "PyTorch",
    "TensorFlow",
]
