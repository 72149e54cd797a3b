"""The processes of a run's script: how they are started, and how they ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from milepost.jobs import job as jobs
from milepost.jobs import process_tree, ranks
from milepost.jobs.environments import Interpreter, cache_folder
from milepost.jobs.exits import OomWatch, describe, reason_from_log
from milepost.jobs.job import Job
from milepost.jobs.script_variables import script_variables

_POLL_S: Final = 0.01


class StartFailed(Exception):
    """The script could not be started; the message says why and what to do."""


@dataclass
class ScriptProcesses:
    """The script's processes, one for each rank."""

    job: Job
    processes: list[subprocess.Popen[bytes]]
    roots: list[tuple[int, str]]
    """Each with what tells it from a later process of the same id."""
    oom: OomWatch
    variables: dict[str, str]
    """Their environment variables, but for those of single ranks."""

    @classmethod
    def start(cls, job: Job, interpreter: Interpreter, folder: Path, home: Path) -> ScriptProcesses:
        """Start them in the job's working directory, each with a session and a log of its own.  Raises StartFailed."""
        work = folder / "work"
        shared = script_variables(
            job, interpreter, jobs.read_json(folder / "variables.json") or {}, home, _code(job, interpreter, home)
        )
        places = ranks.places(job)
        ports = ranks.free_ports(len(places)) if ranks.is_distributed(job) else []
        found = cls(job, [], [], OomWatch(), shared)
        try:
            for place in places:
                variables = shared | (ranks.variables(job, place, ports) if ports else {})
                log = folder / log_name(place.rank)
                found.processes.append(_start(command(job, interpreter, work, variables), work, variables, log))
                pid = found.processes[-1].pid
                found.roots.append((pid, process_tree.started(pid) or ""))
        except StartFailed:
            process_tree.end(job.run_id, found.roots, grace_s=0, note=lambda _line: None)
            raise
        jobs.write_json(folder / "roots.json", found.roots)
        return found

    @property
    def pids(self) -> set[int]:
        """Their process ids."""
        return {each.pid for each in self.processes}

    def over(self) -> bool:
        """Whether the script has ended: all of its processes have, or one has failed (the others would wait for it)."""
        codes = [each.poll() for each in self.processes]
        return all(code is not None for code in codes) or any(code not in (None, 0) for code in codes)

    def wait(self, timeout_s: float) -> bool:
        """Wait until the script is over, or that long; whether it is."""
        until = time.monotonic() + timeout_s
        while not self.over():
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_POLL_S, left))
        return True

    def failure(self, log_tail: bytes) -> dict[str, str] | None:
        """The error of the first process that failed, in plain words; None where all went well."""
        for rank, process in enumerate(self.processes):
            code = process.poll()
            if code in (None, 0):
                continue
            error: dict[str, Any] = describe(code, self.oom)
            what = str(self.job.script or "The command")
            reason = reason_from_log(log_tail) if rank == 0 else None
            prefix = f"{what}, process {rank} of {len(self.processes)}: " if len(self.processes) > 1 else f"{what}: "
            message = prefix + str(error["message"]) + (f" {reason}" if reason else "")
            return {"code": str(error["code"]), "message": message, "details": str(error.get("details") or "")}
        return None


def log_name(rank: int) -> str:
    """The log of the process of that rank, by its name among the run's files."""
    return jobs.DRIVER_LOG if rank == 0 else f"{jobs.LOG_FOLDER}/70_driver_log_{rank}.txt"


def command(job: Job, interpreter: Interpreter, work: Path, variables: dict[str, str]) -> list[str]:
    """What is executed.  Raises StartFailed where the script is not in the snapshot."""
    if isinstance(job.command, str):
        return [*(("cmd", "/c") if os.name == "nt" else ("/bin/sh", "-c")), job.command]
    if job.command:
        # By the script's own search path, not the supervisor's: `python` is the environment's.
        first = shutil.which(job.command[0], path=variables.get("PATH")) or job.command[0]
        return [first, *job.command[1:]]
    if job.script is None:
        raise StartFailed("the run has neither a script nor a command")
    if not (work / job.script).is_file():
        raise StartFailed(
            f"the script {job.script!r} is not in the run's snapshot; is it listed in .amlignore or .gitignore?"
        )
    # With a folder before it, so that a name such as -c is not taken for an option.
    script = f"./{job.script}" if job.script.startswith("-") else job.script
    return [interpreter.path, script, *job.arguments]


def _start(arguments: Sequence[str], work: Path, variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    try:
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - what the user asked to be run
                list(arguments),
                cwd=work,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StartFailed(f"{arguments[0]} could not be started: {reason}") from error


def _code(job: Job, interpreter: Interpreter, home: Path) -> Path | None:
    """Where the script imports Milepost from, if its interpreter has none."""
    if not interpreter.managed and interpreter.path == job.submitter == sys.executable:
        return None
    from milepost.jobs.own_code import code_folder, lacks_milepost

    if not interpreter.managed and not lacks_milepost(interpreter.path, cache_folder(home)):
        return None
    return code_folder(cache_folder(home))
