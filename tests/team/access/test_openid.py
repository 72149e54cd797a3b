"""Signing in at an issuer of OpenID Connect: a real one, that also does what attackers would have it do."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from milepost.cli.options import Misused
from milepost.cli.server_options import oidc as oidc_option
from milepost.server.team import oidc
from milepost.server.team.settings import OidcSettings
from milepost.store import accounts, audit
from tests.team.access.conftest import API
from tests.team.access.issuer import CLIENT, SECRET, running_issuer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.team.access.conftest import Team

LOGIN, CALLBACK = f"{API}/oidc/login", f"{API}/oidc/callback"


@pytest.fixture
def engine_name() -> str:
    """What is tested here is not the database."""
    return "sqlite"


@pytest.fixture(scope="module")
def issuer_url() -> Iterator[str]:
    with running_issuer() as url:
        yield url


@pytest.fixture
def behave(issuer_url: str) -> Iterator[Callable[..., None]]:
    """Says what the issuer does wrong."""

    def say(**behaviour: Any) -> None:
        httpx.post(f"{issuer_url}/behave", json=behaviour, trust_env=False)

    say(published=["first"])
    yield say
    say(published=["first"])


@pytest.fixture
def site(serve: Callable[..., Team], issuer_url: str, behave: Callable[..., None]) -> Callable[..., Team]:
    """A server where whoever the issuer lets in gets an account, unless told otherwise."""

    def start(**changes: Any) -> Team:
        changes = {"allowed_domains": ("example.org",), **changes}
        return serve(oidc=OidcSettings(issuer_url, CLIENT, SECRET, **changes))

    return start


class Browser:
    """Follows links and keeps cookies as a browser does: what comes back by a link of another site says so."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.client = httpx.Client(trust_env=False, timeout=30)

    def begin(self, onward: str = "/") -> str:
        """The address at the issuer that the browser is led to."""
        answer = self.client.get(self.team.url + LOGIN, params={"onward": onward})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def at_issuer(self, link: str) -> str:
        """The address that the issuer leads back to."""
        return self.client.get(link).headers["location"]

    def back(self, link: str) -> httpx.Response:
        return self.client.get(link, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})

    def sign_in(self, onward: str = "/") -> httpx.Response:
        return self.back(self.at_issuer(self.begin(onward)))

    @property
    def account(self) -> str | None:
        found: str | None = self.client.get(f"{self.team.url}{API}/session").json()["account"]
        return found


def refused(browser: Browser, answer: httpx.Response, problem: str) -> bool:
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == f"/sign-in?problem={problem}"
    return browser.account is None


def test_what_goes_wrong_at_the_issuer_does_not_lose_the_page_that_was_asked_for(
    serve: Callable[..., Team], site: Callable[..., Team], behave: Callable[..., None]
) -> None:
    asked = "/workspaces/test/experiments?filter=a%20b&page=2"
    kept = "next=%2Fworkspaces%2Ftest%2Fexperiments%3Ffilter%3Da%2520b%26page%3D2"
    behave(answer={"error": "access_denied"})
    assert Browser(site()).sign_in(asked).headers["location"] == f"/sign-in?problem=refused&{kept}"
    away = serve(oidc=OidcSettings("http://127.0.0.1:9", CLIENT, SECRET))
    answer = away.client.get(LOGIN, params={"onward": asked})
    assert answer.headers["location"] == f"/sign-in?problem=unavailable&{kept}"


def test_a_person_signs_in_and_is_known_the_next_time(site: Callable[..., Team], issuer_url: str) -> None:
    team = site(label="Example")
    assert team.ask(None, "GET", f"{API}/server").json()["sign_in_with"] == "Example"
    browser = Browser(team)
    answer = browser.sign_in("/workspaces/test/experiments?filter=a%20b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/workspaces/test/experiments?filter=a%20b")
    assert browser.account == "ann"
    set_cookies = answer.headers.get_list("set-cookie")
    assert any("samesite=strict" in each.lower() and "httponly" in each.lower() for each in set_cookies)
    again = Browser(team)
    again.sign_in()
    assert again.account == "ann"
    (made,) = accounts.list_accounts(team.engine)
    assert (made.issuer, made.email, made.is_admin, made.has_password) == (issuer_url, "ann@example.org", False, False)
    assert [each.action for each in audit.deeds(team.engine)] == ["session.create"] * 2


def test_an_account_is_never_found_by_its_name_or_address(site: Callable[..., Team]) -> None:
    """Else whoever gets that address at the issuer gets the account here."""
    team = site()
    local = team.account("ann", email="ann@example.org", role="owner", is_admin=True)
    browser = Browser(team)
    browser.sign_in()
    assert browser.account == "ann-2"
    assert accounts.get_account(team.engine, local.id) == local


def test_who_gets_an_account_is_said_by_the_administrator(
    site: Callable[..., Team], behave: Callable[..., None]
) -> None:
    nobody, some, everyone = site(allowed_domains=()), site(), site(allowed_domains=("*",))
    for claims, may in (
        ({"sub": "a", "email_verified": False}, (False, False, True)),
        ({"sub": "b", "email_verified": "true"}, (False, False, True)),
        ({"sub": "c", "email": "ann@example.org.evil.example"}, (False, False, True)),
        ({"sub": "d", "email": "ann@evil@EXAMPLE.org"}, (False, True, True)),
        ({"sub": "e", "email": None}, (False, False, True)),
    ):
        behave(claims=claims)
        for team, is_let_in in zip((nobody, some, everyone), may, strict=True):
            browser = Browser(team)
            answer = browser.sign_in()
            if accounts.find_by_subject(team.engine, team.app.settings.oidc.issuer, str(claims["sub"])) is None:  # type: ignore[union-attr]
                assert not is_let_in
                assert refused(browser, answer, "unknown"), claims
            else:
                assert browser.account is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"iss": "https://evil.example"}},
        {"claims": {"iss": None}},
        {"claims": {"aud": "another"}},
        {"claims": {"aud": None}},
        {"claims": {"aud": [CLIENT, "another"]}},
        {"claims": {"aud": [CLIENT, "another"], "azp": "another"}},
        {"claims": {"azp": "another"}},
        {"claims": {"exp": 1_000_000_000}},
        {"claims": {"exp": None}},
        {"claims": {"iat": 4_000_000_000}},
        {"claims": {"nbf": 4_000_000_000}},
        {"claims": {"sub": None}},
        {"claims": {"sub": ""}},
        {"claims": {"sub": ["person-1"]}},
        {"algorithm": "none"},
        {"algorithm": "HS256"},
        {"key": "its own"},
        {"key": "its own", "kid": "first"},
        {"key": "its own", "kid": "first", "jwk": True},
        {"answer": {"state": "another"}},
        {"answer": {"code": "another"}},
        {"answer": {"code": ""}},
        {"answer": {"error": "access_denied"}},
    ],
    ids=lambda wrong: json.dumps(wrong)[:60],
)
def test_nobody_is_signed_in_by_what_is_not_as_it_must_be(
    site: Callable[..., Team], behave: Callable[..., None], wrong: dict[str, Any]
) -> None:
    team = site()
    behave(**wrong)
    browser = Browser(team)
    problem = "expired" if "state" in wrong.get("answer", {}) else "refused"
    assert refused(browser, browser.sign_in(), problem)
    assert accounts.list_accounts(team.engine) == []
    assert [each.action for each in audit.deeds(team.engine)] == ["session.refuse"]


def test_a_sign_in_belongs_to_the_browser_that_began_it(site: Callable[..., Team]) -> None:
    """Neither does an attacker's link sign a victim in as the attacker, nor is a stolen code of use."""
    team = site()
    attacker, victim = Browser(team), Browser(team)
    link = attacker.at_issuer(attacker.begin())
    assert refused(victim, victim.back(link), "expired")
    victim.begin()
    assert refused(victim, victim.back(link), "expired")
    # The code of another's sign-in, put into one's own: its verifier is another.
    code = parse_qs(urlsplit(victim.at_issuer(victim.begin())).query)["code"][0]
    state = parse_qs(urlsplit(attacker.begin()).query)["state"][0]
    assert refused(attacker, attacker.back(f"{team.url}{CALLBACK}?code={code}&state={state}"), "refused")


def test_a_code_is_good_once(site: Callable[..., Team]) -> None:
    team = site()
    browser = Browser(team)
    link = browser.at_issuer(browser.begin())
    flow = browser.client.cookies.get(f"{team.app.settings.cookie}_flow")
    assert browser.back(link).headers["location"] == "/"
    replayed = Browser(team)
    assert refused(replayed, replayed.back(link), "expired")
    replayed.client.cookies.set(f"{team.app.settings.cookie}_flow", str(flow))
    assert refused(replayed, replayed.back(link), "refused")


@pytest.mark.parametrize(
    "onward",
    ["//evil.example", "/\\evil.example", "https://evil.example", "\\/evil", "/a\r\nSet-Cookie: x=y", "", "/ /x"],
)
def test_the_way_onward_leads_to_no_other_site(site: Callable[..., Team], onward: str) -> None:
    team = site()
    assert Browser(team).sign_in(onward).headers["location"] == "/"
    # Nor where the cookie was tampered with.
    browser = Browser(team)
    link = browser.at_issuer(browser.begin())
    name = f"{team.app.settings.cookie}_flow"
    kept = str(browser.client.cookies.get(name))
    fields = json.loads(base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)))
    browser.client.cookies.clear()
    changed = base64.urlsafe_b64encode(json.dumps(fields | {"onward": onward}).encode()).decode().rstrip("=")
    browser.client.cookies.set(name, changed)
    assert refused(browser, browser.back(link), "expired")


def test_keys_that_the_issuer_has_changed_are_fetched(
    site: Callable[..., Team], behave: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "_KEYS_AGAIN_S", 0.0)
    team = site()
    Browser(team).sign_in()
    behave(published=["second"], key="second")
    browser = Browser(team)
    browser.sign_in()
    assert browser.account == "ann"


def test_an_issuer_that_is_away_or_says_nonsense_is_told_of(
    serve: Callable[..., Team], site: Callable[..., Team], behave: Callable[..., None]
) -> None:
    away = serve(oidc=OidcSettings("http://127.0.0.1:9", CLIENT, SECRET))
    answer = away.client.get(LOGIN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?problem=unavailable")
    for metadata in ({"issuer": "https://evil.example"}, {"jwks_uri": "file:///etc/passwd"}, {"token_endpoint": None}):
        behave(metadata=metadata)
        answer = site().client.get(LOGIN)
        assert answer.headers["location"] == "/sign-in?problem=unavailable", metadata


def test_a_disabled_account_stays_out(site: Callable[..., Team]) -> None:
    team = site()
    Browser(team).sign_in()
    accounts.change_account(team.engine, accounts.find_account(team.engine, "ann").id, disabled=True)
    browser = Browser(team)
    assert refused(browser, browser.sign_in(), "disabled")


def test_the_clients_secret_is_not_shown(site: Callable[..., Team]) -> None:
    team = site()
    browser = Browser(team)
    link = browser.begin()
    assert SECRET not in link
    assert SECRET not in repr(team.app.settings)


@pytest.mark.parametrize("issuer", ["http://issuer.example", "issuer.example", "https://", "https://a/?b", "file:///x"])
def test_such_an_issuer_is_refused_at_the_start(issuer: str) -> None:
    with pytest.raises(ValueError, match="is no issuer's address"):
        OidcSettings(issuer, CLIENT, SECRET)


def test_without_an_issuer_there_is_nothing_to_sign_in_at(team: Team) -> None:
    assert team.client.get(LOGIN).status_code == 404
    assert team.client.get(CALLBACK).status_code == 404


def test_the_issuer_is_named_by_options() -> None:
    needed = ("https://i.example", "id", "secret")
    assert oidc_option(None, "", "", "", "") is None
    found = oidc_option(*needed, "example.org, example.com", "Example")
    assert found == OidcSettings(*needed, "Example", ("example.org", "example.com"))
    for wrong, text in (
        (("https://i.example", "id", ""), "CLIENT_SECRET beside it"),
        (("https://i.example", "", "secret"), "--oidc-client-id"),
        (("i.example", "id", "secret"), "is no issuer's address"),
    ):
        with pytest.raises(Misused, match=text) as caught:
            oidc_option(*wrong, "", "")
        assert "'secret'" not in str(caught.value)


def test_a_page_elsewhere_that_has_browsers_come_back_from_nowhere_holds_up_nobody(site: Callable[..., Team]) -> None:
    team = site()
    for _ in range(3):
        assert refused(Browser(team), Browser(team).back(f"{team.url}{CALLBACK}?code=x&state=y"), "expired")
    assert audit.deeds(team.engine) == []
