"""Scripts are submitted on one machine, and their runs are looked at and ended from others."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from azureml.core import Environment, Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from milepost.sdk.recording.recorder import close_recorder
from milepost.store.silence import mark_silent

if TYPE_CHECKING:
    from pathlib import Path

    from tests.team.servers import TeamServer

Elsewhere = Callable[[], Workspace]
WAIT_S = 90.0


@pytest.fixture(params=["sqlite"])  # the store's own tests have both; here processes are what is new
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def submit(tmp_path: Path, home: Path) -> Iterator[Callable[..., Run]]:
    """``submit(workspace, source, target)`` submits a script that goes on for at most two minutes."""
    submitted: list[Run] = []

    def submit(workspace: Workspace, source: str, target: str = "local") -> Run:
        folder = tmp_path / f"source{len(submitted)}"
        folder.mkdir()
        (folder / "train.py").write_text(textwrap.dedent(source))
        environment = Environment("this")
        environment.python.user_managed_dependencies = True
        environment.python.interpreter_path = sys.executable
        config = ScriptRunConfig(str(folder), script="train.py", environment=environment)
        config.run_config.environment = environment
        config.run_config.target = target
        submitted.append(Experiment(workspace, "exp").submit(config))
        return submitted[-1]

    yield submit
    for process in _processes(home):
        process.kill()


@contextmanager
def another_machine(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with monkeypatch.context() as there:
        there.setenv("MILEPOST_HOME", str(tmp_path / "another"))
        workspace = Workspace.get(name)
        yield workspace
        close_recorder(workspace._recorder)


GOING = """
import time
from azureml.core import Run
run = Run.get_context()
print("it goes", flush=True)
for step in range(1200):
    run.log("step", step)
    time.sleep(0.1)
"""


def test_its_files_and_metrics_are_on_the_server(
    server: TeamServer,
    on_server: Callable[..., Workspace],
    submit: Callable[..., Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = submit(
        on_server(server, "submitted"),
        """
        import os
        from azureml.core import Run
        Run.get_context().log("loss", 0.5)
        os.makedirs("outputs", exist_ok=True)
        open("outputs/model.bin", "wb").write(b"m" * 300_000)
        print("done")
        """,
    )
    assert run.wait_for_completion()["status"] == "Completed"
    with another_machine("submitted", tmp_path, monkeypatch) as there:
        seen = Run.get(there, run.id)
        assert seen.get_metrics() == {"loss": 0.5}
        seen.download_file("outputs/model.bin", str(tmp_path / "model.bin"))
        assert (tmp_path / "model.bin").read_bytes() == b"m" * 300_000
        seen.download_file("azureml-logs/70_driver_log.txt", str(tmp_path / "log.txt"))
        assert "done" in (tmp_path / "log.txt").read_text()
        assert seen.restore_snapshot(path=str(tmp_path / "restored"))


def test_its_log_is_followed_and_it_is_cancelled_from_another_machine(
    server: TeamServer,
    on_server: Callable[..., Workspace],
    submit: Callable[..., Run],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = submit(on_server(server, "cancelled"), GOING)
    run.flush()
    with another_machine("cancelled", tmp_path, monkeypatch) as there:
        seen = Run.get(there, run.id)
        _until(lambda: "azureml-logs/70_driver_log.txt" in seen.get_file_names(), "no log is seen elsewhere")
        seen.download_file("azureml-logs/70_driver_log.txt", str(tmp_path / "log.txt"))
        assert "it goes" in (tmp_path / "log.txt").read_text()
        assert _processes(home, "train.py")
        seen.cancel()
        assert seen.wait_for_completion(raise_on_error=False)["status"] == "Canceled"
    _until(lambda: not _processes(home, "train.py"), "its processes go on")


def test_it_is_cancelled_over_the_api(
    server: TeamServer, on_server: Callable[..., Workspace], submit: Callable[..., Run], home: Path
) -> None:
    run = submit(on_server(server, "portal"), GOING)
    _until(lambda: run.get_status() == "Running", "it does not run")
    answer = httpx.post(
        f"{server.url}/workspaces/portal/api/v1/runs/actions",
        json={"action": "cancel", "run_ids": [run.id]},
        headers={"Authorization": f"Bearer {os.environ['MILEPOST_TOKEN']}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert run.wait_for_completion(raise_on_error=False)["status"] == "Canceled"
    _until(lambda: not _processes(home, "train.py"), "its processes go on")


def test_it_is_failed_from_another_machine(
    server: TeamServer,
    on_server: Callable[..., Workspace],
    submit: Callable[..., Run],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = submit(on_server(server, "failed"), GOING)
    _until(lambda: run.get_status() == "Running", "it does not run")
    with another_machine("failed", tmp_path, monkeypatch) as there:
        Run.get(there, run.id).fail("the data were wrong")
    _until(lambda: not _processes(home, "train.py"), "its processes go on")
    details = run.wait_for_completion(raise_on_error=False)
    assert details["status"] == "Failed"
    assert "the data were wrong" in str(details["error"])


def test_one_whose_machine_is_gone_is_marked_by_the_second_cancel(
    server: TeamServer,
    on_server: Callable[..., Workspace],
    submit: Callable[..., Run],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = submit(on_server(server, "gone"), GOING)
    _until(lambda: run.get_status() == "Running", "it does not run")
    for process in _processes(home):  # all at once, as when the machine is switched off
        process.send_signal(signal.SIGSTOP)
    with another_machine("gone", tmp_path, monkeypatch) as there:
        seen = Run.get(there, run.id)
        seen.cancel()
        assert seen.get_status() == "CancelRequested"
        seen.cancel()
        assert seen.get_status() == "Canceled"


def test_one_that_waits_for_its_turn_is_silent_with_its_machine_and_has_its_turn_when_that_is_back(
    server: TeamServer, on_server: Callable[..., Workspace], submit: Callable[..., Run], home: Path
) -> None:
    workspace = on_server(server, "waits")
    ComputeTarget.create(workspace, "pool", AmlCompute.provisioning_configuration(max_nodes=1))
    runs = [submit(workspace, GOING, "pool") for _ in range(2)]
    _until(lambda: [run.get_status() for run in runs] == ["Running", "Queued"], "the second one is not queued")
    machine = _processes(home)
    for process in machine:
        process.send_signal(signal.SIGSTOP)
    # What it has said meanwhile may still come in.
    _until(
        lambda: mark_silent(server.engine, time.time_ns() + 10**12) or all(_is_silent(run) for run in runs),
        "they are not silent",
    )
    assert all(_is_silent(run) for run in runs)
    for process in machine:
        process.send_signal(signal.SIGCONT)
    runs[0].cancel()
    _until(lambda: runs[1].get_status() == "Running", "the second one does not have its turn")


def _is_silent(run: Run) -> bool:
    return bool(run.get_status() == "NotResponding")


def test_it_goes_on_while_the_server_is_away(
    own_server: TeamServer, on_server: Callable[..., Workspace], submit: Callable[..., Run], home: Path, tmp_path: Path
) -> None:
    end = tmp_path / "end"
    run = submit(
        on_server(own_server, "away"),
        f"""
        import os, time
        from azureml.core import Run
        run = Run.get_context()
        run.log("value", 1)
        run.flush()
        while not os.path.exists({str(end)!r}):
            time.sleep(0.05)
        for value in range(2, 1000):
            run.log("value", value)
        """,
    )
    _until(lambda: run.get_metrics().get("value") == 1, "it does not log")
    own_server.kill()
    end.touch()
    _until(lambda: not _processes(home, "train.py"), "the script waits for the server")
    own_server.start()
    assert run.wait_for_completion()["status"] == "Completed"
    assert run.get_metrics()["value"] == list(range(1, 1000))


def test_it_is_submitted_while_the_server_is_away(
    own_server: TeamServer, on_server: Callable[..., Workspace], submit: Callable[..., Run]
) -> None:
    workspace = on_server(own_server, "later")
    own_server.kill()
    run = submit(workspace, "from azureml.core import Run\nRun.get_context().log('loss', 0.5)")
    own_server.start()
    assert run.wait_for_completion()["status"] == "Completed"
    assert run.get_metrics() == {"loss": 0.5}


def _processes(home: Path, words: str = "") -> list[psutil.Process]:
    """Those of this test's runs, whose command line has these words."""
    found = []
    for process in psutil.process_iter():
        try:
            if words in " ".join(process.cmdline()) and process.environ().get("MILEPOST_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return [each for each in found if each.pid != os.getpid()]


def _until(condition: Callable[[], object], otherwise: str) -> None:
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until, otherwise
        time.sleep(0.1)
