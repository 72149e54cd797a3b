"""Nobody makes more of what they may do than they were given."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from milepost.server.team import callers, entrance, places
from milepost.store import accounts, audit, tokens
from tests.store.builders import run_event, say
from tests.team.access.conftest import API, IN_TEST, Who, deeds

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.team.access.conftest import Team

LONG = "a long enough password"
pytestmark = pytest.mark.usefixtures("slow_to_forgive")


def make_token(team: Team, who: Who, **wanted: Any) -> Any:
    return team.ask(who, "POST", f"{API}/account/tokens", {"name": "mine", **wanted})


# Roles.


@pytest.mark.parametrize("role", ["reader", "contributor"])
def test_a_member_does_not_make_themselves_owner(team: Team, role: str) -> None:
    ann = team.account("ann", role=role)
    for who in (team.token(ann), team.browser(ann)):
        assert team.ask(who, "PUT", f"{IN_TEST}/members/ann", {"role": "owner"}).status_code == 403
        assert team.ask(who, "DELETE", f"{IN_TEST}/workspace").status_code == 403
        assert team.ask(who, "PATCH", f"{API}/accounts/ann", {"is_admin": True}).status_code == 403
        assert team.ask(who, "POST", f"{API}/accounts", {"name": "x", "is_admin": True}).status_code == 403
    assert set(accounts.roles_of(team.engine, ann.id).values()) == {role}


def test_an_owner_lets_people_in_and_keeps_them_out(team: Team) -> None:
    owner, ann = team.member("owner"), team.account("ann")
    hers = team.token(ann)
    assert team.ask(owner, "PUT", f"{IN_TEST}/members/ANN", {"role": "reader"}).status_code == 204
    assert team.ask(hers, "GET", f"{IN_TEST}/workspace").status_code == 200
    members = team.ask(owner, "GET", f"{IN_TEST}/members").json()["members"]
    assert ("ann", "reader") in [(each["name"], each["role"]) for each in members]
    assert team.ask(owner, "DELETE", f"{IN_TEST}/members/ann").status_code == 204
    assert team.ask(hers, "GET", f"{IN_TEST}/workspace").status_code == 404
    assert team.ask(owner, "PUT", f"{IN_TEST}/members/nobody", {"role": "reader"}).status_code == 404
    assert team.ask(owner, "PUT", f"{IN_TEST}/members/ann", {"role": "admin"}).status_code == 422
    done = [(each.action, each.subject, each.workspace) for each in deeds(team.engine)]
    assert done == [("member.remove", "ann", "test"), ("member.set", "ann", "test")]


def test_an_owner_of_one_workspace_is_nobody_in_another(team: Team) -> None:
    team.workspace("other")
    owner = team.member("owner")
    for method, path in (("GET", "members"), ("PUT", "members/ann"), ("DELETE", "workspace"), ("GET", "runs")):
        body = {"role": "owner"} if method == "PUT" else None
        assert team.ask(owner, method, f"/workspaces/other/api/v1/{path}", body).status_code == 404


@pytest.mark.parametrize(
    "name", ["test%2F..%2Fother", "..%2Fother", "test/../other", "other%00", "%6Fther", "OTHER", "test%2f"]
)
def test_no_spelling_of_a_name_leads_past_the_check(team: Team, name: str) -> None:
    """What the role is looked up for is what the request works on."""
    team.workspace("other")
    say(team.app.places.store("other"), run_event("secret"))
    answer = team.ask(team.member("owner"), "GET", f"/workspaces/{name}/api/v1/runs")
    assert answer.status_code in (404, 200)
    assert "secret" not in answer.text


def test_a_workspace_made_anew_under_an_old_name_is_another_one(
    team: Team, serve: Callable[..., Team], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a server that does not know yet that the old one was deleted; rows of SQLite get old keys again."""
    monkeypatch.setattr(places, "FOUND_S", 0.0)
    other = serve()
    ann, bob = team.account("ann"), team.account("bob")
    anns, bobs = team.token(ann), team.token(bob)
    assert team.ask(anns, "POST", f"{API}/workspaces", {"name": "mine"}).status_code == 201
    assert other.ask(anns, "GET", "/workspaces/mine/api/v1/runs").status_code == 200
    assert team.ask(anns, "DELETE", "/workspaces/mine/api/v1/workspace").status_code == 204
    assert team.ask(bobs, "POST", f"{API}/workspaces", {"name": "MINE"}).status_code == 201
    say(team.app.places.store("mine"), run_event("bobs"))
    for server in (team, other):
        assert server.ask(anns, "GET", "/workspaces/mine/api/v1/runs").status_code == 404
        assert "bobs" in server.ask(bobs, "GET", "/workspaces/mine/api/v1/runs").text


def test_a_deleted_workspace_is_gone_and_noted(team: Team) -> None:
    owner = team.member("owner", name="ann")
    say(team.app.places.store("test"), run_event("r"))
    assert team.ask(owner, "DELETE", f"{IN_TEST}/workspace").status_code == 204
    assert team.ask(owner, "GET", f"{IN_TEST}/workspace").status_code == 404
    deed = deeds(team.engine)[0]
    assert (deed.action, deed.subject, deed.account) == ("workspace.delete", "test", "ann")


# Tokens.


def test_a_token_makes_no_token(team: Team) -> None:
    ann = team.account("ann", role="owner", is_admin=True)
    for who in (team.token(ann), team.token(ann, role="reader"), team.token(ann, workspace="test")):
        assert make_token(team, who).status_code == 403
        assert team.ask(who, "PUT", f"{API}/account/password", {"current": "x", "new": LONG}).status_code == 403
        assert team.ask(who, "GET", f"{API}/account/tokens").status_code == 403
        assert team.ask(who, "DELETE", f"{API}/account/sessions").status_code == 403
    assert len(tokens.list_tokens(team.engine, ann.id)) == 3


def test_a_narrowed_token_stays_narrow(team: Team) -> None:
    team.workspace("other")
    admin = team.account("root", role="owner", is_admin=True)
    accounts.set_role(team.engine, "other", admin.id, "owner")
    for who in (team.token(admin, workspace="test"), team.token(admin, role="owner")):
        assert team.ask(who, "POST", f"{API}/workspaces", {"name": "new"}).status_code == 403
        assert team.ask(who, "GET", f"{API}/accounts").status_code == 403
        assert team.ask(who, "GET", f"{API}/audit").status_code == 403
    narrow = team.token(admin, workspace="test")
    assert [each["name"] for each in team.ask(narrow, "GET", f"{API}/workspaces").json()["workspaces"]] == ["test"]
    assert team.ask(narrow, "GET", f"{API}/account").json()["roles"] == {"test": "owner"}
    assert team.ask(narrow, "GET", "/workspaces/other/api/v1/runs").status_code == 404


def test_a_refusal_tells_whether_the_token_or_the_account_is_the_reason(team: Team) -> None:
    def told(who: Who, method: str, path: str) -> str:
        answer = team.ask(who, method, path, {"name": "new"})
        assert answer.status_code == 403
        return str(answer.json()["error"]["message"])

    owner, reader = team.account(role="owner"), team.account(role="reader")
    delete = "DELETE", f"{IN_TEST}/workspace"
    assert told(team.token(owner, role="contributor"), *delete).startswith(
        "this token is narrowed to the role 'contributor', and this needs 'owner', which its account has here"
    )
    # Where the account may do no more than that, another token is no help.
    for who in (team.token(reader), team.token(reader, role="reader"), team.browser(reader)):
        assert told(who, *delete).startswith("your role here is 'reader'")
    create = "POST", f"{API}/workspaces"
    assert "this token is narrowed" in told(team.token(owner, role="owner"), *create)
    assert "this token is narrowed" in told(team.token(owner, workspace="test"), *create)
    robot = team.account(kind=accounts.SERVICE)
    assert "ask one of its administrators" in told(team.token(robot, role="owner"), *create)


def test_tokens_are_made_shown_once_listed_and_revoked(team: Team) -> None:
    ann = team.account("ann", role="contributor")
    browser = team.browser(ann)
    made = make_token(team, browser, workspace="TEST", role="reader", expires_days=1)
    assert made.status_code == 201
    token, row = made.json()["token"], made.json()["row"]
    assert (row["workspace"], row["role"]) == ("test", "reader")
    mine = Who(token=token)
    assert team.ask(mine, "GET", f"{IN_TEST}/workspace").status_code == 200
    assert team.ask(mine, "GET", f"{API}/session").json()["token"]["id"] == row["id"]
    listed = team.ask(browser, "GET", f"{API}/account/tokens")
    assert token not in listed.text
    assert [each["id"] for each in listed.json()["tokens"]] == [row["id"]]
    assert token.split("_", 2)[2] not in repr(audit.deeds(team.engine))
    # Not by others, nor by another token.
    path = f"{API}/account/tokens/{row['id']}"
    assert team.ask(team.browser(team.account("bob")), "DELETE", path).status_code == 404
    assert team.ask(team.token(ann), "DELETE", path).status_code == 403
    assert team.ask(browser, "DELETE", path).status_code == 204
    assert team.ask(mine, "GET", f"{IN_TEST}/workspace").status_code == 401
    assert [each.action for each in deeds(team.engine)] == ["token.revoke", "token.create"]


def test_all_tokens_of_an_account_are_revoked_by_its_owner_or_by_an_administrator(team: Team) -> None:
    ann, admin = team.account("ann", role="contributor"), team.account("root", is_admin=True)
    browser, administrator, other = team.browser(ann), team.browser(admin), team.browser(team.account("bob"))
    for who, path in ((browser, f"{API}/account/tokens"), (administrator, f"{API}/accounts/ann/tokens")):
        anns = [team.token(ann) for _ in range(2)]
        assert team.ask(anns[0], "DELETE", path).status_code == 403
        assert team.ask(other, "DELETE", f"{API}/accounts/ann/tokens").status_code == 403
        assert team.ask(who, "DELETE", path).status_code == 204
        assert [team.ask(each, "GET", f"{IN_TEST}/workspace").status_code for each in anns] == [401, 401]
        assert team.ask(browser, "GET", f"{IN_TEST}/workspace").status_code == 200
    revoked = [each for each in deeds(team.engine) if each.action == "token.revoke"]
    assert [(each.account, each.subject, each.detail) for each in revoked] == [
        ("root", "ann", {"all": True, "count": 2}),
        ("ann", "ann", {"all": True, "count": 2}),
    ]


def test_a_token_ends_itself(team: Team) -> None:
    who = team.token(team.account("ann", role="reader"), role="reader")
    assert team.ask(who, "DELETE", f"{API}/account/tokens/{str(who.token).split('_')[1]}").status_code == 204
    assert team.ask(who, "GET", f"{API}/account").status_code == 401


def test_a_token_is_only_made_for_a_workspace_that_its_maker_may_see(team: Team) -> None:
    team.workspace("other")
    browser = team.browser(team.account("ann", role="reader"))
    answers = [make_token(team, browser, workspace=name) for name in ("other", "nowhere")]
    assert [each.status_code for each in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    for wrong in ({"role": "god"}, {"expires_days": 0}, {"expires_days": 1e9}, {"name": ""}, {"workspace": ""}):
        assert make_token(team, browser, **wrong).status_code == 422
    # A role that is more than one's own gives no more than one's own.
    who = Who(token=make_token(team, browser, role="owner").json()["token"])
    assert team.ask(who, "GET", f"{IN_TEST}/members").status_code == 403


# Accounts.


def test_a_disabled_account_is_out_at_once_wherever_it_was_in(team: Team) -> None:
    admin, ann = team.token(team.account("root", is_admin=True)), team.account("ann", role="owner")
    in_use = [team.token(ann), team.browser(ann)]
    for who in in_use:
        assert team.ask(who, "GET", f"{IN_TEST}/workspace").status_code == 200
    assert team.ask(admin, "PATCH", f"{API}/accounts/ann", {"disabled": True}).status_code == 200
    for who in in_use:
        assert team.ask(who, "GET", f"{IN_TEST}/workspace").status_code == 401
    assert team.ask(admin, "PATCH", f"{API}/accounts/ann", {"disabled": False}).status_code == 200
    assert [team.ask(who, "GET", f"{IN_TEST}/workspace").status_code for who in in_use] == [200, 401]


def test_other_servers_know_it_within_seconds(
    team: Team, serve: Callable[..., Team], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "KNOWN_S", 1.0)
    other = serve()
    ann = team.account("ann", role="owner")
    who = team.token(ann)
    assert other.ask(who, "GET", f"{IN_TEST}/workspace").status_code == 200
    accounts.change_account(team.engine, ann.id, disabled=True)
    until = time.monotonic() + callers.KNOWN_S + 30
    while other.ask(who, "GET", f"{IN_TEST}/workspace").status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.2)


def test_a_stream_ends_when_who_reads_it_is_put_out(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    from milepost.server import streams

    monkeypatch.setattr(streams, "QUIET_S", 0.2)
    monkeypatch.setattr(entrance, "AGAIN_S", 0.3)
    ann = team.account("ann", role="reader")
    who = team.token(ann)
    say(team.app.places.store("test"), run_event("r"))
    body = {"watch": [{"id": 1}]}
    headers = {"Authorization": f"Bearer {who.token}"}
    with team.client.stream("POST", f"{IN_TEST}/live", json=body, headers=headers) as response:
        assert response.status_code == 200
        pieces = response.iter_raw()
        next(pieces)
        accounts.set_role(team.engine, "test", ann.id, None)
        team.knows_at_once()
        with pytest.raises(Exception, match="incomplete|closed|peer"):
            for _ in pieces:
                pass


def test_administrators_manage_accounts(team: Team) -> None:
    admin = team.browser(team.account("root", is_admin=True))
    path = f"{API}/accounts"
    made = team.ask(admin, "POST", path, {"name": "ann", "email": "a@example.org", "password": LONG})
    assert made.status_code == 201
    assert LONG not in made.text
    assert "argon2" not in made.text
    assert team.ask(admin, "POST", path, {"name": "Ann"}).status_code == 409
    assert team.ask(admin, "POST", path, {"name": "bob", "password": "short"}).status_code == 400
    assert team.ask(admin, "POST", path, {"name": "r", "kind": "service", "password": LONG}).status_code == 422
    signed_in = team.ask(None, "POST", f"{API}/session", {"name": "ann", "password": LONG})
    assert signed_in.status_code == 200
    reset = team.ask(admin, "PATCH", f"{path}/ann", {"password": "another long password"})
    assert reset.status_code == 200
    secret = signed_in.headers["set-cookie"].partition(";")[0].partition("=")[2]
    assert team.ask(Who(cookie=secret), "GET", f"{API}/account").status_code == 401
    assert team.ask(admin, "DELETE", f"{path}/ann").status_code == 204
    assert team.ask(admin, "GET", f"{path}/ann").status_code == 404
    assert team.ask(admin, "DELETE", f"{path}/root").status_code == 409
    assert team.ask(admin, "PATCH", f"{path}/root", {"is_admin": False}).status_code == 409
    log = team.ask(admin, "GET", f"{API}/audit?limit=2").json()
    assert [each["action"] for each in log["deeds"]] == ["account.delete", "account.change"]
    rest = team.ask(admin, "GET", f"{API}/audit?before={log['before']}").json()
    assert [each["action"] for each in rest["deeds"]] == ["session.create", "account.create"]
    assert rest["before"] is None
    assert LONG not in str(log) + str(rest)


def test_service_accounts_have_tokens_that_administrators_make(team: Team) -> None:
    admin = team.token(team.account("root", is_admin=True))
    path = f"{API}/accounts"
    team.ask(admin, "POST", path, {"name": "robot", "kind": "service"})
    accounts.set_role(team.engine, "test", accounts.find_account(team.engine, "robot").id, "contributor")
    made = team.ask(admin, "POST", f"{path}/robot/tokens", {"name": "ci", "expires_days": None}).json()
    robot = Who(token=made["token"])
    assert team.ask(robot, "GET", f"{IN_TEST}/workspace").status_code == 200
    assert team.ask(robot, "POST", f"{API}/workspaces", {"name": "new"}).status_code == 403
    assert team.ask(admin, "DELETE", f"{path}/robot/tokens/{made['row']['id']}").status_code == 204
    assert team.ask(robot, "GET", f"{IN_TEST}/workspace").status_code == 401
    # In the name of a person nobody else acts.
    team.account("ann")
    assert team.ask(admin, "POST", f"{path}/ann/tokens", {"name": "x"}).status_code == 409


# Programs that are let in.


def test_a_program_is_let_in_by_a_person_with_a_browser(team: Team) -> None:
    ann = team.account("ann", role="contributor")
    begun = team.ask(None, "POST", f"{API}/device", {"client": "laptop"}).json()
    assert begun["verification_uri_complete"] == f"{team.url}/device?code={begun['user_code']}"
    question = {"device_code": begun["device_code"]}
    waiting = team.ask(None, "POST", f"{API}/device/token", question)
    assert waiting.json() == {"status": "waiting", "token": None, "account": None, "expires": None}
    code = f"{API}/device/codes/{begun['user_code']}"
    # A token lets no program in, and nobody does it unseen.
    assert team.ask(team.token(ann), "POST", code, {"approve": True}).status_code == 403
    assert team.ask(None, "POST", code, {"approve": True}).status_code == 401
    browser = team.browser(ann)
    assert team.ask(browser, "POST", code, {"approve": True}, Origin="https://evil.example").status_code == 403
    assert team.ask(browser, "GET", code).json()["client"] == "laptop, from 127.0.0.1"
    assert team.ask(browser, "POST", code, {"approve": True}).status_code == 200
    given = team.ask(None, "POST", f"{API}/device/token", question)
    assert given.json()["account"] == "ann"
    who = Who(token=given.json()["token"])
    assert team.ask(who, "GET", f"{IN_TEST}/workspace").status_code == 200
    assert team.ask(None, "POST", f"{API}/device/token", question).json()["status"] == "unknown"
    assert [each.action for each in deeds(team.engine)] == ["token.create", "device.approve"]


def test_codes_of_programs_are_not_guessed(team: Team) -> None:
    browser = team.browser(team.account("ann"))
    statuses = [team.ask(browser, "GET", f"{API}/device/codes/BBBB-{n:04}").status_code for n in range(22)]
    assert statuses == [404] * 20 + [429] * 2
    refused = [team.ask(None, "POST", f"{API}/device", {}).status_code for _ in range(31)]
    assert refused == [200] * 30 + [429]


# Deletes are told.


def test_what_is_deleted_is_noted_with_who_has_done_it(team: Team) -> None:
    store = team.app.places.store("test")
    say(store, *(run_event(name, "exp") for name in ("a", "b", "c")))
    who = team.token(team.account("ann", role="contributor"))
    team.ask(who, "POST", f"{IN_TEST}/store/delete_run", {"run_id": "a"})
    team.ask(who, "POST", f"{IN_TEST}/runs/actions", {"action": "delete", "run_ids": ["b", "nothing"]})
    team.ask(who, "DELETE", f"{IN_TEST}/experiments/exp")
    found = [(each.action, each.subject, each.account, each.workspace) for each in deeds(team.engine)]
    assert found == [
        ("experiment.delete", "exp", "ann", "test"),
        ("run.delete", "b", "ann", "test"),
        ("run.delete", "a", "ann", "test"),
    ]


def test_guessing_a_token_tells_nothing(team: Team) -> None:
    """One that is nearly right, one of an unknown id, and one of no shape have the same answer."""
    right = str(team.member("reader").token)
    near = right[:-1] + ("A" if right[-1] != "A" else "B")
    answers = {
        team.ask(Who(token=token), "GET", f"{IN_TEST}/workspace").text
        for token in (near, f"mp_{'0' * 16}_{right[20:]}", "x")
    }
    assert len(answers) == 1


def test_a_token_makes_and_changes_no_administrators(team: Team) -> None:
    root = team.account("root", is_admin=True)
    team.account("ann")
    stolen, browser = team.token(root), team.browser(root)
    assert team.ask(stolen, "PATCH", f"{API}/accounts/ann", {"email": "a@example.org"}).status_code == 200
    for method, path, body in (
        ("PATCH", "accounts/root", {"password": LONG}),
        ("PATCH", "accounts/ann", {"is_admin": True}),
        ("POST", "accounts", {"name": "eve", "is_admin": True, "password": LONG}),
        ("DELETE", "accounts/root", None),
    ):
        refused = team.ask(stolen, method, f"{API}/{path}", body)
        assert (refused.status_code, "with a browser" in refused.text) == (403, True)
    assert team.ask(browser, "PATCH", f"{API}/accounts/ann", {"is_admin": True}).status_code == 200


def test_what_the_database_said_before_a_revocation_is_not_remembered_after_it(team: Team) -> None:
    token = str(team.token(team.account("ann")).token)
    known = callers.Callers(team.engine)
    look = callers.bearer_of_token

    def slow(*given: Any) -> Any:
        found = look(*given)
        known.forget()  # as when it was revoked in this moment
        return found

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(callers, "bearer_of_token", slow)
        assert known.by_token(token) is not None
    assert known._known == {}


def test_the_audit_log_names_all_runs_that_were_deleted(team: Team) -> None:
    store = team.app.places.store("test")
    ids = ["first, second", *(f"run-{number}" for number in range(200))]
    say(store, *(run_event(each) for each in ids))
    deleted = team.ask(
        team.member("contributor"), "POST", f"{IN_TEST}/runs/actions", {"action": "delete", "run_ids": ids}
    )
    assert len(deleted.json()["done"]) == 201
    (deed,) = [each for each in audit.deeds(team.engine) if each.action == "run.delete"]
    assert (deed.subject, deed.detail["runs"]) == ("201 runs", ids)
