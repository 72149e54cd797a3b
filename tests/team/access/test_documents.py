"""Nobody reads or writes what they may not, by any route of the API: what is asked comes from the API's own documents,
so that a new route is asked too."""

from __future__ import annotations

import json
import re
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from sqlalchemy import MetaData, select

from milepost.server.roles import MARK as ROLE
from milepost.server.roles import default_role, is_enough
from milepost.server.routes.store import CALLS
from milepost.server.team.access import MARK as ACCESS
from milepost.server.team.entrance import OPEN
from milepost.store import accounts, tokens
from milepost.store.engine import read
from tests.store.builders import event, run_event, say, series
from tests.team.access.conftest import API, IN_TEST, Team, Who

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

METHODS = ("get", "head", "post", "put", "patch", "delete")

# What reads though it is no GET.  Whoever adds to this has made sure that it changes nothing.
READING = {"/compare", "/live", "/metrics/series"}
CHANGING = ("archive", "create", "delete", "ensure", "label", "register", "set", "update")
"""What the names of the store's calls begin with that change something."""


@pytest.fixture
def engine_name() -> str:
    """Which routes are open is the same on both."""
    return "sqlite"


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    """With the names of its parameters."""
    extra: dict[str, Any]

    @property
    def address(self) -> str:
        """With something for its parameters."""
        return re.sub(r"\{(\w+)\}", lambda found: FILLED.get(found[1], "1"), self.path)

    @property
    def role(self) -> str:
        return str(self.extra.get(ROLE) or default_role(self.method))

    @property
    def short(self) -> str:
        return self.path.removeprefix(API)


FILLED = {"run_id": "r", "digest": "0" * 64, "journal_id": "j"}


def operations(document: dict[str, Any]) -> list[Operation]:
    return [
        Operation(method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


@pytest.fixture
def of_workspaces(team: Team) -> list[Operation]:
    found = operations(team.app.workspaces.openapi())
    assert len(found) > 80
    return found


@pytest.fixture
def of_server(team: Team) -> list[Operation]:
    return operations(team.app.server.openapi())


def asked(team: Team, who: Who | None, operation: Operation, prefix: str = "/workspaces/test") -> tuple[int, str]:
    """The status, and the message of the error."""
    body = b"" if operation.method in ("GET", "HEAD") else b"{}"
    kind = next(iter(operation.extra.get("requestBody", {}).get("content", {})), "application/json")
    with team.client.stream(
        operation.method,
        prefix + operation.address,
        content=body,
        headers={**headers_of(team, who), "Content-Type": kind},
    ) as response:
        if response.status_code < 400 or operation.method == "HEAD":
            return response.status_code, ""  # not read: it may be a stream that never ends
        response.read()
        return response.status_code, response.json()["error"]["message"]


def headers_of(team: Team, who: Who | None) -> dict[str, str]:
    team.client.cookies.clear()
    if who is None:
        return {}
    if who.token is not None:
        return {"Authorization": f"Bearer {who.token}"}
    return {"Cookie": f"{team.app.settings.cookie}={who.cookie}", "Origin": team.url}


def unknown_to_the_server(team: Team) -> dict[str, Who | None]:
    """Those who are nobody to it."""
    ann = team.account(role="owner", is_admin=True)
    ended = team.account(role="owner")
    revoked, soon = team.token(ann), team.token(ann, expires_ns=time.time_ns() + 10**9)
    disabled = team.member("owner", name="gone")
    signed_out = team.browser(ended)
    tokens.revoke_token(team.engine, ann.id, str(revoked.token).split("_")[1])
    accounts.change_account(team.engine, accounts.find_account(team.engine, "gone").id, disabled=True)
    accounts.change_account(team.engine, ended.id, password="another")
    while team.ask(soon, "GET", f"{API}/server").status_code == 200:
        time.sleep(0.1)
    right = str(team.token(ann).token)
    return {
        "no token": None,
        "revoked": revoked,
        "expired": soon,
        "disabled": disabled,
        "signed out": signed_out,
        "half a token": Who(token=right[:-1]),
        "another's secret": Who(token=right[:20] + str(team.token(ended).token)[20:]),
        "no token of ours": Who(token="secret"),
        "no cookie of ours": Who(cookie="secret"),
    }


def test_who_is_nobody_gets_nothing(team: Team, of_workspaces: list[Operation], of_server: list[Operation]) -> None:
    for name, who in unknown_to_the_server(team).items():
        every = 1 if who is None else 7  # they are all stopped at the entrance, before any route
        for operation in of_workspaces[::every]:
            assert asked(team, who, operation)[0] == 401, (name, operation)
        for operation in of_server:
            is_open = operation.path in OPEN and (who is None or who.token is None)
            assert is_open or asked(team, who, operation, "")[0] == 401, (name, operation)


def test_what_is_open_to_everybody_says_so(of_server: list[Operation]) -> None:
    assert {each.path for each in of_server if each.extra.get(ACCESS) == "everybody"} == OPEN & {
        each.path for each in of_server
    }


def test_who_has_no_role_is_told_of_no_workspace(team: Team, of_workspaces: list[Operation]) -> None:
    """The same answer on every route, whether there is such a workspace, and such a run in it, or not."""
    team.workspace("other")
    say(team.app.places.store("test"), run_event("r"))
    elsewhere = team.account(role="owner", workspace="other")
    everywhere = team.account(role="owner")
    accounts.set_role(team.engine, "other", everywhere.id, "owner")
    everyone = [
        team.member(None),
        team.token(elsewhere),
        team.browser(elsewhere),
        team.token(everywhere, workspace="other"),
        team.token(team.account(is_admin=True), workspace="other"),
    ]
    for number, operation in enumerate(of_workspaces):
        for who in (everyone[0], everyone[1 + number % 4]):
            known = asked(team, who, operation)
            assert known == asked(team, who, operation, "/workspaces/nowhere")
            assert known[0] == 404
            assert operation.method == "HEAD" or known[1] == "there is no such workspace, or none that you may see"


def test_what_a_browser_kept_is_not_confirmed_to_who_may_not_see_it(team: Team, of_workspaces: list[Operation]) -> None:
    say(team.app.places.store("test"), run_event("r"), series("r", "loss", [1.0]))
    stranger = team.member(None)
    for operation in of_workspaces:
        if operation.method in ("GET", "HEAD"):
            answer = team.ask(stranger, operation.method, "/workspaces/test" + operation.address, If_None_Match="*")
            assert answer.status_code == 404, operation


@pytest.mark.parametrize("role", ["reader", "contributor", "owner"])
def test_each_role_gets_to_the_routes_that_are_for_it_and_to_no_other(
    team: Team, of_workspaces: list[Operation], role: Any
) -> None:
    team.workspace("other")
    all_of_it = team.account(role="owner")
    everyone = [
        team.member(role),
        team.browser(team.account(role=role)),
        team.token(all_of_it, role=role),
        team.token(all_of_it, workspace="TEST", role=role),
        team.token(team.account(is_admin=True), role=role),
    ]
    for number, operation in enumerate(of_workspaces):
        for who in (everyone[0], everyone[1 + number % 4]):
            if operation.short == "/workspace" and operation.method == "DELETE" and role == "owner":
                continue  # it would be gone
            status, message = asked(team, who, operation)
            if is_enough(role, operation.role):  # type: ignore[arg-type]
                assert status not in (401, 403, 500), (operation.method, operation.path, message)
                assert "none that you may see" not in message
            else:
                assert status == 403, (operation.method, operation.path)


def test_what_reads_by_another_method_than_get_is_known(of_workspaces: list[Operation]) -> None:
    reading = {each.short for each in of_workspaces if each.role == "reader" and each.method not in ("GET", "HEAD")}
    assert {each for each in reading if not each.startswith("/store/")} <= READING
    assert {each.removeprefix("/store/") for each in reading if each.startswith("/store/")} <= {
        "metrics",
        *(name for name in CALLS if not name.startswith(CHANGING)),
    }


def everything(engine: Engine, blobs: Path) -> dict[str, Any]:
    """All that a server keeps."""
    found: dict[str, Any] = {}
    with read(engine) as connection:
        schema = MetaData()
        schema.reflect(connection)
        for table in schema.sorted_tables:
            kept = [column for column in table.columns if column.name not in ("used_ns", "seen_ns")]
            found[table.name] = sorted(map(repr, connection.execute(select(*kept)).all()))
    found["files"] = sorted(str(path) for path in blobs.rglob("*") if path.is_file())
    return found


@pytest.mark.timeout(600)
def test_a_reader_changes_nothing_whatever_they_send(team: Team) -> None:
    """Requests as the document describes them, on every route that lets a reader in."""
    store = team.app.places.store("test")
    say(
        store,
        run_event("r"),
        series("r", "loss", [1.0, 2.0]),
        event("tags", "r", set={"a": "b"}),
        event("artifact", "r", name="outputs/a.txt", digest=store.put_bytes(b"hello").digest, size=5),
    )
    who = team.member("reader")
    team.ask(who, "GET", f"{IN_TEST}/workspace")
    before = everything(team.engine, team.blobs)
    schema = schemathesis.openapi.from_dict(team.app.workspaces.openapi())
    asked_at_all = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        of_it = Operation(operation.method.upper(), operation.path, operation.definition.raw)
        if of_it.role != "reader" or operation.path.endswith(("/changes", "/follow", "/live")):
            continue

        @hypothesis.settings(
            max_examples=3,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            nonlocal asked_at_all
            for name in case.path_parameters or {}:
                case.path_parameters[name] = FILLED.get(name, case.path_parameters[name])
            if isinstance(case.body, dict) and "run_ids" in case.body:
                case.body["run_ids"] = ["r"]
            answer = case.call(base_url=f"{team.url}/workspaces/test", headers={"Authorization": f"Bearer {who.token}"})
            assert answer.status_code not in (401, 403, 500), (case.method, case.path, answer.text)
            asked_at_all += 1

        ask()
    assert asked_at_all > 100
    assert everything(team.engine, team.blobs) == before


@pytest.mark.parametrize("access", ["account", "session", "admin"])
def test_routes_of_the_server_are_for_whom_they_say(team: Team, of_server: list[Operation], access: str) -> None:
    """An account's token, a browser, an administrator: each gets where it may, and nowhere else."""
    admin = team.account(is_admin=True)
    owner = team.account(role="owner")
    people: list[tuple[Callable[[], Who], set[str]]] = [
        (lambda: team.token(owner), {"account"}),
        (lambda: team.browser(owner), {"account", "session"}),
        (lambda: team.token(admin), {"account", "admin"}),
        (lambda: team.browser(admin), {"account", "session", "admin"}),
        (lambda: team.token(admin, role="owner"), {"account"}),
        (lambda: team.token(admin, workspace="test"), {"account"}),
    ]
    for operation in [each for each in of_server if each.extra.get(ACCESS, "admin") == access]:
        for who, may in people:
            status, message = asked(team, who(), operation, "")
            if access in may:
                assert status not in (401, 500), (operation.method, operation.path, message)
                assert status != 403 or "itself" in message or "makes no workspaces" in message, message
            else:
                assert status == 403, (operation.method, operation.path)


def filled(schema: dict[str, Any], document: dict[str, Any], text: str, depth: int = 0) -> Any:
    """Something that fits a schema, with ``text`` wherever a text is taken."""
    if "$ref" in schema:
        return filled(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, text, depth)
    choices = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if choices:
        return filled(choices[0], document, text, depth)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        if depth > 4:
            return {}
        found = {name: filled(each, document, text, depth + 1) for name, each in schema.get("properties", {}).items()}
        return found or {text: text}
    if kind == "array":
        return [filled(schema.get("items", {}), document, text, depth + 1)]
    return {"integer": 1, "number": 1.0, "boolean": True}.get(str(kind), text)


def test_no_address_that_a_user_gives_is_asked(
    team: Team, of_workspaces: list[Operation], of_server: list[Operation]
) -> None:
    """Whatever route is given the address of somebody who listens, as whatever it takes: nobody calls there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/canary"
        admin = team.account(role="owner", is_admin=True)
        who = team.token(admin)
        for app, prefix in ((team.app.workspaces, "/workspaces/test"), (team.app.server, "")):
            document = app.openapi()
            for operation in operations(document):
                if operation.short == "/workspace" and operation.method == "DELETE":
                    continue
                names = re.findall(r"\{(\w+)\}", operation.path)
                path = operation.path
                for name in names:
                    path = path.replace(f"{{{name}}}", FILLED.get(name) or quote(address, safe=""))
                parameters = {
                    each["name"]: filled(each["schema"], document, address)
                    for each in operation.extra.get("parameters", ())
                    if each["in"] == "query"
                }
                content = operation.extra.get("requestBody", {}).get("content", {}).get("application/json")
                body = None if content is None else filled(content["schema"], document, address)
                with team.client.stream(
                    operation.method,
                    prefix + path,
                    params=parameters,
                    json=body,
                    headers=headers_of(team, who) | {"X-Forwarded-Host": address, "Referer": address},
                ) as response:
                    assert response.status_code != 500, (operation.method, path)
        listener.settimeout(0.5)
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.timeout(600)
def test_no_generated_request_breaks_the_server(team: Team) -> None:
    """Requests as the document of the server itself describes them, and such as it forbids; signed in and not."""
    admin = team.account("root", is_admin=True)
    schema = schemathesis.openapi.from_dict(team.app.server.openapi())
    statuses: set[int] = set()
    for found in schema.get_all_operations():
        operation = found.ok()

        @hypothesis.settings(
            max_examples=6,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy() | operation.as_strategy(generation_mode=FORBIDDEN))
        def ask(case: schemathesis.Case) -> None:
            for who in (None, team.browser(admin)):
                try:
                    answer = case.call(base_url=team.url, headers=headers_of(team, who) | {"Origin": team.url})
                except requests.RequestException:
                    continue  # no HTTP
                statuses.add(answer.status_code)
                assert answer.status_code < 500, (case.method, case.path, answer.text)

        ask()
    assert {200, 401, 404, 422} <= statuses


FORBIDDEN = list(schemathesis.GenerationMode)[1]


@pytest.mark.parametrize("text", ["\0", "a\0b", "\U0001f600", "'; DROP TABLE accounts; --", "%00", "x" * 128])
def test_texts_that_databases_refuse_are_answered_like_others(team: Team, text: str) -> None:
    admin = team.browser(team.account("root", is_admin=True))
    headers = {"Content-Type": "application/json", **headers_of(team, admin)}

    def sent(method: str, path: str, **content: Any) -> int:
        data = json.dumps(content).encode()  # escaped, as no client's library would send it
        return team.client.request(method, f"{API}/{path}", content=data, headers=headers).status_code

    assert sent("POST", "session", name=text, password=text) == 401
    assert sent("POST", "session", name="\ud800", password="\ud800") == 422  # no text at all
    assert sent("POST", "account/tokens", name=text, expires_days=None) == 201
    assert sent("POST", "account/tokens", name="t", workspace=text) == 404
    assert sent("POST", "device", client=text) == 200
    assert sent("POST", "device/token", device_code=text) == 200
    assert sent("POST", "setup", secret=text, name="a", password=text) == 403
    assert sent("PATCH", "accounts/root", email=f"{text.replace(' ', '')[:60]}@example.org") == 200
    in_path = quote(text, errors="replace")
    for path in (f"account/tokens/{in_path}", f"accounts/{in_path}", f"device/codes/{in_path}"):
        assert team.client.get(f"{API}/{path}", headers=headers).status_code in (404, 405, 422)
    assert team.client.get(f"{API}/audit?workspace={in_path}", headers=headers).status_code == 200
