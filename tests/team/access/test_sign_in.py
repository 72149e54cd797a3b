"""Signing in with a password: what a browser gets, and what who guesses gets."""

from __future__ import annotations

import threading
import time
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from milepost.server.team.passwords import hash_password
from milepost.store import accounts, audit, sessions
from milepost.store.account_schema import accounts as accounts_table
from milepost.store.engine import read
from tests.team.access.conftest import API, IN_TEST, Who

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from milepost.store.accounts import Account
    from tests.team.access.conftest import Team

PASSWORD = "correct horse battery"
SESSION = f"{API}/session"


pytestmark = pytest.mark.usefixtures("slow_to_forgive")


@pytest.fixture
def engine_name() -> str:
    """Where several servers count guesses at once."""
    return "postgresql"


@pytest.fixture
def ann(team: Team) -> Account:
    return team.account("Ann", role="reader", password=hash_password(PASSWORD))


def sign_in(team: Team, name: str = "ann", password: str = PASSWORD, **headers: str) -> httpx.Response:
    """As the page does."""
    sent = {"Origin": team.url, **headers}
    return team.ask(None, "POST", SESSION, {"name": name, "password": password}, **sent)


def cookie_of(answer: httpx.Response) -> Who:
    (header,) = answer.headers.get_list("set-cookie")
    return Who(cookie=header.partition(";")[0].partition("=")[2])


def test_whoever_signs_in_may_do_what_their_account_may_until_they_sign_out(team: Team, ann: Account) -> None:
    answer = sign_in(team, "ANN")
    assert answer.status_code == 200
    assert answer.json()["account"] == "Ann"
    browser = cookie_of(answer)
    assert team.ask(browser, "GET", SESSION).json()["account_id"] == ann.id
    assert team.ask(browser, "GET", f"{IN_TEST}/workspace").status_code == 200
    out = team.ask(browser, "DELETE", SESSION)
    assert out.status_code == 204
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert team.ask(browser, "GET", SESSION).json()["account"] is None
    assert team.ask(browser, "GET", f"{IN_TEST}/workspace").status_code == 401
    assert [each.action for each in audit.deeds(team.engine)] == ["session.end", "session.create"]


def test_no_script_and_no_other_site_gets_the_cookie(team: Team, ann: Account) -> None:
    (header,) = sign_in(team).headers.get_list("set-cookie")
    parts = {part.strip().lower() for part in header.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= parts
    assert not any(part.startswith("domain") for part in parts)


def test_the_cookie_is_not_what_the_database_holds(team: Team, ann: Account) -> None:
    from milepost.store.account_schema import sessions as table

    secret = str(cookie_of(sign_in(team)).cookie)
    with read(team.engine) as connection:
        assert secret not in repr(connection.execute(select(table)).all())
        hashes = connection.scalars(select(accounts_table.c.password)).all()
    assert all(each.startswith("$argon2id$") for each in hashes if each)


@pytest.mark.parametrize("kind", ["unknown", "wrong", "disabled", "none", "service"])
def test_whatever_is_wrong_the_answer_is_the_same(team: Team, ann: Account, kind: str) -> None:
    team.account("nopassword")
    team.account("robot", kind="service")
    if kind == "disabled":
        team.account("admin", is_admin=True)
        accounts.change_account(team.engine, ann.id, disabled=True)
    name = {"unknown": "nobody", "none": "nopassword", "service": "robot"}.get(kind, "ann")
    answer = sign_in(team, name, "wrong" if kind == "wrong" else PASSWORD)
    assert answer.status_code == 401
    assert answer.json()["error"] == {"code": "wrong_password", "message": "the name or the password is wrong"}
    assert "set-cookie" not in answer.headers
    (deed,) = audit.deeds(team.engine)
    assert (deed.action, deed.subject) == (
        "session.refuse",
        {"unknown": "(unknown)", "wrong": "Ann", "disabled": "Ann"}.get(kind, name),
    )


def test_an_unknown_name_takes_as_long_as_a_known_one(
    team: Team, ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of interleaved requests the quickest: a password's hash takes tens of ms, all the rest of a request a few."""
    from milepost.server.team import signing_in

    monkeypatch.setattr(signing_in, "allowances", lambda name, address: ())
    took: dict[str, list[float]] = {"ann": [], "nobody": []}
    for _ in range(7):
        for name, times in took.items():
            began = time.perf_counter()
            assert sign_in(team, name, "wrong wrong wrong").status_code == 401
            times.append(time.perf_counter() - began)
    assert min(took["nobody"]) > min(took["ann"]) / 3, took


def test_who_guesses_is_slowed_down_and_keeps_nobody_else_out(
    team: Team, ann: Account, serve: Callable[..., Team]
) -> None:
    """Across servers; from another address the owner of the name signs in."""
    other = serve(trusted_proxies=(ip_network("127.0.0.0/8"),))
    for number in range(5):
        assert sign_in(other if number % 2 else team, password=f"guess {number}").status_code == 401
    refused = sign_in(other, password="guess")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert "try again in" in refused.json()["error"]["message"]
    assert sign_in(team).status_code == 429  # the right one too: nothing is told to who guesses
    assert sign_in(other, **{"X-Forwarded-For": "192.0.2.7"}).status_code == 200
    assert "session.refuse" in [each.action for each in audit.deeds(team.engine)]


def test_names_that_look_alike_share_their_guesses(team: Team) -> None:
    team.account("kim", password=hash_password(PASSWORD))
    for name in ("kim", "KIM", "Kim", "\u212aim", "kIm"):
        assert sign_in(team, name, "guess").status_code == 401
    assert sign_in(team, "kim", "guess").status_code == 429


def test_guesses_at_once_are_no_way_around_that(team: Team, ann: Account) -> None:
    import httpx

    statuses: list[int] = []

    def guess() -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            answer = client.post(
                team.url + SESSION, json={"name": "ann", "password": "guess"}, headers={"Origin": team.url}
            )
            statuses.append(answer.status_code)

    threads = [threading.Thread(target=guess) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(statuses) == 16
    assert statuses.count(401) <= 5
    assert set(statuses) <= {401, 429, 503}


def test_a_client_cannot_say_that_it_is_somewhere_else(team: Team, ann: Account, serve: Callable[..., Team]) -> None:
    behind = serve(trusted_proxies=(ip_network("127.0.0.0/8"),))
    for number in range(5):
        sign_in(team, password="guess", **{"X-Forwarded-For": f"192.0.2.{number}"})
    assert sign_in(team, password="guess", **{"X-Forwarded-For": "192.0.2.99"}).status_code == 429
    # The proxy adds whom it has seen behind what the client has written.
    for number in range(5):
        sign_in(behind, password="guess", **{"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.5"})
    assert sign_in(behind, password="guess", **{"X-Forwarded-For": "10.0.0.1, 203.0.113.5"}).status_code == 429
    assert {each.address for each in audit.deeds(team.engine)} == {"127.0.0.1", "203.0.113.5"}


def test_another_site_signs_nobody_in(team: Team, ann: Account) -> None:
    """Else its visitors would work in an account of its own."""
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": team.url, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "", "Sec-Fetch-Site": "none"},
    ):
        answer = team.ask(None, "POST", SESSION, {"name": "ann", "password": PASSWORD}, **headers)
        assert answer.status_code == 403, headers
        assert "set-cookie" not in answer.headers


def test_a_cookie_that_was_planted_becomes_no_session(team: Team, ann: Account) -> None:
    """Session fixation: what the browser brings is never taken over."""
    planted = Who(cookie="planted-by-another-program")
    answer = team.ask(planted, "POST", SESSION, {"name": "ann", "password": PASSWORD})
    assert answer.status_code == 200
    assert cookie_of(answer).cookie != planted.cookie
    assert team.ask(planted, "GET", f"{API}/account").status_code == 401


def test_signing_in_again_ends_what_the_browser_had(team: Team, ann: Account) -> None:
    before = cookie_of(sign_in(team))
    answer = team.ask(before, "POST", SESSION, {"name": "ann", "password": PASSWORD})
    assert team.ask(before, "GET", f"{API}/account").status_code == 401
    assert team.ask(cookie_of(answer), "GET", f"{API}/account").status_code == 200


def test_cookies_of_other_programs_at_this_host_do_no_harm(team: Team, ann: Account) -> None:
    secret = cookie_of(sign_in(team)).cookie
    ours = f"{team.app.settings.cookie}={secret}"
    for header in (f'bad="; {ours}', f"a,b=c; {ours}", f"{ours}; =; ;;x", f"[]={{}}; {ours}"):
        answer = team.client.get(f"{API}/account", headers={"Cookie": header})
        assert answer.status_code == 200, header
    twice = team.client.get(f"{API}/account", headers={"Cookie": f"{team.app.settings.cookie}=other; {ours}"})
    assert twice.status_code == 401  # which of them is ours cannot be told


def test_another_password_ends_all_other_sessions(team: Team, ann: Account) -> None:
    first, second = cookie_of(sign_in(team)), cookie_of(sign_in(team))
    path = f"{API}/account/password"
    wrong = team.ask(first, "PUT", path, {"current": "wrong", "new": "a new and long one"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "wrong_password")
    short = team.ask(first, "PUT", path, {"current": PASSWORD, "new": "short"})
    assert (short.status_code, short.json()["error"]["code"]) == (400, "bad_request")
    changed = team.ask(first, "PUT", path, {"current": PASSWORD, "new": "a new and long one"})
    assert changed.status_code == 204
    for before in (first, second):
        assert team.ask(before, "GET", f"{API}/account").status_code == 401
    assert team.ask(cookie_of(changed), "GET", f"{API}/account").status_code == 200
    assert sign_in(team).status_code == 401
    assert sign_in(team, password="a new and long one").status_code == 200


def test_the_current_password_is_not_guessed_by_changing_it(team: Team, ann: Account) -> None:
    browser = team.browser(ann)
    statuses = [
        team.ask(browser, "PUT", f"{API}/account/password", {"current": f"x{n}", "new": PASSWORD}).status_code
        for n in range(7)
    ]
    assert statuses == [403] * 5 + [429] * 2


def test_passwords_are_in_no_answer_and_no_log(team: Team, ann: Account, capfd: Any, caplog: Any) -> None:
    secret = "a-secret-that-must-not-be-seen"
    answers = [
        sign_in(team, secret, "x"),
        sign_in(team, "ann", secret),
        team.ask(None, "POST", SESSION, {"name": ["ann"], "password": secret}, Origin=team.url),
        team.ask(None, "POST", SESSION, {"name": "ann", "password": [secret]}, Origin=team.url),
    ]
    assert all(secret not in each.text for each in answers)
    assert secret not in repr(audit.deeds(team.engine))
    out, err = capfd.readouterr()
    assert secret not in out + err + caplog.text


# The first account.


def test_the_first_administrator_is_made_with_what_the_server_prints(team: Team) -> None:
    link = team.app.first_account.link(team.engine, team.url)
    assert link is not None
    page, _, secret = link.partition("#secret=")
    assert page == f"{team.url}/setup"
    assert team.ask(None, "GET", f"{API}/server").json()["needs_setup"] is True
    given = {"secret": secret, "name": "root", "password": PASSWORD}
    for wrong in ({"secret": ""}, {"secret": secret[:-1]}, {"secret": "\u00e9"}):
        assert team.ask(None, "POST", f"{API}/setup", {**given, **wrong}, Origin=team.url).status_code == 403
    assert team.ask(None, "POST", f"{API}/setup", {**given, "password": "root"}, Origin=team.url).status_code == 400
    assert team.ask(None, "POST", f"{API}/setup", given, Origin="https://evil.example").status_code == 403
    made = team.ask(None, "POST", f"{API}/setup", given, Origin=team.url)
    assert made.status_code == 201
    assert team.ask(cookie_of(made), "GET", f"{API}/accounts").json()["accounts"][0]["is_admin"] is True
    # Once.
    again = team.ask(None, "POST", f"{API}/setup", {**given, "name": "other"}, Origin=team.url)
    assert again.status_code == 403
    assert team.app.first_account.link(team.engine, team.url) is None
    assert team.ask(None, "GET", f"{API}/server").json()["needs_setup"] is False


def test_where_there_is_an_account_the_secret_is_good_for_nothing(team: Team, ann: Account) -> None:
    secret = team.app.first_account._secret
    given = {"secret": secret, "name": "root", "password": PASSWORD}
    assert team.ask(None, "POST", f"{API}/setup", given, Origin=team.url).status_code == 403
    assert [each.name for each in accounts.list_accounts(team.engine)] == ["Ann"]


def test_sessions_are_good_on_every_server(team: Team, ann: Account, serve: Callable[..., Team]) -> None:
    other = serve()
    secret = sessions.create_session(team.engine, ann.id, lasts_s=60, agent="", address="")
    assert other.ask(Who(cookie=secret), "GET", f"{API}/account").status_code == 200
