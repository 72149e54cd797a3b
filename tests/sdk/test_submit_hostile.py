"""Scripts that do what no script should: all of it is told rightly, nothing else is harmed, and nothing is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from azureml.core import Run
from tests.conftest import only_thorough
from tests.sdk.conftest import Script, Submit
from tests.sdk.submitted import (
    ended,
    folder_of,
    printed,
    processes_left,
    runs,
    supervisor_of,
    until,
    until_printed,
)


def _state(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


@pytest.fixture(autouse=True)
def canary(tmp_path: Path) -> Iterator[Path]:
    """A folder beside all that the runs use, which must be the same when the test ends."""
    folder = tmp_path / "canary"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "data.bin").write_bytes(bytes(range(256)) * 1024)
    (folder / "readable.txt").write_text("mine")
    before = _state(folder)
    yield folder
    assert _state(folder) == before


# -- what is printed -----------------------------------------------------------------------------------------------


@only_thorough
def test_a_gigabyte_is_kept_whole_and_followed_without_being_loaded(
    submit: Submit, script: Script, tmp_path: Path
) -> None:
    run = submit(
        """
        import os
        block = (b"x" * 127 + b"\\n") * 8192
        for _ in range(1024):
            left = memoryview(block)
            while left:
                left = left[os.write(1, left):]
        """
    )
    done = script(
        """
        import os, re, sys
        from azureml.core import Workspace
        run = Workspace.get("test").get_run(sys.argv[1])
        told = os.dup(1)
        os.dup2(os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT), 1)
        run.wait_for_completion(show_output=True)
        run.get_status()
        # Not ru_maxrss, which begins with that of the process that started this one.
        os.write(told, re.search(rb"VmHWM:[^0-9]+([0-9]+) kB", open("/proc/self/status", "rb").read())[1])
        """,
        run.id,
        str(tmp_path / "followed"),
    )
    assert int(done.stdout) * 1024 < 400 << 20
    assert (tmp_path / "followed").stat().st_size > 1 << 30
    run.download_file("azureml-logs/70_driver_log.txt", str(tmp_path / "log"))
    assert (tmp_path / "log").stat().st_size == 1 << 30
    assert ended(run) == ("Completed", "", "")


@only_thorough
@pytest.mark.slow
def test_thousands_of_lines_a_second_are_kept_and_followed_to_the_last(
    submit: Submit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = submit(
        """
        import time
        end, number = time.monotonic() + 20, 0
        while time.monotonic() < end:
            for _ in range(50):
                print("line", number)
                number += 1
            time.sleep(0.01)
        print("lines:", number)
        """
    )
    run.wait_for_completion(show_output=True)
    lines = printed(run, tmp_path / "log").decode().splitlines()
    count = int(lines.pop().removeprefix("lines: "))
    assert lines == [f"line {number}" for number in range(count)]
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("line ")] == lines


def test_bytes_that_are_no_text_are_kept_as_they_are_and_shown_as_far_as_they_can_be(
    submit: Submit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = submit(
        """
        import os, time
        os.write(1, bytes(range(256)) * 4)
        os.write(1, b"\\nhalf \\xe2\\x82")
        time.sleep(1.5)
        os.write(1, b"\\xac and cut \\xf0\\x9f\\x98")
        """
    )
    assert run.wait_for_completion(show_output=True)["status"] == "Completed"
    assert printed(run, tmp_path / "log") == bytes(range(256)) * 4 + b"\nhalf \xe2\x82\xac and cut \xf0\x9f\x98"
    assert "half € and cut �" in capsys.readouterr().out
    assert "half €" in run.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"]


def test_control_sequences_are_kept_and_do_not_get_into_the_error(submit: Submit, tmp_path: Path) -> None:
    run = submit(
        r"""
        import sys
        sequences = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]52;c;aGVsbG8=\x07 \x1b[2J\x1b[1;1H \x9b31m \u202e\r"
        print(sequences, flush=True)
        raise ValueError("bad " + sequences)
        """
    )
    status, error, _ = ended(run)
    assert status == "Failed"
    assert "ValueError: bad" in error
    assert not any(not each.isprintable() for each in error)
    assert b"\x1b]52;c;aGVsbG8=\x07" in printed(run, tmp_path / "log")


def test_one_endless_line_is_kept(submit: Submit, script: Script, tmp_path: Path) -> None:
    run = submit(
        """
        import os
        for _ in range(64):
            os.write(1, b"=" * (1 << 20))
        raise SystemExit(5)
        """
    )
    status, error, _ = ended(run)
    assert (status, error) == ("Failed", "train.py: Ended with exit code 5.")
    run.download_file("azureml-logs/70_driver_log.txt", str(tmp_path / "log"))
    assert (tmp_path / "log").stat().st_size == 64 << 20
    # The exception shows the end of the log, not all of it.
    done = script(
        """
        import sys
        from azureml.core import Workspace
        from azureml.exceptions import ActivityFailedException
        try:
            Workspace.get("test").get_run(sys.argv[1]).wait_for_completion()
        except ActivityFailedException as error:
            print(len(str(error)))
        """,
        run.id,
    )
    assert int(done.stdout) < 20_000


@pytest.mark.parametrize(
    "how",
    [
        "os.close(1); os.close(2)",
        "sys.stdout.close(); sys.stderr.close()",
        "os.closerange(0, 256)",
        "os.dup2(os.open('outputs/mine.txt', os.O_WRONLY | os.O_CREAT), 1); os.dup2(1, 2); print('redirected')",
    ],
)
def test_a_script_without_its_standard_output_records_and_completes(submit: Submit, how: str) -> None:
    run = submit(
        f"""
        import os, sys
        from azureml.core import Run
        print("before", flush=True)
        {how}
        Run.get_context().log("value", 1)
        """
    )
    assert ended(run)[0] == "Completed"
    assert run.get_metrics() == {"value": 1}
    assert run.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"] == "before\n"


# -- its processes -------------------------------------------------------------------------------------------------


def test_daemons_that_hide_are_ended_with_the_script(submit: Submit, tmp_path: Path) -> None:
    run = submit(
        """
        import os, sys, time
        code = "import os, time; print('daemon', os.getpid(), flush=True); time.sleep(600)"
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.chdir("/")
                    os.execve(sys.executable, ["innocent", "-c", code], {})
                os._exit(0)
        time.sleep(2)
        """
    )
    status, _, warnings = ended(run)
    daemons = [int(line.split()[1]) for line in printed(run, tmp_path / "log").splitlines()]
    assert len(daemons) == 3
    assert status == "Completed"
    assert "left 3 processes running" in warnings
    assert not any(runs(pid) for pid in daemons)


def test_what_is_printed_by_a_detached_process_after_the_end_stays_out_of_the_log(
    submit: Submit, tmp_path: Path
) -> None:
    run = submit(
        """
        import os, signal, time
        print("first", flush=True)
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for number in range(10_000):
                os.write(1, b"after %d\\n" % number)
                time.sleep(0.05)
            os._exit(0)
        """
    )
    assert ended(run)[0] == "Completed"
    log = printed(run, tmp_path / "log")
    assert log.startswith(b"first\n")
    assert log.endswith(b"\n")
    assert processes_left(run.id) == []


def test_a_script_that_becomes_another_program_is_followed_to_that_programs_end(submit: Submit, tmp_path: Path) -> None:
    run = submit("import os; os.execv('/bin/sh', ['sh', '-c', 'echo hi from sh; exit 7'])")
    assert ended(run) == ("Failed", "train.py: Ended with exit code 7.", "")
    assert printed(run, tmp_path / "log") == b"hi from sh\n"


def test_a_script_that_kills_its_process_group_is_told_by_the_signal(submit: Submit) -> None:
    run = submit("import os, signal; os.killpg(0, signal.SIGKILL)")
    status, error, _ = ended(run)
    assert status == "Failed"
    assert "SIGKILL" in error


def test_a_script_that_kills_its_supervisor_ends_with_the_reason(submit: Submit, source: Path) -> None:
    (source / "calm.py").write_text("import time; print('calm', flush=True); time.sleep(6)")
    calm = submit(script="calm.py")
    until_printed(calm, b"calm")
    run = submit(
        """
        import os, signal, time
        print("begun", flush=True)
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)
        """
    )
    status, error, _ = ended(run)
    assert status == "Failed"
    assert "supervised this run was killed" in error
    assert processes_left(run.id) == []
    assert ended(calm)[0] == "Completed"


def test_a_script_that_stops_its_supervisor_can_still_be_cancelled(submit: Submit) -> None:
    run = submit(
        """
        import os, signal, time
        os.kill(os.getppid(), signal.SIGSTOP)
        print("begun", flush=True)
        time.sleep(600)
        """
    )
    until_printed(run, b"begun")
    supervisor = supervisor_of(run)
    run.cancel()
    os.kill(supervisor, signal.SIGCONT)
    assert ended(run)[0] == "Canceled"
    assert processes_left(run.id) == []


def test_limits_that_a_script_sets_itself_end_it_alone(submit: Submit) -> None:
    run = submit(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        open("outputs/small.txt", "w").write("kept")
        open("outputs/large.txt", "wb", buffering=0).write(bytes(1 << 20))
        print("the log is short enough")
        resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
        bytearray(1 << 30)
        """
    )
    status, error, _ = ended(run)
    assert status == "Failed"
    assert "MemoryError" in error
    assert {"outputs/small.txt", "outputs/large.txt"} <= set(run.get_file_names())
    assert ended(submit("print('the next one')"))[0] == "Completed"


def test_a_script_that_forks_more_and_more_is_ended(submit: Submit) -> None:
    run = submit(
        """
        import os, time
        print("begun", flush=True)
        for number in range(300):
            if os.fork() == 0:
                os.setsid()
                time.sleep(600)
        time.sleep(600)
        """
    )
    until_printed(run, b"begun")
    until(lambda: len(processes_left(run.id)) > 300)
    run.cancel()
    assert ended(run)[0] == "Canceled"
    assert processes_left(run.id) == []


# -- Milepost's own files --------------------------------------------------------------------------------------------

GARBAGE = ["", "{", "[]", "[1, 2]", "{}", '"text"', '{"status": 1, "handle": 2, "boot": [], "what": null}']


@pytest.mark.parametrize(
    "name",
    [
        "request.json",
        "launched.json",
        *(pytest.param(each, marks=only_thorough) for each in ("roots.json", "started.json", "prepared.json")),
    ],
)
def test_a_script_that_writes_into_the_jobs_own_files_harms_itself_alone(
    submit: Submit, source: Path, name: str
) -> None:
    (source / "calm.py").write_text("import time; print('calm', flush=True); time.sleep(8)")
    calm = submit(script="calm.py")
    until_printed(calm, b"calm")
    (source / "train.py").write_text(
        "import sys, time\n"
        "time.sleep(0.5)\n"  # until the supervisor has written its own
        f"open('../{name}', 'w').write(sys.argv[1])\n"
        "time.sleep(1)\n"
        "open('outputs/kept.txt', 'w').write('kept')\n"
    )
    for run in [submit(script="train.py", arguments=[garbage]) for garbage in GARBAGE]:
        status, error, _ = ended(run)
        assert status in ("Completed", "Canceled", "Failed")
        assert status == "Completed" or error
        assert processes_left(run.id) == []
    assert ended(calm)[0] == "Completed"
    assert ended(submit("print('the next one')"))[0] == "Completed"


@pytest.mark.parametrize(
    "garbage", [*GARBAGE, '{"status": "Completed", "error": null}', '{"status": "Failed", "error": 7}']
)
def test_a_run_can_be_cancelled_whatever_its_script_has_written_as_a_request(submit: Submit, garbage: str) -> None:
    run = submit(
        """
        import sys, time
        open("../request.json", "w").write(sys.argv[1])
        print("begun", flush=True)
        time.sleep(600)
        """,
        arguments=[garbage],
    )
    until_printed(run, b"begun")
    run.cancel()
    assert ended(run)[0] == "Canceled"
    assert processes_left(run.id) == []


def test_a_script_that_empties_its_jobs_folder_fails_by_name_or_completes(submit: Submit) -> None:
    run = submit(
        """
        import os, shutil, time
        for name in os.listdir(".."):
            path = os.path.join("..", name)
            if name != "work":
                shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.unlink(path)
        time.sleep(2)
        """
    )
    assert ended(run)[0] in ("Completed", "Failed")
    assert processes_left(run.id) == []
    assert ended(submit("print('the next one')"))[0] == "Completed"


def test_a_script_that_removes_its_jobs_folder_does_not_stay_a_ghost(submit: Submit) -> None:
    run = submit("import os, shutil, time; shutil.rmtree(os.path.abspath('..')); time.sleep(2)")
    assert ended(run)[0] in ("Completed", "Failed")
    assert processes_left(run.id) == []
    assert ended(submit("print('the next one')"))[0] == "Completed"


def test_a_snapshot_is_what_was_submitted_whatever_the_script_does_to_its_copy(
    submit: Submit, source: Path, tmp_path: Path
) -> None:
    import zipfile

    (source / "data.bin").write_bytes(b"original" * 200_000)
    run = submit(
        """
        with open("data.bin", "r+b") as file:
            file.write(b"changed!")
        open("train.py", "w").write("nothing")
        """
    )
    assert ended(run)[0] == "Completed"
    with zipfile.ZipFile(run.restore_snapshot(path=str(tmp_path / "restored"))) as archive:
        assert archive.read("data.bin") == b"original" * 200_000
        assert b"changed!" in archive.read("train.py")


# -- memory and disk -------------------------------------------------------------------------------------------------


def _small_cgroup(name: str) -> Path | None:
    """A control group with 64 MB of memory, where that can be made."""
    for root in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        folder = root / name
        limit = "memory.limit_in_bytes" if root.name == "memory" else "memory.max"
        try:
            folder.mkdir()
            (folder / limit).write_text(str(64 << 20))
            return folder
        except OSError:
            try:
                folder.rmdir()
            except OSError:
                continue
    return None


def test_a_script_that_eats_all_memory_is_told_so(submit: Submit) -> None:
    group = _small_cgroup(f"milepost-test-{os.getpid()}")
    if group is None:
        pytest.skip("a control group with a limit of memory can be made by root only, where the system allows it")
    try:
        run = submit(
            f"""
            import os
            open({str(group / "cgroup.procs")!r}, "w").write(str(os.getpid()))
            blocks = []
            while True:
                blocks.append(bytearray(os.urandom(1 << 20)))
            """
        )
        status, error, _ = ended(run)
        assert status == "Failed"
        assert "SIGKILL" in error
        assert "memory" in error
    finally:
        until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of 64 MB as home."""
    import subprocess

    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "milepost-test", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("mounting a small disk takes root's rights")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


@only_thorough
def test_a_script_that_fills_the_disk_fails_and_says_so(
    small_disk: Path, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azureml.core import Experiment, ScriptRunConfig, Workspace
    from milepost.jobs.agent_start import stop_agent
    from milepost.sdk.recording.recorder import close_recorder

    monkeypatch.setenv("MILEPOST_HOME", str(small_disk / "home"))
    source = small_disk.parent / "source"
    (source / "train.py").write_text(
        "from azureml.core import Run\n"
        "Run.get_context().log('before', 1)\n"
        "with open('outputs/filler.bin', 'wb', buffering=0) as file:\n"
        "    while True:\n"
        "        file.write(bytes(1 << 20))\n"
    )
    workspace = Workspace.create("small")
    try:
        run = Experiment(workspace, "exp").submit(ScriptRunConfig(str(source), "train.py"))
        status, error, _ = ended(run)
        assert status == "Failed"
        assert "No space left on device" in error or "is full" in error
        assert "outputs/filler.bin" in run.get_file_names()
        assert run.get_metrics() == {"before": 1}
        (source / "train.py").write_text("print('the next one')")
        again = Experiment(workspace, "exp").submit(ScriptRunConfig(str(source), "train.py"))
        assert ended(again)[0] in ("Completed", "Failed")
    finally:
        until(lambda: stop_agent(workspace._recorder.folder, 0.5))
        close_recorder(workspace._recorder)


def test_the_folder_of_a_run_that_ended_is_gone(submit: Submit) -> None:
    run: Run = submit("import os; os.mkdir('outputs/a'); os.chmod('outputs/a', 0)")
    folder = folder_of(run)
    assert ended(run)[0] == "Completed"
    until(lambda: not folder.exists())
