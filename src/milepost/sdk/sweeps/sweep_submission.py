"""Submit a sweep: one snapshot for all trials, a job with a controller, and the word that there is a run."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.recording.recorder import translated
from milepost.sdk.submitting.submission import check_new, child_job, hand_over, run_event, source_of
from milepost.sdk.tags import check_tags
from milepost.store.status import SWEEP

if TYPE_CHECKING:
    from milepost.sdk.runs.run import Run
    from milepost.sdk.sweeps.hyperdrive_config import HyperDriveConfig
    from milepost.sdk.sweeps.hyperdrive_run import HyperDriveRun
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.sweeps.specification import Resumed, Sweep, Told

DOCUMENT: Final = "sweep"
"""The document of a sweep's run that holds what was asked for."""
TAG: Final = "hyperparameters"
"""The tag of a trial's run that holds its parameters, as JSON."""
MINUTE_S: Final = 60.0
_SEEDS: Final = 2**31


def submit_sweep(
    config: HyperDriveConfig,
    workspace: Workspace,
    experiment_name: str,
    *,
    tags: Mapping[str, str | None] | None = None,
    display_name: str | None = None,
    parent_id: str | None = None,
    run_id: str | None = None,
) -> HyperDriveRun:
    """Submit the sweep that ``config`` describes and give its run at once; a process of its own does the rest.

    Raises UserErrorException, SnapshotException, ComputeTargetException.
    """
    from milepost.sdk.sweeps.hyperdrive_run import HyperDriveRun
    from milepost.sdk.workspaces.experiment import Experiment
    from milepost.sweeps.trial_job import NAMES

    experiment = Experiment(workspace, experiment_name)
    given = run_id or config._custom_run_id
    if given:
        check_new(workspace, given)
    sweep_id = given or f"HD_{uuid.uuid4()}"
    child = child_job(experiment, config._run_config or config._estimator, sweep_id)
    kept = asdict(child)
    sweep = _sweep(config, workspace, {name: kept[name] for name in NAMES})
    document = config._document()
    document["sampling"].setdefault("properties", {})
    document["sampling"]["properties"] = {**document["sampling"]["properties"], "seed": sweep.seed}
    shared = [
        (kind, data) for kind, data in child.events if kind != "run" and (kind, data.get("name")) != ("document", "job")
    ]
    own_tags = {**check_tags(tags or {}), **_tags(config)}
    properties = {**source_of(child), **_properties(config)}
    event = run_event(
        experiment.name, child.target, display_name, own_tags, properties, parent_id=parent_id, kind=SWEEP
    )
    events = [event, *shared, ("document", {"name": DOCUMENT, "content": document})]
    hand_over(experiment, replace(child, run_id=sweep_id, target="local", events=events, sweep=sweep.to_json()))
    return HyperDriveRun._known(experiment, sweep_id, config)


def _sweep(config: HyperDriveConfig, workspace: Workspace, child: dict[str, Any]) -> Sweep:
    from milepost.sweeps.policies import Policy
    from milepost.sweeps.space import checked_space
    from milepost.sweeps.specification import Sweep

    seed = config._sampling._seed
    metric, maximize = config._primary_metric_config["name"], config._primary_metric_config["goal"] == "maximize"
    return Sweep(
        sampling=config._sampling._sampling_method_name,
        space=checked_space(config._sampling._parameter_space),
        seed=secrets.randbelow(_SEEDS) if seed is None else seed,
        metric=metric,
        maximize=maximize,
        max_total=config._max_total_runs,
        max_concurrent=config._max_concurrent_runs or config._max_total_runs,
        max_duration_s=MINUTE_S * config._max_duration_minutes,
        policy=Policy.of(config._policy.to_json()),
        child=child,
        inherited=_inherited(workspace, config._resume_from, metric, maximize=maximize),
        resumed=[_resumed(each) for each in config._resume_child_runs],
    )


def _inherited(workspace: Workspace, sweeps: list[Run], metric: str, *, maximize: bool) -> list[Told]:
    from milepost.store.records import RunQuery
    from milepost.sweeps.specification import Told

    found = []
    store = workspace._recorder.fresh()
    with translated():
        for sweep in sweeps:
            records = list(store.all_runs(RunQuery(parent_id=sweep.id, archived=None)))
            summaries = store.metric_summaries([each.run_id for each in records], [metric])
            best = {each.run_id: each.max if maximize else each.min for each in summaries}
            for each in records:
                parameters = parameters_of(each.tags)
                if parameters is not None:
                    found.append(Told(parameters, best.get(each.run_id)))
    return found


def _resumed(run: Run) -> Resumed:
    from milepost.sweeps.specification import Resumed

    parameters = parameters_of(run.tags)
    if parameters is None:
        raise UserErrorException(f"resume_child_runs: the run {run.id} is no trial of a sweep.")
    return Resumed(run.id, parameters)


def parameters_of(tags: Mapping[str, str | None]) -> dict[str, Any] | None:
    """What a trial was given, by the tags of its run; None for a run that is no trial."""
    try:
        found = json.loads(tags.get(TAG) or "null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _tags(config: HyperDriveConfig) -> dict[str, str | None]:
    """What the SDK's sweeps say of themselves in tags."""
    concurrent = config._max_concurrent_runs or config._max_total_runs
    return {
        "generator_config": json.dumps(config._sampling.to_json()),
        "policy_config": json.dumps(config._policy.to_json()),
        "primary_metric_config": json.dumps(config._primary_metric_config),
        "max_total_jobs": str(config._max_total_runs),
        "max_concurrent_jobs": str(concurrent),
        "max_duration_minutes": str(config._max_duration_minutes),
    }


def _properties(config: HyperDriveConfig) -> dict[str, str]:
    resumed = [each.id for each in config._resume_from]
    return {
        "primary_metric_config": json.dumps(config._primary_metric_config),
        "resume_from": json.dumps(resumed or None),
        "runTemplate": "HyperDrive",
        "azureml.runsource": "hyperdrive",
        "platform": "AML",
    }
