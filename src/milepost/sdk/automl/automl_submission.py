"""Submit an automated ML run: its data and settings are its source folder, and a process of its own does it."""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from milepost.automl.names import FORECASTING, maximized
from milepost.sdk.submitting.script_run_config import ScriptRunConfig
from milepost.sdk.submitting.submission import check_new, child_job, hand_over, run_event, source_of
from milepost.sdk.tags import check_tags
from milepost.store.status import AUTOML

if TYPE_CHECKING:
    from milepost.sdk.automl.automl_config import AutoMLConfig
    from milepost.sdk.automl.automl_run import AutoMLRun
    from milepost.sdk.workspaces.workspace import Workspace

SETTINGS: Final = "automl.json"
SCRIPT: Final = "train_automl.py"
_SCRIPT_TEXT: Final = '''"""Does the automated ML that automl.json describes, with the data beside it."""

from milepost.sdk.automl.automl_process import main

main()
'''


def submit_automl(
    config: AutoMLConfig,
    workspace: Workspace,
    experiment_name: str,
    *,
    tags: Mapping[str, str | None] | None = None,
    display_name: str | None = None,
    parent_id: str | None = None,
    run_id: str | None = None,
) -> AutoMLRun:
    """Submit what ``config`` describes and give its run at once.

    Raises UserErrorException, DataException, SnapshotException (data of more than 300 MB), ComputeTargetException.
    """
    from milepost.sdk.automl.automl_run import AutoMLRun
    from milepost.sdk.workspaces.experiment import Experiment

    experiment = Experiment(workspace, experiment_name)
    if run_id:
        check_new(workspace, run_id)
    automl_id = run_id or f"AutoML_{uuid.uuid4()}"
    with tempfile.TemporaryDirectory(prefix="milepost-automl-") as place:
        folder = Path(place)
        config._data.write(folder)
        asked = {"settings": config._settings.to_json(), "named": config._data.named, "notes": config._notes}
        (folder / SETTINGS).write_text(json.dumps(asked, indent=1, default=str))
        (folder / SCRIPT).write_text(_SCRIPT_TEXT)
        job = child_job(experiment, ScriptRunConfig(folder, SCRIPT, compute_target=config.compute_target), automl_id)
    event = run_event(
        experiment.name,
        job.target,
        display_name or config.name,
        check_tags(tags or {}),
        {**source_of(job), **_properties(config)},
        parent_id=parent_id,
        kind=AUTOML,
    )
    events = [event if kind == "run" else (kind, data) for kind, data in job.events]
    hand_over(experiment, replace(job, run_id=automl_id, events=events))
    return AutoMLRun._known(experiment, automl_id)


def _properties(config: AutoMLConfig) -> dict[str, str]:
    """What the SDK's automated ML runs say of themselves."""
    settings = config._settings
    goal = "maximize" if maximized(settings.primary_metric) else "minimize"
    held = config._data.validation is not None or settings.validation_size is not None
    return {
        "num_iterations": str(settings.iterations),
        "training_type": "TrainAndValidate" if held else "MeanCrossValidation",
        "primary_metric": settings.primary_metric,
        "primary_metric_config": json.dumps({"name": settings.primary_metric, "goal": goal}),
        "task_type": settings.task,
        "display_task_type": settings.task,
        "num_cross_validation": "" if settings.folds is None else str(settings.folds),
        "target": config.compute_target,
        "AMLSettingsJsonString": json.dumps(settings.to_json(), default=str),
        "is_timeseries": str(settings.task == FORECASTING).lower(),
        "runTemplate": "AutoML",
        "azureml.runsource": "automl",
        "platform": "AML",
    }
