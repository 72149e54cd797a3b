from __future__ import annotations

from functools import cache
from pathlib import Path

from adapters import Recording
from azureml.core import Experiment, Run, Workspace

DISTRIBUTION = "milepost"
IMPORT = "from azureml.core import Workspace, Experiment, Run"
CALL = 'run.log("loss", value)'
BATCH = 1


# MILEPOST_HOME is in the folder already: the worker sets it.
@cache
def _experiment() -> Experiment:
    return Experiment(Workspace.create("bench", exist_ok=True), "bench")


def start(folder: Path, name: str) -> Recording:
    run = _experiment().start_logging(snapshot_directory=None, display_name=name)
    return Recording(run.id, {"run": run}, run.complete)


def join(folder: Path, run_id: str) -> Recording:
    run = Run(_experiment(), run_id)
    return Recording(run_id, {"run": run}, run.flush)


def settle(recording: Recording) -> None:
    """Have the drain's imports and its connection behind us."""
    run = recording.scope["run"]
    run.log("warm", 0.5)
    run.flush()


@cache
def _run(run_id: str) -> Run:
    return Run.get(_experiment().workspace, run_id)


def values(folder: Path, run_id: str) -> list[float]:
    found = _run(run_id).get_metrics("loss").get("loss", [])
    return found if isinstance(found, list) else [found]
