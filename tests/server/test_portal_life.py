"""The embedded portal as a process: who starts it, that there is one, and when it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import psutil
import pytest

from azureml.core import Experiment, Run, Workspace
from milepost.sdk.portal import portal_file
from milepost.sdk.portal.portal_file import PortalState
from milepost.sdk.portal.portal_start import PortalFailed, asked_portal, start_portal, stop_portal

WAIT_S = 30.0
CLI = [sys.executable, "-c", "from milepost.cli import main; main()"]


@pytest.fixture
def folder(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a workspace whose portal may be started; it is ended with the test."""
    monkeypatch.setenv("MILEPOST_PORTAL", "1")
    monkeypatch.delenv("MILEPOST_PORTAL_URL", raising=False)
    place: Path = ws._recorder.folder
    yield place
    found = portal_file.running(place)
    if found is not None:
        os.kill(found.pid, signal.SIGKILL)


def _until(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def _asked(state: PortalState, path: str = "/api/v1/workspace") -> httpx.Response:
    headers = {"Authorization": f"Bearer {state.token}"}
    return httpx.get(state.base + path, headers=headers, trust_env=False, timeout=30)


def test_the_address_of_a_run_opens_its_page(folder: Path, ws: Workspace) -> None:
    run = Experiment(ws, "a_b").start_logging(snapshot_directory=None)
    run.log("mse", 0.25)
    run.complete()
    link = urlsplit(run.get_portal_url())
    assert link.path == f"/experiments/a_b/runs/{run.id}"
    token = parse_qs(link.query)["token"][0]
    with httpx.Client(base_url=f"http://{link.netloc}", trust_env=False, timeout=30) as browser:
        entered = browser.get(f"{link.path}?{link.query}")
        assert (entered.status_code, token in entered.headers["location"]) == (303, False)
        session = entered.headers["location"].partition("#session=")[2]
        assert browser.get(f"/s/{session}/api/v1/workspace").json()["counts"]["points"] == 1
    again = urlsplit(run.experiment.get_portal_url())
    assert (again.path, again.netloc, again.query) == ("/experiments/a_b", link.netloc, link.query)
    assert run.portal_url == f"http://{link.netloc}"


def test_many_that_ask_at_once_start_one(folder: Path) -> None:
    source = f"""
        from pathlib import Path
        from milepost.sdk.portal.portal_start import asked_portal
        print(asked_portal(Path({str(folder)!r})).pid)
    """
    asking = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    told = {process.communicate(timeout=60)[0].strip() for process in asking}
    assert len(told) == 1
    state = portal_file.running(folder)
    assert state is not None
    assert told == {str(state.pid)}


def test_what_it_says_of_itself_is_for_the_user_alone(folder: Path) -> None:
    state = start_portal(folder)
    assert stat.S_IMODE((folder / portal_file.FILE).stat().st_mode) == 0o600
    assert len(state.token) >= 43
    told = json.loads((folder / portal_file.FILE).read_text())
    assert (told["port"], told["token"], told["pid"]) == (state.port, state.token, state.pid)
    with socket.create_connection(("127.0.0.1", state.port)):
        pass
    listening = Path("/proc/net/tcp").read_text()
    assert f"0100007F:{state.port:04X} 00000000:0000 0A" in listening  # 127.0.0.1, and not 0.0.0.0


def test_a_file_that_others_can_read_or_that_is_nonsense_is_no_portal(folder: Path) -> None:
    state = start_portal(folder)
    path = folder / portal_file.FILE
    good = path.read_text()
    path.chmod(0o644)
    assert portal_file.running(folder) is None
    path.chmod(0o600)
    for text in ("", "[]", "{}", good.replace(str(state.port), '"x"'), good.replace(str(state.pid), "-1")):
        path.write_text(text)
        assert portal_file.running(folder) is None
    path.write_text(good)
    assert portal_file.running(folder) == state


def test_one_that_was_killed_is_followed_by_another(folder: Path) -> None:
    first = start_portal(folder, _unused_port())
    os.kill(first.pid, signal.SIGKILL)
    _until(lambda: portal_file.running(folder) is None, "the killed portal counts as one that runs")
    second = asked_portal(folder)
    assert second is not None
    assert second.pid != first.pid
    assert second.token != first.token
    assert second.port == first.port
    assert _asked(second).status_code == 200
    assert httpx.get(first.link("/"), trust_env=False).status_code == 401


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_that_is_asked_to_end_takes_its_word_back(folder: Path, number: signal.Signals) -> None:
    state = start_portal(folder, _unused_port())
    os.kill(state.pid, number)
    _until(lambda: not (folder / portal_file.FILE).exists(), "portal.json stays")
    assert portal_file.running(folder) is None
    assert start_portal(folder).port == state.port  # so that tabs that are open go on


def test_it_ends_with_the_workspace(folder: Path, tmp_path: Path) -> None:
    state = start_portal(folder)
    folder.rename(tmp_path / "elsewhere")
    _until(lambda: not _listens(state.port), "the portal of a removed workspace goes on")
    assert not folder.exists()


def _unused_port() -> int:
    """Not the usual one, which tests beside this one take as soon as it is free."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return int(unused.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_it_ends_when_nobody_looks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_PORTAL_IDLE", "3")
    state = start_portal(folder)
    headers = {"Authorization": f"Bearer {state.token}"}
    with httpx.stream("GET", f"{state.base}/api/v1/changes", headers=headers, trust_env=False, timeout=30) as looking:
        pieces = looking.iter_raw()
        next(pieces)
        time.sleep(4)  # longer than the limit, but somebody looks
        assert portal_file.running(folder) == state
    _until(lambda: portal_file.running(folder) is None, "the portal goes on though nobody looks")


def test_open_streams_do_not_keep_it(folder: Path) -> None:
    state = start_portal(folder)
    headers = {"Authorization": f"Bearer {state.token}"}
    with httpx.stream("GET", f"{state.base}/api/v1/changes", headers=headers, trust_env=False, timeout=30) as looking:
        pieces = looking.iter_raw()
        next(pieces)
        assert stop_portal(folder)
    assert "Traceback" not in (folder / portal_file.LOG).read_text()


def test_another_port_is_taken_where_it_has_to_be(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortalFailed, match=f"port {port} of 127.0.0.1 cannot be had"):
            start_portal(folder, port)
        first = start_portal(folder)
        stop_portal(folder)
        with socket.create_server(("127.0.0.1", first.port)):
            second = start_portal(folder)
            assert second.port not in (first.port, port)
            assert _asked(second).status_code == 200


def test_none_is_started_where_that_is_not_wanted(folder: Path, ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Experiment(ws, "exp").start_logging(snapshot_directory=None)
    monkeypatch.setenv("MILEPOST_PORTAL", "0")
    assert run.get_portal_url() == f"http://127.0.0.1:8765/experiments/exp/runs/{run.id}"
    monkeypatch.setenv("MILEPOST_PORTAL", "1")
    monkeypatch.setenv("MILEPOST_PORTAL_URL", "https://milepost.example/base/")
    assert run.get_portal_url() == f"https://milepost.example/base/experiments/exp/runs/{run.id}"
    assert run.portal_url == "https://milepost.example/base"
    assert portal_file.running(folder) is None
    run.complete()


def test_a_submitted_script_prints_no_token_into_its_log(folder: Path, submit: Callable[..., Run]) -> None:
    state = start_portal(folder)
    run = submit("from azureml.core import Run; print('page', Run.get_context().get_portal_url())")
    run.wait_for_completion()
    said = run.get_details_with_logs()["logFiles"]["azureml-logs/70_driver_log.txt"]
    assert f"page {state.base}/experiments/exp/runs/{run.id}\n" in said
    assert state.token not in said


@pytest.mark.skipif(sys.platform != "linux", reason="processes give way one by one on Linux only")
def test_it_gives_way_to_training_and_what_it_starts_does_not(
    folder: Path, submit: Callable[..., Run], tmp_path: Path
) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    state = start_portal(folder)
    _until(lambda: os.getpriority(os.PRIO_PROCESS, state.pid) == max(5, own), "the portal does not give way")
    assert _asked(state).status_code == 200
    end = tmp_path / "end"
    run = submit(f"import os, time\nwhile not os.path.exists({str(end)!r}): time.sleep(0.05)")

    def agents() -> dict[int, int]:
        """Process -> how far it gives way."""
        found = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if str(folder) in process.cmdline() and "agent" in process.cmdline():
                    found[process.pid] = int(process.nice())
        return found

    _until(agents, "there is no agent")
    before = set(agents())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    # Those that find another at work end at once.
    _until(
        lambda: {nice for pid, nice in agents().items() if pid not in before} == {own},
        "the portal starts no agent, or one that gives way",
    )
    end.touch()
    assert run.wait_for_completion()["status"] == "Completed"


def test_a_portal_that_cannot_start_is_told_once(folder: Path, ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Experiment(ws, "exp").start_logging(snapshot_directory=None)
    (folder / portal_file.LOCK).mkdir()
    with pytest.warns(RuntimeWarning, match="could not start the portal"):
        assert run.get_portal_url().startswith("http://127.0.0.1:8765/")
    assert run.get_portal_url().startswith("http://127.0.0.1:8765/")
    run.complete()


def test_a_link_is_given_before_the_portal_is_ready_and_opens_all_the_same(folder: Path) -> None:
    found = asked_portal(folder)
    assert found is not None
    assert not found.ready
    assert _asked(found).status_code == 200
    _until(lambda: getattr(portal_file.running(folder), "ready", False), "the portal does not say that it is ready")
    now = start_portal(folder)
    assert (now.token, now.port, now.pid) == (found.token, found.port, found.pid)


def test_one_that_fails_after_it_gave_a_link_is_told_at_the_next(folder: Path) -> None:
    kept = (folder / "workspace.json").read_bytes()
    (folder / "workspace.json").write_text("{}")
    asked_portal(folder)
    _until(lambda: (folder / portal_file.FAILED).exists(), "the portal does not say why it failed")
    _until(lambda: portal_file.running(folder) is None, "the portal that failed counts as one that runs")
    with pytest.warns(RuntimeWarning, match="could not start the portal"):
        assert asked_portal(folder) is None
    assert asked_portal(folder) is None
    (folder / "workspace.json").write_bytes(kept)


def test_the_address_of_a_log_gives_its_text(folder: Path, ws: Workspace, tmp_path: Path) -> None:
    run = Experiment(ws, "exp").start_logging(snapshot_directory=None)
    log = tmp_path / "a.txt"
    log.write_text("said\n")
    run.upload_file("azureml-logs/a b.txt", str(log))
    run.complete()
    start_portal(folder)
    address = run.get_details()["logFiles"]["azureml-logs/a b.txt"]
    assert httpx.get(address, trust_env=False, follow_redirects=False).status_code == 303
    with httpx.Client(trust_env=False, follow_redirects=True) as browser:
        assert browser.get(address).text == "said\n"


def test_what_a_killed_script_has_logged_is_shown(folder: Path, home: Path) -> None:
    state = start_portal(folder)
    source = """
        import os, signal
        from azureml.core import Experiment, Run, Workspace
        run = Experiment(Workspace.get("test"), "killed").start_logging(snapshot_directory=None)
        for step in range(1000):
            run.log("mse", step)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(source)], check=False)
    _until(lambda: _asked(state).json()["counts"]["points"] == 1000, "what the killed script has logged is not shown")
    told = _asked(state, "/api/v1/experiments/killed").json()
    assert told["statuses"] == {"Failed": 1}


def test_the_commands_start_and_end_it(folder: Path) -> None:
    def milepost(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*CLI, *arguments, "--workspace", "test"], capture_output=True, text=True, timeout=60, check=False
        )

    started = milepost("portal", "--no-browser", "--json")
    told = json.loads(started.stdout)
    state = portal_file.running(folder)
    assert state is not None
    assert (told["url"], told["port"], told["started"]) == (state.link("/"), state.port, True)
    assert milepost("portal", "--no-browser").stdout.strip() == state.link("/")
    other = milepost("portal", "--port", str(state.port % 60000 + 1), "--no-browser")
    assert (other.returncode, "milepost portal stop" in other.stderr) == (2, True)
    assert json.loads(milepost("portal", "stop", "--json").stdout)["stopped"] is True
    assert portal_file.running(folder) is None
    assert "no portal" in milepost("portal", "stop").stderr


@contextmanager
def in_foreground(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`milepost portal --foreground` and what it prints when it listens; it is ended with Ctrl-C."""
    process = subprocess.Popen(
        [*CLI, "portal", "--foreground", "--workspace", "test", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        told = process.stdout.readline()
        while told.startswith("{") and not told.endswith("}\n"):
            told += process.stdout.readline()
        yield process, told.strip()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert "Traceback" not in said
    finally:
        process.kill()
        process.wait()


def test_a_portal_in_the_foreground_ends_with_ctrl_c(folder: Path) -> None:
    with in_foreground() as (_, link):
        assert httpx.get(link, trust_env=False).status_code == 303
    assert portal_file.running(folder) is None


def test_a_portal_in_the_foreground_stays_though_nobody_looks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_PORTAL_IDLE", "0.1")
    with in_foreground("--json") as (process, told):
        state = portal_file.running(folder)
        assert state is not None
        found = json.loads(told)
        assert (found["url"], found["port"], found["pid"]) == (state.link("/"), state.port, process.pid)
        assert asked_portal(folder) == state
        time.sleep(1.0)
        assert process.poll() is None
        assert _asked(state).status_code == 200


def test_a_portal_that_only_shows_changes_nothing(folder: Path, ws: Workspace) -> None:
    run = Experiment(ws, "exp").start_logging(snapshot_directory=None)
    run.complete()
    with in_foreground("--read-only"):
        state = portal_file.running(folder)
        assert state is not None
        headers = {"Authorization": f"Bearer {state.token}"}
        with httpx.Client(base_url=f"{state.base}/api/v1", headers=headers, trust_env=False, timeout=30) as client:
            assert client.get(f"/runs/{run.id}").status_code == 200
            assert client.post("/metrics/series", json={"series": [{"run_id": run.id, "name": "m"}]}).status_code == 200
            refused = [
                client.patch(f"/runs/{run.id}", json={"archived": True}),
                client.post("/runs/actions", json={"run_ids": [run.id], "action": "delete"}),
                client.delete("/experiments/exp"),
            ]
    assert [each.json()["error"]["code"] for each in refused] == ["read_only"] * 3


def test_a_port_that_is_taken_is_told(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        failed = subprocess.run(
            [*CLI, "portal", "--foreground", "--workspace", "test", "--port", port],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert failed.returncode == 1
    assert f"port {port} of 127.0.0.1 cannot be had: Address already in use" in failed.stderr
    assert "Errno" not in failed.stderr
