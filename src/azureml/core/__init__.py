"""The SDK's main classes.  Each is imported when it is first asked for, so that ``import azureml.core`` stays light."""

from typing import TYPE_CHECKING

from milepost.sdk.constants import AZUREML_VERSION as VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from milepost.sdk.compute import ComputeTarget
    from milepost.sdk.dataset import Dataset
    from milepost.sdk.datastore import Datastore
    from milepost.sdk.environment import Environment
    from milepost.sdk.experiment import Experiment
    from milepost.sdk.later import (
        Keyvault,
        Webservice,
    )
    from milepost.sdk.model import Model
    from milepost.sdk.run import Run
    from milepost.sdk.run_configuration import RunConfiguration
    from milepost.sdk.script_run import ScriptRun
    from milepost.sdk.script_run_config import ScriptRunConfig
    from milepost.sdk.workspace import Workspace
else:
    from milepost.sdk.lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "milepost.sdk.compute": "ComputeTarget",
            "milepost.sdk.dataset": "Dataset",
            "milepost.sdk.datastore": "Datastore",
            "milepost.sdk.environment": "Environment",
            "milepost.sdk.experiment": "Experiment",
            "milepost.sdk.later": "Keyvault Webservice",
            "milepost.sdk.model": "Model",
            "milepost.sdk.run": "Run",
            "milepost.sdk.run_configuration": "RunConfiguration",
            "milepost.sdk.script_run": "ScriptRun",
            "milepost.sdk.script_run_config": "ScriptRunConfig",
            "milepost.sdk.workspace": "Workspace",
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
