"""``milepost sync`` delivers what ended processes left behind, and says how much it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Command, make_newer, record_and_die, recording

pytestmark = pytest.mark.skipif("sys.platform == 'win32'", reason="needs SIGKILL")


def test_journals_of_all_workspaces_are_delivered_and_counted(home: Path, milepost: Command) -> None:
    record_and_die("first", 100)
    record_and_die("first", 20)
    record_and_die("second", 3)
    done = milepost("sync", "--json").json
    assert (done["journals"], done["values"]) == (3, 123)
    told = [(each["workspace"], each["journals"], each["values"], each["ended_runs"]) for each in done["workspaces"]]
    assert told == [("first", 2, 120, 2), ("second", 1, 3, 1)]
    again = milepost("sync", "--json").json
    assert (again["journals"], again["values"]) == (0, 0)
    runs = milepost("runs", "list", "-w", "first", "--json", "--metric", "x").json["runs"]
    assert sorted(run["metrics"]["x"] for run in runs) == [19.0, 99.0]
    assert {run["status"] for run in runs} == {"Failed"}


def test_one_workspace_can_be_chosen(home: Path, milepost: Command) -> None:
    record_and_die("first", 5)
    record_and_die("second", 7)
    assert milepost("sync", "-w", "second", "--json").json["values"] == 7
    assert milepost("sync", "--json").json["values"] == 5


def test_it_says_what_it_did_in_words(home: Path, milepost: Command) -> None:
    record_and_die(values=1)
    assert milepost("sync").out.splitlines()[-1] == "Delivered 1 journal with 1 value."
    assert milepost("sync").out == "There was nothing to deliver.\n"


def test_a_process_that_is_recording_is_left_alone(home: Path, milepost: Command) -> None:
    with recording() as run_id:
        done = milepost("sync", "--json").json
        assert done["journals"] == 0
        assert done["workspaces"][0]["live"] == 1
        assert milepost("runs", "show", run_id, "--json").json["status"] == "Running"
    assert milepost("runs", "show", run_id, "--json").json["status"] == "Completed"


def test_reading_commands_deliver_too(home: Path, milepost: Command) -> None:
    record_and_die(values=4)
    assert milepost("runs", "list", "--metric", "x", "--json").json["runs"][0]["metrics"] == {"x": 3.0}


def test_what_cannot_be_delivered_is_told_and_kept(home: Path, milepost: Command) -> None:
    record_and_die("first", 5)
    record_and_die("second", 7)
    folder = home / "workspaces/first"
    (folder / "store.db").write_bytes(b"garbage" * 1000)
    result = milepost("sync", "--json", ok=False)
    told = {each["workspace"]: each for each in result.json["workspaces"]}
    assert told["second"]["values"] == 7
    assert "damaged" in told["first"]["error"]
    assert told["first"]["left"] == 1
    last = "Delivered 1 journal with 7 values, but not 1 journal: what is left is kept here, and nothing is lost."
    assert last in result.err.splitlines()[-1]
    assert "doctor" in result.err.splitlines()[-1]
    in_words = milepost("sync", ok=False)
    assert "nothing to deliver" not in in_words.out
    assert "Nothing could be delivered: 1 journal is kept here, and nothing is lost." in in_words.err.splitlines()[-1]
    for file in folder.glob("store.db*"):
        file.unlink()
    assert milepost("sync", "--json").json["values"] == 5


def test_a_journal_of_a_newer_version_is_left_and_told(home: Path, milepost: Command) -> None:
    record_and_die(values=5)
    segment = make_newer(home)
    content = segment.read_bytes()
    result = milepost("sync", "--json", ok=False)
    assert result.json["workspaces"][0]["left"] == 1
    assert "it has format 99" in result.err
    assert segment.read_bytes() == content


def test_what_the_store_has_is_shown_even_where_nothing_can_be_delivered(home: Path, milepost: Command) -> None:
    record_and_die(values=4)
    milepost("sync")
    record_and_die(values=5)
    lock = next((home / "workspaces/default/journals").glob("*.lock"))
    lock.unlink()
    lock.mkdir()
    result = milepost("runs", "list", "--json")
    assert len(result.json["runs"]) == 1
    assert "cannot be delivered just now" in result.err
    assert milepost("sync", "--json", ok=False).json["workspaces"][0]["error"]
    told = milepost("doctor", "--json", ok=False).json["findings"]
    assert [each["check"] for each in told if each["status"] == "problem"] == ["journals"]
    lock.rmdir()
    assert milepost("sync", "--json").json["values"] == 5
