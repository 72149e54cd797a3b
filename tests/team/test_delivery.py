"""How what is logged gets to a server: busy ones, refusals, servers that are gone, revoked tokens, being offline."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from azureml.core import Experiment, Workspace
from azureml.exceptions import AuthenticationException, ServiceException
from milepost.sdk.access.credentials import keep_token
from milepost.sdk.recording.recorder import close_recorder
from milepost.store import tokens
from milepost.store.accounts import list_accounts
from milepost.store.batch import Batch, SeriesBlock
from milepost.store.store import find_store
from tests.team.fault_proxy import FaultProxy
from tests.team.servers import TeamServer

if TYPE_CHECKING:
    from collections.abc import Callable

    OnServer = Callable[..., Workspace]


def stored(server: TeamServer, workspace: str, run_id: str) -> dict[str, Any]:
    """The run's metrics, from the server's database itself."""
    store = find_store(server.engine, workspace, lambda each: f"{server.blobs_url}/{each}")
    return store.metric_values_many([run_id])[run_id]


def execute(source: str) -> subprocess.CompletedProcess[str]:
    """A script in a process of its own; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def milepost(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from milepost.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def engine_name() -> str:
    """What is told here does not hang on the database."""
    return "sqlite"


def test_a_busy_server_is_asked_again_when_it_said(
    behind_proxy: TeamServer, proxy: FaultProxy, on_server: OnServer
) -> None:
    ws = on_server(behind_proxy, "busy")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    run.flush()
    asked: list[float] = []

    def decide(_method: str, path: str) -> str:
        if not path.endswith("/batches"):
            return "pass"
        asked.append(time.monotonic())
        return "busy" if len(asked) <= 2 else "pass"

    proxy.decide = decide
    run.log("loss", 1.0)
    assert run.get_metrics() == {"loss": 1.0}
    assert len(asked) >= 3
    assert asked[1] - asked[0] >= 1
    assert asked[2] - asked[1] >= 1


def test_what_a_server_refuses_is_set_aside_and_all_else_arrives(
    own_database: str, tmp_path: Path, on_server: OnServer
) -> None:
    server = TeamServer(own_database, str(tmp_path / "server-blobs"), limits={"batch": 20_000}).start()
    try:
        ws = on_server(server, "refusing")
        run = Experiment(ws, "e").start_logging(snapshot_directory=None)
        run.log("before", 1)
        run.log_list("large", [str(number) * 7 for number in range(50_000)])
        run.log("after", 2)
        run.tag("stage", "prod")
        with pytest.warns(RuntimeWarning, match=r"cannot be stored.*refused"):
            run.flush()
        assert run.get_metrics() == {"before": 1, "after": 2}
        assert run.get_tags() == {"stage": "prod"}
        (kept,) = (ws._recorder.folder / "refused").glob("*.json")
        told = json.loads(kept.read_text())
        assert (told["metric"], told["run"], len(told["columns"][""])) == ("large", run.id, 50_000)
        assert "are taken at most" in told["reason"]
    finally:
        server.close()


def test_a_very_long_list_is_sent_in_pieces_and_is_one_list_there(
    own_server: TeamServer, on_server: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from milepost.remote import store as remote

    monkeypatch.setattr(remote, "MOST_CELLS", 3000)
    ws = on_server(own_server, "long")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    run.log("before", 1)
    values = [number / 7 for number in range(10_000)]
    run.log_list("long", values)
    run.log("after", 2)
    store = ws._recorder.fresh()
    assert run.get_metrics() == {"before": 1, "long": values, "after": 2}
    (summary,) = store.metric_summaries([run.id], ["long"])
    assert (summary.calls, summary.count, summary.first_step, summary.last_step) == (1, 10_000, 0, 9999)
    # The answer was lost, and it is sent again.
    points = store.metric_points(run.id, "long")
    batch = Batch("other", 0, 10, [], [SeriesBlock(run.id, "again", "series", points, is_list=True)])
    assert [store.apply(batch), store.apply(batch)] == [10, 10]
    assert run.get_metrics("again") == {"again": values}


def test_a_server_that_is_gone_lets_the_script_end_with_one_warning_and_sync_delivers(
    own_server: TeamServer, on_server: OnServer
) -> None:
    on_server(own_server, "gone")
    own_server.kill()
    began = time.time_ns()
    done = execute("""
        import io
        from azureml.core import Experiment, Workspace
        run = Experiment(Workspace.get("gone"), "e").start_logging(snapshot_directory=None)
        for number in range(1000):
            run.log("value", number)
        run.upload_file("outputs/large.bin", io.BytesIO(b"x" * 6_000_000))
        run.complete()
        print(run.id)
    """)
    ended = time.time_ns()
    told = [line for line in done.stderr.splitlines() if "RuntimeWarning" in line]
    assert len([line for line in told if "could not deliver all" in line]) == 1, done.stderr
    assert "milepost sync" in done.stderr
    assert len(told) == 2, done.stderr  # the first: when the workspace was opened
    assert milepost("sync").returncode == 1
    own_server.start()
    delivered = milepost("sync", "--json")
    assert delivered.returncode == 0, delivered.stderr
    (here,) = json.loads(delivered.stdout)["workspaces"]
    assert (here["journals"], here["values"], here["left"], here["left_files"]) == (1, 1000, 0, 0)
    run_id = done.stdout.strip()
    assert stored(own_server, "gone", run_id) == {"value": list(range(1000))}
    store = find_store(own_server.engine, "gone", lambda each: f"{own_server.blobs_url}/{each}")
    record = store.run(run_id)
    assert record.status == "Completed"
    assert record.ended_ns is not None
    assert began <= record.created_ns <= record.ended_ns <= ended
    assert len(store.open_artifact(run_id, "outputs/large.bin").read()) == 6_000_000
    assert "nothing to deliver" in milepost("sync").stdout


def test_offline_nobody_is_asked_and_one_line_says_where_it_is(
    behind_proxy: TeamServer, proxy: FaultProxy, on_server: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_server(behind_proxy, "offline")
    proxy.seen.clear()
    monkeypatch.setenv("MILEPOST_OFFLINE", "1")
    done = execute("""
        from azureml.core import Experiment, Workspace
        from azureml.exceptions import ServiceException
        run = Experiment(Workspace.get("offline"), "e").start_logging(snapshot_directory=None)
        run.log("value", 1)
        for read in (lambda: run.number, run.get_metrics):
            try:
                read()
            except ServiceException as error:
                assert "MILEPOST_OFFLINE is set" in error.message
            else:
                raise AssertionError
        run.complete()
        print(run.id)
    """)
    assert not proxy.seen
    assert "offline" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    monkeypatch.delenv("MILEPOST_OFFLINE")
    assert milepost("sync").returncode == 0
    assert stored(behind_proxy, "offline", done.stdout.strip()) == {"value": 1}


def test_a_revoked_token_stops_no_training_and_another_one_is_taken_at_once(
    own_server: TeamServer, on_server: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = on_server(own_server, "revoked")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    run.log("value", 1)
    run.flush()
    (account,) = list_accounts(own_server.engine)
    (token,) = tokens.list_tokens(own_server.engine, account.id)
    tokens.revoke_token(own_server.engine, account.id, token.id)
    own_server.stop()  # it would trust the token for some seconds
    own_server.start()
    run.log("value", 2)
    with pytest.warns(RuntimeWarning, match="milepost login"):
        run.flush()
    run.log("value", 3)
    run.flush()
    assert stored(own_server, "revoked", run.id) == {"value": 1}
    monkeypatch.delenv("MILEPOST_TOKEN")
    keep_token(own_server.url, own_server.token("revoked"), "user")
    assert run.get_metrics() == {"value": [1, 2, 3]}


def test_another_address_of_the_server_is_told_at_once(
    server: TeamServer, on_server: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_server(server, "address")
    monkeypatch.setenv("MILEPOST_URL", server.url.replace("127.0.0.1", "localhost"))
    advice = f"Set MILEPOST_URL to {server.url}"
    with pytest.raises(AuthenticationException, match=advice):
        Workspace.get("address")
    monkeypatch.setenv("MILEPOST_JOB", "a_run")  # a script of which nothing is asked before it records
    ws = Workspace.get("address")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    with pytest.warns(RuntimeWarning, match=advice):
        run.flush()
    with pytest.raises(AuthenticationException, match=advice):
        run.get_metrics()
    with pytest.warns(RuntimeWarning, match=advice):
        close_recorder(ws._recorder)


def test_reading_from_a_server_that_is_gone_is_an_error_that_says_so(
    own_server: TeamServer, on_server: OnServer
) -> None:
    ws = on_server(own_server, "reading")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    run.flush()
    own_server.kill()
    for read in (lambda: run.number, run.get_metrics, lambda: list(Experiment(ws, "e").get_runs())):
        with pytest.raises(ServiceException, match="cannot be reached"):
            read()
    own_server.start()
    assert run.number == 1


def test_the_clock_may_jump(own_server: TeamServer, on_server: OnServer) -> None:
    on_server(own_server, "clock")
    done = execute("""
        import time
        from azureml.core import Experiment, Workspace
        run = Experiment(Workspace.get("clock"), "e").start_logging(snapshot_directory=None)
        real = time.time_ns
        for number, jump_s in enumerate((0, 3600, -7200, 0)):
            time.time_ns = lambda jump_s=jump_s: real() + jump_s * 10**9
            run.log("value", number)
            run.flush()
        run.complete()
        print(run.id)
    """)
    assert stored(own_server, "clock", done.stdout.strip()) == {"value": [0, 1, 2, 3]}


def test_the_commands_work_on_a_servers_workspace(own_server: TeamServer, on_server: OnServer) -> None:
    ws = on_server(own_server, "commands")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    run.log("value", 1)
    Path("model.txt").write_text("hello")
    run.upload_file("outputs/model.txt", "model.txt")
    run.complete()
    run.register_model("m", "outputs/model.txt")
    close_recorder(ws._recorder)

    def said(*arguments: str) -> Any:
        done = milepost(*arguments, "-w", "commands", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert [each["id"] for each in said("runs", "list")["runs"]] == [run.id]
    assert said("runs", "show", run.id)["status"] == "Completed"
    assert said("models", "list")["models"][0]["name"] == "m"
    assert said("experiments", "list")["experiments"][0]["runs"] == 1
    assert said("workspace", "info")["server"] == own_server.url
    assert said("portal")["url"] == f"{own_server.url}/workspaces/commands"
    doctor = json.loads(milepost("doctor", "--json").stdout)["findings"]
    assert {each["status"] for each in doctor if each["check"] in ("server", "journals")} == {"ok"}
    done = milepost("runs", "files", run.id, "-w", "commands")
    assert "outputs/model.txt" in done.stdout, done.stderr
    assert said("runs", "delete", run.id, "--yes")["deleted"] == [run.id]
    wrong = milepost("runs", "list", "-w", "nowhere")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (1, 1)
    assert "has no workspace 'nowhere'" in wrong.stderr
    assert "nowhere" not in milepost("doctor").stdout


def test_deleting_a_workspace_needs_an_owner(
    own_server: TeamServer, on_server: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = on_server(own_server, "kept")
    with pytest.raises(AuthenticationException, match="owner"):
        ws.delete()
    monkeypatch.setenv("MILEPOST_TOKEN", own_server.token("kept", "owner"))
    ws = Workspace.get("kept")
    assert list(Workspace.list("any")) == ["kept"]
    ws.delete()
    assert Workspace.list("any") == {}
    assert not ws._place.folder.exists()


def test_a_script_does_not_wait_again_and_again_for_a_server_that_is_silent(
    behind_proxy: TeamServer, proxy: FaultProxy, on_server: OnServer
) -> None:
    ws = on_server(behind_proxy, "silent")
    asked: list[str] = []

    def refuse(_method: str, path: str) -> str:
        if path.endswith("/store/experiment"):
            asked.append(path)
        return "refuse"

    proxy.decide = refuse
    for name in "abc":
        Experiment(ws, name)
    assert 1 <= len(asked) <= 2  # a connection that breaks is tried twice
    proxy.decide = lambda _method, _path: "pass"
    assert sorted(each.name for each in Experiment.list(ws)) == ["a", "b", "c"]
