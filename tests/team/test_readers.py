"""Who may only read a server's workspace: all can be read, and nothing is left that is done later unasked."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from azureml.core import Experiment, Run, ScriptRunConfig, Workspace
from azureml.exceptions import AuthenticationException, WorkspaceException
from milepost.cli.workspace_checks import check_server
from milepost.journal.recovery import journal_ids
from milepost.sdk.recording.recorder import close_recorder
from tests.team.servers import TeamServer
from tests.team.test_delivery import milepost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    OnServer = Callable[..., Workspace]
    AsReader = Callable[[str], Workspace]


@pytest.fixture
def engine_name() -> str:
    """Roles are the server's, whatever its database."""
    return "sqlite"


@pytest.fixture
def as_reader(server: TeamServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AsReader]:
    """``as_reader(name)``: the workspace as one sees it, on a machine of their own, who may only read it."""
    opened: list[Workspace] = []

    def see(name: str) -> Workspace:
        monkeypatch.setenv("MILEPOST_HOME", str(tmp_path / "reader"))
        monkeypatch.setenv("MILEPOST_TOKEN", server.token(name, "reader"))
        opened.append(Workspace.get(name))
        return opened[-1]

    yield see
    for workspace in opened:
        close_recorder(workspace._recorder)


def recorded(workspace: Workspace) -> Run:
    """A run that somebody else has recorded."""
    run = Experiment(workspace, "train").start_logging(snapshot_directory=None)
    run.log("loss", 0.5)
    run.complete()
    close_recorder(workspace._recorder)
    return run


def left(workspace: Workspace) -> list[str]:
    return list(journal_ids(workspace._recorder.writer.folder))


def test_a_reader_reads_with_the_sdk_and_leaves_nothing_behind(
    server: TeamServer, on_server: OnServer, as_reader: AsReader
) -> None:
    run = recorded(on_server(server, "read"))
    ws = as_reader("read")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [each.id for each in Experiment(ws, "train").get_runs()] == [run.id]
        assert Run.get(ws, run.id).get_metrics() == {"loss": 0.5}
        close_recorder(ws._recorder)
    assert left(ws) == []


def test_an_experiment_that_a_reader_cannot_make_is_an_error_at_once(
    server: TeamServer, on_server: OnServer, as_reader: AsReader
) -> None:
    recorded(on_server(server, "unmade"))
    ws = as_reader("unmade")
    with pytest.raises(AuthenticationException, match="reader of the workspace 'unmade'.*make the experiment 'new'"):
        Experiment(ws, "new")
    assert [each.name for each in Experiment.list(ws)] == ["train"]
    assert left(ws) == []


def test_an_experiment_is_made_by_its_name_alone(server: TeamServer, on_server: OnServer) -> None:
    ws = on_server(server, "made")
    made = Experiment(ws, "new")
    assert [each.name for each in Experiment.list(ws)] == ["new"]
    assert made.id == Experiment(ws, "new").id


def test_what_a_reader_recorded_keeps_nobody_from_reading_and_arrives_when_they_may(
    server: TeamServer, on_server: OnServer, as_reader: AsReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = recorded(on_server(server, "kept"))
    ws = as_reader("kept")
    mine = Experiment(ws, "train").start_logging(snapshot_directory=None)
    mine.log("loss", 0.25)
    with pytest.warns(RuntimeWarning, match="role here is 'reader'.*It stays in .*journals.*Reading goes on") as told:
        (seen,) = Experiment(ws, "train").get_runs()
    assert (seen.id, seen.get_metrics()) == (run.id, {"loss": 0.5})
    assert len(told) == 1
    with pytest.raises(AuthenticationException, match="reader"):
        mine.get_status()
    with pytest.warns(RuntimeWarning, match="It is kept in .*journals"):
        close_recorder(ws._recorder)
    assert len(left(ws)) == 1
    again = Workspace.get("kept")
    with pytest.warns(RuntimeWarning, match="It stays in"):
        assert Run.get(again, run.id).get_metrics() == {"loss": 0.5}
    close_recorder(again._recorder)
    refused = milepost("sync")
    assert refused.returncode == 1
    assert "Delivered" not in refused.stdout
    assert "Nothing could be delivered: 1 journal is kept here" in refused.stderr
    (found,) = check_server(ws._place)
    assert found.status == "problem"
    assert found.advice.startswith("Ask one of its owners for the role contributor, then run: milepost sync.")
    monkeypatch.setenv("MILEPOST_TOKEN", server.token("kept"))
    assert milepost("sync").returncode == 0
    assert left(ws) == []
    assert Run.get(Workspace.get("kept"), mine.id).get_metrics() == {"loss": 0.25}


@pytest.mark.parametrize("command", [("tag", "stage=prod"), ("cancel",)], ids=lambda each: each[0])
def test_a_command_that_was_refused_is_not_done_later(
    server: TeamServer, on_server: OnServer, as_reader: AsReader, command: tuple[str, ...]
) -> None:
    name = f"refused-{command[0]}"
    run = recorded(on_server(server, name))
    ws = as_reader(name)
    done = milepost("runs", command[0], run.id, *command[1:], "-w", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"you are a reader of the workspace '{name}', and only its contributors may" in done.stderr
    assert left(ws) == []


def test_nothing_is_submitted_where_it_could_not_be_recorded(
    server: TeamServer, on_server: OnServer, as_reader: AsReader, tmp_path: Path
) -> None:
    recorded(on_server(server, "unsubmitted"))
    ws = as_reader("unsubmitted")
    Path("train.py").write_text("print('hello')")
    with pytest.raises(AuthenticationException, match="only its contributors may submit runs"):
        Experiment(ws, "train").submit(ScriptRunConfig(".", "train.py"))
    done = milepost("submit", "train.py", "-e", "train", "-w", "unsubmitted")
    assert (done.returncode, done.stdout) == (2, "")
    assert "only its contributors may submit runs" in done.stderr
    elsewhere = milepost("submit", "train.py", "-e", "train", "-w", "nowhere")
    assert (elsewhere.returncode, elsewhere.stdout) == (1, "")
    assert "has no workspace 'nowhere'" in elsewhere.stderr
    assert left(ws) == []
    assert not list((tmp_path / "reader").rglob("jobs"))


def test_nothing_is_submitted_into_a_workspace_that_was_deleted(server: TeamServer, on_server: OnServer) -> None:
    ws = on_server(server, "deleted")
    experiment = Experiment(ws, "train")
    ws._recorder.fresh()
    server.delete_workspaces()
    Path("train.py").write_text("print('hello')")
    with pytest.raises(WorkspaceException, match="has no workspace 'deleted'"):
        experiment.submit(ScriptRunConfig(".", "train.py"))
    assert not (ws._place.folder / "jobs").exists()
