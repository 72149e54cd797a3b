"""What tests of submitted runs look at: the job's folder, its processes, its logs and what is said of its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from azureml.core import Run
from milepost.jobs.job import job_folder

DRIVER_LOG = "azureml-logs/70_driver_log.txt"


def until(found: Callable[[], object], timeout_s: float = 60) -> None:
    """Wait until ``found`` gives something true."""
    end = time.monotonic() + timeout_s
    while not found():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def folder_of(run: Run) -> Path:
    """The folder of a run that is on its way."""
    return job_folder(run._recorder.folder, run.id)


def until_printed(run: Run, what: bytes) -> None:
    """Wait until the run's script has printed that."""
    log = folder_of(run) / DRIVER_LOG
    until(lambda: log.exists() and what in log.read_bytes())


def processes_left(run_id: str) -> list[str]:
    """What still runs of a job, by its mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MILEPOST_JOB") == run_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def runs(pid: int) -> bool:
    """Whether this process runs."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def supervisor_of(run: Run) -> int:
    """The process id of the supervisor of a run that is on its way."""
    return int(json.loads(json.loads((folder_of(run) / "launched.json").read_text())["handle"])[0])


def printed(run: Run, to: Path) -> bytes:
    """What the script of a run that has ended printed, byte by byte, by way of a file ``to``."""
    run.download_file(DRIVER_LOG, str(to))
    return to.read_bytes()


def ended(run: Run) -> tuple[str, str, str]:
    """Wait for the run's end; its status, its error's message and its warnings, a line each."""
    details = run.wait_for_completion(raise_on_error=False)
    error = str((details.get("error") or {}).get("error", {}).get("message", ""))
    return details["status"], error, "\n".join(each["message"] for each in details.get("warnings", []))
