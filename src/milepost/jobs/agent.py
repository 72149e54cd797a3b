"""The one process of a workspace that sees to its submitted runs: each gets its environment, its turn, its supervisor.

It is started by whoever submits a run or finds runs that nobody sees to (`ensure_agent`), and goes when there has been
nothing to do for a while.  All it knows is in the jobs' folders, so one that is killed is replaced by the next.
"""

from __future__ import annotations

import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from milepost.jobs import environments, process_tree
from milepost.jobs import job as jobs
from milepost.jobs.agent_start import SPACE_TO_FREE, STOP, is_held
from milepost.jobs.bell import Bell
from milepost.jobs.environments import EnvironmentFailed
from milepost.jobs.job import Job, Request
from milepost.jobs.launcher import Launcher, LaunchFailed
from milepost.jobs.local_launcher import start_detached
from milepost.jobs.queue import Waiting, next_jobs
from milepost.jobs.record import Record, artifact, status
from milepost.journal.lock import FileLock

IDLE_S: Final = 20.0
"""How long an agent without work stays: the next run then starts at once."""
PREPARING_AT_ONCE: Final = 4
"""Environments that are built at the same time."""
LAUNCHES: Final = 3
"""How often a supervisor is started for a run before that run is given up."""
LAUNCHES_OF_SWEEP: Final = 10
"""The same for a sweep's controller, counted anew once it has brought its trials forward."""
_POLL_S: Final = 0.05
_SLOW_POLL_S: Final = 0.25
"""Where nothing is about to change, or whoever changes it rings."""
_TIDY_S: Final = 3600.0
_LOCK_S: Final = 2.0
_COMPLAINTS: Final = 100


@dataclass
class _Entry:
    """A job that the agent sees to."""

    folder: Path
    job: Job
    handle: str | None = None
    launches: int = 0
    preparer: subprocess.Popen[bytes] | None = None
    prepared: bool = False
    queued: bool = False
    introduced: bool = False
    progress: int = 0
    """Of a sweep: when its trials were last brought forward, before its controller was started."""

    @property
    def is_sweep(self) -> bool:
        """Whether it has trials and a controller, and no script of its own."""
        return self.job.sweep is not None


@dataclass
class Agent:
    """Sees to the jobs of one workspace; see ``serve``."""

    workspace: Path
    home: Path
    record: Record
    launcher: Launcher
    prepare_entry: Sequence[str]
    """The command that prepares a job's environment when the run's id is added to it."""
    entries: dict[str, _Entry] = field(default_factory=dict)
    served: dict[str, int] = field(default_factory=dict)
    _damaged: set[Path] = field(default_factory=set)
    _complaints: set[str] = field(default_factory=set)

    def step(self) -> None:
        """Do all that can be done now.  Trouble with one job (a full disk, say) does not keep the others from going on;
        it is tried again at the next step."""
        self._discover()
        for entry in list(self.entries.values()):
            self._try(entry, self._see_to)
        try:
            self._launch_next()
        except Exception as error:
            self._complain("the queue", error)
        # After the launches: recording is slow at first, and the scripts need not wait for it.
        for entry in list(self.entries.values()):
            if not entry.introduced:
                self._try(entry, self._begin)

    def _see_to(self, entry: _Entry) -> None:
        if entry.handle is not None:
            self._look_after(entry)
        elif entry.is_sweep:
            entry.prepared = True  # and what is asked of it its controller hears, which may have trials
        elif (request := jobs.asked(entry.folder)) is not None:
            self._end(entry, request.status, request.error)
        elif not entry.prepared:
            self._prepare(entry)

    def _begin(self, entry: _Entry) -> None:
        self._introduce(entry)
        if entry.handle is None and self.record.is_shared():
            # Should this machine be gone before the run's turn comes, whoever keeps the store notices.
            self.record.say(entry.job.run_id, "waiting", {})

    def _introduce(self, entry: _Entry) -> None:
        """Say of a run what its submitter says too, who may have died."""
        for kind, data in entry.job.events:
            self.record.say(entry.job.run_id, kind, data)
        entry.introduced = True

    def _try(self, entry: _Entry, do: Callable[[_Entry], None]) -> None:
        try:
            do(entry)
        except Exception as error:
            self._complain(entry.job.run_id, error)

    def _complain(self, what: str, error: Exception) -> None:
        """Into the agent's log; the same thing once."""
        message = f"{what}: {type(error).__name__}: {error}"
        if message not in self._complaints and len(self._complaints) < _COMPLAINTS:
            self._complaints.add(message)
            print("".join(traceback.format_exception(error)), f"({what})", file=sys.stderr, flush=True)  # noqa: T201

    def _discover(self) -> None:
        there = set()
        for folder in jobs.job_folders(self.workspace):
            there.add(folder.name)
            if folder.name not in self.entries and folder not in self._damaged:
                try:
                    entry = _Entry(folder, jobs.read_job(folder))
                except FileNotFoundError:
                    continue  # it has just ended
                except (OSError, ValueError) as error:
                    aside = self.workspace / "rescued" / f"{folder.name}-{time.time_ns()}"
                    with suppress(OSError):
                        aside.parent.mkdir(exist_ok=True)
                        folder.rename(aside)
                    self._damaged.add(folder)
                    message = f"What was to be run cannot be read: {error}. It was set aside in {aside}."
                    status(
                        self.record, folder.name, "Failed", {"code": "JobDamaged", "message": message, "details": ""}
                    )
                    continue
                entry.prepared = (folder / "prepared.json").exists()
                launched = jobs.read_json(folder / "launched.json")
                if launched is not None:
                    entry.handle, entry.launches = str(launched["handle"]), int(launched["launches"])
                self.entries[folder.name] = entry
        for name in self.entries.keys() - there:
            self._forget(self.entries.pop(name))

    def _forget(self, entry: _Entry) -> None:
        if entry.handle is not None:
            self.launcher.poll(entry.job, entry.folder, entry.handle)  # lets it take the process's exit status
        self._stop_preparing(entry)

    # Before its turn.

    def _prepare(self, entry: _Entry) -> None:
        folder, job = entry.folder, entry.job
        if entry.preparer is not None:
            if entry.preparer.poll() is None:
                return
            entry.preparer = None
            if (folder / "prepared.json").exists():
                entry.prepared = True
                return
            refused = jobs.read_json(folder / "refused.json") or {
                "code": "EnvironmentFailed",
                "message": "The process that prepared the environment was killed or crashed.",
                "details": "",
            }
            self._end(entry, "Failed", refused)
            return
        try:
            cache = environments.cache_folder(self.home)
            found = environments.ready(job.environment, cache=cache, submitter=job.submitter, folder=folder / "work")
        except EnvironmentFailed as error:
            self._end(entry, "Failed", {"code": "EnvironmentFailed", "message": str(error), "details": ""})
            return
        if found is not None:
            if found.notes:
                # Of an environment that was built before, the run has a log too.
                with suppress(OSError), (folder / jobs.BUILD_LOG).open("a", encoding="utf-8", errors="replace") as log:
                    log.writelines(f"{line}\n" for line in found.notes)
            jobs.write_json(folder / "prepared.json", asdict(found))
            entry.prepared = True
        elif sum(each.preparer is not None for each in self.entries.values()) < PREPARING_AT_ONCE:
            entry.preparer = start_detached(
                [*self.prepare_entry, job.run_id], self.workspace, folder / "preparer.log", {jobs.MARK: job.run_id}
            )

    def _stop_preparing(self, entry: _Entry) -> None:
        if entry.preparer is not None:
            process_tree.end(entry.job.run_id, [entry.preparer.pid], grace_s=0, note=lambda _line: None)
            with suppress(subprocess.TimeoutExpired):
                entry.preparer.wait(5)
            entry.preparer = None

    def _end(self, entry: _Entry, how: str, error: dict[str, str] | None) -> None:
        """End a run that has no supervisor."""
        self._stop_preparing(entry)
        if entry.launches or not entry.prepared:
            self.launcher.cancel(entry.job, entry.folder, entry.handle or "")
        run_id = entry.job.run_id
        if not entry.introduced:
            self._introduce(entry)
        if entry.is_sweep:
            self._end_trials(run_id)
        for path in sorted((entry.folder / jobs.LOG_FOLDER).glob("*")):
            try:
                artifact(self.record, run_id, f"{jobs.LOG_FOLDER}/{path.name}", path)
            except Exception as trouble:
                self.record.say(run_id, "warning", {"message": f"the log {path.name} could not be kept: {trouble}"})
        status(self.record, run_id, how, error)
        jobs.remove_job(entry.folder)
        self.entries.pop(entry.folder.name, None)

    def _end_trials(self, run_id: str) -> None:
        """End the trials of a sweep that nobody controls any more."""
        message = f"The sweep {run_id} that it belongs to was ended."
        request = Request("Canceled", {"code": "ParentCanceled", "message": message, "details": ""})
        for child in self.record.unfinished(run_id):
            jobs.ask(jobs.job_folder(self.workspace, child), request)

    # Its turn.

    def _launch_next(self) -> None:
        pools: dict[str, list[_Entry]] = {}
        for entry in self.entries.values():
            if entry.handle is None and entry.prepared:
                pools.setdefault(entry.job.target, []).append(entry)
        for target, waiting in pools.items():
            if target == "local":
                for entry in sorted(waiting, key=lambda each: each.job.submitted_ns):
                    self._launch(entry)
                continue
            nodes = self.record.nodes(target)
            if nodes is None:
                for entry in waiting:
                    message = f"The compute target {target!r} was deleted while the run waited for it."
                    self._end(entry, "Failed", {"code": "ComputeTargetNotFound", "message": message, "details": ""})
                continue
            if nodes > 0:
                self._launch_in_pool(target, waiting, nodes)

    def _launch_in_pool(self, target: str, waiting: list[_Entry], nodes: int) -> None:
        for entry in [each for each in waiting if each.job.node_count > nodes]:
            message = f"The run needs {entry.job.node_count} nodes; the compute target {target!r} has {nodes} at most."
            self._end(entry, "Failed", {"code": "TooFewNodes", "message": message, "details": ""})
            waiting.remove(entry)
        by_id = {entry.job.run_id: entry for entry in waiting}
        running = [
            _waiting(entry.job)
            for entry in self.entries.values()
            if entry.handle is not None and entry.job.target == target
        ]
        turn = next_jobs((_waiting(entry.job) for entry in waiting), running, nodes, self.served)
        for chosen in turn:
            self.served[chosen.experiment] = time.monotonic_ns()
            self._launch(by_id[chosen.run_id])
        for entry in waiting:
            if entry.handle is None and not entry.queued and entry.folder.name in self.entries:
                entry.queued = True
                status(self.record, entry.job.run_id, "Queued")

    def _launch(self, entry: _Entry) -> None:
        if entry.is_sweep and (made := _progress(entry.folder)) != entry.progress:
            entry.progress, entry.launches = made, 0
        if entry.launches >= (LAUNCHES_OF_SWEEP if entry.is_sweep else LAUNCHES):
            message = "The process that supervises the run was killed or crashed several times before it could begin."
            said = self.launcher.logs(entry.job, entry.folder, entry.handle or "").strip()
            self._end(entry, "Failed", {"code": "SupervisorDied", "message": message, "details": said[-4000:]})
            return
        entry.launches += 1
        try:
            entry.handle = self.launcher.launch(entry.job, entry.folder)
        except LaunchFailed as error:
            self._end(entry, "Failed", {"code": "LaunchFailed", "message": str(error), "details": ""})
            return
        with suppress(OSError):
            jobs.write_json(entry.folder / "launched.json", {"handle": entry.handle, "launches": entry.launches})

    def _look_after(self, entry: _Entry) -> None:
        """Where the supervisor is gone and its job is not, another one takes the job: to begin it, or to bury it."""
        assert entry.handle is not None
        if self.launcher.poll(entry.job, entry.folder, entry.handle) or not entry.folder.is_dir():
            return
        if is_held(entry.folder / "supervisor.lock"):
            return  # by one that another agent has started
        self._launch(entry)

    def pause_s(self, *, is_rung: bool) -> float:
        """How long to wait before the next step; ``is_rung``: whether it ends early when jobs come, go or are asked."""
        if is_rung:
            is_near = any(entry.preparer is not None for entry in self.entries.values())
        else:
            is_near = not self.entries or any(each.handle is None or each.is_sweep for each in self.entries.values())
        return _POLL_S if is_near else _SLOW_POLL_S


def serve(agent: Agent, idle_s: float = IDLE_S) -> bool:
    """Be the workspace's agent until there has been nothing to do for ``idle_s`` seconds; False if there is another."""
    folder = jobs.jobs_folder(agent.workspace)
    lock = FileLock(folder / "agent.lock")
    if not lock.acquire_within(_LOCK_S):
        return False
    jobs.tidy(agent.workspace, _TIDY_S, time.time())
    bell = Bell(folder)
    stop = folder / STOP
    try:
        while True:
            idle_since = time.monotonic()
            while time.monotonic() - idle_since < idle_s:
                agent.step()
                if agent.entries:
                    idle_since = time.monotonic()
                elif stop.exists() or not (agent.workspace / "workspace.json").exists():
                    break
                bell.wait(agent.pause_s(is_rung=bell.is_heard))
            with suppress(OSError):
                stop.unlink()
            with suppress(FileNotFoundError):
                (folder / SPACE_TO_FREE).unlink()
                agent.record.free_space()
            lock.release()
            # A run that was submitted before the release found an agent: it is for us to see to it.
            if not jobs.has_jobs(agent.workspace) or not lock.acquire():
                return True
    finally:
        if lock.held:
            lock.release()
        bell.close()


def _progress(folder: Path) -> int:
    """A number that changes when a sweep's trials are brought forward."""
    with suppress(OSError):
        return (folder / "trials").stat().st_mtime_ns
    return 0


def _waiting(job: Job) -> Waiting:
    return Waiting(job.run_id, job.experiment, job.submitted_ns, max(1, job.node_count))
