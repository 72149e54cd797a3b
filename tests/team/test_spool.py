"""The files of runs on their way to a server lie on this machine until the server has them, and no longer."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from azureml.core import Experiment, Run, Workspace
from azureml.exceptions import ServiceException
from milepost.sdk.recording.recorder import close_recorder
from milepost.store.errors import StoreUnavailable
from tests.team.test_delivery import milepost

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from milepost.remote.store import RemoteStore
    from tests.team.fault_proxy import FaultProxy
    from tests.team.servers import TeamServer

    OnServer = Callable[..., Workspace]

MIB = 1 << 20


@pytest.fixture
def engine_name() -> str:
    """What lies on the client's machine does not hang on the database."""
    return "sqlite"


def spooled(ws: Workspace) -> dict[str, int]:
    """Digest to bytes of what lies on this machine."""
    return {digest: size for digest, size, _when in remote(ws).blobs.list()}


def remote(ws: Workspace) -> RemoteStore:
    store: RemoteStore = ws._recorder.open_store()
    return store


def upload(run: Run, folder: Path, size: int) -> str:
    """Upload a file of that size, and give its digest."""
    data = os.urandom(size)
    (folder / f"{size}.bin").write_bytes(data)
    run.upload_file(f"outputs/{size}.bin", str(folder / f"{size}.bin"))
    return hashlib.sha256(data).hexdigest()


def wait_for_files(ws: Workspace) -> None:
    remote(ws).uploads.wait(60)


@pytest.mark.parametrize("sizes", [(0, 1000, 3 * MIB), (1000, 5 * MIB)], ids=["small", "with a large one"])
def test_files_that_have_arrived_take_no_space_here(
    server: TeamServer, on_server: OnServer, tmp_path: Path, sizes: tuple[int, ...]
) -> None:
    ws = on_server(server, f"freed-{len(sizes)}")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    for size in sizes:
        upload(run, tmp_path, size)
    run.flush()
    wait_for_files(ws)
    assert spooled(ws) == {}
    for size in sizes:
        run.download_file(f"outputs/{size}.bin", str(tmp_path / "back"))
        assert (tmp_path / "back").read_bytes() == (tmp_path / f"{size}.bin").read_bytes()
    assert not list((ws._recorder.folder / "uploads").glob(".free-*"))
    run.complete()


def test_a_model_that_is_registered_takes_no_space_here(
    server: TeamServer, on_server: OnServer, tmp_path: Path
) -> None:
    from azureml.core import Model

    ws = on_server(server, "model")
    (tmp_path / "model.bin").write_bytes(os.urandom(1000))
    model = Model.register(ws, str(tmp_path / "model.bin"), "m")
    assert spooled(ws) == {}
    assert model.download(str(tmp_path / "back"), exist_ok=True)


def test_files_stay_until_the_server_has_what_names_them(
    behind_proxy: TeamServer, proxy: FaultProxy, on_server: OnServer, tmp_path: Path
) -> None:
    ws = on_server(behind_proxy, "unnamed")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    run.flush()
    proxy.decide = lambda _method, path: "refuse" if path.endswith("/batches") else "pass"
    digest = upload(run, tmp_path, 1000)
    with pytest.raises(StoreUnavailable):
        ws._recorder.drain.wait(10, patience=0)
    assert spooled(ws) == {digest: 1000}
    proxy.decide = lambda _method, _path: "pass"
    run.flush()
    assert spooled(ws) == {}


def test_the_same_file_may_be_uploaded_again(server: TeamServer, on_server: OnServer, tmp_path: Path) -> None:
    ws = on_server(server, "again")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    (tmp_path / "file").write_bytes(b"the same")
    for name in ("first", "second"):
        run.upload_file(name, str(tmp_path / "file"))
        run.flush()
    close_recorder(ws._recorder)
    seen = Run.get(Workspace.get("again"), run.id)
    seen.download_file("second", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == b"the same"


def test_a_file_that_has_not_arrived_is_told_of_by_its_name(
    behind_proxy: TeamServer,
    proxy: FaultProxy,
    on_server: OnServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ws = on_server(behind_proxy, "waiting")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    proxy.decide = lambda method, path: "refuse" if method == "PUT" and "/blobs/" in path else "pass"
    upload(run, tmp_path, 5 * MIB)
    ws._recorder.drain.wait(60)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("MILEPOST_HOME", str(tmp_path / "another"))
        seen = Run.get(Workspace.get("waiting"), run.id)
        name = f"outputs/{5 * MIB}.bin"
        expected = f"{name} of run {run.id} is not on the server yet: the machine that recorded it sends it"
        with pytest.raises(ServiceException, match=expected) as told:
            seen.download_file(name, str(tmp_path / "back"))
        assert told.value.status_code == 404
        close_recorder(seen._recorder)
    proxy.decide = lambda _method, _path: "pass"
    wait_for_files(ws)


def test_sync_says_which_files_it_sent(
    behind_proxy: TeamServer, proxy: FaultProxy, on_server: OnServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from milepost.remote import uploads

    ws = on_server(behind_proxy, "synced")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    proxy.decide = lambda method, path: "refuse" if method == "PUT" and "/blobs/" in path else "pass"
    upload(run, tmp_path, 5 * MIB)
    with pytest.raises(StoreUnavailable):
        ws._recorder.flush()

    def not_here(_uploads: uploads.Uploads, _digests: list[str]) -> None:
        raise StoreUnavailable("the command is to send it, and not this process")

    monkeypatch.setattr(uploads.Uploads, "_send_all", not_here)
    proxy.decide = lambda _method, _path: "pass"
    assert milepost("sync").stdout.splitlines()[-1] == "Delivered 1 file."
