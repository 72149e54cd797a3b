"""Refusals are in the audit log, once for all that are alike: nobody floods it, and nobody hides in what others do."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from milepost.server.team import refusals
from milepost.server.team.addresses import network_of
from milepost.server.team.signing_in import allowances
from milepost.store import audit
from tests.team.access.conftest import API, IN_TEST, Who, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.team.access.conftest import Team

SESSION = f"{API}/session"


pytestmark = pytest.mark.usefixtures("slow_to_forgive")


@pytest.fixture
def engine_name() -> str:
    """What is tested here is not the database."""
    return "sqlite"


def noted(team: Team) -> list[tuple[str, str, str | None, dict[str, Any]]]:
    """The refusals in the audit log, oldest first."""
    found = [each for each in audit.deeds(team.engine, limit=1000) if each.action == refusals.ACTION]
    return [(each.account, each.subject, each.workspace, dict(each.detail)) for each in reversed(found)]


def test_what_somebody_may_not_do_is_noted_once_and_counted(team: Team) -> None:
    rita = team.account("rita", role="reader")
    by_token, browser = team.token(rita), team.browser(rita)
    for _ in range(3):
        assert team.ask(by_token, "PUT", f"{IN_TEST}/members/rita", {"role": "owner"}).status_code == 403
        assert team.ask(browser, "GET", f"{API}/accounts").status_code == 403
    assert team.ask(by_token, "GET", f"{IN_TEST}/workspace").status_code == 200
    token_id = str(by_token.token).split("_")[1]
    assert noted(team)[-2:] == [
        ("rita", "PUT /members/{name}", "test", {"token": token_id, "status": 403}),
        ("rita", "GET /accounts", None, {"status": 403}),
    ]
    asyncio.run(team.app.refusals.tell(everything=True))
    assert noted(team)[-2:] == [
        ("rita", "PUT /members/{name}", "test", {"times": 2, "status": 403}),
        ("rita", "GET /accounts", None, {"times": 2, "status": 403}),
    ]
    # What was told is told no more; the next one is a first one again.
    asyncio.run(team.app.refusals.tell(everything=True))
    before = len(noted(team))
    assert team.ask(browser, "GET", f"{API}/accounts").status_code == 403
    assert len(noted(team)) == before + 1


def test_strangers_and_bad_tokens_are_noted_and_names_that_nobody_has_are_not(team: Team) -> None:
    stranger = team.token(team.account("sam"))
    for workspace in ("test", "a-secret-plan", "another"):
        assert team.ask(stranger, "GET", f"/workspaces/{workspace}/api/v1/workspace").status_code == 404
    for token in ("mp_x", str(stranger.token)[:-1]):
        assert team.ask(Who(token=token), "GET", f"{API}/account").status_code == 401
    assert [(each[0], each[2], each[3]["status"]) for each in noted(team)] == [
        ("sam", "test", 404),
        ("sam", None, 404),
        ("", None, 401),
    ]
    assert "a-secret-plan" not in repr(audit.deeds(team.engine))
    # Nothing is refused to whom it is only not there, nor to who has not signed in yet.
    member = team.member("reader")
    assert team.ask(member, "GET", f"{IN_TEST}/runs/nothing").status_code == 404
    assert team.ask(None, "GET", f"{API}/account").status_code == 401
    assert len(noted(team)) == 3


def test_who_guesses_is_noted_with_the_address(team: Team) -> None:
    for _ in range(8):
        team.ask(None, "POST", SESSION, {"name": "ann", "password": "guess"}, Origin=team.url)
    (deed,) = (each for each in audit.deeds(team.engine) if each.action == refusals.ACTION)
    assert (deed.subject, deed.address, dict(deed.detail)) == ("POST /session", "127.0.0.1", {"status": 429})
    assert team.ask(None, "POST", SESSION, {}, Origin="https://evil.example").status_code == 403
    assert noted(team)[-1][3] == {"status": 403}


def test_nobody_floods_the_log_nor_hides_others_in_it(
    team: Team, serve: Callable[..., Team], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST", 6)
    monkeypatch.setattr(refusals, "MOST_OF_ONE", 2)
    behind = serve(trusted_proxies=(ip_network("127.0.0.0/8"),))

    def refused(address: str, method: str) -> None:
        headers = {"X-Forwarded-For": address, "Sec-Fetch-Site": "cross-site"}
        assert behind.ask(None, method, f"{API}/account", **headers).status_code == 403

    for method in ("GET", "PUT", "POST", "DELETE", "PATCH"):
        refused("192.0.2.1", method)
    assert [each[1] for each in noted(team)] == ["GET other", "PUT other", "(others)"]
    for number in range(2, 60):
        refused(f"192.0.2.{number}", "GET")
    assert len(noted(team)) == 9
    # What was too much is counted all the same.
    asyncio.run(behind.app.refusals.tell(everything=True))
    assert sum(each[3].get("times", 1) for each in noted(team)) == 63


def test_a_database_that_is_away_for_a_moment_loses_no_count(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    from milepost.store.errors import StoreUnavailable

    def fail(*_: object) -> None:
        raise StoreUnavailable("away")

    browser = team.browser(team.account("rita"))
    with monkeypatch.context() as away:
        away.setattr(audit, "note", fail)
        for _ in range(2):
            assert team.ask(browser, "GET", f"{API}/accounts").status_code == 403
        asyncio.run(team.app.refusals.tell(everything=True))
    assert noted(team) == []
    asyncio.run(team.app.refusals.tell(everything=True))
    assert [each[3] for each in noted(team)] == [{"times": 2, "status": 403}]


def test_a_server_that_ends_keeps_what_it_has_counted(team: Team) -> None:
    with serving(team.engine, team.blobs) as short:
        browser = short.browser(short.account("rita"))
        for _ in range(5):
            assert short.ask(browser, "GET", f"{API}/accounts").status_code == 403
    assert [each[3] for each in noted(team)] == [{"status": 403}, {"times": 4, "status": 403}]


def test_all_addresses_of_an_ipv6_network_are_one() -> None:
    """A customer has 2**64 of them or more: to whoever guesses, each would be another five guesses."""
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert network_of("192.0.2.7") == network_of("::ffff:192.0.2.7") == "192.0.2.7"
    one, other = (allowances("ann", f"2001:db8:1:2::{number}") for number in (1, 2))
    assert one == other != allowances("ann", "2001:db8:1:3::1")
