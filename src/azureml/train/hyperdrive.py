"""Sweeps."""

from milepost.sdk.submitting.submit_registry import ExperimentSubmitRegistrar
from milepost.sdk.sweeps.hyperdrive_config import HyperDriveConfig, HyperDriveRunConfig, PrimaryMetricGoal, search
from milepost.sdk.sweeps.hyperdrive_run import HyperDriveRun
from milepost.sdk.sweeps.parameter_expressions import (
    choice,
    lognormal,
    loguniform,
    normal,
    qlognormal,
    qloguniform,
    qnormal,
    quniform,
    randint,
    uniform,
)
from milepost.sdk.sweeps.parameter_sampling import (
    BayesianParameterSampling,
    GridParameterSampling,
    HyperParameterSampling,
    RandomParameterSampling,
)
from milepost.sdk.sweeps.termination_policies import (
    BanditPolicy,
    EarlyTerminationPolicy,
    MedianStoppingPolicy,
    NoTerminationPolicy,
    TruncationSelectionPolicy,
)

__all__ = [
    "BanditPolicy",
    "BayesianParameterSampling",
    "EarlyTerminationPolicy",
    "ExperimentSubmitRegistrar",
    "GridParameterSampling",
    "HyperDriveConfig",
    "HyperDriveRun",
    "HyperDriveRunConfig",
    "HyperParameterSampling",
    "MedianStoppingPolicy",
    "NoTerminationPolicy",
    "PrimaryMetricGoal",
    "RandomParameterSampling",
    "TruncationSelectionPolicy",
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "search",
    "uniform",
]
