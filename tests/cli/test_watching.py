"""``milepost runs logs``, ``wait``, ``cancel``, ``rerun``, ``snapshot`` and ``diff`` of submitted runs; ``queue``."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from milepost.cli.queue import places_in_line
from milepost.jobs.listing import ListedJob
from tests.conftest import only_thorough

from .conftest import Command, Record, one_line

pytestmark = pytest.mark.usefixtures("source")

WAITS = """
import os, sys, time
print("begun", flush=True)
while not os.path.exists("../go"):
    time.sleep(0.05)
print("done")
"""


def submit(milepost: Command, text: str, *args: str) -> str:
    Path("train.py").write_text(text)
    return str(milepost("submit", "train.py", "--json", *args).json["id"])


def ended(milepost: Command, text: str, *args: str) -> str:
    run_id = submit(milepost, text, *args)
    milepost("runs", "wait", run_id)
    return run_id


def let_go(home: Path, run_id: str) -> None:
    (next(home.glob(f"workspaces/*/jobs/{run_id}")) / "go").touch()


class TestLogs:
    def test_into_a_pipe_the_bytes_go_as_they_are(self, home: Path, process: Command) -> None:
        import subprocess

        from .conftest import PROGRAM

        Path("train.py").write_text("import sys; sys.stdout.buffer.write(bytes(range(256)) + b'\\x1b]0;t\\x07\\r\\n')")
        run_id = json.loads(process("submit", "train.py", "--wait", "--json").out)["id"]
        for more in ([], ["--follow"]):
            done = subprocess.run([*PROGRAM, "runs", "logs", run_id, *more], capture_output=True, check=True)
            assert done.stdout == bytes(range(256)) + b"\x1b]0;t\x07\r\n"

    def test_on_a_terminal_only_colours_are_left(self, home: Path, terminal: Command, milepost: Command) -> None:
        run_id = ended(milepost, r"print('\x1b]0;evil\x07\x1b[2J\x1b[31mred\x1b[0m')")
        assert terminal("runs", "logs", run_id).out == "\x1b[31mred\x1b[0m\n\x1b[0m"
        assert terminal("runs", "logs", run_id, env={"NO_COLOR": "1"}).out == "red\n"

    @pytest.mark.parametrize(
        ("count", "wanted"), [("0", ""), ("1", "3\n"), ("2", "2\n3\n"), ("3", "1\n2\n3\n"), ("9", "1\n2\n3\n")]
    )
    def test_its_last_lines(self, home: Path, milepost: Command, three_lines: str, count: str, wanted: str) -> None:
        assert milepost("runs", "logs", three_lines, "--tail", count).out == wanted

    def test_its_last_lines_and_what_follows(self, home: Path, process: Command, three_lines: str) -> None:
        assert process("runs", "logs", three_lines, "--tail", "1", "-f").out == "3\n"

    def test_a_reader_that_has_seen_enough_is_no_error(self, home: Path, milepost: Command) -> None:
        import subprocess

        from .conftest import PROGRAM

        run_id = ended(milepost, "for i in range(500_000): print(i)")
        with subprocess.Popen(
            [*PROGRAM, "runs", "logs", run_id], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as child:
            assert child.stdout
            assert child.stderr
            assert child.stdout.readline() == b"0\n"
            child.stdout.close()
            assert child.stderr.read() == b""

    def test_last_lines_of_a_large_log(self, home: Path, milepost: Command) -> None:
        run_id = ended(milepost, "for i in range(60_000): print(i)\nprint('end', end='')")
        assert milepost("runs", "logs", run_id, "--tail", "2").out == "59999\nend"
        many = milepost("runs", "logs", run_id, "--tail", "50000").out.splitlines()
        assert (many[0], len(many)) == ("10001", 50_000)

    def test_which_there_are_and_one_of_them(self, home: Path, milepost: Command) -> None:
        run_id = ended(milepost, "open('logs/epochs.txt', 'w').write('1 2 3')")
        assert [each["name"] for each in milepost("runs", "logs", run_id, "--list", "--json").json["logs"]] == [
            "azureml-logs/70_driver_log.txt",
            "logs/epochs.txt",
        ]
        assert "logs/epochs.txt" in milepost("runs", "logs", run_id, "--list").out
        assert milepost("runs", "logs", run_id, "--name", "epochs.txt").out == "1 2 3"
        assert milepost("runs", "logs", run_id, "-n", "logs/epochs.txt", "--json").json["text"] == "1 2 3"
        result = milepost("runs", "logs", run_id, "--name", "absent", ok=False)
        assert result.code == 2
        assert "has no log 'absent'. It has: azureml-logs/70_driver_log.txt" in one_line(result)

    def test_a_run_that_printed_nothing(self, home: Path, milepost: Command, record: Record) -> None:
        from azureml.core import Experiment

        record(lambda workspace: Experiment(workspace, "e").start_logging(run_id="quiet").complete())
        assert "has not printed anything" in one_line(milepost("runs", "logs", "quiet", ok=False))
        assert milepost("runs", "logs", "quiet", "--list", "--json").json["logs"] == []

    def test_building_the_environment_is_followed_too(self, home: Path, process: Command) -> None:
        Path("train.py").write_text("print(1)")
        Path("bad.txt").write_text("./not-there.whl\n")
        done = process("submit", "train.py", "--env", "bad.txt", "--follow", ok=False)
        assert done.code == 1
        assert "not-there.whl" in done.out
        assert "EnvironmentFailed" in done.err

    def test_a_run_is_followed_from_its_middle_to_its_end(self, home: Path, milepost: Command) -> None:
        import subprocess

        from .conftest import PROGRAM

        run_id = submit(milepost, WAITS)
        with subprocess.Popen(
            [*PROGRAM, "runs", "logs", run_id[:-3], "--follow"], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout
            assert child.stdout.readline() == "begun\n"
            let_go(home, run_id)
            assert child.communicate(timeout=60)[0] == "done\n"
        assert child.returncode == 0


@pytest.fixture
def three_lines(home: Path, milepost: Command) -> str:
    return ended(milepost, "print(1); print(2); print(3)")


class TestEnds:
    def test_waiting_tells_the_end_by_the_exit_code(self, home: Path, milepost: Command) -> None:
        run_id = submit(milepost, "raise ValueError('no data')")
        result = milepost("runs", "wait", run_id, "--json", ok=False)
        assert result.code == 1
        assert result.json["status"] == "Failed"
        assert "no data" in milepost("runs", "wait", run_id, ok=False).err

    def test_waiting_ends_when_its_time_is_over(self, home: Path, milepost: Command) -> None:
        run_id = submit(milepost, WAITS)
        result = milepost("runs", "wait", run_id, "--timeout", "0.2s", ok=False)
        assert result.code == 4
        assert "has not ended yet" in result.err
        let_go(home, run_id)
        assert milepost("runs", "wait", run_id).code == 0

    def test_canceling(self, home: Path, milepost: Command) -> None:
        first, second = submit(milepost, WAITS), submit(milepost, WAITS)
        result = milepost("runs", "cancel", first, second, "--wait", "--json")
        assert [each["status"] for each in result.json["runs"]] == ["Canceled", "Canceled"]
        assert milepost("runs", "wait", first, ok=False).code == 3
        again = milepost("runs", "cancel", first, second, ok=False)
        assert again.code == 2
        assert f"{first} (Canceled), {second} (Canceled)" in one_line(again)

    def test_canceling_an_interactive_run_says_what_it_cannot_do(
        self, home: Path, milepost: Command, record: Record
    ) -> None:
        from .conftest import recording

        with recording("default") as run_id:
            assert "the process that records it goes on" in milepost("runs", "cancel", run_id).err

    @pytest.mark.parametrize("command", ["logs", "wait", "cancel", "rerun", "snapshot"])
    def test_a_run_that_is_not_there(self, home: Path, milepost: Command, three_lines: str, command: str) -> None:
        result = milepost("runs", command, "absent", ok=False)
        assert result.code == 2
        assert "no run whose id begins with 'absent'" in one_line(result)


@only_thorough
class TestAgain:
    def test_a_rerun_has_the_same_files_and_arguments(self, home: Path, milepost: Command) -> None:
        first = ended(milepost, "import sys; print('old', sys.argv[1:])", "--", "a b", "--c")
        Path("train.py").write_text("print('new')")
        again = milepost("runs", "rerun", first, "--wait", "--json").json
        assert again["tags"] == {"rerun_of": first}
        assert milepost("runs", "logs", again["id"]).out == "old ['a b', '--c']\n"

    def test_only_submitted_runs_can_be_run_again(self, home: Path, milepost: Command, record: Record) -> None:
        from azureml.core import Experiment

        record(lambda workspace: Experiment(workspace, "e").start_logging(run_id="mine").complete())
        result = milepost("runs", "rerun", "mine", ok=False)
        assert result.code == 2
        assert "only submitted runs" in one_line(result)


@only_thorough
class TestOrigin:
    def test_show_says_how_a_run_came_about(self, home: Path, milepost: Command) -> None:
        run_id = ended(milepost, "print(1)", "--", "--alpha", "0.1")
        said = milepost("runs", "show", run_id).out
        assert "train.py --alpha 0.1" in said
        assert "the Python that submits, as it is; Python 3." in said
        found = milepost("runs", "show", run_id, "--json").json
        assert found["definition"]["arguments"] == ["--alpha", "0.1"]
        assert found["snapshots"][0]["files"] == 1
        assert found["snapshots"][0]["snapshot"] in said
        assert found["git"] is None
        assert found["machine"]["hostname"] in said
        assert any(each["name"].lower() == "numpy" for each in found["packages"]["packages"])

    def test_what_the_machine_did_is_not_mixed_with_what_the_script_logged(self, home: Path, milepost: Command) -> None:
        run_id = ended(
            milepost,
            """
import time
from azureml.core import Run
Run.get_context().log("loss", 1.0)
time.sleep(2)
""",
        )
        own = [each["name"] for each in milepost("runs", "metrics", run_id, "--json").json["metrics"]]
        system = [each["name"] for each in milepost("runs", "metrics", run_id, "--system", "--json").json["metrics"]]
        assert own == ["loss"]
        assert "memory_bytes" in system

    def test_a_run_from_a_repository_tells_its_commit(self, home: Path, milepost: Command) -> None:
        import subprocess

        def git(*args: str) -> str:
            settings = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
            return subprocess.run(["git", *settings, *args], capture_output=True, text=True, check=True).stdout.strip()

        git("init", "-b", "trunk")
        Path("train.py").write_text("print(1)")
        git("add", ".")
        git("commit", "-m", "first")
        commit = git("rev-parse", "HEAD")
        first = ended(milepost, "print(1)")
        second = ended(milepost, "print(2)")
        assert f"{commit[:12]} on trunk" in milepost("runs", "show", first).out
        assert "changes that were not committed" in milepost("runs", "show", second).out
        found = milepost("runs", "show", second, "--json").json
        assert (found["git"]["commit"], found["git"]["dirty"]) == (commit, True)
        assert "+print(2)" in found["git_diff"]
        assert milepost("runs", "diff", first, second, "--json").json["facts"] == {"git dirty": ["False", "True"]}

    def test_the_snapshot_is_listed_and_given_back(self, home: Path, milepost: Command) -> None:
        Path("lib").mkdir()
        Path("lib/mine.py").write_text("x = 1")
        run_id = ended(milepost, "print(1)")
        names = [each["name"] for each in milepost("runs", "snapshot", run_id, "--json").json["contents"]]
        assert names == ["lib/mine.py", "train.py"]
        assert "lib/mine.py" in milepost("runs", "snapshot", run_id).out
        milepost("runs", "snapshot", run_id, "-o", "back/here")
        assert Path("back/here/lib/mine.py").read_text() == "x = 1"
        assert "is there already" in one_line(milepost("runs", "snapshot", run_id, "-o", "back", ok=False))
        milepost("runs", "snapshot", run_id, "--zip", "back.zip")
        assert zipfile.ZipFile("back.zip").namelist() == names
        assert "--force" in one_line(milepost("runs", "snapshot", run_id, "--zip", "back.zip", ok=False))
        milepost("runs", "snapshot", run_id, "--zip", "back.zip", "--force")
        assert milepost("runs", "snapshot", run_id, "--id", "nothing", ok=False).code == 2

    def test_what_changed_between_two_runs(self, home: Path, milepost: Command) -> None:
        Path("gone.txt").write_text("x")
        first = ended(milepost, "print(1)")
        Path("gone.txt").unlink()
        Path("new.txt").write_text("x")
        second = ended(milepost, "print(2)", "--variable", "A=1", "--", "--alpha")
        found = milepost("runs", "diff", first, second, "--json").json
        assert found["files"] == {"added": ["new.txt"], "removed": ["gone.txt"], "changed": ["train.py"]}
        assert found["facts"] == {"command": ["train.py", "train.py --alpha"], "$A": [None, "1"]}
        assert found["packages"] == {}
        said = milepost("runs", "diff", first, second).out
        assert "train.py -> train.py --alpha" in said
        assert "  + new.txt\n  - gone.txt\n  ~ train.py\n" in said
        assert "the same files" in milepost("runs", "diff", first, first).out


class TestQueue:
    def test_who_is_at_work_and_who_waits_in_which_place(self, home: Path, milepost: Command) -> None:
        milepost("compute", "create", "one", "--max-nodes", "1")
        runs = [submit(milepost, WAITS, "--target", "one", "-e", "e", "--", str(index)) for index in range(3)]
        listed = milepost("runs", "list", "--json").json["runs"]
        assert {each["target"] for each in listed} == {"one"}
        for run_id in runs[1:]:
            self.until(milepost, run_id, "Queued")
        self.until(milepost, runs[0], "Running")
        jobs = milepost("queue", "--json").json["jobs"]
        assert [(each["id"], each["state"], each["place"]) for each in jobs] == [
            (runs[0], "running", None),
            (runs[1], "waiting", 1),
            (runs[2], "waiting", 2),
        ]
        assert "train.py 2" in milepost("queue", "--target", "ONE").out
        assert milepost("queue", "--target", "local").out == ""
        row = milepost("compute", "list", "--json").json["computes"][0]
        assert (row["running"], row["waiting"], row["max_nodes"]) == (1, 2, 1)
        milepost("runs", "cancel", *runs, "--wait")
        assert milepost("queue", "--json").json["jobs"] == []
        assert "on its way" in milepost("queue", "--watch").err

    @staticmethod
    def until(milepost: Command, run_id: str, status: str) -> None:
        import time

        until = time.monotonic() + 60
        while milepost("runs", "show", run_id, "--json").json["status"] != status:
            assert time.monotonic() < until
            time.sleep(0.1)

    def test_a_pool_that_is_not_there(self, home: Path, milepost: Command, three_lines: str) -> None:
        result = milepost("queue", "--target", "absent", ok=False)
        assert result.code == 2
        assert "absent" in one_line(result)

    def test_places_are_fair_between_experiments(self) -> None:
        def job(name: str, experiment: str, state: str, at: int, nodes: int = 1) -> ListedJob:
            return ListedJob(name, experiment, "pool", state, at, nodes, "train.py")

        jobs = [
            job("a1", "a", "running", 1),
            job("a2", "a", "waiting", 2),
            job("a3", "a", "waiting", 3),
            job("b1", "b", "waiting", 4, nodes=2),
            job("b2", "b", "preparing", 5),
        ]
        assert places_in_line(jobs) == {"b1": 1, "a2": 2, "a3": 3}
