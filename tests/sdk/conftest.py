from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from azureml.core import Experiment, Run, Workspace
from tests.team.servers import TeamServer

# The tests of these modules also run with the workspaces on a team's server: on these in every run of the tests, and on
# both with --conformance.  What SQL gives on either database is tests/store's.
ON_SERVER = {
    "test_article": (),
    "test_captured_files": (),
    "test_compute": (),
    "test_dataframes": (),
    "test_display": (),
    "test_environment": (),
    "test_estimator": (),
    "test_files": ("postgresql",),
    "test_lifecycle": ("postgresql",),
    "test_metrics": ("postgresql",),
    "test_overwritten": (),
    "test_pools": (),
    "test_processes": (),
    "test_progress": ("sqlite",),
    "test_run_snapshots": (),
    "test_runs": ("postgresql",),
    "test_submit": (),
    "test_submit_endings": (),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    servers = ON_SERVER.get(metafunc.module.__name__.rpartition(".")[2], ())
    if metafunc.config.getoption("--conformance"):
        servers = ("sqlite", "postgresql")
    if servers and _can_be_elsewhere(metafunc.module.__name__, metafunc.definition):
        metafunc.parametrize("team", ["here", *servers], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--conformance"):
        config.hook.pytest_deselected(items=[each for each in items if not _conforms(each)])
        items[:] = [each for each in items if _conforms(each)]


def _conforms(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and _can_be_elsewhere(item.module.__name__, item)


def _can_be_elsewhere(module: str, item: pytest.Function) -> bool:
    is_here = module.startswith("tests.sdk.") and module.rpartition(".")[2] in ON_SERVER
    return is_here and "team" in item.fixturenames and item.get_closest_marker("only_here") is None


Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def team(request: pytest.FixtureRequest) -> Iterator[TeamServer | None]:
    """The server that workspaces are made on; None: on this machine."""
    engine_name = getattr(request, "param", "here")
    if engine_name == "here":
        yield None
        return
    server: TeamServer = request.getfixturevalue("team_server_on")(engine_name)
    yield server
    server.delete_workspaces()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, team: TeamServer | None) -> Path:
    """A home for workspaces and a working directory, both empty."""
    folder = tmp_path / "home"
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("MILEPOST_HOME", str(folder))
    for name in [name for name in os.environ if name.startswith("AZUREML_")] + ["MILEPOST_URL"]:
        monkeypatch.delenv(name, raising=False)
    if team is not None:
        monkeypatch.setenv("MILEPOST_URL", team.url)
        monkeypatch.setenv("MILEPOST_TOKEN", team.token())
    monkeypatch.chdir(work)
    return folder


@pytest.fixture
def ws(home: Path) -> Iterator[Workspace]:
    from milepost.sdk.recording.recorder import close_recorder

    workspace = Workspace.create("test")
    yield workspace
    close_recorder(workspace._recorder)


@pytest.fixture
def experiment(ws: Workspace) -> Experiment:
    return Experiment(ws, "exp")


@pytest.fixture
def run(experiment: Experiment) -> Run:
    return experiment.start_logging()


@pytest.fixture
def script(home: Path) -> Script:
    """Run Python source in a process of its own, in the same home."""

    def execute(source: str, *args: str, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(source), *args],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    return execute


@pytest.fixture
def source(home: Path) -> Path:
    """A folder for the scripts that a test submits."""
    folder = home.parent / "source"
    folder.mkdir()
    return folder


Submit = Callable[..., Run]


@pytest.fixture
def submit(ws: Workspace, experiment: Experiment, source: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Submit]:
    """Submit Python source as a script, with the settings of ScriptRunConfig as keywords.

    What is still on its way when the test ends is cancelled and waited for, and the agent goes.
    """
    from azureml.core import ScriptRunConfig
    from milepost.jobs.agent_start import stop_agent
    from milepost.jobs.listing import listing

    monkeypatch.setenv("MILEPOST_AGENT_IDLE", "30")

    def start(text: str | None = None, *, tags: dict[str, str] | None = None, **settings: object) -> Run:
        if text is not None:
            (source / "train.py").write_text(textwrap.dedent(text))
            settings.setdefault("script", "train.py")
        return experiment.submit(ScriptRunConfig(source_directory=str(source), **settings), tags=tags)

    yield start
    for job in listing(ws._recorder.folder):
        ws.get_run(job.run_id).cancel()
    for _ in range(600):
        if stop_agent(ws._recorder.folder, 0.5):
            break
        time.sleep(0.1)
