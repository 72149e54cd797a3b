"""Milepost's home: workspaces' folders, their workspace.json, and what is wrong with one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from azureml.exceptions import UserErrorException, WorkspaceException
from milepost.sdk.workspaces.home import (
    FORMAT,
    check_workspace_name,
    create_workspace,
    find_workspace,
    list_workspaces,
    workspace_folder,
    workspaces_folder,
)
from milepost.sdk.workspaces.home import home as home_folder

is_root = hasattr(os, "geteuid") and os.geteuid() == 0


def facts_of(name: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((workspace_folder(name) / "workspace.json").read_text())
    return facts


def rewrite(name: str, changes: dict[str, Any]) -> Path:
    path = workspace_folder(name) / "workspace.json"
    path.write_text(json.dumps({key: value for key, value in (facts_of(name) | changes).items() if value is not None}))
    return path


# -- places


def test_the_home_is_that_of_the_environment_else_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MILEPOST_HOME", str(tmp_path))
    assert home_folder() == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    for value in ("", None):
        monkeypatch.delenv("MILEPOST_HOME") if value is None else monkeypatch.setenv("MILEPOST_HOME", value)
        assert home_folder() == tmp_path / "me" / ".milepost"
    monkeypatch.setenv("MILEPOST_HOME", "~/other")
    assert home_folder() == tmp_path / "me" / "other"


def test_a_relative_home_does_not_move_with_the_current_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILEPOST_HOME", "here")
    assert home_folder() == tmp_path / "here"


def test_looking_makes_nothing(home: Path) -> None:
    assert find_workspace("x") is None
    assert list_workspaces() == []
    assert not home.exists()


# -- names


@pytest.mark.parametrize("name", ["a", "A1", "0", "my-work_space", "v1.2", "x" * 255, "console", "com10"])
def test_a_good_name_is_taken_as_it_is(name: str) -> None:
    assert check_workspace_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "a/b", "a\\b", "/etc", "a b", "-a", "_a", ".a", "a.", "x" * 256, "a\0", "a\n", "\n"),
        *("ä", "日本", "\u0661", "a\u200b", "C:", "~", "%2e%2e", "con", "NUL", "Com1", "lpt9", "aux.txt", "\ud800"),
        *(None, 7, b"a", ["a"]),
    ],
)
def test_a_bad_name_is_refused_everywhere(home: Path, name: Any) -> None:
    for call in (check_workspace_name, workspace_folder, find_workspace, create_workspace):
        with pytest.raises(UserErrorException):
            call(name)
    assert not home.exists()


def test_a_long_bad_name_does_not_fill_the_screen() -> None:
    with pytest.raises(UserErrorException) as caught:
        check_workspace_name("x/" * 100_000)
    assert len(caught.value.message) < 500


# -- making and finding


def test_a_made_workspace_is_found_again(home: Path) -> None:
    place, made = create_workspace("My-Work")
    assert made
    assert place.folder == home / "workspaces" / "my-work"
    assert place.name == "My-Work"
    assert str(uuid.UUID(place.id)) == place.id
    assert datetime.fromisoformat(place.created).utcoffset() is not None
    assert find_workspace("My-Work") == place
    assert create_workspace("My-Work") == (place, False)
    assert facts_of("My-Work") == {"format": FORMAT, "id": place.id, "name": "My-Work", "created": place.created}


def test_names_that_differ_in_case_only_are_one_workspace(home: Path) -> None:
    place, _ = create_workspace("Team")
    assert create_workspace("TEAM") == (place, False)
    assert find_workspace("team") == place
    assert [each.name for each in list_workspaces()] == ["Team"]


def test_an_empty_folder_in_its_place_is_no_hindrance(home: Path) -> None:
    workspace_folder("x").mkdir(parents=True)
    assert find_workspace("x") is None
    assert create_workspace("x")[1]


def test_all_are_listed_by_name(home: Path) -> None:
    for name in ("b", "A", "c"):
        create_workspace(name)
    (workspaces_folder() / ".new-left-behind").mkdir()
    (workspaces_folder() / "a file").touch()
    assert [each.name for each in list_workspaces()] == ["A", "b", "c"]


def test_nothing_is_left_behind_but_the_workspace(home: Path) -> None:
    create_workspace("x")
    assert [each.name for each in workspaces_folder().iterdir()] == ["x"]
    assert [each.name for each in workspace_folder("x").iterdir()] == ["workspace.json"]


def test_fifty_processes_that_make_it_at_once_get_one_workspace(home: Path) -> None:
    source = """
        import sys, time
        from milepost.sdk.workspaces.home import create_workspace
        sys.stdout.write("ready\\n"); sys.stdout.flush()
        sys.stdin.readline()
        place, made = create_workspace(sys.argv[1])
        print(place.id, made)
    """
    code = "\n".join(line.strip() for line in source.strip().splitlines())
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, "Race" if number % 2 else "race"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(50)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0].split() for process in processes]
    assert len({identity for identity, _ in answers}) == 1
    assert [made for _, made in answers].count("True") == 1
    assert [each.name for each in workspaces_folder().iterdir()] == ["race"]


# -- what is wrong with one


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\x00\x9f" * 50, "is not JSON"),
        (b"[" * 200_000, "is not JSON"),
        (b"[]", "lacks one of"),
        (b"{}", "lacks one of"),
        (b'{"format": "1", "id": "x", "name": "x", "created": "x"}', "lacks one of"),
    ],
)
def test_a_broken_workspace_json_is_named_with_what_to_do(home: Path, content: bytes, trouble: str) -> None:
    create_workspace("x")
    path = workspace_folder("x") / "workspace.json"
    path.write_bytes(content)
    for call in (find_workspace, create_workspace):
        with pytest.raises(WorkspaceException) as caught:
            call("x")
        assert str(path) in caught.value.message
        assert trouble in caught.value.message
        assert "backup" in caught.value.message
    assert path.read_bytes() == content


@pytest.mark.parametrize("key", ["format", "id", "name", "created"])
def test_a_missing_key_is_told(home: Path, key: str) -> None:
    create_workspace("x")
    rewrite("x", {key: None})
    with pytest.raises(WorkspaceException, match="lacks one of"):
        find_workspace("x")


def test_an_id_that_is_no_uuid_is_told(home: Path) -> None:
    create_workspace("x")
    rewrite("x", {"id": "../../etc"})
    with pytest.raises(WorkspaceException, match="not a UUID"):
        find_workspace("x")


def test_a_folder_of_a_newer_milepost_is_not_touched(home: Path) -> None:
    create_workspace("x")
    path = rewrite("x", {"format": FORMAT + 1, "id": None})
    before = path.read_bytes()
    with pytest.raises(WorkspaceException, match="pip install -U milepost"):
        create_workspace("x")
    assert path.read_bytes() == before


def test_a_folder_that_was_renamed_is_told(home: Path) -> None:
    create_workspace("x")
    workspace_folder("x").rename(workspace_folder("y"))
    with pytest.raises(WorkspaceException, match="says that the workspace is called 'x'"):
        find_workspace("y")


def test_a_folder_without_its_workspace_json_is_not_taken_over(home: Path) -> None:
    create_workspace("x")
    (workspace_folder("x") / "store.db").touch()
    (workspace_folder("x") / "workspace.json").unlink()
    for call in (find_workspace, create_workspace):
        with pytest.raises(WorkspaceException, match=r"has no .*workspace\.json"):
            call("x")
    assert [each.name for each in workspace_folder("x").iterdir()] == ["store.db"]


def test_one_broken_workspace_does_not_hide_the_others(home: Path) -> None:
    for name in ("a", "b", "c"):
        create_workspace(name)
    (workspace_folder("b") / "workspace.json").write_text("{")
    with pytest.warns(UserWarning, match="is not JSON"):
        assert [each.name for each in list_workspaces()] == ["a", "c"]
    problems: list[WorkspaceException] = []
    assert [each.name for each in list_workspaces(problems.append)] == ["a", "c"]
    assert len(problems) == 1


# -- a home that cannot be written


def test_a_home_that_is_a_file_is_told(home: Path) -> None:
    home.write_text("")
    with pytest.raises(WorkspaceException, match="MILEPOST_HOME"):
        create_workspace("x")


@pytest.mark.skipif(is_root, reason="root may write everywhere")
def test_a_home_without_the_right_to_write_is_told(home: Path) -> None:
    home.mkdir(mode=0o500)
    with pytest.raises(WorkspaceException, match="MILEPOST_HOME"):
        create_workspace("x")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that refuses folders")
def test_a_home_on_a_file_system_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_HOME", "/proc/milepost")
    with pytest.raises(WorkspaceException) as caught:
        create_workspace("x")
    assert "/proc/milepost" in caught.value.message
    assert "set MILEPOST_HOME" in caught.value.message
