"""What cannot be submitted, or not be run: an error that names it, before or while the run is prepared."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
from azureml.exceptions import SnapshotException, UserErrorException
from tests.sdk.conftest import Submit
from tests.sdk.submitted import ended

REFUSED = (UserErrorException, SnapshotException)


def _with_interpreter(path: str) -> Environment:
    environment = Environment("own")
    environment.python.user_managed_dependencies = True
    environment.python.interpreter_path = path
    return environment


# -- the source directory --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["/", "~", "/dev/null", "", "no/such", "a\0b", 7, b"bytes", []])
def test_a_source_directory_that_is_none_is_refused(experiment: Experiment, folder: Any) -> None:
    with pytest.raises(REFUSED):
        experiment.submit(ScriptRunConfig(source_directory=folder, command="true"))
    assert list(experiment.get_runs()) == []


def test_the_home_folder_is_refused_by_name(
    experiment: Experiment, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "train.py").write_text("")
    monkeypatch.setenv("HOME", str(source))
    with pytest.raises(REFUSED, match="home folder"):
        experiment.submit(ScriptRunConfig(str(source), "train.py"))


def test_sockets_fifos_and_links_out_of_the_tree_are_left_out_and_told(submit: Submit, source: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(source)  # a socket's path must be short
    server.bind("socket")
    os.chdir(here)
    os.mkfifo(source / "pipe")
    (source.parent / "secret.txt").write_text("secret")
    (source / "stolen.txt").symlink_to(source.parent / "secret.txt")
    (source / "back").symlink_to(source)
    (source / "inside.txt").write_text("inside")
    (source / "link.txt").symlink_to("inside.txt")
    run = submit("import os; print(sorted(os.listdir('.')), open('link.txt').read())")
    status, _, warnings = ended(run)
    assert status == "Completed"
    log = run.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"]
    assert log == "['inside.txt', 'link.txt', 'logs', 'outputs', 'train.py'] inside\n"
    for name in ("socket", "pipe", "stolen.txt", "back"):
        assert f"'{name}'" in warnings


def test_a_file_that_cannot_be_read_is_named(submit: Submit, source: Path, experiment: Experiment) -> None:
    (source / "private.txt").write_text("mine")
    (source / "private.txt").chmod(0)
    if os.access(source / "private.txt", os.R_OK):
        pytest.skip("root may read all files")
    with pytest.raises(REFUSED, match=r"private\.txt"):
        submit("print(1)")
    assert list(experiment.get_runs()) == []


def test_a_folder_that_is_too_large_is_refused_with_what_is_large_in_it(
    submit: Submit, source: Path, experiment: Experiment
) -> None:
    (source / "data").mkdir()
    with (source / "data" / "huge.bin").open("wb") as file:
        file.truncate(301 << 20)
    with pytest.raises(SnapshotException, match=r"huge\.bin.*\.amlignore"):
        submit("print(1)")
    assert list(experiment.get_runs()) == []
    (source / ".amlignore").write_text("data/\n")
    assert ended(submit("print(1)"))[0] == "Completed"


# -- the script ------------------------------------------------------------------------------------------------------


def test_a_script_outside_the_source_directory_is_refused(submit: Submit, source: Path, experiment: Experiment) -> None:
    (source / "sub").mkdir()
    (source.parent / "outside.py").write_text("")
    (source / "linked.py").symlink_to(source.parent / "outside.py")
    for script in ("../outside.py", str(source.parent / "outside.py"), "sub/../../outside.py", "linked.py"):
        with pytest.raises(UserErrorException, match="outside|leads out"):
            submit(script=script)
    with pytest.raises(UserErrorException, match="is a folder"):
        submit(script="sub")
    for script in ("", " ", "a\0b", 7, b"train.py", ["train.py"]):
        with pytest.raises(UserErrorException):
            submit(script=script)
    assert list(experiment.get_runs()) == []


@pytest.mark.parametrize("name", ["träin ünï 日本.py", "with space.py", "-c", "sub folder/train.py", "a'b\"c$d;e.py"])
def test_a_script_may_have_any_name(submit: Submit, source: Path, name: str) -> None:
    (source / name).parent.mkdir(exist_ok=True)
    (source / name).write_text("import sys; print('said', sys.argv[1:])")
    run = submit(script=name, arguments=["--alpha", 0.5, "two words", "$HOME", "ü", ""])
    status, error, _ = ended(run)
    assert (status, error) == ("Completed", "")
    log = run.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"]
    assert log == "said ['--alpha', '0.5', 'two words', '$HOME', 'ü', '']\n"


@pytest.mark.parametrize(
    "arguments", ["--a 1", {"a": 1}, 7, [None], [{"a": 1}], [["nested"]], [object()], ["a\0b"], [b"bytes"], ["\ud800"]]
)
def test_arguments_that_no_script_can_be_given_are_refused(
    submit: Submit, experiment: Experiment, arguments: Any
) -> None:
    with pytest.raises(UserErrorException, match="arguments"):
        submit("print(1)", arguments=arguments)
    assert list(experiment.get_runs()) == []


def test_arguments_longer_than_the_system_takes_fail_the_run_with_the_reason(submit: Submit) -> None:
    status, error, _ = ended(submit("print(1)", arguments=["x" * (4 << 20)]))
    assert status == "Failed"
    assert "too long" in error


# -- interpreter and variables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "told"),
    [("/bin/cat", "cat"), ("/bin/false", "false"), ("/etc/passwd", "passwd"), ("/", "/"), ("/no/such/python", "such")],
)
def test_an_interpreter_that_is_none_fails_the_run_by_name(submit: Submit, path: str, told: str) -> None:
    run = submit("print('never')", environment=_with_interpreter(path))
    status, error, _ = ended(run)
    assert status == "Failed"
    assert told in error


def test_an_interpreter_that_ends_at_once_fails_the_run(submit: Submit, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'this Python is broken' >&2\nexit 3\n")
    broken.chmod(0o755)
    status, error, _ = ended(submit("print('never')", environment=_with_interpreter(str(broken))))
    assert status == "Failed"
    assert str(broken) in error or "3" in error


def test_an_interpreter_that_hangs_can_be_cancelled(submit: Submit, tmp_path: Path) -> None:
    hanging = tmp_path / "python"
    hanging.write_text("#!/bin/sh\nsleep 600\n")
    hanging.chmod(0o755)
    run = submit("print('never')", environment=_with_interpreter(str(hanging)))
    run.cancel()
    assert ended(run)[0] == "Canceled"


@pytest.mark.parametrize(
    "variables", [{"A=B": "1"}, {"": "1"}, {"A\0": "1"}, {"A": "1\0"}, {7: "1"}, {"A": ["1"]}, "A=1"]
)
def test_variables_that_no_process_can_have_are_refused(
    submit: Submit, experiment: Experiment, source: Path, variables: Any
) -> None:
    (source / "train.py").write_text("")

    def submit_with_them() -> None:
        config = ScriptRunConfig(str(source), "train.py")
        config.run_config.environment_variables = variables
        experiment.submit(config)

    with pytest.raises(UserErrorException):
        submit_with_them()
    assert list(experiment.get_runs()) == []


def test_variables_may_have_any_other_content(submit: Submit) -> None:
    environment = Environment("own")
    environment.python.user_managed_dependencies = True
    environment.environment_variables = {"A": "x=y\nz ü", "EMPTY": "", "NUMBER": 3}
    run = submit("import os; print([os.environ[name] for name in ('A', 'EMPTY', 'NUMBER')])", environment=environment)
    assert ended(run)[0] == "Completed"
    log = run.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"]
    assert log == "['x=y\\nz ü', '', '3']\n"


# -- names at their limits -------------------------------------------------------------------------------------------


def test_an_experiment_with_the_longest_name_runs_scripts(ws: Workspace, submit: Submit, source: Path) -> None:
    (source / "train.py").write_text("import os; print(os.environ['AZUREML_RUN_ID'])")
    run = Experiment(ws, "e" * 255).submit(ScriptRunConfig(str(source), "train.py"))
    assert ended(run)[0] == "Completed"
    log = run.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"]
    assert log == f"{run.id}\n"
