"""All processes of a job are found and ended, whatever they do; nobody else is."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from milepost.jobs import process_table, process_tree
from milepost.jobs.process_tree import JOB_VARIABLE, become_subreaper, end, processes_of, reap, runs, started

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="the trees are made with fork"),
    pytest.mark.xdist_group("process tree"),
]

# What the scripts of these tests share: `ready(name)` tells the test that a process has come as far as it should.
PRELUDE = """
import os, signal, subprocess, sys, time
FOLDER = sys.argv[1]
def ready(name=""):
    path = os.path.join(FOLDER, f"{name}.{os.getpid()}")
    with open(path + ".new", "w"):
        pass
    os.rename(path + ".new", path)
def sleep():
    while True:
        time.sleep(60)
"""


@dataclass
class Job:
    """A job that the test starts as the supervisor would."""

    folder: Path
    id: str = field(default_factory=lambda: f"job_{uuid.uuid4().hex[:12]}")
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def start(self, script: str, mark: str | None = "this job's") -> subprocess.Popen[bytes]:
        """``mark``: whose the process says it is; None: it says nothing."""
        environment = {name: value for name, value in os.environ.items() if name != JOB_VARIABLE}
        if mark is not None:
            environment[JOB_VARIABLE] = self.id if mark == "this job's" else mark
        process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", PRELUDE + textwrap.dedent(script), str(self.folder)],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
        )
        self.started.append(process)
        return process

    def wait_for(self, name: str, count: int = 1) -> list[int]:
        """The process ids that have told that they are ready."""
        deadline = time.monotonic() + 60
        while True:
            found = [int(path.suffix[1:]) for path in self.folder.glob(f"{name}.*") if path.suffix[1:].isdecimal()]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{name}: only {len(found)} of {count} processes came up"
            time.sleep(0.01)

    def end(self, grace_s: float = 20.0, roots: tuple[process_tree.Root, ...] | None = None) -> list[str]:
        roots = tuple(each.pid for each in self.started) if roots is None else roots
        return end(self.id, roots, grace_s=grace_s, note=self.notes.append, keep={each.pid for each in self.started})

    def pids(self, roots: tuple[process_tree.Root, ...] = ()) -> set[int]:
        return {process.pid for process in processes_of(self.id, roots)}


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def until(pid: int, status: str) -> None:
    deadline = time.monotonic() + 60
    while psutil.Process(pid).status() != status:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    job = Job(tmp_path)
    yield job
    for pid in {int(path.suffix[1:]) for path in tmp_path.glob("*.*") if path.suffix[1:].isdecimal()}:
        if not is_gone(pid):
            os.kill(pid, signal.SIGKILL)
    for process in job.started:
        process.kill()
        process.wait()


@pytest.fixture(params=["linux", "psutil"])
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to look at the machine's processes: the one of Linux and the one of all other systems."""
    if request.param == "psutil":
        monkeypatch.setattr(process_table, "_LINUX", False)
    elif not sys.platform.startswith("linux"):
        pytest.skip("no /proc here")


GRANDCHILDREN = """
    if os.fork() == 0:
        if os.fork() == 0:
            ready("grandchild"); sleep()
        ready("child"); sleep()
    ready("main"); sleep()
"""

DAEMON = """
    # The usual double fork, with a session of its own.
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            ready("daemon"); sleep()
        os._exit(0)
    os.wait()
    ready("main"); sleep()
"""

DAEMON_WITHOUT_ENVIRONMENT = """
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            program = "import os,time; open(%r + '/daemon.' + str(os.getpid()), 'w').close(); time.sleep(600)" % FOLDER
            os.execve(sys.executable, [sys.executable, "-S", "-E", "-c", program], {})
        os._exit(0)
    os.wait()
    ready("main"); sleep()
"""


@pytest.mark.usefixtures("table")
class TestFinding:
    def test_a_process_is_found_by_its_mark_alone(self, job: Job) -> None:
        main = job.start('ready("main"); sleep()')
        job.wait_for("main")
        assert job.pids() == {main.pid}

    def test_children_and_grandchildren_are_found_parents_first(self, job: Job) -> None:
        main = job.start(GRANDCHILDREN)
        (child,), (grandchild,) = job.wait_for("child"), job.wait_for("grandchild")
        job.wait_for("main")
        assert [each.pid for each in processes_of(job.id)] == [main.pid, child, grandchild]

    def test_descendants_of_a_root_are_found_without_any_mark(self, job: Job) -> None:
        main = job.start(GRANDCHILDREN, mark=None)
        pids = {*job.wait_for("child"), *job.wait_for("grandchild"), *job.wait_for("main")}
        assert job.pids() == set()
        assert job.pids((main.pid,)) == pids

    def test_a_root_is_believed_whatever_its_mark_but_children_marked_for_others_are_not(self, job: Job) -> None:
        main = job.start(GRANDCHILDREN, mark="other")
        for name in ("child", "grandchild", "main"):
            job.wait_for(name)
        assert job.pids((main.pid,)) == {main.pid}

    def test_a_daemon_is_found_after_its_parent_has_ended(self, job: Job) -> None:
        main = job.start(DAEMON)
        (daemon,) = job.wait_for("daemon")
        job.wait_for("main")
        assert job.pids() == {main.pid, daemon}

    def test_a_child_that_cleared_its_environment_is_found_by_its_parent(self, job: Job) -> None:
        main = job.start(
            """
            child = subprocess.Popen([sys.executable, "-S", "-E", "-c", "import time; time.sleep(600)"], env={})
            open(os.path.join(FOLDER, f"child.{child.pid}"), "w").close()
            sleep()
            """
        )
        (child,) = job.wait_for("child")
        assert job.pids() == {main.pid, child}

    def test_an_orphan_without_environment_is_found_by_the_session_of_the_job(self, job: Job) -> None:
        main = job.start(DAEMON_WITHOUT_ENVIRONMENT.replace("os.setsid()", "pass"))
        (orphan,) = job.wait_for("daemon")
        job.wait_for("main")
        assert orphan in job.pids((main.pid,))

    def test_the_process_that_asks_and_those_above_it_are_never_found(self, job: Job) -> None:
        job.start(
            f"""
            sys.path[:0] = {sys.path!r}
            from milepost.jobs.process_tree import processes_of
            child = os.fork()
            if child == 0:
                ready("child"); sleep()
            found = [each.pid for each in processes_of({job.id!r}, [os.getpid(), os.getppid(), 1])]
            # The parent is the test's own process, which may have other children.
            assert child in found and not {{1, os.getpid(), os.getppid()}} & set(found), (found, child)
            ready("asked"); sleep()
            """
        )
        job.wait_for("child")
        job.wait_for("asked")

    def test_processes_of_other_jobs_are_not_found(self, job: Job) -> None:
        main, other = job.start('ready("main"); sleep()'), job.start('ready("main"); sleep()', mark=job.id + "0")
        job.wait_for("main", 2)
        assert job.pids() == {main.pid}
        assert other.poll() is None

    def test_what_a_script_starts_for_others_with_an_empty_mark_is_left_alone_with_its_children(self, job: Job) -> None:
        main = job.start(
            """
            program = "import os,time; os.fork(); open(%r + '/agent.' + str(os.getpid()), 'w').close(); time.sleep(600)"
            command = [sys.executable, "-S", "-E", "-c", program % FOLDER]
            subprocess.Popen(command, env={**os.environ, "MILEPOST_JOB": ""}, start_new_session=True)
            ready("main"); sleep()
            """
        )
        agents = job.wait_for("agent", 2)
        job.wait_for("main")
        assert job.pids((main.pid,)) == {main.pid}
        assert job.end() == []
        assert not any(is_gone(agent) for agent in agents)

    def test_zombies_are_not_found(self, job: Job) -> None:
        main = job.start('ready("main")')
        until(main.pid, psutil.STATUS_ZOMBIE)
        assert job.pids((main.pid,)) == set()

    @pytest.mark.parametrize("root", [0, 1, -1, 2**22 + 1, (1, "another")])
    def test_a_root_that_cannot_be_a_jobs_gives_nothing(self, job: Job, root: process_tree.Root) -> None:
        assert job.pids((root,)) == set()

    def test_a_later_process_with_the_id_of_a_root_is_not_taken_for_it(self, job: Job) -> None:
        main = job.start('ready("main"); sleep()', mark="other")
        job.wait_for("main")
        start = started(main.pid)
        assert start is not None
        assert job.pids(((main.pid, start),)) == {main.pid}
        assert job.pids(((main.pid, start + "1"),)) == set()


@pytest.mark.usefixtures("table")
class TestOneProcess:
    def test_it_runs_until_it_ends_and_as_a_zombie_it_does_not(self, job: Job) -> None:
        main = job.start('ready("main"); sleep()')
        job.wait_for("main")
        start = started(main.pid)
        assert start is not None
        assert runs(main.pid)
        assert runs((main.pid, start))
        assert not runs((main.pid, "another"))
        main.kill()
        until(main.pid, psutil.STATUS_ZOMBIE)
        assert not runs((main.pid, start))
        main.wait()
        assert not runs(main.pid)
        assert started(main.pid) is None

    def test_its_start_is_told_the_same_each_time(self) -> None:
        assert started(os.getpid()) == started(os.getpid()) is not None


class TestEnding:
    def test_a_job_that_is_not_there_is_ended_without_a_word(self, job: Job) -> None:
        assert job.end() == []
        assert job.notes == []

    def test_a_process_that_hears_sigterm_ends_in_its_own_way(self, job: Job) -> None:
        main = job.start(
            """
            def stop(*_):
                ready("saved"); sys.exit(7)
            signal.signal(signal.SIGTERM, stop)
            ready("main"); sleep()
            """
        )
        job.wait_for("main")
        assert job.end(grace_s=60) == []
        assert job.wait_for("saved") == [main.pid]
        assert main.wait() == 7
        assert not any("SIGKILL" in note for note in job.notes)

    def test_the_exit_status_of_kept_processes_is_left_to_who_started_them(self, job: Job) -> None:
        main = job.start('ready("main"); sleep()')
        job.wait_for("main")
        assert job.end() == []
        assert main.wait() == -signal.SIGTERM

    def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(self, job: Job) -> None:
        main = job.start('signal.signal(signal.SIGTERM, signal.SIG_IGN); ready("main"); sleep()')
        job.wait_for("main")
        began = time.monotonic()
        assert job.end(grace_s=0.5) == []
        assert time.monotonic() - began >= 0.5
        assert main.wait() == -signal.SIGKILL
        assert "SIGTERM to 1 process" in job.notes[0]
        assert "SIGKILL to 1 process" in job.notes[1]

    def test_with_no_grace_there_is_no_sigterm(self, job: Job) -> None:
        main = job.start('ready("main"); sleep()')
        job.wait_for("main")
        assert job.end(grace_s=0) == []
        assert main.wait() == -signal.SIGKILL

    def test_grandchildren_that_ignore_sigterm_end_too(self, job: Job) -> None:
        job.start("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + textwrap.dedent(GRANDCHILDREN))
        pids = job.wait_for("main") + job.wait_for("child") + job.wait_for("grandchild")
        assert job.end(grace_s=0.2) == []
        assert all(is_gone(pid) for pid in pids)

    def test_daemons_end_though_the_main_process_is_gone_long_since(self, job: Job) -> None:
        main = job.start(DAEMON.replace('ready("main"); sleep()', "os._exit(0)"))
        (daemon,) = job.wait_for("daemon")
        main.wait()
        assert job.end() == []
        assert is_gone(daemon)

    def test_a_stopped_process_hears_sigterm(self, job: Job) -> None:
        main = job.start('ready("main"); sleep()')
        job.wait_for("main")
        main.send_signal(signal.SIGSTOP)
        until(main.pid, psutil.STATUS_STOPPED)
        assert job.end(grace_s=60) == []
        assert main.wait() == -signal.SIGTERM

    def test_a_stopped_process_is_killed(self, job: Job) -> None:
        main = job.start('ready("main"); sleep()')
        job.wait_for("main")
        main.send_signal(signal.SIGSTOP)
        assert job.end(grace_s=0) == []
        assert main.wait() == -signal.SIGKILL

    def test_processes_that_fork_when_they_get_sigterm_all_end(self, job: Job) -> None:
        # 8 processes; each starts another when told to end, up to 20 generations.
        job.start(
            """
            def again(*_):
                generation = int(os.environ.get("GENERATION", "0")) + 1
                os.environ["GENERATION"] = str(generation)
                if generation <= 20 and os.fork():
                    os._exit(0)
                ready("again")
            signal.signal(signal.SIGTERM, again)
            for _ in range(7):
                if os.fork() == 0:
                    break
            ready("main"); sleep()
            """
        )
        job.wait_for("main", 8)
        assert job.end(grace_s=0.3) == []
        assert job.pids() == set()

    def test_processes_that_fork_all_the_time_all_end(self, job: Job) -> None:
        # Each process is followed by its child after a moment, in a session of its own: at most 12 at a time.
        job.start(
            """
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            for _ in range(11):
                if os.fork() == 0:
                    break
            ready("main")
            until = time.monotonic() + 60
            while time.monotonic() < until:
                if os.fork():
                    os._exit(0)
                os.setsid()
                time.sleep(0.02)
            """
        )
        job.wait_for("main", 12)
        assert job.end(grace_s=0.2) == []
        time.sleep(0.1)
        assert job.pids() == set()

    def test_what_is_started_to_save_work_within_the_grace_gets_no_sigterm(self, job: Job) -> None:
        main = job.start(
            """
            def stop(*_):
                if os.fork() == 0:
                    signal.signal(signal.SIGTERM, signal.SIG_DFL)
                    ready("saving"); time.sleep(0.5); ready("saved"); os._exit(0)
                os._exit(0)
            signal.signal(signal.SIGTERM, stop)
            ready("main"); sleep()
            """
        )
        job.wait_for("main")
        assert job.end(grace_s=60) == []
        assert job.wait_for("saved") == job.wait_for("saving")
        assert main.wait() == 0

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
    def test_a_process_whose_first_thread_has_ended_is_no_zombie(self, job: Job) -> None:
        number = {"x86_64": 60, "aarch64": 93}.get(platform.machine())
        if number is None:
            pytest.skip("the number of the exit call is not known here")
        main = job.start(
            f"""
            import ctypes, threading
            threading.Thread(target=sleep).start()
            ready("main")
            ctypes.CDLL(None).syscall({number}, 0)
            """
        )
        job.wait_for("main")
        until(main.pid, psutil.STATUS_ZOMBIE)
        assert runs(main.pid)
        assert job.pids((main.pid,)) == {main.pid}
        assert job.end(grace_s=0.2) == []
        assert main.wait() == -signal.SIGTERM

    @pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root can start processes of another user")
    def test_a_process_of_another_user_that_may_not_be_ended_is_told(self, job: Job) -> None:
        main = job.start('ready("main"); sleep()')
        job.wait_for("main")
        script = f"""
            import json
            sys.path[:0] = {sys.path!r}
            from milepost.jobs.process_tree import end
            import psutil
            with open(os.path.join(FOLDER, "told.json"), "w") as file:
                os.setuid(65534)
                json.dump(end("{job.id}", [{main.pid}], grace_s=0.1, note=lambda line: None), file)
        """
        asking = job.start(script, mark="")
        assert asking.wait(60) == 0
        told = (job.folder / "told.json").read_text()
        assert f"Process {main.pid}" in told
        assert "of user root could not be ended" in told
        assert main.poll() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has subreapers")
class TestSubreaper:
    SUPERVISOR = """
        sys.path[:0] = {path!r}
        from milepost.jobs.process_tree import become_subreaper, end, processes_of, reap
        assert become_subreaper()
        main = subprocess.Popen([sys.executable, "-S", "-E", "-c", {script!r}, FOLDER], start_new_session=True,
                                env={{**os.environ, "MILEPOST_JOB": "{id}"}})
        ready("supervisor")
        while not any(name.startswith("daemon.") for name in os.listdir(FOLDER)):
            time.sleep(0.01)
        {then}
    """

    def supervise(self, job: Job, script: str, then: str) -> subprocess.Popen[bytes]:
        text = PRELUDE + textwrap.dedent(script)
        return job.start(self.SUPERVISOR.format(path=sys.path, script=text, id=job.id, then=then), mark="")

    def test_a_daemon_without_environment_is_found_and_ended_as_a_child_of_the_supervisor(self, job: Job) -> None:
        supervisor = self.supervise(
            job,
            DAEMON_WITHOUT_ENVIRONMENT,
            f"assert end({job.id!r}, [os.getpid()], grace_s=30, note=lambda line: None, keep=[main.pid]) == []; "
            "assert main.wait() == -15; ready('done')",
        )
        (daemon,) = job.wait_for("daemon")
        assert supervisor.wait(60) == 0
        assert job.wait_for("done")
        assert is_gone(daemon)

    def test_children_that_came_by_the_way_are_reaped_and_the_own_ones_kept(self, job: Job) -> None:
        supervisor = self.supervise(
            job,
            DAEMON.replace('ready("daemon"); sleep()', 'ready("daemon"); os._exit(3)').replace(
                'ready("main"); sleep()', "sys.exit(5)"
            ),
            "deadline = time.monotonic() + 60; reaped = 0\n"
            "        while not reaped and time.monotonic() < deadline: reaped = reap(keep=[main.pid])\n"
            "        assert reaped == 1; assert main.wait() == 5; assert reap() == 0; ready('done')",
        )
        assert supervisor.wait(60) == 0
        assert job.wait_for("done")

    def test_only_those_asked_for_are_reaped(self) -> None:
        first, second = (subprocess.Popen(["true"], env={}) for _ in range(2))
        for each in (first, second):
            until(each.pid, psutil.STATUS_ZOMBIE)
        assert reap(among=[first.pid]) == 1
        assert reap(keep=[second.pid], among=[second.pid]) == 0
        assert second.wait() == 0
        first.wait()


@pytest.mark.skipif(sys.platform.startswith("linux"), reason="Linux has subreapers")
def test_where_there_are_no_subreapers_it_is_said() -> None:
    assert become_subreaper() is False
