"""Commands about a workspace that is on a server say what they say of one on this machine."""

from __future__ import annotations

import re
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
