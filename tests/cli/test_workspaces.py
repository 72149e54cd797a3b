"""Which workspace a command takes, what is in it, and that no command makes one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Experiment
from milepost.sdk.workspaces.config import write_config

from .conftest import Command, Record, one_line


def one_run(workspace: Any) -> None:
    Experiment(workspace, "e").start_logging().complete()


class TestFinding:
    def test_without_a_config_it_is_the_default_one(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run)
        assert milepost("runs", "list", "--json").json["workspace"] == "default"

    def test_a_config_above_names_it(
        self, home: Path, record: Record, milepost: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(one_run, "mine")
        write_config(None, "mine", "", "")
        below = Path("a/b")
        below.mkdir(parents=True)
        monkeypatch.chdir(below)
        assert milepost("runs", "list", "--json").json["workspace"] == "mine"

    def test_the_option_overrides_a_config_even_a_broken_one(
        self, home: Path, record: Record, milepost: Command
    ) -> None:
        record(one_run, "mine")
        Path("config.json").write_text("{")
        assert milepost("runs", "list", "--workspace", "MINE", "--json").json["workspace"] == "mine"
        assert "config.json is not JSON" in one_line(milepost("runs", "list", ok=False))

    def test_one_that_is_not_there_is_an_error_that_names_those_that_are(
        self, home: Path, record: Record, milepost: Command
    ) -> None:
        record(one_run, "first")
        record(one_run, "second")
        write_config(None, "third", "", "")
        for args in ([], ["-w", "third"]):
            said = one_line(milepost("runs", "list", *args, ok=False))
            assert "'third'" in said
            assert "first, second" in said
        assert "config.json" in one_line(milepost("runs", "list", ok=False))
        assert sorted(each.name for each in (home / "workspaces").iterdir()) == ["first", "second"]

    def test_a_name_that_is_none_is_an_error(self, home: Path, milepost: Command) -> None:
        assert "cannot name a workspace" in one_line(milepost("runs", "list", "-w", "../x", ok=False))

    def test_a_server_that_cannot_be_reached_is_told_in_one_line(self, home: Path, milepost: Command) -> None:
        Path("config.json").write_text('{"url": "http://127.0.0.1:9"}')
        assert "http://127.0.0.1:9 cannot be reached" in one_line(milepost("runs", "list", ok=False))

    @pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\x00" + b"\xff" * 4096])
    def test_a_damaged_store_is_an_error_that_says_what_to_do(
        self, home: Path, record: Record, milepost: Command, content: bytes
    ) -> None:
        record(one_run)
        (home / "workspaces/default/store.db").write_bytes(content)
        said = one_line(milepost("runs", "list", ok=False))
        assert "store.db" in said
        assert "damaged" in said


class TestList:
    def test_all_are_listed_and_the_one_taken_here_is_marked(
        self, home: Path, record: Record, milepost: Command
    ) -> None:
        record(one_run, "first")
        record(one_run, "Second")
        write_config(None, "second", "", "")
        assert [line.split()[:2] for line in milepost("workspace", "list").out.splitlines()[1:]][1] == ["*", "Second"]
        found = milepost("workspace", "list", "--json").json
        assert [(each["name"], each["current"]) for each in found["workspaces"]] == [("first", False), ("Second", True)]
        assert set(found["workspaces"][0]) == {"name", "id", "created", "folder", "current"}

    def test_an_empty_home_has_none_and_is_not_made(self, home: Path, milepost: Command) -> None:
        assert milepost("workspace", "list", "--json").json["workspaces"] == []
        assert milepost("workspace", "list").out == ""
        assert not home.exists()

    def test_a_broken_one_does_not_hide_the_others(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run, "good")
        record(one_run, "bad")
        (home / "workspaces/bad/workspace.json").write_text("{")
        result = milepost("workspace", "list", "--json", ok=False)
        assert [each["name"] for each in result.json["workspaces"]] == ["good"]
        assert "bad" in result.err


class TestInfo:
    def test_it_says_how_much_there_is(self, home: Path, record: Record, milepost: Command) -> None:
        def work(workspace: Any) -> None:
            run = Experiment(workspace, "e").start_logging()
            run.log_list("x", [1, 2, 3])
            run.complete()
            Experiment(workspace, "f").start_logging()

        record(work)
        found = milepost("workspace", "info", "--json").json
        counted = {key: found[key] for key in ("experiments", "runs", "active_runs", "metrics", "points", "models")}
        assert counted == {"experiments": 2, "runs": 2, "active_runs": 0, "metrics": 1, "points": 3, "models": 0}
        assert found["store_bytes"] > 0
        said = milepost("workspace", "info").out
        assert str(home / "workspaces" / "default") in said
        assert "1 with 3 points" in said


class TestExperiments:
    def test_they_are_listed_newest_first_with_their_runs(self, home: Path, record: Record, milepost: Command) -> None:
        def work(workspace: Any) -> None:
            for name in ("first", "second"):
                Experiment(workspace, name).start_logging().complete()
            Experiment(workspace, "first").start_logging().complete()
            Experiment(workspace, "first").tag("owner", "me")

        record(work)
        found = milepost("experiments", "list", "--json").json["experiments"]
        assert [(each["name"], each["runs"], each["tags"]) for each in found] == [
            ("second", 1, {}),
            ("first", 2, {"owner": "me"}),
        ]
        assert "owner=me" in milepost("experiments", "list").out

    def test_archived_ones_are_shown_when_asked_for(self, home: Path, record: Record, milepost: Command) -> None:
        def work(workspace: Any) -> None:
            for name in ("old", "new"):
                Experiment(workspace, name).start_logging().complete()
            Experiment(workspace, "old").archive()

        record(work)

        def names(*args: str) -> list[str]:
            return [each["name"] for each in milepost("experiments", "list", "--json", *args).json["experiments"]]

        assert names() == ["new"]
        assert names("--archived") == ["old"]
        assert names("--all") == ["new", "old"]


class TestModels:
    def test_versions_are_listed_by_name_tag_and_latest(self, home: Path, record: Record, milepost: Command) -> None:
        def work(workspace: Any) -> str:
            run = Experiment(workspace, "e").start_logging()
            Path("m.bin").write_bytes(b"12345")
            run.upload_file("outputs/m.bin", "m.bin")
            run.register_model("net", "outputs/m.bin", tags={"stage": "test"})
            run.register_model("net", "outputs/m.bin", tags={"stage": "live"})
            run.register_model("tree", "outputs/m.bin", description="[bold]\x1b[31m")
            run.complete()
            return str(run.id)

        run_id = record(work)

        def versions(*args: str) -> list[tuple[str, int]]:
            found = milepost("models", "list", "--json", *args).json["models"]
            return sorted((each["name"], each["version"]) for each in found)

        assert versions() == [("net", 1), ("net", 2), ("tree", 1)]
        assert versions("--latest") == [("net", 2), ("tree", 1)]
        assert versions("--name", "net") == [("net", 1), ("net", 2)]
        assert versions("--tag", "stage=live") == [("net", 2)]
        assert versions("--tag", "stage") == [("net", 1), ("net", 2)]
        model = milepost("models", "list", "--json", "--name", "tree").json["models"][0]
        assert model["run_id"] == run_id
        assert [file["size"] for file in model["files"]] == [5]
        assert "\x1b" not in json.dumps(model)
        assert "tree" in milepost("models", "list").out

    def test_none_is_told_on_stderr(self, home: Path, record: Record, milepost: Command) -> None:
        record(one_run)
        result = milepost("models", "list")
        assert result.out == ""
        assert "no such models" in result.err
        assert milepost("models", "list", "--json").json["models"] == []


class TestCreate:
    def test_one_is_made_on_this_machine(self, home: Path, milepost: Command) -> None:
        assert milepost("workspace", "create", "mine", "--json").json["folder"] == str(home / "workspaces" / "mine")
        assert milepost("workspace", "info", "-w", "mine", "--json").json["runs"] == 0

    def test_one_that_is_there_is_an_error(self, home: Path, milepost: Command) -> None:
        milepost("workspace", "create", "mine")
        assert "'mine' on this machine already" in one_line(milepost("workspace", "create", "Mine", ok=False))
