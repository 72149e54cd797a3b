"""How submitted runs end when they do not end by themselves: cancelled, failed, too long, killed, restarted."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from azureml.core import Environment, Run, Workspace
from milepost.jobs.job import Job, job_folder
from tests.conftest import only_thorough
from tests.sdk.conftest import Script, Submit

STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
grandchild = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", grandchild])
subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
open("outputs/begun.txt", "w").write("begun")
print("begun", flush=True)
time.sleep(600)
"""


def _until(found: Callable[[], object], timeout_s: float = 60) -> None:
    until = time.monotonic() + timeout_s
    while not found():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.05)


def _folder(run: Run) -> Path:
    return job_folder(run._recorder.folder, run.id)


def _begun(run: Run) -> Callable[[], bool]:
    return lambda: b"begun" in (_folder(run) / "azureml-logs" / "70_driver_log.txt").read_bytes()


def _until_begun(run: Run) -> None:
    _until(lambda: (_folder(run) / "azureml-logs" / "70_driver_log.txt").exists())
    _until(_begun(run))


def _left(run_id: str) -> list[str]:
    """What still runs of a job."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MILEPOST_JOB") == run_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def _supervisor(run: Run) -> int:
    return int(json.loads(json.loads((_folder(run) / "launched.json").read_text())["handle"])[0])


def test_cancel_ends_the_whole_tree_of_a_script_that_does_not_want_to(submit: Submit) -> None:
    run = submit(STUBBORN)
    _until_begun(run)
    _until(lambda: len(_left(run.id)) >= 5)  # the script, child, grandchild, and two daemons
    run.cancel()
    assert run.get_status() in ("CancelRequested", "Canceled")
    assert run.wait_for_completion()["status"] == "Canceled"
    assert _left(run.id) == []
    assert "outputs/begun.txt" in run.get_file_names()


def test_a_script_may_save_its_work_when_it_is_cancelled(submit: Submit) -> None:
    run = submit(
        """
        import signal, sys, time
        def save(*_):
            open("outputs/checkpoint.txt", "w").write("saved")
            sys.exit(0)
        signal.signal(signal.SIGTERM, save)
        print("begun", flush=True)
        time.sleep(600)
        """
    )
    _until_begun(run)
    run.cancel()
    assert run.wait_for_completion()["status"] == "Canceled"
    assert "outputs/checkpoint.txt" in run.get_file_names()


def test_cancel_while_the_environment_is_prepared(submit: Submit) -> None:
    environment = Environment("slow")
    environment.python.conda_dependencies.add_pip_package("scikit-learn==1.5.2")
    run = submit("print('never')", environment=environment)
    _until(lambda: (_folder(run) / "azureml-logs" / "20_image_build_log.txt").exists())
    run.cancel()
    assert run.wait_for_completion()["status"] == "Canceled"
    assert _left(run.id) == []
    assert "azureml-logs/70_driver_log.txt" not in run.get_file_names()


def test_cancel_while_the_files_are_collected(submit: Submit) -> None:
    run = submit(
        """
        import os
        for number in range(400):
            open(f"outputs/{number}.bin", "wb").write(os.urandom(1 << 20))
        """
    )
    _until(lambda: run.get_status() in ("Finalizing", "Completed"))
    if run.get_status() == "Finalizing":
        run.cancel()
        assert run.wait_for_completion()["status"] in ("Canceled", "Completed")
    assert _left(run.id) == []


def test_fail_ends_the_processes_and_keeps_the_reason(submit: Submit) -> None:
    run = submit(STUBBORN)
    _until_begun(run)
    run.fail("the data was wrong", error_code="BadData")
    details = run.wait_for_completion(raise_on_error=False)
    assert details["status"] == "Failed"
    assert details["error"]["error"]["message"] == "the data was wrong"
    assert details["error"]["error"]["code"] == "BadData"
    assert _left(run.id) == []


def test_a_script_that_fails_its_own_run_may_end_by_itself(submit: Submit) -> None:
    run = submit(
        """
        from azureml.core import Run
        import time
        Run.get_context().fail("diverged")
        time.sleep(1)
        open("outputs/last.txt", "w").write("last words")
        """
    )
    details = run.wait_for_completion(raise_on_error=False)
    assert (details["status"], details["error"]["error"]["message"]) == ("Failed", "diverged")
    assert "outputs/last.txt" in run.get_file_names()


def test_a_run_that_takes_too_long_is_cancelled_with_the_reason(submit: Submit) -> None:
    run = submit("import time; time.sleep(600)", max_run_duration_seconds=1)
    details = run.wait_for_completion()
    assert details["status"] == "Canceled"
    assert "max_run_duration_seconds" in details["error"]["error"]["message"]
    assert _left(run.id) == []


def test_what_a_script_leaves_running_is_ended_with_it(submit: Submit) -> None:
    run = submit(
        """
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        """
    )
    details = run.wait_for_completion()
    assert details["status"] == "Completed"
    assert any("left a process running" in each["message"] for each in details["warnings"])
    assert _left(run.id) == []


def test_children_of_a_cancelled_run_are_cancelled(submit: Submit, source: Path) -> None:
    (source / "child.py").write_text("import time; time.sleep(600)")
    run = submit(
        """
        from azureml.core import Run, ScriptRunConfig
        import time
        run = Run.get_context()
        run.child_run("inner")
        run.submit_child(ScriptRunConfig(source_directory=".", script="child.py"))
        run.flush()
        print("begun", flush=True)
        time.sleep(600)
        """
    )
    _until_begun(run)
    run.cancel()
    run.wait_for_completion()
    for child in run.get_children():
        assert child.wait_for_completion()["status"] == "Canceled"
        assert _left(child.id) == []


def test_a_run_whose_supervisor_is_killed_fails_with_the_reason_and_leaves_no_process(submit: Submit) -> None:
    run = submit(STUBBORN)
    _until_begun(run)
    killed = time.monotonic()
    os.kill(_supervisor(run), signal.SIGKILL)
    details = run.wait_for_completion(raise_on_error=False)
    assert details["status"] == "Failed"
    assert "supervised this run was killed" in details["error"]["error"]["message"]
    assert _left(run.id) == []
    assert {"outputs/begun.txt", "azureml-logs/70_driver_log.txt"} <= set(run.get_file_names())
    assert time.monotonic() - killed < 30


def test_the_end_of_the_agent_ends_nothing(submit: Submit, ws: Workspace) -> None:
    run = submit("import time; print('begun', flush=True); time.sleep(3)")
    _until_begun(run)
    for process in psutil.process_iter():
        try:
            if str(ws._recorder.folder) in process.cmdline() and "agent" in process.cmdline():
                process.kill()
        except psutil.Error:
            continue
    assert run.wait_for_completion()["status"] == "Completed"


def test_supervisor_and_agent_killed_together_leave_no_ghost(submit: Submit, ws: Workspace, script: Script) -> None:
    run = submit(STUBBORN)
    _until_begun(run)
    for process in psutil.process_iter():
        try:
            if str(ws._recorder.folder) in process.cmdline() and {"agent", "supervise"} & set(process.cmdline()):
                process.kill()
        except psutil.Error:
            continue
    done = script(
        """
        import sys
        from azureml.core import Workspace
        run = Workspace.get("test").get_run(sys.argv[1])
        print(run.wait_for_completion(raise_on_error=False)["error"]["error"]["message"])
        """,
        run.id,
    )
    assert "supervised this run was killed" in done.stdout
    assert _left(run.id) == []


def test_a_run_from_before_a_restart_of_the_machine_fails_with_that_reason(ws: Workspace, submit: Submit) -> None:
    run = submit("import time; print('begun', flush=True); time.sleep(600)")
    _until_begun(run)
    folder = _folder(run)
    began = json.loads((folder / "started.json").read_text())
    (folder / "started.json").write_text(json.dumps({**began, "boot": "another"}))
    os.kill(_supervisor(run), signal.SIGKILL)
    details = run.wait_for_completion(raise_on_error=False)
    assert details["error"]["error"]["code"] == "MachineRestarted"


@pytest.mark.parametrize(
    "what", ["job.json", *(pytest.param(each, marks=only_thorough) for each in ("variables.json", "prepared.json"))]
)
def test_damaged_files_of_a_job_fail_its_run_by_name(what: str, submit: Submit, ws: Workspace) -> None:
    from milepost.jobs.agent_start import stop_agent
    from milepost.sdk.job_process import ensure_agent

    first = submit("print(1)")
    first.wait_for_completion()
    _until(lambda: stop_agent(ws._recorder.folder))
    assert Job  # the job's class is what job.json must fit
    run = submit("print(2)")
    folder = _folder(run)
    if folder.is_dir():
        (folder / what).write_text("{")
        ensure_agent(ws._recorder.folder)
    status = run.wait_for_completion(raise_on_error=False)["status"]
    assert status in ("Failed", "Completed")


@pytest.mark.parametrize("how", [pytest.param("shut down", marks=only_thorough), "killed"])
def test_a_notebooks_end_does_not_end_the_run_that_it_submitted(how: str, ws: Workspace, source: Path) -> None:
    from jupyter_client.manager import start_new_kernel

    (source / "train.py").write_text(
        "import time; from azureml.core import Run; time.sleep(2); Run.get_context().log('a', 1.5)"
    )
    manager, client = start_new_kernel(kernel_name="python3")
    said: list[str] = []
    try:
        client.execute_interactive(
            "from azureml.core import Experiment, ScriptRunConfig, Workspace\n"
            f"config = ScriptRunConfig({str(source)!r}, 'train.py')\n"
            "run = Experiment(Workspace.get('test'), 'exp').submit(config)\n"
            "print(run.id)",
            output_hook=lambda message: said.append(message["content"].get("text", "")),
        )
    finally:
        manager.shutdown_kernel(now=how == "killed")
    run = ws.get_run("".join(said).strip().splitlines()[-1])
    assert run.wait_for_completion()["status"] == "Completed"
    assert run.get_metrics() == {"a": 1.5}


def test_what_is_on_its_way_cannot_be_deleted(submit: Submit, ws: Workspace, script: Script) -> None:
    from azureml.core import Experiment
    from azureml.exceptions import UserErrorException, WorkspaceException

    run = submit("import time; time.sleep(600)")
    with pytest.raises(UserErrorException, match=run.id):
        Experiment.delete(ws, run.experiment.id)
    with pytest.raises(WorkspaceException, match=run.id):
        ws.delete()
    command = "import sys; from milepost.cli import main; sys.argv[1:] = sys.argv[1:]; main()"
    done = script(command, "runs", "delete", "--yes", "--workspace", "test", run.id, check=False)
    assert done.returncode == 1
    assert "on its way" in done.stderr
    assert run.get_status() in ("Preparing", "Running")
