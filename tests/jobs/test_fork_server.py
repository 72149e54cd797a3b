"""A fork server's children are like processes from scratch; none depends on another, and none stays behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from milepost.jobs import process_tree
from milepost.jobs.fork_server import FORKS, ForkServer
from milepost.jobs.local_launcher import start_detached
from tests.sdk.submitted import runs, until

pytestmark = pytest.mark.skipif(not FORKS, reason="there are fork servers on Linux only")

SERVER = """
import json, os, random, signal, sys, time
from pathlib import Path
from milepost.jobs.fork_server import serve
run_id = serve(Path(sys.argv[1]))
if run_id is not None:
    print("printed by", run_id)
    print("and", run_id, file=sys.stderr)
    facts = {
        "leads": [os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid()],
        "folder": os.getcwd(),
        "input": sys.stdin.read(),
        "open": sorted(os.readlink(f"/proc/self/fd/{each}") for each in ("0", "1", "2")),
        "more": len(os.listdir("/proc/self/fd")) - 4,  # the three, and the folder that is being listed
        "chance": [random.random(), os.urandom(8).hex()],
        "mark": os.environ["MILEPOST_JOB"],
    }
    Path(run_id + ".json").write_text(json.dumps(facts))
    while not Path(run_id + ".end").exists():
        time.sleep(0.02)
    raise SystemExit(3)
"""


class Family:
    """A fork server of this process, with a workspace's folder."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.process: subprocess.Popen[bytes] | None = None
        self.server = ForkServer(self._start)
        self.children: list[int] = []
        assert self.server.is_ready(30)

    def _start(self) -> subprocess.Popen[bytes]:
        log = self.workspace / "server.log"
        command = ["-c", SERVER, str(self.workspace), "x" * 200]
        self.process = start_detached(command, Path("/"), log, is_spoken_with=True)
        return self.process

    def fork(self, run_id: str) -> tuple[int, str]:
        child = self.server.fork(run_id, self.workspace / f"{run_id}.log")
        self.children.append(child[0])
        return child

    def facts(self, run_id: str) -> dict[str, Any]:
        place = self.workspace / f"{run_id}.json"
        until(lambda: place.exists() and place.read_text().endswith("}"))
        found: dict[str, Any] = json.loads(place.read_text())
        return found

    def end(self, run_id: str) -> None:
        (self.workspace / f"{run_id}.end").touch()


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Family]:
    monkeypatch.setenv("MILEPOST_JOB", "of-somebody-else")
    made = Family(tmp_path)
    yield made
    made.server.close()
    for pid in made.children:
        with suppress(psutil.Error):
            psutil.Process(pid).kill()


def test_a_child_has_a_session_a_folder_a_log_and_a_name_of_its_own(family: Family, tmp_path: Path) -> None:
    pid, started = family.fork("first")
    facts = family.facts("first")
    assert facts["leads"] == [True, True]
    assert facts["folder"] == str(tmp_path)
    assert facts["input"] == ""
    assert facts["open"] == sorted([os.devnull, *[str(tmp_path / "first.log")] * 2])
    assert facts["more"] == 0
    assert facts["mark"] == ""
    assert process_tree.runs((pid, started))
    assert psutil.Process(pid).cmdline()[:4] == ["milepost", "supervise", str(tmp_path), "first"]
    assert psutil.Process(pid).environ()["MILEPOST_JOB"] == ""  # as others see it: of no job
    family.end("first")
    until(lambda: "printed by first" in (tmp_path / "first.log").read_text())
    assert "and first" in (tmp_path / "first.log").read_text()


def test_no_two_draw_the_same_by_chance(family: Family) -> None:
    family.fork("one")
    family.fork("two")
    first, second = family.facts("one")["chance"], family.facts("two")["chance"]
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_no_zombie_stays_of_a_child_that_has_ended_or_was_killed(family: Family) -> None:
    children = [family.fork("one"), family.fork("two")]
    family.facts("one")
    family.end("one")
    psutil.Process(children[1][0]).kill()
    until(lambda: not any(psutil.pid_exists(pid) for pid, _started in children), 10)
    assert not any(process_tree.runs(each) for each in children)
    family.fork("three")  # and it goes on
    assert family.facts("three")["leads"] == [True, True]


def test_it_goes_with_its_agent_and_the_children_stay(tmp_path: Path) -> None:
    agent = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.jobs.test_fork_server import Family
family = Family(Path(sys.argv[1]))
assert family.process is not None
print(family.process.pid, family.fork("one")[0], flush=True)
time.sleep(600)
"""
    root = str(Path(__file__).resolve().parents[2])
    with subprocess.Popen([sys.executable, "-c", agent, str(tmp_path), root], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        server, child = map(int, process.stdout.readline().split())
        process.kill()
    until(lambda: not runs(server), 10)
    assert runs(child)
    (tmp_path / "one.end").touch()
    until(lambda: not runs(child), 10)


def test_one_that_was_killed_is_noticed_and_its_children_go_on(family: Family) -> None:
    pid, started = family.fork("one")
    family.facts("one")
    assert family.process is not None
    family.process.kill()
    until(lambda: not family.server.runs(), 10)
    with pytest.raises(OSError, match=r"."):
        family.fork("two")
    assert process_tree.runs((pid, started))


def test_one_that_has_threads_does_not_serve(tmp_path: Path) -> None:
    server = """
import sys, threading, time
from pathlib import Path
from milepost.jobs.fork_server import serve
threading.Thread(target=time.sleep, args=(1,)).start()
serve(Path(sys.argv[1]))
"""
    command = ["-c", server, str(tmp_path)]
    made = ForkServer(lambda: start_detached(command, tmp_path, tmp_path / "log", is_spoken_with=True))
    with pytest.raises(OSError, match="has ended"):
        made.is_ready(30)
    made.close()
    assert "started threads" in (tmp_path / "log").read_text()
