"""The SDK's main classes.  Each is imported when it is first asked for, so that ``import azureml.core`` stays light."""

from typing import TYPE_CHECKING

from milepost.sdk.constants import AZUREML_VERSION as VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from milepost.sdk.dataset import Dataset
    from milepost.sdk.datastore import Datastore
    from milepost.sdk.environment import Environment
    from milepost.sdk.experiment import Experiment
    from milepost.sdk.later import (
        ComputeTarget,
        Keyvault,
        RunConfiguration,
        ScriptRun,
        ScriptRunConfig,
        Webservice,
    )
    from milepost.sdk.model import Model
    from milepost.sdk.run import Run
    from milepost.sdk.workspace import Workspace
else:
    from milepost.sdk.lazy import lazy_names

    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "milepost.sdk.dataset": "Dataset",
            "milepost.sdk.datastore": "Datastore",
            "milepost.sdk.environment": "Environment",
            "milepost.sdk.experiment": "Experiment",
            "milepost.sdk.later": (
                "ComputeTarget Keyvault RunConfiguration ScriptRun ScriptRunConfig Webservice"
            ),
            "milepost.sdk.model": "Model",
            "milepost.sdk.run": "Run",
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
