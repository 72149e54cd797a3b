"""The SDK's main classes.  Each is imported when it is first asked for, so that ``import azureml.core`` stays light."""

from typing import TYPE_CHECKING

from milepost.sdk.constants import AZUREML_VERSION as VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from milepost.sdk.compute_targets.compute import ComputeTarget
    from milepost.sdk.environments.environment import Environment
    from milepost.sdk.later import (
        Keyvault,
        Webservice,
    )
    from milepost.sdk.models.model import Model
    from milepost.sdk.runs.run import Run
    from milepost.sdk.runs.script_run import ScriptRun
    from milepost.sdk.submitting.run_configuration import RunConfiguration
    from milepost.sdk.submitting.script_run_config import ScriptRunConfig
    from milepost.sdk.workspaces.dataset import Dataset
    from milepost.sdk.workspaces.datastore import Datastore
    from milepost.sdk.workspaces.experiment import Experiment
    from milepost.sdk.workspaces.workspace import Workspace
else:
    from milepost.sdk.lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "milepost.sdk.compute_targets.compute": "ComputeTarget",
            "milepost.sdk.workspaces.dataset": "Dataset",
            "milepost.sdk.workspaces.datastore": "Datastore",
            "milepost.sdk.environments.environment": "Environment",
            "milepost.sdk.workspaces.experiment": "Experiment",
            "milepost.sdk.later": "Keyvault Webservice",
            "milepost.sdk.models.model": "Model",
            "milepost.sdk.runs.run": "Run",
            "milepost.sdk.submitting.run_configuration": "RunConfiguration",
            "milepost.sdk.runs.script_run": "ScriptRun",
            "milepost.sdk.submitting.script_run_config": "ScriptRunConfig",
            "milepost.sdk.workspaces.workspace": "Workspace",
        },
    )

__all__ = [
    "VERSION",
    "ComputeTarget",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "Keyvault",
    "Model",
    "Run",
    "RunConfiguration",
    "ScriptRun",
    "ScriptRunConfig",
    "Webservice",
    "Workspace",
]
