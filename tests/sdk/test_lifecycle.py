"""How a run ends when its script does not say: the process ends in each way that a process can."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from azureml.core import Experiment, Run, Workspace

from .conftest import Script

BEGIN = """
import os, sys, time
from azureml.core import Workspace, Experiment
ws = Workspace.get("test")
run = Experiment(ws, "exp").start_logging()
run.log("x", 1.0)
"""


def only_run(ws: Workspace) -> Run:
    (run,) = Experiment(ws, "exp").get_runs(include_children=True)
    assert run.get_metrics() == {"x": 1.0}
    return run


def error_of(run: Run) -> dict[str, str]:
    error: dict[str, str] = run.get_details()["error"]["error"]
    return error


class TestTheProcessEndsByItself:
    def test_a_script_that_comes_to_its_end_completes_its_run(self, ws: Workspace, script: Script) -> None:
        Path("outputs").mkdir()
        Path("outputs/f").write_text("kept")
        script(BEGIN)
        run = only_run(ws)
        assert run.status == "Completed"
        assert run.get_file_names() == ["outputs/f"]

    def test_an_exception_fails_it_with_the_traceback(self, ws: Workspace, script: Script) -> None:
        done = script(BEGIN + "def train():\n    raise ValueError('no data')\ntrain()", check=False)
        assert done.returncode == 1
        assert "ValueError: no data" in done.stderr
        run = only_run(ws)
        assert run.status == "Failed"
        assert error_of(run)["message"] == "no data"
        assert "in train" in error_of(run)["details"]

    @pytest.mark.parametrize(
        ("code", "status"), [("0", "Completed"), ("None", "Completed"), ("2", "Failed"), ("'no data'", "Failed")]
    )
    def test_sys_exit(self, ws: Workspace, script: Script, code: str, status: str) -> None:
        script(BEGIN + f"sys.exit({code})", check=False)
        run = only_run(ws)
        assert run.status == status
        if status == "Failed":
            assert code.strip("'") in error_of(run)["message"]

    def test_a_child_run_left_open_ends_with_its_parent(self, ws: Workspace, script: Script) -> None:
        script(BEGIN + "child = run.child_run('c')")
        runs = list(Experiment(ws, "exp").get_runs(include_children=True))
        assert {each.status for each in runs} == {"Completed"}
        assert len(runs) == 2

    def test_a_run_ended_by_the_script_is_left_alone(self, ws: Workspace, script: Script) -> None:
        script(BEGIN + "run.fail('my reason')")
        assert error_of(only_run(ws))["message"] == "my reason"


def start(source: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


WAIT = BEGIN + "print('ready', flush=True)\ntime.sleep(60)\n"


class TestTheProcessIsEnded:
    def test_ctrl_c_cancels(self, ws: Workspace) -> None:
        process = start(WAIT)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert "KeyboardInterrupt" in err
        run = only_run(ws)
        assert run.status == "Canceled"
        assert "Ctrl-C" in error_of(run)["message"]

    @pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
    def test_a_process_that_dies_without_a_word_is_noticed_by_the_next(self, ws: Workspace, name: str) -> None:
        process = start(WAIT)
        process.send_signal(getattr(signal, name))
        process.wait(timeout=60)
        run = only_run(ws)
        assert run.status == "Failed"
        assert error_of(run)["code"] == "ProcessDied"
        assert "without completing it" in error_of(run)["message"]

    def test_os_exit_too(self, ws: Workspace, script: Script) -> None:
        script(BEGIN + "os._exit(0)")
        assert only_run(ws).status == "Failed"

    def test_while_the_process_lives_its_run_is_running(self, ws: Workspace) -> None:
        process = start(WAIT.replace("time.sleep(60)", "run.flush(); print('flushed', flush=True); time.sleep(60)"))
        assert process.stdout is not None
        process.stdout.readline()
        assert only_run(ws).status == "Running"
        process.kill()
        process.communicate()
        assert only_run(ws).status == "Failed"

    def test_a_long_lived_process_notices_by_itself(self, ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        from milepost.sdk.recording import drain

        monkeypatch.setattr(drain, "LOOK_FOR_DEAD_S", 0.5)
        watcher = Experiment(ws, "watcher").start_logging()
        process = start(WAIT)
        process.kill()
        process.communicate()
        store = ws._recorder.open_store()
        deadline = time.monotonic() + 20
        while "Failed" not in [record.status for record in store.all_runs()]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert watcher.status == "Running"


@pytest.mark.only_here
class TestNotebooks:
    """A real Jupyter kernel."""

    CELL = BEGIN + "run.flush()"

    def execute(self, client: object, code: str) -> None:
        reply = client.execute_interactive(code, timeout=60, output_hook=lambda message: None)  # type: ignore[attr-defined]
        assert reply["content"]["status"] == "ok", reply["content"]

    def test_restarting_the_kernel_cancels_the_run_left_open(self, ws: Workspace) -> None:
        from jupyter_client.manager import start_new_kernel

        manager, client = start_new_kernel(kernel_name="python3")
        try:
            self.execute(client, self.CELL)
            assert only_run(ws).status == "Running"
            manager.restart_kernel(now=False)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
        run = only_run(ws)
        assert run.status == "Canceled"
        assert "kernel" in error_of(run)["message"]

    def test_a_failing_cell_does_not_end_the_run(self, ws: Workspace) -> None:
        from jupyter_client.manager import start_new_kernel

        manager, client = start_new_kernel(kernel_name="python3")
        try:
            self.execute(client, self.CELL)
            client.execute_interactive("1 / 0", timeout=60, output_hook=lambda message: None)
            assert only_run(ws).status == "Running"
            self.execute(client, "run.complete()")
            assert only_run(ws).status == "Completed"
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
