"""Commands about a workspace that is on a server say what they say of one on this machine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from azureml.core import Experiment
from tests.cli.conftest import Command, milepost, terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from azureml.core import Workspace
    from tests.team.servers import TeamServer

__all__ = ["milepost", "terminal"]

IDS = ["11111111-aaaa-4000-8000-000000000001", "11111111-bbbb-4000-8000-000000000002", "2" * 36]


@pytest.fixture
def workspace(server: TeamServer, on_server: Callable[..., Workspace]) -> Workspace:
    """Three runs, of which two have ids that begin with the same 9 characters."""
    server.delete_workspaces()
    found = on_server(server, "vision")
    for run_id in IDS:
        Experiment(found, "e").start_logging(run_id=run_id, display_name="x" * 40).complete()
    found._recorder.flush()
    return found


@pytest.mark.usefixtures("workspace")
class TestRunsByTheBeginningsOfTheirIds:
    def test_a_unique_one_is_enough(self, milepost: Command) -> None:
        assert milepost("runs", "show", "-w", "vision", "2222", "--json").json["id"] == IDS[2]
        assert milepost("runs", "metrics", "-w", "vision", "11111111-b", "--json").json["id"] == IDS[1]

    def test_one_of_several_names_them(self, milepost: Command) -> None:
        result = milepost("runs", "show", "-w", "vision", "1111", ok=False)
        assert result.code == 2
        assert f"begin with '1111': {IDS[0]}, {IDS[1]}." in result.err

    @pytest.mark.parametrize("unknown", ["nosuchrun", "%", "\udcff"])
    def test_an_unknown_one_is_wrong_use(self, milepost: Command, unknown: str) -> None:
        result = milepost("runs", "show", "-w", "vision", unknown, ok=False)
        assert (result.code, "has no run whose id begins with" in result.err) == (2, True)

    def test_a_narrow_terminal_shows_as_much_as_is_unique(self, terminal: Command) -> None:
        out = re.sub(r"\x1b\[[0-9;]*m", "", terminal("runs", "list", "-w", "vision", width=80).out)
        assert [line.split()[0] for line in out.splitlines()[2:5]] == ["22222222", "11111111-bbb", "11111111-aaa"]


@pytest.mark.usefixtures("workspace")
class TestWorkspaces:
    def test_those_of_the_server_are_listed_with_ones_role(self, server: TeamServer, milepost: Command) -> None:
        server.make_workspace("not-mine")
        found = milepost("workspace", "list", "--json").json
        (only,) = found["workspaces"]
        assert (found["server"], only["name"], only["role"]) == (server.url, "vision", "contributor")
        result = milepost("workspace", "list")
        assert re.search(r"vision +contributor", result.out)
        assert "those of this machine: milepost workspace list --here" in result.err

    def test_a_config_or_an_option_names_the_server(
        self, server: TeamServer, milepost: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("MILEPOST_URL")
        assert milepost("workspace", "list", "--json").json["workspaces"] == []
        named = milepost("workspace", "list", "--server", f"{server.url}/", "--json").json
        assert [each["name"] for each in named["workspaces"]] == ["vision"]
        Path("config.json").write_text(json.dumps({"workspace_name": "vision", "url": server.url}))
        assert milepost("workspace", "list", "--json").json["workspaces"] == [
            {**named["workspaces"][0], "current": True}
        ]

    def test_those_of_this_machine_are_listed_when_asked_for(self, milepost: Command) -> None:
        milepost("workspace", "create", "mine", "--here")
        found = milepost("workspace", "list", "--here", "--json").json["workspaces"]
        assert [(each["name"], each["current"]) for each in found] == [("mine", False)]

    def test_what_is_no_server_is_wrong_use(self, milepost: Command) -> None:
        assert milepost("workspace", "list", "--server", "milepost.example", ok=False).code == 2
        assert milepost("workspace", "list", "--server", "http://127.0.0.1:9", "--here", ok=False).code == 2

    def test_info_knows_the_server_that_a_config_names(
        self, server: TeamServer, milepost: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("MILEPOST_URL")
        Path("config.json").write_text(json.dumps({"workspace_name": "vision", "url": server.url}))
        found = milepost("workspace", "info", "--json").json
        assert (found["server"], found["runs"]) == (server.url, 3)
        said = milepost("workspace", "info", "-w", "vision", ok=False).err
        assert f"set MILEPOST_URL={server.url}." in said

    def test_one_is_made_on_the_server(self, server: TeamServer, milepost: Command) -> None:
        made = milepost("workspace", "create", "speech", "--json").json
        assert (made["server"], made["name"], made["role"]) == (server.url, "speech", "owner")
        assert milepost("workspace", "info", "-w", "speech", "--json").json["runs"] == 0
        assert "there is a workspace 'speech' already" in milepost("workspace", "create", "speech", ok=False).err
