"""Estimators for neural networks."""

from milepost.sdk.submitting.distributed import Gloo, Mpi, Nccl, ParameterServer
from milepost.sdk.submitting.framework_estimators import PyTorch, TensorFlow

__all__ = [
    "Gloo",
    "Mpi",
    "Nccl",
    "ParameterServer",
    "PyTorch",
    "TensorFlow",
]
