"""``milepost push``: a workspace of this machine is carried to a server, whole, identically and once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from azureml.core import Workspace
from milepost.cli.app import run as command
from milepost.remote.address import Address
from milepost.remote.store import RemoteStore
from milepost.sdk.workspaces import home as homes
from milepost.store.store import Store, open_store
from tests.store.builders import run_event, say, series, upload
from tests.store.whole import differences, everything, fill, grow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.team.servers import TeamServer

PROGRAM = [sys.executable, "-c", "from milepost.cli import main; main()"]


@pytest.fixture
def source(home: Path) -> Iterator[Store]:
    """The workspace "mine" of this machine; there is nothing in it yet."""
    place, _ = homes.create_workspace("mine")
    found = open_store(
        f"sqlite:///{place.folder / 'store.db'}",
        place.name,
        blobs_url=str(place.folder / "blobs"),
        workspace_id=place.id,
    )
    yield found
    found.close()


@pytest.fixture
def there(server: TeamServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Store]:
    """The server's workspace "mine", as a reader sees it; this process is signed in as a contributor."""
    server.make_workspace("mine")
    monkeypatch.setenv("MILEPOST_TOKEN", server.token("mine"))
    reader = server.token("mine", "reader")
    found = RemoteStore(Address(server.url, "mine", reader), tmp_path / "spool", "reader")
    yield found
    found.close()
    server.delete_workspaces()


def push(server: TeamServer, capsys: pytest.CaptureFixture[str], *more: str) -> Any:
    """What the command says as JSON."""
    assert command(["push", "mine", "--to", server.url, "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_all_of_it_arrives_as_it_was_and_what_has_grown_is_added(
    source: Store, server: TeamServer, there: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(source)
    first = push(server, capsys)
    assert (first["new_runs"], first["refused"]) == (source.info().runs, {})
    assert differences(everything(source), everything(there)) == {}
    again = push(server, capsys)
    assert [again[each] for each in ("new_runs", "changed_runs", "points", "files", "models")] == [0] * 5
    grow(source)
    more = push(server, capsys)
    assert (more["new_runs"], more["changed_runs"], more["points"], more["files"]) == (2, 4, 303, 1)
    assert differences(everything(source), everything(there)) == {}


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_push_that_is_killed_again_and_again_is_completed_by_the_next_one(
    source: Store, server: TeamServer, there: Store
) -> None:
    ids = [f"run-{number:03}" for number in range(60)]
    say(source, *(run_event(run_id) for run_id in ids))
    say(source, *(series(run_id, name, [number, 0.5] * 900) for number, run_id in enumerate(ids) for name in "abc"))
    for run_id in ids[::10]:
        upload(source, run_id, "outputs/x.txt", run_id.encode() * 1000)
    chance = random.Random(7)
    arrived = []
    for _ in range(3):
        process = subprocess.Popen([*PROGRAM, "push", "mine", "--to", server.url], env=os.environ)
        # Not by the clock: at some moment after more has arrived.
        wanted = there.info().points + chance.randrange(1, 40_000)
        while process.poll() is None and there.info().points < wanted:
            time.sleep(0.01)
        process.kill()
        process.wait(30)
        arrived.append(there.info().points)
    assert command(["push", "mine", "--to", server.url]) == 0
    assert any(0 < each < source.info().points for each in arrived), arrived
    assert replace(there.info(), id="") == replace(source.info(), id="")
    assert there.metric_values_many(ids) == source.metric_values_many(ids)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_what_is_wrong_is_told(
    source: Store,
    server: TeamServer,
    there: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(source, run_event("one"))

    def told(*arguments: str) -> str:
        assert command(["push", *arguments]) != 0
        return capsys.readouterr().err

    assert "There is no workspace 'other'" in told("other", "--to", server.url)
    assert "has no workspace 'elsewhere'" in told("mine", "--to", server.url, "--as", "elsewhere")
    assert "'nonsense' is no server's address" in told("mine", "--to", "nonsense")
    assert "cannot be reached" in told("mine", "--to", "http://127.0.0.1:9")
    monkeypatch.setenv("MILEPOST_TOKEN", server.token("mine", "reader"))
    assert "contributor" in told("mine", "--to", server.url)
    monkeypatch.setenv("MILEPOST_TOKEN", "mp_wrong")
    assert "Sign in" in told("mine", "--to", server.url)
    monkeypatch.delenv("MILEPOST_TOKEN")
    assert "milepost login" in told("mine", "--to", server.url)
    assert there.info().runs == 0


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_workspace_is_exported_and_imported_here_and_into_a_server(
    source: Store, server: TeamServer, there: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say(source, run_event("one"), series("one", "m", [1, -0.0, "x"]))
    upload(source, "one", "outputs/x.txt", b"content")
    folder = str(tmp_path / "exported")

    def done(*arguments: str) -> Any:
        assert command([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    told = done("export", "mine", folder)
    assert [told[each] for each in ("runs", "points", "files", "missing")] == [1, 3, 1, {}]
    for where in (["--workspace", "copy"], ["--to", server.url]):
        first, again = (done("import", folder, *where) for _ in range(2))
        assert [first[each] for each in ("new_runs", "points", "files")] == [1, 3, 1]
        assert [again[each] for each in ("new_runs", "points", "files")] == [0, 0, 0]
    assert differences(everything(source), everything(there)) == {}
    assert Workspace.get("copy").get_run("one").get_metrics() == {"m": [1, -0.0, "x"]}
    # Push and import know of each other.
    assert push(server, capsys)["points"] == 0


def test_what_cannot_be_exported_or_imported_is_told(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    homes.create_workspace("mine")

    def told(*arguments: str) -> str:
        assert command(arguments) != 0
        return capsys.readouterr().err

    assert "There is no workspace 'other'" in told("export", "other", str(tmp_path / "x"))
    assert "is there already" in told("export", "mine", str(tmp_path))
    assert "no milepost.json" in told("import", str(tmp_path))
    assert "--as" in told("import", str(tmp_path), "--to", "http://127.0.0.1:9", "-w", "x")
    assert "needs --to" in told("import", str(tmp_path), "--as", "x")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'milepost[export]'" in told("export", "mine", str(tmp_path / "x"))
    assert "pip install 'milepost[export]'" in told("import", str(tmp_path))


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_run_that_is_another_one_there_is_left_and_told(
    source: Store, server: TeamServer, there: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    say(source, run_event("same"), run_event("mine"), series("mine", "m", [1, 2]))
    writer = RemoteStore(Address(server.url, "mine", os.environ["MILEPOST_TOKEN"]), homes.home() / "spool", "writer")
    say(writer, run_event("same", "elsewhere"), run_event("mine"), series("mine", "m", [1, 2, 3]))
    writer.close()
    assert command(["push", "mine", "--to", server.url, "--json"]) == 1
    refused = json.loads(capsys.readouterr().out)["refused"]
    assert set(refused) == {"same", "mine"}
    assert there.metric_values("mine") == {"m": [1, 2, 3]}
