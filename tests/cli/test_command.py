"""The command as a whole: exit codes, errors in one line, help that answers without loading the store."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import milepost as package

from .conftest import Command, Record, execute_script, one_line

EVERY = [
    ["runs", "list"],
    ["runs", "show", "x"],
    ["runs", "metrics", "x"],
    ["runs", "files", "x"],
    ["runs", "download", "x"],
    ["runs", "tag", "x", "a=b"],
    ["runs", "delete", "x", "--yes"],
    ["runs", "logs", "x"],
    ["runs", "wait", "x"],
    ["runs", "cancel", "x"],
    ["runs", "rerun", "x"],
    ["runs", "snapshot", "x"],
    ["runs", "diff", "x", "y"],
    ["queue"],
    ["compute", "list"],
    ["compute", "update", "x", "--max-nodes", "2"],
    ["compute", "delete", "x"],
    ["environments", "list"],
    ["environments", "show", "x"],
    ["experiments", "list"],
    ["models", "list"],
    ["workspace", "info"],
    ["sync", "--workspace", "absent"],
]

WITHOUT_WORKSPACE = [
    ["submit", "x.py"],
    ["compute", "create", "x"],
    ["environments", "prune"],
    ["workspace", "list"],
    ["doctor"],
]


def test_the_version_is_told(milepost: Command) -> None:
    assert milepost("--version").out == f"milepost {package.__version__}\n"


@pytest.mark.parametrize(
    "args",
    [[], ["runs"], ["experiments"], ["models"], ["environments"], ["compute"], ["workspace"]],
    ids=" ".join,
)
def test_a_command_that_is_not_whole_shows_its_help(milepost: Command, args: list[str]) -> None:
    assert "Commands" in milepost(*args).out


@pytest.mark.parametrize("args", [[], *EVERY, *WITHOUT_WORKSPACE], ids=" ".join)
def test_every_command_has_a_help_that_says_how_nan_is_written(milepost: Command, args: list[str]) -> None:
    names = args[: 1 if args[:1] in (["sync"], ["doctor"], ["queue"], ["submit"]) else 2]
    said = " ".join(re.sub(r"[│\n]", " ", milepost(*names, "--help").out).split())
    assert "Usage: milepost" in said
    if args:
        assert '"NaN", "Infinity" and "-Infinity"' in said


@pytest.mark.parametrize("args", EVERY, ids=" ".join)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_a_failure_is_one_line_on_stderr_and_exit_code_1(
    home: Path, milepost: Command, args: list[str], form: list[str]
) -> None:
    result = milepost(*args, *form, ok=False)
    assert result.code == 1
    assert result.out == ""
    assert "There is no workspace" in one_line(result)
    assert not home.exists()


@pytest.mark.parametrize(
    "args",
    [
        ["nothing"],
        ["runs", "nothing"],
        ["runs", "list", "--nothing"],
        ["runs", "list", "--limit", "many"],
        ["runs", "list", "--limit", "-1"],
        ["runs", "list", "--sort", "colour"],
        ["runs", "list", "--sort", "metric:"],
        ["runs", "list", "--sort", "number:x"],
        ["runs", "list", "--status", "Done"],
        ["runs", "list", "--tag", "=x"],
        ["runs", "list", "surplus"],
        ["runs", "show"],
        ["runs", "metrics", "x", "--format", "xml"],
        ["runs", "metrics", "x", "--json", "--format", "csv"],
        ["runs", "tag", "x"],
        ["runs", "tag", "x", "=b"],
        ["runs", "tag", "x", "a=b", "--remove", "a"],
        ["runs", "delete"],
        ["runs", "logs", "x", "--follow", "--json"],
        ["runs", "logs", "x", "--follow", "--list"],
        ["runs", "logs", "x", "--tail", "-1"],
        ["runs", "wait"],
        ["runs", "wait", "x", "--timeout", "soon"],
        ["runs", "cancel"],
        ["runs", "rerun", "x", "--follow", "--json"],
        ["runs", "snapshot", "x", "-o", "a", "--zip", "b"],
        ["runs", "diff", "x"],
        ["queue", "--watch", "--json"],
        ["compute", "create", "x", "--max-nodes", "0"],
        ["compute", "update", "x"],
        ["environments", "prune", "--older-than", "old"],
        ["environments", "show"],
        ["submit"],
        ["submit", "train.py", "--command", "true"],
        ["submit", "train.py", "--alpha", "1"],
        ["submit", "train.py", "--processes", "0"],
        ["submit", "train.py", "--variable", "A"],
        ["submit", "train.py", "--max-duration", "2x"],
        ["submit", "train.py", "--follow", "--json"],
        ["models", "list", "--tag", "="],
        ["workspace", "list", "--workspace"],
    ],
    ids=" ".join,
)
def test_a_command_used_wrongly_is_one_line_on_stderr_and_exit_code_2(
    home: Path, milepost: Command, args: list[str]
) -> None:
    result = milepost(*args, ok=False)
    assert result.code == 2
    assert result.out == ""
    one_line(result)


def test_arguments_that_could_drive_a_terminal_are_told_harmlessly(home: Path, milepost: Command) -> None:
    for args in (["\x1b[31mred"], ["runs", "list", "--sort", "\x1b]0;x\x07"], ["runs", "list", "-w", "a\x1bb"]):
        assert "\x1b" not in milepost(*args, ok=False).err


def test_what_should_not_happen_is_one_line_and_says_how_to_see_more(
    home: Path, milepost: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr("milepost.cli.workspaces.chosen", fail)
    said = one_line(milepost("workspace", "list", ok=False))
    assert "ZeroDivisionError: by zero" in said
    assert "MILEPOST_TRACEBACK=1" in said
    monkeypatch.setenv("MILEPOST_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        milepost("workspace", "list")


def test_ctrl_c_ends_it_without_a_traceback(home: Path, milepost: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("milepost.cli.workspaces.chosen", interrupted)
    result = milepost("workspace", "list", ok=False)
    assert result.code == 130
    assert "Traceback" not in result.err


def test_help_and_version_load_neither_the_store_nor_numpy() -> None:
    for args in (["--help"], ["--version"], ["runs", "list", "--help"]):
        done = execute_script(
            "import sys\n"
            "from milepost.cli.app import run\n"
            "assert run(sys.argv[1:]) == 0\n"
            "heavy = {'sqlalchemy', 'numpy', 'alembic', 'obstore', 'pcodec', 'asyncio', 'sqlite3', 'azureml'}\n"
            "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)",
            *args,
        )
        assert done.returncode == 0, done.stderr


def test_a_reader_that_stops_reading_is_no_error(home: Path, record: Record) -> None:
    def work(workspace: object) -> None:
        from azureml.core import Experiment

        run = Experiment(workspace, "e").start_logging()
        run.log_list("x", range(50_000))
        run.complete()

    record(work)
    source = "from milepost.cli.app import run; import sys; sys.exit(run(sys.argv[1:]))"
    listing = subprocess.run(
        [sys.executable, "-c", source, "runs", "list", "--json"], capture_output=True, check=True, timeout=60
    )
    run_id = re.search(rb'"id": "(.*?)"', listing.stdout)
    assert run_id
    child = subprocess.Popen(
        [sys.executable, "-c", source, "runs", "metrics", run_id[1].decode(), "--format", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout
    assert child.stderr
    child.stdout.readline()
    child.stdout.close()
    assert child.stderr.read() == b""
    child.wait(timeout=60)


def test_names_that_the_output_cannot_write_are_escaped(home: Path, record: Record, process: Command) -> None:
    from azureml.core import Experiment

    record(lambda workspace: Experiment(workspace, "e").start_logging(display_name="日本").complete())
    done = process("runs", "list", env={"PYTHONIOENCODING": "ascii"})
    assert "\\u65e5\\u672c" in done.out
