"""``milepost submit``: what is run, where, with what, and how the command ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from milepost.cli.submitting import valid_name

from .conftest import PROGRAM, Command, one_line

pytestmark = pytest.mark.usefixtures("source")

TELL = """
import json, os, sys
names = ("RANK", "WORLD_SIZE", "COLOUR", "AZUREML_RUN_ID")
print(json.dumps({"arguments": sys.argv[1:], "python": sys.executable, "files": sorted(os.listdir(".")),
                  **{name: os.environ.get(name) for name in names}}))
"""


def script(text: str = TELL, name: str = "train.py") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def told(milepost: Command, *args: str) -> tuple[dict[str, Any], Any]:
    """The submitted run as JSON, once it has completed, and what its script said of itself."""
    run = milepost("submit", "--wait", "--json", *args).json
    return run, json.loads(milepost("runs", "logs", run["id"]).out)


def test_a_script_runs_with_no_configuration_at_all(home: Path, milepost: Command) -> None:
    script()
    run, said = told(milepost, "train.py", "--", "--alpha", "0.1", "-f", "a b")
    assert (run["workspace"], run["experiment"], run["status"], run["target"]) == (
        "default",
        "work",
        "Completed",
        "local",
    )
    assert said["arguments"] == ["--alpha", "0.1", "-f", "a b"]
    assert said["python"] == sys.executable
    assert said["AZUREML_RUN_ID"] == run["id"]
    assert run["url"].endswith(f"/experiments/work/runs/{run['id']}")


def test_what_was_submitted_and_how_to_follow_it_is_told(home: Path, milepost: Command) -> None:
    script()
    lines = milepost("submit", "train.py", "-e", "tuning").out.splitlines()
    run_id = milepost("runs", "list", "--json").json["runs"][0]["id"]
    assert lines == [
        f"Run:    {run_id}",
        f"Page:   http://127.0.0.1:8765/experiments/tuning/runs/{run_id}",
        f"Follow: milepost runs logs -f {run_id}",
    ]
    assert milepost("runs", "wait", run_id).err.startswith(f"milepost: {run_id}: Completed after")


def test_its_name_tags_and_variables(home: Path, milepost: Command) -> None:
    script()
    run, said = told(
        milepost, "train.py", "--name", "first try", "--tag", "lr=0.1", "--tag", "draft", "--variable", "COLOUR=a=b"
    )
    assert run["name"] == "first try"
    assert run["tags"] == {"lr": "0.1", "draft": None}
    assert said["COLOUR"] == "a=b"


def test_a_command_for_the_shell(home: Path, milepost: Command) -> None:
    script("print('from train')")
    run = milepost("submit", "--command", "python train.py | tee outputs/copy.txt", "--wait", "--json").json
    assert milepost("runs", "logs", run["id"]).out == "from train\n"
    names = [each["name"] for each in milepost("runs", "files", run["id"], "--json").json["files"]]
    assert "outputs/copy.txt" in names


@pytest.mark.parametrize(
    ("args", "files"),
    [
        (["proj/train.py"], ["logs", "other.txt", "outputs", "proj"]),
        (["train.py", "--source", "proj"], ["logs", "outputs", "train.py"]),
        (["proj/train.py", "--source", "proj"], ["logs", "outputs", "train.py"]),
        (["../away/train.py"], ["logs", "outputs", "train.py"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_the_source_folder_is_this_one_or_the_scripts_or_the_one_given(
    home: Path, milepost: Command, args: list[str], files: list[str]
) -> None:
    script(name="proj/train.py")
    script(name="../away/train.py")
    Path("other.txt").write_text("x")
    assert told(milepost, *args)[1]["files"] == files


def test_several_processes_find_themselves(home: Path, milepost: Command) -> None:
    script()
    run, said = told(milepost, "train.py", "--processes", "2")
    assert (said["RANK"], said["WORLD_SIZE"]) == ("0", "2")
    other = milepost("runs", "logs", run["id"], "--name", "70_driver_log_1.txt")
    assert json.loads(other.out)["RANK"] == "1"


def test_a_run_that_takes_too_long_is_canceled(home: Path, milepost: Command) -> None:
    script("import time; time.sleep(600)")
    result = milepost("submit", "train.py", "--max-duration", "1s", "--wait", "--json", ok=False)
    assert result.code == 3
    assert result.json["status"] == "Canceled"
    assert "max_run_duration" in result.json["error"]["message"]


@pytest.mark.parametrize(("source", "code"), [("print('fine')", 0), ("print('bad'); raise SystemExit(7)", 1)])
def test_following_writes_the_log_alone_and_its_end_is_the_exit_code(
    home: Path, process: Command, source: str, code: int
) -> None:
    script(source)
    done = process("submit", "train.py", "--follow", ok=not code)
    assert done.code == code
    assert done.out == ("bad\n" if code else "fine\n")
    assert ("Ended with exit code 7" in done.err) is bool(code)
    assert "Traceback" not in done.err


def test_ctrl_c_while_following_leaves_the_run_alone(home: Path, milepost: Command) -> None:
    import signal

    script("import time; print('begun', flush=True)\nwhile not __import__('os').path.exists('../go'): time.sleep(0.05)")
    child = subprocess.Popen(
        [*PROGRAM, "submit", "train.py", "--follow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout
    assert child.stdout.readline() == "begun\n"
    child.send_signal(signal.SIGINT)
    _out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "goes on" in err
    run_id = milepost("runs", "list", "--json").json["runs"][0]["id"]
    job = next(home.glob(f"workspaces/*/jobs/{run_id}"))
    (job / "go").touch()
    assert milepost("runs", "wait", run_id, "--json").json["status"] == "Completed"


class TestEnvironments:
    def test_an_interpreter_as_it_is(self, home: Path, milepost: Command) -> None:
        script()
        mine = Path("mine")
        mine.symlink_to(sys.executable)
        assert milepost("submit", "train.py", "--python", "mine", "--wait", "--json").json["status"] == "Completed"
        shown = milepost("runs", "list", "--json").json["runs"][0]["id"]
        assert f"{mine.absolute()} as it is" in milepost("runs", "show", shown).out

    def test_a_file_says_what_is_built(self, home: Path, milepost: Command) -> None:
        script()
        Path("requirements.txt").write_text("surely-not-a-package-of-anyone==0\n")
        milepost("compute", "create", "full")
        run = milepost("submit", "train.py", "--env", "requirements.txt", "--target", "full", "--json").json
        found = milepost("runs", "show", run["id"], "--json").json
        assert found["environment"]["name"] == "requirements"
        assert found["environment"]["python"]["condaDependencies"]["dependencies"][-1] == {
            "pip": ["surely-not-a-package-of-anyone==0"]
        }
        milepost("runs", "cancel", run["id"], "--wait")

    def test_a_registered_one_by_version_and_label(self, home: Path, milepost: Command, record: Any) -> None:
        from azureml.core import Environment

        def register(workspace: Any) -> None:
            for value in ("1", "2"):
                made = Environment("mine")
                made.python.user_managed_dependencies = True
                made.environment_variables = {"COLOUR": value}
                made.register(workspace)
            Environment.label(workspace, "mine", 1, ["good"])

        record(register)
        script()
        for name, colour in (("mine", "2"), ("mine:1", "1"), ("mine:good", "1")):
            assert told(milepost, "train.py", "--env", name)[1]["COLOUR"] == colour


class TestWrongUse:
    @pytest.mark.parametrize(
        ("args", "said"),
        [
            (["trane.py"], "Is it 'train.py'?"),
            (["train.py", "--source", "nowhere"], "nowhere"),
            (["train.py", "--target", "nowhere"], "has no pool 'nowhere'"),
            (["train.py", "--env", "nowhere"], "'nowhere' is no file here, and no environment"),
            (["train.py", "--env", "nowhere.txt"], "nowhere.txt"),
            (["train.py", "--env", "./nowhere"], "there is no file 'nowhere'"),
            (["train.py", "--env", "train.py"], "none of these"),
            (["train.py", "--python", "nowhere"], "no interpreter 'nowhere'"),
            (["train.py", "--python", "."], "no virtual environment"),
            (["train.py", "--python", "x", "--env", "y"], "cannot be had at once"),
            (["train.py", "-e", "no/name"], "cannot name an experiment"),
            (["run.sh"], "--command 'bash run.sh'"),
            (["notes.ipynb"], "no Python script"),
            (["train.py", "--variable", "=1"], "--variable"),
            (["train.py", "--max-duration", "-1"], "--max-duration"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_nothing_is_submitted_and_it_is_told_why(
        self, home: Path, milepost: Command, args: list[str], said: str
    ) -> None:
        script()
        result = milepost("submit", *args, ok=False)
        assert result.code == 2
        assert said in result.err
        assert "Traceback" not in result.err
        assert not list(home.glob("workspaces/*/jobs/*/job.json"))

    def test_the_arguments_of_the_script_come_after_two_dashes(self, home: Path, milepost: Command) -> None:
        assert "comes after --" in one_line(milepost("submit", "train.py", "--alpha", "1", ok=False))

    def test_a_workspace_that_is_named_must_be_there(self, home: Path, milepost: Command) -> None:
        script()
        assert "There is no workspace 'typo'" in one_line(milepost("submit", "train.py", "-w", "typo", ok=False))
        assert not home.exists()


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("my project (2)", "my-project-2"),
        ("été", "ete"),
        ("模型", "experiment"),
        (".hidden", "hidden"),
        ("", "experiment"),
        ("x" * 300, "x" * 255),
        ("ok_1-2", "ok_1-2"),
    ],
)
def test_a_folders_name_becomes_an_experiments(folder: str, name: str) -> None:
    assert valid_name(folder) == name
