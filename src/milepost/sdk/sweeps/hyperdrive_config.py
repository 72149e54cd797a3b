"""What a sweep is to do: a script, a space of parameters, a metric, and how far to go."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import UserErrorException, deferred
from milepost.sdk.submitting.script_run_config import ScriptRunConfig
from milepost.sdk.submitting.submit_registry import ExperimentSubmitRegistrar
from milepost.sdk.sweeps.parameter_sampling import HyperParameterSampling, sampling_of
from milepost.sdk.sweeps.termination_policies import EarlyTerminationPolicy, NoTerminationPolicy, policy_of

if TYPE_CHECKING:
    from milepost.sdk.runs.run import Run
    from milepost.sdk.submitting.estimator import MMLBaseEstimator
    from milepost.sdk.sweeps.hyperdrive_run import HyperDriveRun
    from milepost.sdk.workspaces.workspace import Workspace

MOST_RUNS: Final = 100_000
LONGEST_MINUTES: Final = 43_200
"""30 days."""
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)


class PrimaryMetricGoal(enum.Enum):
    """Whether the primary metric is to be as high or as low as can be."""

    MAXIMIZE = "MAXIMIZE"
    MINIMIZE = "MINIMIZE"

    @staticmethod
    def from_str(goal: str) -> PrimaryMetricGoal:
        """The goal of that name, in any case of letters.  Raises UserErrorException."""
        try:
            return PrimaryMetricGoal[str(goal).upper()]
        except KeyError:
            raise UserErrorException(f"The goal is 'maximize' or 'minimize', not {goal!r:.80}.") from None


class HyperDriveConfig:
    """A sweep: the script of ``run_config`` (a ScriptRunConfig) or ``estimator``, run again and again.

    Each trial's script gets its parameters as further arguments.  ``primary_metric_name``: what the script logs with
    ``run.log``; the best value that a trial logs counts.  ``max_concurrent_runs``: so many at a time, all where it is
    None; a pool that the script names may allow fewer.  ``max_duration_minutes``: when it is over, trials that run are
    cancelled and no more begin.  ``policy``: which trials are stopped early.  ``resume_from``: earlier sweeps, whose
    trials Bayesian sampling learns from and which ``get_best_run_by_primary_metric`` looks at, too.
    ``resume_child_runs``: trials of earlier sweeps that are done again first; their scripts find the old run's id in
    the variable MILEPOST_RESUME_FROM.  ``custom_run_id``: the sweep's id.

    Raises UserErrorException for what cannot be meant, NotAvailableException for ``pipeline``.
    """

    def __init__(
        self,
        hyperparameter_sampling: HyperParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal | str,
        max_total_runs: int,
        max_concurrent_runs: int | None = None,
        max_duration_minutes: int = 10080,
        policy: EarlyTerminationPolicy | None = None,
        estimator: MMLBaseEstimator | None = None,
        run_config: ScriptRunConfig | None = None,
        resume_from: Any = None,
        resume_child_runs: Any = None,
        pipeline: Any = None,
        debug_flag: Any = None,
        custom_run_id: str | None = None,
    ) -> None:
        if pipeline is not None:
            raise deferred("HyperDriveConfig(pipeline=...)", "Give run_config a ScriptRunConfig")
        if not isinstance(hyperparameter_sampling, HyperParameterSampling):
            raise UserErrorException(
                "hyperparameter_sampling is a GridParameterSampling, RandomParameterSampling or "
                f"BayesianParameterSampling, not {hyperparameter_sampling!r:.80}."
            )
        if not isinstance(primary_metric_name, str) or not primary_metric_name:
            raise UserErrorException(f"primary_metric_name is the name of a metric, not {primary_metric_name!r:.80}.")
        if not isinstance(primary_metric_goal, PrimaryMetricGoal):
            primary_metric_goal = PrimaryMetricGoal.from_str(primary_metric_goal)
        if not isinstance(policy, (EarlyTerminationPolicy, type(None))):
            raise UserErrorException(f"policy is an early termination policy or None, not {policy!r:.80}.")
        if not isinstance(custom_run_id, (str, type(None))) or (custom_run_id and not _RUN_ID.fullmatch(custom_run_id)):
            raise UserErrorException(
                f"custom_run_id has up to 100 letters, digits, '_', '-' and '.', not {custom_run_id!r:.80}."
            )
        self._sampling = hyperparameter_sampling
        self._primary_metric_config = {"name": primary_metric_name, "goal": primary_metric_goal.name.lower()}
        self._max_total_runs = _count(max_total_runs, "max_total_runs", MOST_RUNS)
        self._max_concurrent_runs = (
            None if max_concurrent_runs is None else _count(max_concurrent_runs, "max_concurrent_runs", MOST_RUNS)
        )
        if self._max_concurrent_runs is not None and self._max_concurrent_runs > self._max_total_runs:
            raise UserErrorException(
                f"max_concurrent_runs ({max_concurrent_runs}) is more than max_total_runs ({max_total_runs})."
            )
        self._max_duration_minutes = _count(max_duration_minutes, "max_duration_minutes", LONGEST_MINUTES)
        self._policy = policy or NoTerminationPolicy()
        self._estimator, self._run_config = _script(estimator, run_config)
        self._resume_from = _runs(resume_from, "resume_from", "hyperdrive")
        self._resume_child_runs = _runs(resume_child_runs, "resume_child_runs", None)
        if len(self._resume_child_runs) > self._max_total_runs:
            raise UserErrorException("There are more resume_child_runs than max_total_runs.")
        self._custom_run_id = custom_run_id
        self._source_directory: str | None = None

    @property
    def estimator(self) -> MMLBaseEstimator | None:
        """The estimator, if the script was given so."""
        return self._estimator

    @property
    def run_config(self) -> ScriptRunConfig | None:
        """The configuration of the script, if it was given so."""
        return self._run_config

    @property
    def pipeline(self) -> None:
        """Milepost runs no pipelines."""

    @property
    def source_directory(self) -> str | None:
        """The folder of the script."""
        for each in (self._run_config, self._estimator):
            if each is not None:
                return str(each.source_directory)
        return self._source_directory

    def _document(self) -> dict[str, Any]:
        """What is kept of it with the sweep's run."""
        return {
            "sampling": self._sampling.to_json(),
            "policy": self._policy.to_json(),
            "primary_metric": self._primary_metric_config,
            "max_total_runs": self._max_total_runs,
            "max_concurrent_runs": self._max_concurrent_runs,
            "max_duration_minutes": self._max_duration_minutes,
            "source_directory": self.source_directory,
            "resume_from": [each.id for each in self._resume_from],
            "resume_child_runs": [each.id for each in self._resume_child_runs],
        }

    @classmethod
    def _kept(cls, document: Mapping[str, Any]) -> HyperDriveConfig:
        """The configuration of a run that is there, without its script and the runs that it resumes."""
        config = cls.__new__(cls)
        config._sampling = sampling_of(document["sampling"])
        config._policy = policy_of(document["policy"])
        config._primary_metric_config = dict(document["primary_metric"])
        config._max_total_runs = document["max_total_runs"]
        config._max_concurrent_runs = document["max_concurrent_runs"]
        config._max_duration_minutes = document["max_duration_minutes"]
        config._source_directory = document["source_directory"]
        config._estimator = config._run_config = config._custom_run_id = None
        config._resume_from = config._resume_child_runs = []
        return config

    def __repr__(self) -> str:
        metric = self._primary_metric_config
        return (
            f"HyperDriveConfig({type(self._sampling).__name__}, {metric['goal']} {metric['name']!r}, "
            f"max_total_runs={self._max_total_runs}, max_concurrent_runs={self._max_concurrent_runs})"
        )


class HyperDriveRunConfig(HyperDriveConfig):
    """The old name of ``HyperDriveConfig``."""


def search(
    hyperdrive_config: HyperDriveConfig, workspace: Workspace, experiment_name: str, **kwargs: Any
) -> HyperDriveRun:
    """Submit a sweep, as ``Experiment(workspace, experiment_name).submit(hyperdrive_config)`` does.

    ``tags``, ``display_name``, ``parent_run_id`` and ``run_id`` may be given.
    """
    from milepost.sdk.sweeps.sweep_submission import submit_sweep

    return submit_sweep(
        hyperdrive_config,
        workspace,
        experiment_name,
        tags=kwargs.get("tags"),
        display_name=kwargs.get("display_name"),
        parent_id=kwargs.get("parent_run_id"),
        run_id=kwargs.get("run_id"),
    )


ExperimentSubmitRegistrar.register_submit_function(HyperDriveConfig, search)


def _script(estimator: Any, run_config: Any) -> tuple[MMLBaseEstimator | None, ScriptRunConfig | None]:
    if (estimator is None) == (run_config is None):
        raise UserErrorException("HyperDriveConfig takes either run_config (a ScriptRunConfig) or estimator.")
    if run_config is not None:
        if not isinstance(run_config, ScriptRunConfig):
            raise UserErrorException(f"run_config must be a ScriptRunConfig, not {type(run_config).__name__}.")
        return None, run_config
    from milepost.sdk.submitting.estimator import MMLBaseEstimator

    if not isinstance(estimator, MMLBaseEstimator):
        raise UserErrorException(f"estimator must be an Estimator, not {type(estimator).__name__}.")
    return estimator, None


def _count(number: Any, name: str, most: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
        raise UserErrorException(f"{name} is a whole number from 1 to {most:,}, not {number!r:.80}.")
    return number


def _runs(given: Any, name: str, kind: str | None) -> list[Run]:
    """A run or a list of runs, of that type."""
    if given is None:
        return []
    from milepost.sdk.runs.run import Run

    found = list(given) if isinstance(given, (list, tuple)) else [given]
    for each in found:
        if not isinstance(each, Run) or (kind is not None and each.type != kind):
            what = "HyperDriveRun" if kind else "Run"
            raise UserErrorException(f"{name} is a {what} or a list of them, not {each!r:.120}.")
    return found
