"""The first administrator, and people who sign in at an issuer: with servers as `milepost server` starts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from milepost.store import accounts
from tests.team.access.issuer import CLIENT, SECRET, running_issuer
from tests.team.browser.conftest import EXPERIMENT, PASSWORD, WAIT_MS, Site, Visit
from tests.team.commands import Running, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Visiting = Callable[..., Visit]

expect.set_options(timeout=WAIT_MS)


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[Running]:
    """A server without an account."""
    with running("--port", "0", MILEPOST_HOME=str(tmp_path)) as server:
        yield server


@pytest.fixture
def issuer_url() -> Iterator[str]:
    with running_issuer() as url:
        yield url


@pytest.fixture
def behind_issuer(site: Site, issuer_url: str) -> Iterator[Running]:
    """Another server over the database of ``site``, where people sign in at the issuer, too."""
    arguments = ("--database-url", site.server.database_url, "--artifacts", site.server.blobs_url, "--port", "0")
    oidc = {"ISSUER": issuer_url, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "LABEL": "Example"}
    variables = {f"MILEPOST_SERVER_OIDC_{name}": value for name, value in oidc.items()}
    with running(*arguments, **variables) as server:
        yield server


def test_the_link_that_a_new_server_prints_makes_the_first_administrator_once(
    visit: Visiting, empty_server: Running
) -> None:
    link = empty_server.next_line().split()[-1]
    page, _, secret = link.partition("#secret=")
    assert page == f"{empty_server.url}/setup"
    for path in ("/", "/workspaces"):
        visited = visit(empty_server.url + path).page
        visited.wait_for_url("**/sign-in**")
        expect(visited.get_by_text("This server has no accounts yet.")).to_be_visible()
    visited = visit(page).page
    expect(visited.get_by_text("Open the whole link")).to_be_visible()
    assert visited.get_by_role("textbox").count() == 0

    setting_up = visit(link)
    visited = setting_up.page
    visited.get_by_label("Name").fill("root")
    assert secret not in visited.url
    visited.get_by_label("Password").fill("x" * 12)
    visited.get_by_role("button", name="Make the account").click()
    expect(visited.get_by_role("alert")).to_contain_text("guessed at once")
    visited.get_by_label("Password").fill(PASSWORD)
    visited.get_by_role("button", name="Make the account").click()

    visited.wait_for_url("**/workspaces")
    visited.get_by_role("button", name="Signed in as root").click()
    visited.get_by_role("menuitem", name="Administration").click()
    expect(visited.get_by_role("row", name="root")).to_be_visible()
    assert setting_up.trouble == []

    # Whoever comes later with the same link makes nothing.
    visited = visit(link).page
    visited.get_by_label("Name").fill("mallory")
    visited.get_by_label("Password").fill(PASSWORD)
    visited.get_by_role("button", name="Make the account").click()
    expect(visited.get_by_role("alert")).to_contain_text("or it is set up already")


def test_a_link_to_a_run_leads_through_the_issuer_back_to_the_run(
    visit: Visiting, site: Site, behind_issuer: Running, issuer_url: str
) -> None:
    import httpx

    eve = accounts.create_account(site.server.engine, "eve", issuer=issuer_url, subject="person-1")
    accounts.set_role(site.server.engine, "vision", eve.id, "reader")
    asked = f"/workspaces/vision/experiments/{EXPERIMENT}/runs/{site.runs['vision']}?tab=metrics&smoothing=0.5"
    begun = visit(behind_issuer.url + asked)
    page = begun.page
    page.wait_for_url("**/sign-in?next=*")
    button = page.get_by_role("link", name="Sign in with Example")

    # What goes wrong at the issuer is told, and the next attempt leads to the same page.
    httpx.post(f"{issuer_url}/behave", json={"answer": {"error": "access_denied"}}, trust_env=False)
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("You were not let in there")
    expect(page.get_by_role("alert")).to_contain_text("You are not signed in with Example")
    httpx.post(f"{issuer_url}/behave", json={}, trust_env=False)
    button.click()

    page.wait_for_url(behind_issuer.url + asked)
    page.get_by_role("heading", name="first").wait_for()
    page.get_by_role("button", name="Signed in as eve").wait_for()
    cookies = {str(each.get("name")): each for each in page.context.cookies()}
    (session,) = (each for name, each in cookies.items() if not name.endswith("_flow"))
    assert (session.get("sameSite"), session.get("httpOnly")) == ("Strict", True)
    assert not any(name.endswith("_flow") for name in cookies)
    assert begun.trouble == []
