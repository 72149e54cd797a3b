"""Snapshots of a run: taken beside the script or when asked for, named, and given back as an archive."""

from __future__ import annotations

import os
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Experiment, Run, Workspace
from azureml.exceptions import ServiceException, SnapshotException, UserErrorException
from milepost.sdk.runs import run_snapshots


def write(folder: Path, **contents: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}.py").write_text(content)
    return folder


def contents_of(archive: str | os.PathLike[str]) -> dict[str, str]:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


def warnings_of(run: Run) -> list[str]:
    return [each["message"] for each in run.get_details().get("warnings", [])]


# -- beside the script -------------------------------------------------------------------------------------------


def test_an_interactive_run_keeps_the_current_folder(experiment: Experiment, tmp_path: Path) -> None:
    write(Path(), train="import mylib", mylib="x = 1")
    run = experiment.start_logging()
    run.complete()
    archive = run.restore_snapshot(path=tmp_path / "back")
    assert archive == str(tmp_path / "back" / f"{run.get_snapshot_id()}.zip")
    assert contents_of(archive) == {"train.py": "import mylib", "mylib.py": "x = 1"}
    assert warnings_of(run) == []


def test_another_folder_can_be_kept_or_none(experiment: Experiment, tmp_path: Path) -> None:
    folder = write(tmp_path / "code", train="1")
    with experiment.start_logging(snapshot_directory=folder) as run:
        pass
    assert contents_of(run.restore_snapshot()) == {"train.py": "1"}
    with experiment.start_logging(snapshot_directory=None) as run:
        pass
    with pytest.raises(SnapshotException, match="has no snapshot"):
        run.get_snapshot_id()


def test_the_folder_is_the_one_at_the_start(experiment: Experiment, tmp_path: Path) -> None:
    write(Path("code"), train="1")
    run = experiment.start_logging(snapshot_directory="code")
    os.chdir(tmp_path)
    run.complete()
    assert contents_of(run.restore_snapshot()) == {"train.py": "1"}


def test_what_is_asked_before_the_snapshot_is_done_waits_for_it(experiment: Experiment) -> None:
    write(Path(), train="1")
    run = experiment.start_logging()
    assert run.get_snapshot_id()
    run.complete()


def test_runs_that_fail_or_raise_keep_their_source_too(experiment: Experiment) -> None:
    write(Path(), train="1")
    failed = experiment.start_logging()
    failed.fail("broken")
    assert failed.get_snapshot_id()
    with pytest.raises(ZeroDivisionError), experiment.start_logging() as raised:
        1 / 0  # noqa: B018
    assert raised.get_snapshot_id() == failed.get_snapshot_id()


def test_a_process_that_just_ends_keeps_its_source(ws: Workspace, script: Callable[..., Any]) -> None:
    write(Path(), train="1")
    script(
        """
        from azureml.core import Experiment, Workspace
        run = Experiment(Workspace.get("test"), "exp").start_logging(run_id="ends")
        """
    )
    run = ws.get_run("ends")
    assert run.get_status() == "Completed"
    assert contents_of(run.restore_snapshot()) == {"train.py": "1"}


def test_a_folder_over_the_limit_is_a_warning_of_the_run(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    write(Path(), big="x" * 3000)
    monkeypatch.setenv("MILEPOST_SNAPSHOT_LIMIT", "1KB")
    run = experiment.start_logging()
    run.log("mse", 0.1)
    run.complete()
    (message,) = warnings_of(run)
    assert "The run has no snapshot" in message
    assert "'big.py' (2.9 KB)" in message
    assert run.get_metrics() == {"mse": 0.1}
    assert not recwarn.list


@pytest.mark.parametrize("folder", ["absent", "train.py"])
def test_a_folder_that_is_none_is_a_warning_of_the_run(experiment: Experiment, folder: str) -> None:
    write(Path(), train="1")
    run = experiment.start_logging(snapshot_directory=folder)
    run.complete()
    if folder == "absent":
        assert "there is no source folder" in warnings_of(run)[0]
    else:
        assert "is a file, not a folder" in warnings_of(run)[0]


def test_what_is_left_out_is_one_warning_of_the_run(experiment: Experiment) -> None:
    write(Path(), train="1")
    for number in range(3):
        Path(f"link{number}").symlink_to("/nowhere")
    run = experiment.start_logging()
    run.complete()
    (message,) = warnings_of(run)
    assert "'link0' is not in the snapshot" in message
    assert run.get_snapshot_id()


def test_a_blob_store_that_cannot_be_written_is_a_warning_of_the_run(experiment: Experiment) -> None:
    write(Path(), train="1")
    experiment.workspace._recorder.flush()
    blobs = experiment.workspace._recorder.folder / "blobs"
    assert not blobs.exists()
    blobs.touch()
    run = experiment.start_logging()
    run.complete()
    assert run.get_status() == "Completed"
    assert "The run has no snapshot" in warnings_of(run)[0]


def test_a_snapshot_that_takes_too_long_is_given_up(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    write(Path(), train="1")
    go_on = threading.Event()
    take = run_snapshots.take_folder

    def slow(*arguments: Any) -> Any:
        go_on.wait(60)
        return take(*arguments)

    monkeypatch.setattr(run_snapshots, "take_folder", slow)
    monkeypatch.setattr(run_snapshots, "JOIN_TIMEOUT_S", 0.2)
    run = experiment.start_logging()
    run.complete()
    go_on.set()
    while any(each.name == "milepost-snapshot" for each in threading.enumerate()):
        time.sleep(0.01)
    assert "was not finished 0.2 s after the run's end" in warnings_of(run)[0]
    with pytest.raises(SnapshotException):
        run.get_snapshot_id()


def test_a_forked_child_leaves_the_snapshot_to_its_parent(experiment: Experiment) -> None:
    write(Path(), **{f"m{number}": str(number) for number in range(50)})
    run = experiment.start_logging()
    child = os.fork()
    if child == 0:
        run._finish_snapshot()
        os._exit(7)
    assert os.waitpid(child, 0)[1] == 7 << 8
    run.complete()
    assert len(contents_of(run.restore_snapshot())) == 50


def test_a_handler_that_ends_the_run_in_the_middle_of_an_append_does_not_wait_for_ever(
    experiment: Experiment,
) -> None:
    write(Path(), train="1")
    writer = experiment.workspace._recorder.writer
    with writer.lock:  # as a signal's handler finds it: this thread appends, and the snapshot's thread waits for it
        run = experiment.start_logging()
        run._finish_snapshot()
    run.complete()
    assert run.get_snapshot_id()
    assert warnings_of(run) == []


def test_what_is_no_path_is_refused_before_there_is_a_run(experiment: Experiment) -> None:
    with pytest.raises(UserErrorException, match="snapshot_directory"):
        experiment.start_logging(snapshot_directory=3)
    assert list(experiment.get_runs()) == []


# -- when asked for ----------------------------------------------------------------------------------------------


def test_a_folder_and_a_file_can_be_kept_at_any_time(experiment: Experiment, tmp_path: Path) -> None:
    run = experiment.start_logging(snapshot_directory=None)
    folder = write(tmp_path / "code", train="1", mylib="2")
    first = run.take_snapshot(folder)
    second = run.take_snapshot(str(folder / "mylib.py"))
    assert run.get_snapshot_id() == second
    assert run.take_snapshot(folder) == first
    assert contents_of(run.restore_snapshot(first, tmp_path)) == {"mylib.py": "2", "train.py": "1"}
    assert contents_of(run.restore_snapshot(path=str(tmp_path))) == {"mylib.py": "2"}
    run.complete()


def test_a_run_that_is_found_again_has_its_snapshot(run: Run, ws: Workspace) -> None:
    write(Path(), train="1")
    taken = run.take_snapshot(".")
    run.complete()
    again = ws.get_run(run.id)
    assert again.get_snapshot_id() == taken
    assert contents_of(again.restore_snapshot()) == {"train.py": "1"}
    assert Path(f"{taken}.zip").is_file()


def test_another_run_s_snapshot_can_be_given_back(experiment: Experiment) -> None:
    write(Path(), train="1")
    first, second = (experiment.start_logging(snapshot_directory=None) for _ in range(2))
    taken = first.take_snapshot(".")
    assert contents_of(second.restore_snapshot(taken)) == {"train.py": "1"}


def test_a_path_that_is_not_there_is_named(run: Run) -> None:
    with pytest.raises(UserErrorException, match="no file or folder 'absent'"):
        run.take_snapshot("absent")
    with pytest.raises(UserErrorException, match="NoneType"):
        run.take_snapshot(None)  # type: ignore[arg-type]


def test_a_folder_that_cannot_be_kept_is_a_snapshot_exception(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SnapshotException, match="root of the disk"):
        run.take_snapshot("/")
    write(Path(), big="x" * 2000)
    monkeypatch.setenv("MILEPOST_SNAPSHOT_LIMIT", "1KB")
    for path in (".", "big.py"):
        with pytest.raises(SnapshotException, match="MILEPOST_SNAPSHOT_LIMIT"):
            run.take_snapshot(path)


def test_an_unknown_snapshot_is_named(run: Run) -> None:
    with pytest.raises(SnapshotException, match="no-such-id"):
        run.restore_snapshot("no-such-id")


def test_a_place_that_cannot_be_written_is_named(run: Run) -> None:
    write(Path(), train="1")
    run.take_snapshot(".")
    with pytest.raises(SnapshotException, match=r"train\.py"):
        run.restore_snapshot(path="train.py")


@pytest.mark.only_here
def test_a_lost_content_is_told_as_damage(run: Run) -> None:
    write(Path(), train="1")
    taken = run.take_snapshot(".")
    run.flush()
    for path in (run.experiment.workspace._recorder.folder / "blobs" / "sha256").glob("*/*"):
        if path.read_bytes() == b"1":
            path.unlink()
    with pytest.raises(SnapshotException, match="cannot be given back"):
        run.restore_snapshot(taken)
    assert not list(Path().glob("*.zip"))


def test_snapshots_of_an_unknown_run_are_not_looked_for(experiment: Experiment) -> None:
    with pytest.raises(ServiceException):
        Run(experiment, "unknown").get_snapshot_id()


def test_an_interactive_run_tells_where_its_code_comes_from(experiment: Experiment) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *who, *arguments], check=True, capture_output=True)

    Path("train.py").write_text("print(1)")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "first")
    Path("train.py").write_text("print(2)")
    run = experiment.start_logging()
    run.complete()
    properties = run.get_properties()
    assert properties["azureml.git.branch"] == "main"
    assert properties["azureml.git.dirty"] == "True"
    assert properties["ContentSnapshotId"] == run.get_snapshot_id()
    assert "+print(2)" in run._document("git_diff")
