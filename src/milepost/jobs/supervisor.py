"""The life of one run from its turn to its end: files, processes, watch, collect, the last word.

One process does this for one run.  What it knows it keeps in the job's folder, so that if it is killed the next one
(the agent starts it) finds that the script had begun, ends what is left of it, and says that the run failed and why.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.jobs import job as jobs
from milepost.jobs import process_tree
from milepost.jobs.agent_start import SPACE_TO_FREE
from milepost.jobs.collect import Collector
from milepost.jobs.environments import EnvironmentFailed, Interpreter
from milepost.jobs.exits import reason_from_log
from milepost.jobs.job import Job
from milepost.jobs.live_logs import LiveLogs
from milepost.jobs.record import Record, artifact, status
from milepost.jobs.script_process import ScriptProcesses, StartFailed
from milepost.jobs.snapshots import manifest
from milepost.jobs.taking import taken
from milepost.jobs.working_directory import NoWorkingDirectory, write_working_directory
from milepost.store.errors import StoreError

if TYPE_CHECKING:
    import psutil

    from milepost.jobs.sampling import Sampler

GRACE_S: Final = 10.0
"""Between SIGTERM and SIGKILL, for a script that is cancelled."""
LEFTOVER_GRACE_S: Final = 2.0
"""The same for what a script that has ended leaves behind."""
SAMPLE_S: Final = 5.0
COLLECT_S: Final = 5.0
SETTLE_S: Final = 60.0
WORTH_FREEING: Final = 64 << 20
"""Bytes of replaced contents after which the agent is asked to free space."""
_POLL_S: Final = 0.1
_FIRST_POLLS_S: Final = 0.02
_TAIL: Final = 65_536
_FULL: Final = 1 << 20
"""A disk with fewer free bytes is told as full."""


@dataclass(frozen=True)
class End:
    """How a run ended: its last status, and the error that explains it."""

    status: str
    error: dict[str, str] | None = None


@dataclass
class Supervisor:
    """Does one run; see ``supervise``."""

    workspace: Path
    home: Path
    folder: Path
    job: Job
    record: Record
    _facts_told: bool = False
    _survivors: bool = False
    """Whether some process could not be ended, so that files may still change."""
    _warned: set[str] = field(default_factory=set)

    def run(self) -> End:
        """All of it up to the end of the processes."""
        request = jobs.asked(self.folder)
        if request is not None:
            return End(request.status, request.error)
        try:
            write_working_directory(self.job, self.folder, self.record.blobs())
            interpreter = self._interpreter()
            jobs.write_json(self.folder / "started.json", {"boot": boot_id()})
            processes = ScriptProcesses.start(self.job, interpreter, self.folder, self.home)
        except EnvironmentFailed as error:
            return End("Failed", {"code": "EnvironmentFailed", "message": str(error), "details": ""})
        except (NoWorkingDirectory, StartFailed) as error:
            return End("Failed", {"code": "ScriptNotStarted", "message": str(error), "details": ""})
        except OSError as error:
            message = f"The run's files could not be written to {self.folder}: {error.strerror or error}."
            return End("Failed", {"code": "ScriptNotStarted", "message": message, "details": ""})
        # The script runs already while this process gets ready to record.
        self.record.say(self.job.run_id, "owner", {})
        status(self.record, self.job.run_id, "Running")
        try:
            return self._watch(processes, interpreter)
        finally:
            self._end_leftovers(processes)

    def _interpreter(self) -> Interpreter:
        found = jobs.read_json(self.folder / "prepared.json")
        if found is None:
            raise StartFailed("its environment was not prepared")
        return Interpreter(**found)

    def _watch(self, processes: ScriptProcesses, interpreter: Interpreter) -> End:
        job, begin = self.job, time.monotonic()
        collector = self.collector
        sampler: Sampler | None = None
        due_sample, due_collect = begin + 1.0, begin + COLLECT_S
        limit = job.max_run_duration_seconds
        while not processes.over():
            now = time.monotonic()
            request = jobs.asked(self.folder)
            if request is not None:
                status(self.record, job.run_id, "CancelRequested")
                if request.inside:
                    processes.wait(GRACE_S)  # it may be about to end by itself
                self._end_processes(processes, GRACE_S)
                return End(request.status, request.error)
            if limit is not None and now - begin > limit:
                self._end_processes(processes, GRACE_S)
                message = f"The run was ended because it took longer than its max_run_duration_seconds, {limit:g} s."
                return End("Canceled", {"code": "MaxRunDurationExceeded", "message": message, "details": ""})
            if now >= due_sample:
                due_sample = now + SAMPLE_S
                self._tell_facts(interpreter, processes)
                sampler = sampler or self._sampler(processes)
                self.record.sample(job.run_id, sampler.sample())
                process_tree.reap(keep=processes.pids)
            if now >= due_collect:
                began = time.monotonic()
                collector.early()
                if self.record.is_shared():
                    self._live_logs.show()
                # What takes long is done seldom: at most a tenth of the time goes into it.
                due_collect = time.monotonic() + max(COLLECT_S, 10 * (time.monotonic() - began))
            processes.wait(_FIRST_POLLS_S if now - begin < 1 else _POLL_S)
        self._tell_facts(interpreter, processes)
        failure = processes.failure(self._tail())
        if failure is not None and (full := self._full_disk()):
            failure["message"] += f" {full}"
        request = jobs.asked(self.folder)
        if request is not None:
            return End(request.status, request.error)
        return End("Completed") if failure is None else End("Failed", failure)

    def _sampler(self, processes: ScriptProcesses) -> Sampler:
        from milepost.jobs.sampling import Sampler

        return Sampler(lambda: [each.pid for each in self._processes(processes)], self.folder)

    def _tell_facts(self, interpreter: Interpreter, processes: ScriptProcesses) -> None:
        """Machine and packages, once; not before the script has begun, for they take a while."""
        if self._facts_told:
            return
        self._facts_told = True
        try:
            from milepost.jobs import machine, package_memory

            self._tell("machine", machine.facts(self.folder))
            variables = {**processes.variables, jobs.MARK: ""}  # what asks is none of the run's processes
            self._tell("packages", package_memory.packages_of(interpreter.path, variables, self.workspace))
        except Exception as error:  # whatever it is: it must not end the run
            self._warn(f"the machine or the packages could not be recorded: {error}")

    def _tell(self, name: str, content: object) -> None:
        self.record.say(self.job.run_id, "document", {"name": name, "content": content})

    def _processes(self, processes: ScriptProcesses) -> list[psutil.Process]:
        return process_tree.processes_of(self.job.run_id, [os.getpid(), *processes.roots])

    def _end_processes(self, processes: ScriptProcesses, grace_s: float) -> None:
        survivors = process_tree.end(
            self.job.run_id,
            [os.getpid(), *processes.roots],
            grace_s=grace_s,
            note=_note,
            keep=processes.pids,
        )
        processes.wait(1)
        self._survivors = self._survivors or bool(survivors)
        for each in survivors:
            self._warn(f"a process of the run could not be ended: {each}")

    def _end_leftovers(self, processes: ScriptProcesses) -> None:
        left = self._processes(processes)
        if left and any(each.poll() is None for each in processes.processes):
            self._end_processes(processes, GRACE_S)  # of several ranks one has failed, or waiting was interrupted
        elif left:
            names = ", ".join(sorted({_name_of(each) for each in left})[:5])
            count = "a process" if len(left) == 1 else f"{len(left)} processes"
            self._warn(f"the script left {count} running when it ended ({names}), which Milepost ended")
            self._end_processes(processes, LEFTOVER_GRACE_S)
        process_tree.reap(keep=processes.pids)

    def bury(self) -> End:
        """The end of a run whose supervisor died: nothing of it is left running, and its files are kept."""
        began = jobs.read_json(self.folder / "started.json") or {}
        crash = None
        with suppress(OSError):
            crash = reason_from_log((self.folder / "supervisor.log").read_bytes()[-_TAIL:])
        roots = [_root(each) for each in jobs.read_json(self.folder / "roots.json") or []]
        survivors = process_tree.end(self.job.run_id, roots, grace_s=0, note=_note)
        self._survivors = self._survivors or bool(survivors)
        for each in survivors:
            self._warn(f"a process of the run could not be ended: {each}")
        request = jobs.asked(self.folder)
        if request is not None:
            return End(request.status, request.error)
        if began.get("boot") != boot_id():
            message = "The machine was restarted or went down while the run was going."
            return End("Failed", {"code": "MachineRestarted", "message": message, "details": ""})
        message = (
            "The process that supervised this run was killed or crashed while the script was running, so the script "
            "was ended too."
        )
        if crash:
            message += f" It ended with {crash}"
        return End("Failed", {"code": "SupervisorDied", "message": message, "details": ""})

    def finish(self, end: End) -> None:
        """Keep the files, say the last word, and take the job away once all of it is stored."""
        job = self.job
        status(self.record, job.run_id, "Finalizing")
        wanted = jobs.asked(self.folder)
        self.collector.stopped = lambda: jobs.asked(self.folder) != wanted
        left = self.collector.finish(last=not self._survivors)
        if self.collector.replaced_bytes + self._live_logs.replaced_bytes > WORTH_FREEING:
            with suppress(OSError):
                (self.folder.parent / SPACE_TO_FREE).touch()
        self._keep_logs()
        if left:
            self._rescue(left)
        settled = self.record.settle(SETTLE_S)
        request = jobs.asked(self.folder)
        if request is not None and request != wanted:
            end = End(request.status, request.error)
        if settled and end.status == "Canceled":
            message = f"The run {job.run_id} that it belongs to was cancelled."
            error = {"code": "ParentCanceled", "message": message, "details": ""}
            for child in self.record.unfinished(job.run_id):
                place = jobs.job_folder(self.workspace, child)
                # One that was submitted has ended when its processes have, which its own supervisor says.
                if not (place.is_dir() and jobs.ask(place, jobs.Request("Canceled", error))):
                    status(self.record, child, "Canceled", error)
        status(self.record, job.run_id, end.status, end.error)
        self.record.settle(SETTLE_S)

    @cached_property
    def collector(self) -> Collector:
        """Keeps what the script leaves in the folders that are watched."""
        given: frozenset[str] = frozenset()
        began_ns = 0
        with suppress(OSError, StoreError):
            # A snapshot may have brought the outputs of earlier runs; they are not this one's.
            watched = tuple(f"{name}/" for name in self.job.watched)
            files = manifest(self.record.blobs(), self.job.manifest)
            given = frozenset(each.name for each in files if each.name.startswith(watched))
            began_ns = (self.folder / "started.json").stat().st_mtime_ns
        return Collector(
            self.record, self.job.run_id, self.folder / "work", self.job.watched, given=given, began_ns=began_ns
        )

    @cached_property
    def _live_logs(self) -> LiveLogs:
        return LiveLogs(self.record, self.job.run_id, self.folder)

    def _keep_logs(self) -> None:
        for path in sorted((self.folder / jobs.LOG_FOLDER).glob("*")):
            try:
                artifact(self.record, self.job.run_id, f"{jobs.LOG_FOLDER}/{path.name}", path, last=not self._survivors)
            except (StoreError, OSError) as error:
                self._warn(f"the log {path.name} could not be kept: {error}")
                self._rescue([(f"{jobs.LOG_FOLDER}/{path.name}", path)])

    def _rescue(self, files: list[tuple[str, Path]]) -> None:
        """Move what could not be stored to where it stays."""
        place = self.workspace / "rescued" / self.folder.name
        moved = []
        for name, path in files:
            target = place / name
            with suppress(OSError):
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
                moved.append(name)
        if moved:
            shown = ", ".join(moved[:5]) + (", ..." if len(moved) > 5 else "")
            self._warn(f"{len(moved)} files could not be stored and are in {place}: {shown}")

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            self.record.say(self.job.run_id, "warning", {"message": message})

    def _full_disk(self) -> str | None:
        """That the disk of the working directory is full: the script's own words about it may not have fitted on it."""
        with suppress(OSError):
            if shutil.disk_usage(self.folder).free < _FULL:
                return f"The disk that it worked on is full ({self.folder}): free some space there."
        return None

    def _tail(self) -> bytes:
        with suppress(OSError), (self.folder / jobs.DRIVER_LOG).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL))
            return log.read()
        return b""


def supervise(workspace: Path, home: Path, run_id: str, record: Record) -> bool:
    """Do the run of a job to its end, or bury it where another supervisor had begun it and died.

    False where the job is gone, or another supervisor is at it.
    """
    with taken(workspace, run_id) as found:
        if found is None:
            return False
        folder, job = found
        process_tree.become_subreaper()
        supervisor = Supervisor(workspace, home, folder, job, record)
        end = supervisor.bury() if (folder / "started.json").exists() else supervisor.run()
        supervisor.finish(end)
    return True


def boot_id() -> str:
    """A text that changes when the machine is started anew."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()) // 10)


def _note(line: str) -> None:
    """Into the supervisor's own log."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _root(found: list[Any]) -> process_tree.Root:
    return (int(found[0]), str(found[1]))


def _name_of(process: psutil.Process) -> str:
    import psutil

    try:
        return str(process.name())
    except psutil.Error:
        return "?"
