from __future__ import annotations

from functools import cache
from pathlib import Path

from aim import Repo, Run
from aim.sdk.index_manager import RepoIndexManager
from aim.storage.context import Context

import adapters

DISTRIBUTION = "aim"
IMPORT = "import aim"
CALL = 'run.track(value, name="loss", step=i)'
BATCH = 1


def start(folder: Path, name: str) -> adapters.Recording:
    run = Run(repo=str(folder), experiment="bench", system_tracking_interval=None, capture_terminal_logs=False)
    return adapters.Recording(run.hash, {"run": run}, run.close)


@cache
def _repo(folder: Path) -> Repo:
    return Repo.from_path(str(folder))


def values(folder: Path, run_id: str) -> list[float]:
    """Aim shows a run once it is in the repository's index, which ``aim up`` keeps in the background: done here."""
    repo = _repo(folder)
    repo.container_pool.clear()
    RepoIndexManager.get_index_manager(repo).index(run_id)
    repo.container_pool.clear()
    run = repo.get_run(run_id)
    metric = run.get_metric("loss", Context({})) if run is not None else None
    if metric is None:
        return []
    _steps, columns = metric.data.numpy()
    return columns[0].tolist()
