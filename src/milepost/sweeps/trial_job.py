"""The job of one trial: the sweep's own script with the trial's parameters behind its arguments."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import fields
from typing import Any, Final

from milepost.jobs.job import Job
from milepost.sweeps.space import Parameters, script_arguments
from milepost.sweeps.specification import Sweep
from milepost.sweeps.trials import Trial

RESUME_VARIABLE: Final = "MILEPOST_RESUME_FROM"
"""The variable that names, for the script of a trial that is done again, the run whose files it may go on from."""
NAMES: Final = tuple(each.name for each in fields(Job) if each.name not in ("run_id", "submitted_ns", "sweep"))
"""What of a job all trials share."""


def trial_job(parent: Job, sweep: Sweep, trial: Trial) -> Job:
    """The job of a trial; what is said of its run comes with it."""
    child = sweep.child
    further = script_arguments(trial.parameters)
    arguments, command = list(child["arguments"]), child["command"]
    if command is None:
        arguments += further
    elif isinstance(command, str):
        command = f"{command} {shlex.join(further)}"
    else:
        command = [*command, *further]
    variables = dict(child["environment_variables"])
    if trial.resumed_from is not None:
        variables[RESUME_VARIABLE] = trial.resumed_from
    own = {"arguments": arguments, "command": command, "environment_variables": variables}
    events = [_event(kind, data, parent.run_id, trial, own) for kind, data in child["events"]]
    texts = {name: str(value) for name, value in trial.parameters.items()}
    events.append(("params", {"set": {name.lstrip("-"): text for name, text in texts.items()}}))
    shared = {name: child[name] for name in NAMES if name not in (*own, "events")}
    return Job(run_id=trial.run_id, submitted_ns=time.time_ns(), events=events, **own, **shared)


def hyperparameters(parameters: Parameters) -> str:
    """The parameters as the tag of a trial's run has them."""
    return json.dumps(parameters)


def _event(
    kind: str, data: dict[str, Any], parent_id: str, trial: Trial, own: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """What is said of every trial, made this one's."""
    if kind == "run":
        tags = {**data["tags"], "hyperparameters": hyperparameters(trial.parameters)}
        if trial.resumed_from is not None:
            tags["resumed_from"] = trial.resumed_from
        return kind, {**data, "parent_id": parent_id, "tags": tags}
    if kind == "document" and data["name"] == "job":
        return kind, {**data, "content": {**data["content"], **own}}
    if kind == "document" and data["name"] == "definition":
        command = own["command"]
        shown = command if isinstance(command, str) else shlex.join(command or [])
        return kind, {**data, "content": {**data["content"], "arguments": own["arguments"], "command": shown}}
    return kind, data
