"""Importing the SDK stays light: what it loads is counted, not timed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FORBIDDEN = {
    "alembic",
    "asyncio",
    "concurrent.futures",
    "email",
    "fastapi",
    "http",
    "httpx",
    "joblib",
    "matplotlib",
    "multiprocessing",
    "numpy",
    "obstore",
    "pandas",
    "pcodec",
    "psycopg",
    "requests",
    "rich",
    "sklearn",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "ssl",
    "subprocess",
    "typer",
    "urllib.request",
    "xml",
}
"""None of these may be loaded before something is asked of a workspace."""
if sys.version_info < (3, 11):
    FORBIDDEN.remove("subprocess")  # the standard library's uuid loads it there

# Statement -> how many modules it may load over those that Python starts with.  Versions of Python differ by a few.
LINES = {
    "import azureml.core": 45,
    "import azureml.exceptions": 45,
    "from azureml.core import Workspace, Experiment, Run": 135,
    "from azureml.core.run import Run, _OfflineRun": 140,
    "from azureml.core.model import Model": 130,
    "from azureml.core import Dataset, Datastore, Environment, ScriptRunConfig": 100,
    "from azureml.core.compute import ComputeTarget, AmlCompute; from azureml.core.compute_target import *": 90,
    "from azureml.core.runconfig import RunConfiguration, MpiConfiguration, CondaDependencies": 90,
    "from azureml.train.dnn import PyTorch; from azureml.train.estimator import Estimator": 90,
    "from azureml.telemetry import set_diagnostics_collection": 15,
    "from azureml.widgets import RunDetails": 65,
    "from azureml.train.hyperdrive import *": 145,
}


def _loaded(statement: str) -> set[str]:
    """The modules that a statement loads in a fresh interpreter, without those of a start with nothing to do."""
    source = f"import sys; before = set(sys.modules); exec({statement!r}, {{}}); print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", LINES)
def test_an_import_loads_few_modules_and_none_that_are_heavy(statement: str) -> None:
    loaded = _loaded(statement)
    heavy = {name for name in loaded if name in FORBIDDEN or name.partition(".")[0] in FORBIDDEN}
    assert not heavy
    assert len(loaded) <= LINES[statement], sorted(loaded)


def test_importing_writes_nothing_and_makes_no_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("empty") / "home"
    done = subprocess.run(
        [sys.executable, "-c", "from azureml.core import Workspace, Experiment, Run, Model, Datastore"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"MILEPOST_HOME": str(home)},
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert not home.exists()
