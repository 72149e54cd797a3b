"""``milepost runs delete`` gives back the space of files, but never of one that is still wanted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from azureml.core import Experiment, Workspace

from .conftest import Command, Record

STOPPED = """
import sys
from azureml.core import Experiment, Workspace
from milepost.sdk.recording.drain import Drain

Drain._start = lambda self: None  # as in a process that was stopped before it could deliver
run = Experiment(Workspace.create("default", exist_ok=True), "stopped").start_logging(snapshot_directory=None)
with open("precious", "wb") as file:
    file.write(b"precious" * 1000)
run.upload_file("outputs/precious", "precious")
print(run.id, flush=True)
sys.stdin.readline()
run.complete()
"""


def upload(workspace: Workspace, name: str, content: bytes) -> str:
    run = Experiment(workspace, "e").start_logging(snapshot_directory=None)
    Path("file").write_bytes(content)
    run.upload_file(name, "file")
    run.complete()
    return str(run.id)


def blobs(home: Path) -> list[Path]:
    return [path for path in (home / "workspaces/default/blobs/sha256").rglob("*") if path.is_file()]


def make_old(home: Path) -> None:
    """As if the files had been stored an hour ago: a sweep spares those of the last minutes."""
    for path in blobs(home):
        os.utime(path, (time.time() - 3600,) * 2)


def test_the_space_of_files_is_given_back(home: Path, record: Record, milepost: Command) -> None:
    run_id = record(lambda workspace: upload(workspace, "x", b"x" * 100_000))
    make_old(home)
    done = milepost("runs", "delete", run_id, "--yes", "--json").json
    assert done["deleted"] == [run_id]
    assert done["freed_bytes"] >= 100_000
    assert blobs(home) == []


def test_a_content_that_another_run_or_model_holds_stays(home: Path, record: Record, milepost: Command) -> None:
    def work(workspace: Workspace) -> list[str]:
        first, second = (upload(workspace, "x", b"same") for _ in range(2))
        third = upload(workspace, "model", b"model")
        workspace.get_run(third).register_model("net", "model")
        return [first, second, third]

    first, second, third = record(work)
    make_old(home)
    milepost("runs", "delete", first, third, "--yes")
    assert sorted(path.read_bytes() for path in blobs(home)) == [b"model", b"same"]
    milepost("runs", "download", second, "-o", "there")
    assert Path("there/x").read_bytes() == b"same"


def test_a_file_that_only_a_stopped_process_knows_of_stays(home: Path, record: Record, milepost: Command) -> None:
    old = record(lambda workspace: upload(workspace, "x", b"x" * 1000))
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        run_id = child.stdout.readline().strip()
        make_old(home)
        milepost("runs", "delete", old, "--yes")
        assert [path.stat().st_size for path in blobs(home)] == [8000]
        child.communicate("\n", timeout=60)
    milepost("runs", "download", run_id, "-o", "there")
    assert Path("there/outputs/precious").read_bytes() == b"precious" * 1000
