"""People sign in at a team's server, come to the page that they asked for, and are signed out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.team.browser.conftest import EXPERIMENT, PASSWORD, WAIT_MS, Site, Visit

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    Visiting = Callable[..., Visit]

expect.set_options(timeout=WAIT_MS)
SIGN_OUT_EVERYWHERE = "fetch('/api/v1/account/sessions', {method: 'DELETE'})"
ASKED = f"/workspaces/vision/experiments/{EXPERIMENT}?filter=metrics.loss+%3C+5"


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_whoever_signs_in_comes_to_the_page_that_they_asked_for(visit: Visiting, site: Site) -> None:
    page = visit(ASKED).page
    page.wait_for_url("**/sign-in?next=*")

    sign_in(page, "rita", "a wrong one")

    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong.")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_value("")

    sign_in(page, "rita", PASSWORD)

    page.wait_for_url(site.url + ASKED)
    page.get_by_role("link", name="first").wait_for()


def test_after_signing_in_nobody_is_led_to_another_site(visit: Visiting, site: Site) -> None:
    page = visit("/sign-in?next=https%3A%2F%2Fexample.invalid%2F").page
    sign_in(page, "rita", PASSWORD)
    page.wait_for_url(f"{site.url}/workspaces")
    for asked in ("//example.invalid/", "/\\example.invalid", "javascript:alert(1)"):
        page.goto(f"{site.url}/sign-in?next={asked}")
        assert page.get_by_role("link", name="Go on").get_attribute("href") == f"{site.url}/"


def test_whoever_signs_out_is_out(visit: Visiting, site: Site) -> None:
    page = visit("/workspaces/vision/experiments", as_="rita").page
    page.get_by_role("link", name=EXPERIMENT).wait_for()
    page.get_by_role("button", name="Signed in as rita").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    assert page.context.cookies() == []

    page.goto(f"{site.url}/workspaces/vision/experiments")

    page.wait_for_url("**/sign-in?next=*")


def test_a_session_that_ends_while_a_page_is_open_loses_neither_the_address_nor_what_was_typed(
    visit: Visiting, site: Site
) -> None:
    path = f"/workspaces/vision/experiments/{EXPERIMENT}/runs/{site.runs['vision']}?tab=details"
    page = visit(path, as_="carl").page
    page.get_by_role("heading", name="first").wait_for()
    notice = page.get_by_text("You are signed out.")
    page.get_by_label("Tag", exact=True).fill("half typed")
    page.evaluate(SIGN_OUT_EVERYWHERE)
    expect(notice).to_have_count(0)  # nothing was asked for since

    page.get_by_label("Value", exact=True).fill("value")
    page.get_by_label("Value", exact=True).press("Enter")

    expect(notice).to_be_visible()
    assert page.url == site.url + path
    expect(page.get_by_label("Tag", exact=True)).to_have_value("half typed")

    # In another tab: this one goes on by itself.
    other = page.context.new_page()
    other.goto(f"{site.url}/sign-in")
    sign_in(other, "carl", PASSWORD)
    other.wait_for_url("**/workspaces")
    expect(notice).to_have_count(0)
    expect(page.get_by_label("Tag", exact=True)).to_have_value("half typed")

    page.evaluate(SIGN_OUT_EVERYWHERE)
    page.get_by_label("Value", exact=True).press("Enter")
    expect(notice).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, "carl", PASSWORD)
    page.wait_for_url(site.url + path)
    page.get_by_role("heading", name="first").wait_for()


def test_a_program_is_let_in_by_whoever_sees_its_code(visit: Visiting, site: Site) -> None:
    import httpx

    def begin(client: str) -> dict[str, str]:
        answer = httpx.post(f"{site.url}/api/v1/device", json={"client": client}, trust_env=False)
        assert answer.status_code == 200
        return dict(answer.json())

    def given(device: dict[str, str]) -> dict[str, str]:
        body = {"device_code": device["device_code"]}
        return dict(httpx.post(f"{site.url}/api/v1/device/token", json=body, trust_env=False).json())

    device = begin("<b>laptop</b>")
    page = visit(device["verification_uri_complete"].removeprefix(site.url)).page
    sign_in(page, "rita", PASSWORD)
    expect(page.get_by_text("<b>laptop</b>")).to_be_visible()
    expect(page.get_by_text(device["user_code"])).to_be_visible()
    assert given(device)["status"] == "waiting"

    page.get_by_role("button", name="Let it in").click()

    expect(page.get_by_text("The program is let in.")).to_be_visible()
    answer = given(device)
    assert (answer["status"], answer["account"]) == ("approved", "rita")

    refused = begin("another")
    page.goto(f"{site.url}/device")
    page.get_by_label("Code").fill(refused["user_code"].lower())
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_text("The program was refused.")).to_be_visible()
    assert given(refused)["status"] == "refused"

    page.goto(f"{site.url}/device?code=BCDF-GHJK")
    expect(page.get_by_role("alert")).to_contain_text("No program waits with this code")
