"""``milepost login``, the SDK's classes of authentication, and ``milepost server admin``, against a real server."""

from __future__ import annotations

import gc
import json
import os
import pickle
import re
import stat
import subprocess
import threading
import time
import webbrowser
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from azureml.core import Experiment, Workspace
from azureml.core.authentication import (
    InteractiveLoginAuthentication,
    ServicePrincipalAuthentication,
    TokenAuthentication,
)
from milepost.sdk.access import credentials
from milepost.sdk.access.signing_in import sign_in, tell
from milepost.sdk.exceptions import AuthenticationException
from milepost.sdk.recording.recorder import close_recorder, open_recorders
from milepost.store import audit, tokens
from milepost.store.account_schema import device_codes
from milepost.store.engine import read
from milepost.store.migrate import HEAD
from tests.cli.conftest import PROGRAM
from tests.team.access.conftest import API, Who

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.team.access.conftest import Team


@pytest.fixture
def engine_name() -> str:
    """What is tested here is not the database."""
    return "sqlite"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home on the client's machine."""
    folder = tmp_path / "home"
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("MILEPOST_HOME", str(folder))
    for name in [*os.environ]:
        if name.startswith("AZUREML_") or name in ("MILEPOST_URL", "MILEPOST_TOKEN", "MILEPOST_OFFLINE", "DISPLAY"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(credentials, "_given", {})
    yield folder
    for recorder in open_recorders():
        close_recorder(recorder)


def milepost(*arguments: str, given: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        timeout=120,
        check=False,
    )


def confirmed_by(team: Team, browser: Who, *, approve: bool = True) -> threading.Thread:
    """A person who sees the code of the next program that waits, and answers."""

    def answer() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with read(team.engine) as connection:
                code = connection.scalar(select(device_codes.c.user_code).where(device_codes.c.account_key.is_(None)))
            if code is not None:
                team.ask(browser, "POST", f"{API}/device/codes/{code}", {"approve": approve})
                return
            time.sleep(0.05)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    return thread


# The commands.


def test_login_by_a_browser_keeps_a_token_that_scripts_use(
    team: Team, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = team.account("ann", role="contributor")
    person = confirmed_by(team, team.browser(ann))
    done = milepost("login", team.url)
    person.join()
    assert done.returncode == 0, done.stderr
    assert f"{team.url}/device?code=" in done.stderr
    assert "as ann" in done.stdout
    file = home / "credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (made,) = tokens.list_tokens(team.engine, ann.id)
    assert made.expires_ns is not None
    assert made.name.startswith("milepost login: ")
    said = milepost("whoami", team.url)
    assert said.stdout.startswith(f"ann at {team.url}, until 20")
    monkeypatch.setenv("MILEPOST_URL", team.url)
    run = Experiment(Workspace.get("test"), "exp").start_logging(snapshot_directory=None)
    run.log("loss", 0.5)
    run.complete()
    assert team.app.places.store("test").run(run.id).status == "Completed"
    for text in (done.stdout, done.stderr, said.stdout):
        assert "mp_" not in text
    # And out again: the token is good for nothing, wherever it went.
    out = milepost("logout", team.url)
    assert out.returncode == 0, out.stderr
    assert tokens.list_tokens(team.engine, ann.id)[0].revoked_ns is not None
    assert milepost("whoami", team.url).returncode == 1
    assert milepost("logout", team.url).returncode == 1


def test_login_that_is_refused_keeps_nothing(team: Team, home: Path) -> None:
    person = confirmed_by(team, team.browser(team.account("ann")), approve=False)
    done = milepost("login", team.url)
    person.join()
    assert done.returncode == 1
    assert "was refused in the browser" in done.stderr
    assert not (home / "credentials.json").exists()


@contextmanager
def impostor(**answer: object) -> Iterator[str]:
    """The address of a server that begins a sign-in with this answer, and has nobody confirm it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            began = {"device_code": "x", "expires_in": 0, "interval": 1, "user_code": "ABCD-EFGH", **answer}
            content = json.dumps(began).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Nothing: it would be in the way of what the command says."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    "answer",
    [
        {"verification_uri_complete": "http://milepost.example/\x1b]0;owned\x07"},
        {"verification_uri_complete": "http://milepost.example/\u202eexe"},
        {"verification_uri_complete": "javascript:alert(1)"},
        {"verification_uri_complete": "https://milepost.example@evil.example/"},
        {"verification_uri_complete": 7},
        {"verification_uri_complete": "http://milepost.example/", "user_code": "AB\x9b2J"},
        {"verification_uri_complete": "http://milepost.example/", "user_code": "A\nB"},
        {"verification_uri_complete": "http://milepost.example/", "user_code": "A" * 1000},
    ],
)
def test_a_link_or_a_code_that_is_not_fit_to_be_shown_is_refused(
    answer: dict[str, object], capfd: pytest.CaptureFixture[str]
) -> None:
    with impostor(**answer) as url, pytest.raises(AuthenticationException, match="does not answer as a Milepost"):
        sign_in(url, tell)
    assert capfd.readouterr().err == ""


def test_a_link_to_another_address_is_shown_as_such_and_not_opened(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setenv("DISPLAY", ":0")
    elsewhere = "https://other.example/device?code=ABCD-EFGH"
    with impostor(verification_uri_complete=elsewhere) as url, pytest.raises(AuthenticationException, match="in time"):
        sign_in(url, tell)
    assert "leads to another address" in capfd.readouterr().err
    assert opened == []


def test_what_is_no_address_is_wrong_use() -> None:
    done = milepost("login", "127.0.0.1:18800")
    assert done.returncode == 2
    assert done.stderr == "milepost: '127.0.0.1:18800' is no server's address: begin it with http:// or https://.\n"
    assert "secret" not in milepost("login", "ann:secret@milepost.example").stderr


def test_login_with_a_token_on_standard_input(team: Team, home: Path) -> None:
    ann = team.account("ann", role="reader")
    token = str(team.token(ann, workspace="test", role="reader").token)
    done = milepost("login", team.url, "--token", "--json", given=token + "\n")
    assert done.returncode == 0, done.stderr
    assert token not in done.stdout + done.stderr
    said = milepost("whoami", MILEPOST_URL=team.url)
    assert said.stdout == f"ann at {team.url}, only the workspace test, at most as reader\n"
    # A wrong one is not kept, and the one that is there stays.
    wrong = milepost("login", team.url, "--token", given=token[:-1] + "\n")
    assert wrong.returncode == 1
    assert "wrong, expired or revoked" in wrong.stderr
    assert token not in wrong.stderr
    assert milepost("whoami", team.url).returncode == 0


def test_the_token_of_one_server_is_not_shown_to_another(team: Team) -> None:
    credentials.keep_token("https://other.example", "mp_other", "ann")
    assert credentials.token_for(team.url) is None
    assert "Nobody is signed in" in milepost("whoami", team.url).stderr
    assert milepost("login").returncode == 2
    assert milepost("login", "ftp://x").returncode == 2
    assert "user or password in it" in milepost("login", "https://ann:secret@milepost.example").stderr


# The classes of the SDK.


@pytest.fixture
def robot(team: Team, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A service account: its id, and a token of it."""
    made = team.account("robot", role="contributor", kind="service")
    monkeypatch.setenv("MILEPOST_URL", team.url)
    return made.id, str(team.token(made).token)


def recorded(team: Team, workspace: Workspace) -> str:
    run = Experiment(workspace, "exp").start_logging(snapshot_directory=None)
    run.log("loss", 0.5)
    run.complete()
    return team.app.places.store("test").run(run.id).status


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_service_principal_records_with_its_token(team: Team, robot: tuple[str, str], by: str) -> None:
    who = robot[0] if by == "id" else "Robot"
    auth = ServicePrincipalAuthentication("tenant", who, service_principal_password=robot[1])
    assert recorded(team, Workspace.get("test", auth=auth)) == "Completed"
    assert not (credentials.home() / "credentials.json").exists()


def test_a_service_principal_needs_a_token_of_its_own(team: Team, robot: tuple[str, str]) -> None:
    ann = str(team.member("owner").token)
    for password, text in ((ann, "not one of the service principal"), (robot[1][:-1], "does not take")):
        auth = ServicePrincipalAuthentication("tenant", robot[0], service_principal_password=password)
        with pytest.raises(AuthenticationException, match=text) as caught:
            Workspace.get("test", auth=auth)
        assert password not in str(caught.value) + repr(caught.value)


def test_a_function_gives_tokens_and_new_ones(
    team: Team, robot: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from milepost.sdk.access import authentication

    monkeypatch.setattr(authentication, "_GOOD_FOR_S", 0.0)
    asked: list[str] = []
    given = [robot[1]]

    def give(audience: str) -> str:
        asked.append(audience)
        return given[0]

    workspace = Workspace.get("test", auth=TokenAuthentication(give))
    assert recorded(team, workspace) == "Completed"
    assert set(asked) == {team.url}
    # The first token is revoked while the process runs; the function has another one by then.
    tokens.revoke_token(team.engine, robot[0], robot[1].split("_")[1])
    team.knows_at_once()
    given[0] = tokens.create_token(team.engine, robot[0], "another")[1]
    assert recorded(team, workspace) == "Completed"


def test_a_function_that_gives_no_token_is_told_of(team: Team, robot: tuple[str, str]) -> None:
    def fail(audience: str) -> str:
        raise RuntimeError("the vault is closed")

    for function, text in ((fail, "raised RuntimeError"), (lambda _: None, "gave NoneType")):
        with pytest.raises(AuthenticationException, match=text):
            Workspace.get("test", auth=TokenAuthentication(function))  # type: ignore[arg-type]


def test_interactive_login_asks_once(team: Team, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.setenv("MILEPOST_URL", team.url)
    ann = team.account("ann", role="contributor")
    person = confirmed_by(team, team.browser(ann))
    assert recorded(team, Workspace.get("test", auth=InteractiveLoginAuthentication())) == "Completed"
    person.join()
    assert re.search(r"compare the code there with this one: [A-Z]{4}-[A-Z]{4}", capfd.readouterr().err)
    assert recorded(team, Workspace.get("test", auth=InteractiveLoginAuthentication())) == "Completed"
    assert len(tokens.list_tokens(team.engine, ann.id)) == 1
    # A token that is good no more is replaced.
    tokens.revoke_token(team.engine, ann.id, tokens.list_tokens(team.engine, ann.id)[0].id)
    team.knows_at_once()
    person = confirmed_by(team, team.browser(ann))
    assert recorded(team, Workspace.get("test", auth=InteractiveLoginAuthentication())) == "Completed"
    person.join()


def test_secrets_are_in_no_object(team: Team, robot: tuple[str, str]) -> None:
    secret = robot[1]
    auth = ServicePrincipalAuthentication("tenant", robot[0], service_principal_password=secret)
    workspace = Workspace.get("test", auth=auth)
    recorded(team, workspace)
    assert vars(auth) == {}
    store = workspace._recorder.open_store()
    for each in (auth, workspace, store, store.connection, workspace._recorder):  # type: ignore[attr-defined]
        assert secret not in repr(each)
    assert secret.encode() not in pickle.dumps(auth)
    assert secret not in repr(gc.get_referents(auth))


def test_a_server_that_is_away_is_waited_for(robot: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Training goes on; who the process is turns out when the server is there."""
    monkeypatch.setenv("MILEPOST_URL", "http://127.0.0.1:9")
    auth = ServicePrincipalAuthentication("tenant", robot[0], service_principal_password=robot[1])
    with pytest.warns(RuntimeWarning, match="delivered later"):
        Workspace.get("test", auth=auth)


def test_a_login_during_training_is_enough(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that ends while a script runs keeps its values waiting until somebody signs in anew."""
    monkeypatch.setenv("MILEPOST_URL", team.url)
    ann = team.account("ann", role="contributor")
    first = str(team.token(ann).token)
    credentials.keep_token(team.url, first, "ann")
    run = Experiment(Workspace.get("test"), "exp").start_logging(snapshot_directory=None)
    run.log("loss", 1.0)
    run.flush()
    tokens.revoke_token(team.engine, ann.id, first.split("_")[1])
    team.knows_at_once()
    run.log("loss", 2.0)
    credentials.keep_token(team.url, str(team.token(ann).token), "ann")
    run.complete()
    assert run.get_metrics()["loss"] == [1.0, 2.0]


def test_a_workspace_is_deleted_by_its_owner(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_URL", team.url)
    for role in ("contributor", "owner"):
        monkeypatch.setenv("MILEPOST_TOKEN", str(team.member(role).token))
        workspace = Workspace.get("test")
        recorded(team, workspace)
        if role == "owner":
            workspace.delete()
            assert list(team.app.places.all()) == []
            assert not workspace._place.folder.exists()
        else:
            with pytest.raises(AuthenticationException, match="needs 'owner'"):
                workspace.delete()
            assert list(team.app.places.all()) == ["test"]


# The administrator's command.


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a database that is not there yet."""
    url = f"sqlite:///{tmp_path / 'new' / 'server.db'}"
    monkeypatch.setenv("MILEPOST_SERVER_DATABASE_URL", url)
    return url


def test_the_first_administrator_is_made_on_the_command_line(database: str) -> None:
    from milepost.server.team.signing_in import check_password
    from milepost.store.engine import open_engine

    password = "a long enough password"
    short = milepost("server", "admin", "create", "root", given="short\n")
    assert short.returncode == 1
    assert "12 to 1000 characters" in short.stderr
    made = milepost("server", "admin", "create", "root", given=password + "\n")
    assert made.returncode == 0, made.stderr
    assert password not in made.stdout + made.stderr
    assert milepost("server", "admin", "create", "robot", "--service").returncode == 0
    listed = milepost("server", "admin", "list")
    assert re.search(r"root +user +administrate", listed.stdout), listed.stdout
    token = milepost("server", "admin", "token", "robot", "--expires", "1h").stdout.strip()
    engine = open_engine(database)
    assert check_password(engine, "root", password, "").is_admin
    bearer = tokens.bearer_of_token(engine, token)
    assert bearer is not None
    assert bearer.account.name == "robot"
    last = milepost("server", "admin", "disable", "root")
    assert last.returncode == 1
    assert "the last one who may manage this server" in last.stderr
    assert milepost("server", "admin", "disable", "robot").returncode == 0
    assert tokens.bearer_of_token(engine, token) is None
    assert milepost("server", "admin", "enable", "robot").returncode == 0
    assert tokens.bearer_of_token(engine, token) is not None
    revoked = milepost("server", "admin", "revoke", "robot")
    assert "robot has no token that is good (revoked: 1)" in revoked.stdout
    assert tokens.bearer_of_token(engine, token) is None
    assert milepost("server", "admin", "password", "root", given="another long password\n").returncode == 0
    assert check_password(engine, "root", "another long password", "").name == "root"
    assert milepost("server", "admin", "token", "nobody").returncode == 1
    actions = [each.action for each in audit.deeds(engine)]
    changes = ["account.change", "token.revoke", "account.change", "account.change"]
    assert actions == [*changes, "token.create", "account.create", "account.create"]
    assert "command line" in audit.deeds(engine)[0].account
    engine.dispose()


def test_what_the_commands_of_a_server_did_can_be_had_as_json(database: str) -> None:
    def told(*arguments: str) -> dict[str, Any]:
        done = milepost("server", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    assert told("migrate") == {"database": database.removeprefix("sqlite:///"), "before": None, "schema": HEAD}
    made = told("admin", "create", "robot", "--service", "--email", "ann@milepost.example")
    assert (made["name"], made["kind"], made["is_admin"], made["disabled"]) == ("robot", "service", False, None)
    token = told("admin", "token", "ROBOT", "--expires", "never", "--role", "reader")
    assert token["token"].startswith("mp_")
    assert (token["account"], token["role"], token["expires"]) == ("robot", "reader", None)
    assert told("admin", "disable", "robot")["disabled"] is not None
    assert told("admin", "enable", "robot") == made
    assert told("admin", "revoke", "robot") == {**made, "revoked": 1}


def test_the_command_makes_no_database_by_looking(home: Path) -> None:
    usual = milepost("server", "admin", "list")
    assert usual.returncode == 1
    assert f"there is no store at {home}" in usual.stderr
    missing = milepost("server", "admin", "list", "--database-url", f"sqlite:///{home}/nothing.db")
    assert missing.returncode == 1
    assert "there is no store at" in missing.stderr
