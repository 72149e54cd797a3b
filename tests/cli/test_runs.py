"""``milepost runs list``, ``show``, ``tag`` and ``delete``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Experiment, Run, Workspace

from .conftest import Command, Record, clean_environment, one_line, recording

HOSTILE = "[bold red]x[/] [link=https://e.example]y[/link] \x1b[31mz\x1b]0;t\x07 \u202eabc :boom:"
HARMLESS = "[bold red]x[/] [link=https://e.example]y[/link] \\x1b[31mz\\x1b]0;t\\x07 \\u202eabc :boom:"


def plain(text: str) -> str:
    """What a terminal showed, without its colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def four_runs(workspace: Workspace) -> dict[str, str]:
    """Runs of two experiments: "a" (mse 3), "b" (mse NaN, failed), "c" (mse -1, canceled; a child), "d" (no mse)."""
    first, second = Experiment(workspace, "first"), Experiment(workspace, "second")
    a = first.start_logging(run_id="aaaa-1", display_name="zebra", tags={"lr": "0.1", "best": None})
    a.log("mse", 9.0)
    a.log("mse", 3.0)
    a.log("epochs", 20)
    child = a.child_run("kid", run_id="aaaa-1-kid")
    child.log("mse", 7.0)
    child.complete()
    a.complete()
    b = first.start_logging(run_id="aaab-2", display_name="ant", tags={"lr": "0.2"})
    b.log("mse", float("nan"))
    b.fail("The GPU is out of memory\nby 3 GB", error_code="OutOfMemory")
    c = second.start_logging(run_id="cccc-3", tags={"lr": "0.1"})
    c.log("mse", -1.0)
    c.cancel()
    d = second.start_logging(run_id="dddd-4", display_name="mole")
    d.log("name", "text")
    d.complete()
    return {"a": a.id, "b": b.id, "c": c.id, "d": d.id}


@pytest.fixture
def four(record: Record) -> dict[str, str]:
    found: dict[str, str] = record(four_runs)
    return found


@pytest.fixture(scope="module")
def four_to_read(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The four runs, in a home that the module's reading tests share."""
    from milepost.sdk.recording.recorder import close_recorder

    with pytest.MonkeyPatch.context() as patch:
        clean_environment(patch, tmp_path_factory.mktemp("four"))
        workspace = Workspace.create("default")
        found = four_runs(workspace)
        close_recorder(workspace._recorder)
        yield found


@pytest.mark.usefixtures("four_to_read")
class TestList:
    @pytest.mark.parametrize(
        ("args", "wanted"),
        [
            ([], "dddd-4 cccc-3 aaab-2 aaaa-1"),
            (["--asc"], "aaaa-1 aaab-2 cccc-3 dddd-4"),
            (["--children", "--asc"], "aaaa-1 aaaa-1-kid aaab-2 cccc-3 dddd-4"),
            (["--parent", "aaaa-1"], "aaaa-1-kid"),
            (["--experiment", "first"], "aaab-2 aaaa-1"),
            (["--status", "failed"], "aaab-2"),
            (["--status", "Failed", "--status", "CANCELED"], "cccc-3 aaab-2"),
            (["--tag", "lr"], "cccc-3 aaab-2 aaaa-1"),
            (["--tag", "lr=0.1"], "cccc-3 aaaa-1"),
            (["--tag", "lr=0.1", "--tag", "best"], "aaaa-1"),
            (["--tag", "lr="], ""),
            (["--limit", "2"], "dddd-4 cccc-3"),
            (["--limit", "0"], "dddd-4 cccc-3 aaab-2 aaaa-1"),
            (["--sort", "name"], "aaab-2 cccc-3 dddd-4 aaaa-1"),
            (["--sort", "name", "--desc"], "aaaa-1 dddd-4 cccc-3 aaab-2"),
            (["--sort", "metric:mse"], "aaaa-1 cccc-3 * *"),
            (["--sort", "metric:mse", "--asc"], "cccc-3 aaaa-1 * *"),
            (["--sort", "metric_max:mse", "--limit", "1"], "aaaa-1"),
            (["--sort", "tag:lr", "--limit", "1", "--desc"], "aaab-2"),
            (["--archived"], ""),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_filters_and_orders(self, milepost: Command, args: list[str], wanted: str) -> None:
        found = [run["id"] for run in milepost("runs", "list", "--json", *args).json["runs"]]
        expected = wanted.split()
        assert len(found) == len(expected)
        assert all(each in ("*", run_id) for each, run_id in zip(expected, found, strict=True)), found

    def test_status_and_duration_and_number_are_orders_too(self, milepost: Command) -> None:
        for order in ("status", "duration", "number", "started", "ended"):
            assert len(milepost("runs", "list", "--sort", order, "--json").json["runs"]) == 4

    def test_a_filter_says_which(self, milepost: Command) -> None:
        found = milepost("runs", "list", "--json", "--filter", "metrics.mse > 0 and tags.lr = 0.1").json["runs"]
        assert [run["id"] for run in found] == ["aaaa-1"]

    def test_a_wrong_filter_is_pointed_at(self, milepost: Command) -> None:
        refused = milepost("runs", "list", "--filter", "mse < 3", ok=False)
        assert refused.code == 2
        assert "there is no field 'mse'" in one_line(refused)

    def test_that_there_are_more_is_told(self, milepost: Command) -> None:
        assert milepost("runs", "list", "--limit", "3", "--json").json["more"] is True
        assert milepost("runs", "list", "--limit", "4", "--json").json["more"] is False
        assert "there are more" in milepost("runs", "list", "--limit", "3").err
        assert milepost("runs", "list", "--limit", "4").err == ""

    def test_metrics_are_columns_with_their_last_values(self, milepost: Command) -> None:
        args = ["runs", "list", "--metric", "mse", "-m", "epochs", "-m", "absent"]
        found = {run["id"]: run["metrics"] for run in milepost(*args, "--json").json["runs"]}
        assert found == {
            "aaaa-1": {"mse": 3.0, "epochs": 20, "absent": None},
            "aaab-2": {"mse": "NaN", "epochs": None, "absent": None},
            "cccc-3": {"mse": -1.0, "epochs": None, "absent": None},
            "dddd-4": {"mse": None, "epochs": None, "absent": None},
        }
        header, *rows = milepost(*args).out.splitlines()
        assert header.split()[-4:] == ["mse", "epochs", "absent", "TAGS"]
        assert "NaN" in next(row for row in rows if row.startswith("aaab-2"))

    def test_an_unknown_experiment_is_an_error(self, milepost: Command) -> None:
        assert "no experiment 'third'" in one_line(milepost("runs", "list", "-e", "third", ok=False))

    def test_the_keys_of_json_are_stable(self, milepost: Command) -> None:
        run = milepost("runs", "list", "--json").json["runs"][0]
        assert " ".join(run) == (
            "id experiment number name description type status parent_id root_id target submitted_by created started "
            "ended duration_s archived tags properties error warnings"
        )

    def test_no_runs_give_an_empty_table(self, milepost: Command) -> None:
        result = milepost("runs", "list", "--tag", "nothing")
        assert result.out == ""
        assert "no such runs" in result.err


@pytest.mark.usefixtures("four_to_read")
class TestIds:
    def test_a_unique_beginning_is_enough(self, milepost: Command) -> None:
        assert milepost("runs", "show", "c", "--json").json["id"] == "cccc-3"

    def test_a_whole_id_wins_over_longer_ones(self, milepost: Command) -> None:
        assert milepost("runs", "show", "aaaa-1", "--json").json["id"] == "aaaa-1"

    def test_a_beginning_of_several_lists_them(self, milepost: Command) -> None:
        said = one_line(milepost("runs", "show", "aaa", ok=False))
        assert "aaaa-1, aaaa-1-kid, aaab-2" in said

    @pytest.mark.parametrize("text", ["x", "AAAA-1", "%", "aaaa-1x", "\ufffd", "'; DROP TABLE runs; --"])
    def test_an_unknown_one_is_an_error(self, milepost: Command, text: str) -> None:
        result = milepost("runs", "show", text, ok=False)
        assert result.code == 2
        assert "no run whose id begins with" in one_line(result)

    def test_an_empty_one_is_wrong_use(self, milepost: Command) -> None:
        assert milepost("runs", "show", "", ok=False).code == 2


@pytest.mark.usefixtures("four_to_read")
class TestShow:
    def test_all_of_a_run_as_json(self, milepost: Command) -> None:
        found = milepost("runs", "show", "aaaa-1", "--json").json
        assert (found["status"], found["tags"], found["children"]) == (
            "Completed",
            {"best": None, "lr": "0.1"},
            ["aaaa-1-kid"],
        )
        mse = found["metrics"][0]
        assert [mse[key] for key in ("name", "kind", "count", "first", "last", "min", "max")] == [
            "mse",
            "series",
            2,
            9.0,
            3.0,
            3.0,
            9.0,
        ]
        assert found["files"] == []
        assert found["duration_s"] >= 0

    def test_how_far_it_has_come(self, home: Path, record: Record, milepost: Command) -> None:
        def work(ws: Workspace) -> None:
            run = Experiment(ws, "first").start_logging(run_id="far-1")
            run.set_progress(40, 100)
            run.fail("stopped")

        record(work)
        assert re.search(r"Progress +40 of 100 \(40 %\)\n", milepost("runs", "show", "far-1").out)
        assert milepost("runs", "show", "far-1", "--json").json["progress"] == {"done": 40.0, "total": 100.0}

    def test_its_parts_in_words(self, milepost: Command) -> None:
        said = milepost("runs", "show", "aaaa-1").out
        for part in ("first, run 1", "zebra", "Completed", "Tags", "(no value)", "Metrics (2)", "--parent aaaa-1"):
            assert part in said
        assert "Error" not in said

    def test_an_error_in_plain_words(self, milepost: Command) -> None:
        said = milepost("runs", "show", "aaab-2").out
        assert said.endswith("\nError\n  The GPU is out of memory\n  by 3 GB (OutOfMemory)\n")

    def test_a_traceback_is_shown_line_by_line(self, home: Path, record: Record, milepost: Command) -> None:
        def work(workspace: Workspace) -> str:
            with pytest.raises(ZeroDivisionError), Experiment(workspace, "e").start_logging() as run:
                1 / 0  # noqa: B018
            return str(run.id)

        lines = milepost("runs", "show", record(work)).out.splitlines()
        at = lines.index("Error")
        assert "division by zero" in lines[at + 1]
        assert "  ZeroDivisionError: division by zero" in lines[at:]


class TestTerminalSafety:
    @pytest.fixture
    def hostile(self, home: Path, record: Record) -> str:
        def work(workspace: Workspace) -> str:
            run = Experiment(workspace, "e").start_logging(display_name=HOSTILE, tags={HOSTILE: HOSTILE})
            run.log(HOSTILE, HOSTILE)
            run.log_row(f"row {HOSTILE}", **{HOSTILE: HOSTILE})
            run.add_properties({"p": HOSTILE})
            run.description = HOSTILE
            run.fail(f"{HOSTILE}\r\nsecond line", error_code=HOSTILE)
            return str(run.id)

        return str(record(work))

    @pytest.mark.parametrize(
        "args",
        [
            ["list"],
            ["list", "-m", HOSTILE],
            ["show", "ID"],
            ["metrics", "ID"],
            ["metrics", "ID", "--name", HOSTILE],
            ["metrics", "ID", "--name", f"row {HOSTILE}"],
            ["metrics", "ID", "--format", "csv"],
            ["list", "--json"],
            ["show", "ID", "--json"],
            ["metrics", "ID", "--json"],
            ["tag", "ID", f"{HOSTILE}=1"],
        ],
        ids=lambda args: args[0] + (" json" if "--json" in args else "") + (" csv" if "csv" in args else ""),
    )
    def test_into_a_pipe_nothing_is_sent_that_drives_a_terminal(
        self, hostile: str, milepost: Command, args: list[str]
    ) -> None:
        result = milepost("runs", *(hostile if each == "ID" else each for each in args))
        for character in "\x1b\x07\x9b\r\u202e":
            assert character not in result.out + result.err
        if "--json" in args:
            assert result.json
            assert json.dumps(HOSTILE)[1:-1] in result.out
        elif "csv" not in args:
            assert HARMLESS in result.out

    @pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}], ids=["colours", "NO_COLOR"])
    def test_on_a_terminal_only_our_own_colours_are_sent(
        self, hostile: str, terminal: Command, env: dict[str, str]
    ) -> None:
        for args in (["list"], ["show", hostile], ["metrics", hostile, "--name", HOSTILE]):
            out = terminal("runs", *args, width=250, env=env).out
            assert "[link=https://e.example]y[/link] \\x1b[31mz\\x1b]0;t\\x07" in out
            assert "\x1b]" not in out
            assert "\x07" not in out
            assert "\u202e" not in out
            if env:
                assert "\x1b[3" not in out


@pytest.mark.usefixtures("four_to_read")
class TestTerminal:
    def test_colours_are_for_terminals_only(self, terminal: Command, process: Command) -> None:
        assert "\x1b[31mFailed" in terminal("runs", "list").out
        assert "\x1b" not in process("runs", "list").out
        assert "\x1b" not in process("runs", "list", env={"FORCE_COLOR": "1"}).out
        assert "\x1b[31m" not in terminal("runs", "list", env={"NO_COLOR": "1"}).out

    @pytest.mark.parametrize("width", [40, 80, 160])
    def test_no_line_is_wider_than_the_terminal_and_ids_stay_whole(self, terminal: Command, width: int) -> None:
        out = plain(terminal("runs", "list", width=width).out)
        table = [line for line in out.splitlines() if not line.startswith("milepost: ")]
        assert max(map(len, table)) <= width
        for run_id in ("aaaa-1", "aaab-2", "cccc-3", "dddd-4"):
            assert any(line.startswith(run_id + " ") for line in table)


def test_a_pipe_gets_all_columns_and_nothing_cut(home: Path, record: Record, process: Command) -> None:
    name = "n" * 200

    def work(workspace: Workspace) -> str:
        run = Experiment(workspace, "e" * 200).start_logging(display_name=name, tags={"t": "v" * 200})
        run.complete()
        return str(run.id)

    run_id = record(work)
    out = process("runs", "list", env={"COLUMNS": "40"}).out
    assert all(text in out for text in (run_id, "e" * 200, name, "v" * 200))


def test_a_narrow_terminal_shortens_ids_to_unique_beginnings(home: Path, record: Record, terminal: Command) -> None:
    ids = ["11111111-aaaa-4000-8000-000000000001", "11111111-bbbb-4000-8000-000000000002", "2" * 36]

    def work(workspace: Workspace) -> None:
        for run_id in ids:
            Experiment(workspace, "e").start_logging(run_id=run_id, display_name="x" * 40).complete()

    record(work)
    out = plain(terminal("runs", "list", width=80).out)
    assert [line.split()[0] for line in out.splitlines()[2:5]] == ["22222222", "11111111-bbb", "11111111-aaa"]


class TestTag:
    def test_tags_are_set_and_removed(self, home: Path, four: dict[str, str], milepost: Command) -> None:
        found = milepost(
            "runs", "tag", "aaaa-1", "lr=0.5", "note=a=b c", "empty=", "alone", "--remove", "best", "--json"
        )
        assert found.json["tags"] == {"alone": None, "empty": "", "lr": "0.5", "note": "a=b c"}
        assert milepost("runs", "list", "--tag", "note=a=b c", "--json").json["runs"][0]["id"] == "aaaa-1"
        assert milepost("runs", "tag", "aaaa-1", "--remove", "lr", "--remove", "absent").out.startswith("aaaa-1: alone")

    def test_the_run_of_another_process_can_be_tagged_while_it_records(self, home: Path, milepost: Command) -> None:
        with recording() as run_id:
            milepost("runs", "tag", run_id, "seen=yes")
            assert milepost("runs", "show", run_id, "--json").json["status"] == "Running"
        found = milepost("runs", "show", run_id, "--json").json
        assert (found["tags"], found["status"]) == ({"seen": "yes"}, "Completed")

    def test_what_the_sdk_refuses_is_an_error(self, home: Path, four: dict[str, str], milepost: Command) -> None:
        assert milepost("runs", "tag", "aaaa", "x=1", ok=False).code == 2


class TestDelete:
    def ids(self, milepost: Command) -> list[str]:
        return [run["id"] for run in milepost("runs", "list", "--children", "--asc", "--json").json["runs"]]

    def test_runs_go_with_their_children(self, home: Path, four: dict[str, str], milepost: Command) -> None:
        done = milepost("runs", "delete", "aaaa-1", "d", "--yes", "--json").json
        assert sorted(done["deleted"]) == ["aaaa-1", "aaaa-1-kid", "dddd-4"]
        assert self.ids(milepost) == ["aaab-2", "cccc-3"]

    def test_a_child_named_beside_its_parent_is_no_trouble(
        self, home: Path, four: dict[str, str], milepost: Command
    ) -> None:
        assert milepost("runs", "delete", "aaaa-1-kid", "aaaa-1", "aaaa-1", "-y").out == "Deleted 2 runs.\n"
        assert len(self.ids(milepost)) == 3

    def test_where_one_is_unknown_none_is_deleted(self, home: Path, four: dict[str, str], milepost: Command) -> None:
        assert milepost("runs", "delete", "aaaa-1", "absent", "--yes", ok=False).code == 2
        assert len(self.ids(milepost)) == 5

    def test_without_a_terminal_it_refuses(self, home: Path, four: dict[str, str], process: Command) -> None:
        result = process("runs", "delete", "dddd-4", ok=False, stdin="y\n")
        assert result.code == 2
        assert "--yes" in one_line(result)

    def test_on_a_terminal_it_asks(
        self, home: Path, four: dict[str, str], milepost: Command, terminal: Command
    ) -> None:
        asked = terminal("runs", "delete", "aaaa-1", answer="n\n", ok=False, width=200)
        assert asked.code == 1
        assert "Delete 2 of the runs of workspace 'default' for good? [y/N]" in asked.out
        assert "aaaa-1-kid" in asked.out
        assert "Nothing was deleted." in asked.out
        assert len(self.ids(milepost)) == 5
        terminal("runs", "delete", "aaaa-1", answer="y\n")
        assert self.ids(milepost) == ["aaab-2", "cccc-3", "dddd-4"]

    def test_a_deleted_run_is_not_brought_back_by_a_process_that_goes_on_recording(
        self, home: Path, milepost: Command
    ) -> None:
        with recording() as run_id:
            milepost("runs", "delete", run_id, "--yes")
        assert self.ids(milepost) == []


def test_runs_of_the_sdk_have_the_ids_that_are_shown(home: Path, record: Record, milepost: Command) -> None:
    run_id = record(lambda workspace: Experiment(workspace, "e").start_logging().id)
    assert milepost("runs", "list").out.splitlines()[1].split()[0] == run_id
    assert record(lambda workspace: Run.get(workspace, run_id).id) == run_id
