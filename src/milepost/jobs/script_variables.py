"""The environment variables that a submitted script runs with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from milepost.jobs.environments import Interpreter
from milepost.jobs.job import MARK, Job

_OF_ANOTHER_RUN: Final = ("AZUREML_", "JPY_", "IPYTHON", "AZ_BATCH", "OMPI_COMM_WORLD")
"""Variables of the submitting process that begin so speak of its own run or kernel, not of the new run's."""
_OF_ANOTHER_PYTHON: Final = ("PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "VIRTUAL_ENV", "CONDA_PREFIX")
_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"


def script_variables(
    job: Job, interpreter: Interpreter, submitting: Mapping[str, str], home: Path, code: Path | None
) -> dict[str, str]:
    """All variables of the script's process, in this order of strength: the submitting process's, the environment's,
    the run's own.

    ``home``: Milepost's home, made absolute; ``code``: the folder to import Milepost from, where the interpreter has
    none of its own.
    """
    found = {name: value for name, value in submitting.items() if not name.startswith(_OF_ANOTHER_RUN)}
    if found.get("MPLBACKEND", "").startswith("module://"):
        del found["MPLBACKEND"]  # a notebook's own, which shows nothing in a script
    if interpreter.managed or interpreter.path != job.submitter:
        for name in _OF_ANOTHER_PYTHON:
            found.pop(name, None)
    found["PATH"] = _path_with(os.path.dirname(interpreter.path), found.get("PATH", os.defpath))  # noqa: PTH120
    found |= {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8:backslashreplace"}
    found |= interpreter.variables
    found |= {name: str(value) for name, value in (job.environment.get("environmentVariables") or {}).items()}
    found |= job.environment_variables
    if code is not None:
        found["PYTHONPATH"] = os.pathsep.join(filter(None, (str(code), found.get("PYTHONPATH"))))
    return found | {
        "AZUREML_RUN_ID": job.run_id,
        "AZUREML_EXPERIMENT_ID": job.experiment,
        "AZUREML_ARM_PROJECT_NAME": job.experiment,
        "AZUREML_ARM_WORKSPACE_NAME": job.workspace,
        "AZUREML_ARM_SUBSCRIPTION": found.get("AZUREML_ARM_SUBSCRIPTION", _SUBSCRIPTION),
        "AZUREML_ARM_RESOURCEGROUP": found.get("AZUREML_ARM_RESOURCEGROUP", "milepost"),
        "AZUREML_SERVICE_ENDPOINT": job.portal,
        "AZUREML_RUN_TOKEN": "",
        "AZUREML_FRAMEWORK": job.framework,
        "AZUREML_COMMUNICATOR": job.communicator,
        "MILEPOST_HOME": str(home),
        MARK: job.run_id,
    }


def _path_with(folder: str, path: str) -> str:
    """The search path with this folder first: `python` in a command is the environment's."""
    parts = [part for part in path.split(os.pathsep) if part and part != folder]
    return os.pathsep.join([folder, *parts]) if folder else path
