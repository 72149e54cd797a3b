"""Tokens, accounts and the audit log in the browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.team.browser.conftest import EXPERIMENT, PASSWORD, WAIT_MS, Site, Visit

if TYPE_CHECKING:
    from collections.abc import Callable

    Visiting = Callable[..., Visit]

expect.set_options(timeout=WAIT_MS)


def test_a_token_is_shown_once_and_records_until_it_is_revoked(visit: Visiting, site: Site) -> None:
    page = visit("/account", as_="carl").page
    page.get_by_role("button", name="New token").click()
    page.get_by_role("textbox", name="Name").fill("the cluster")
    page.get_by_role("combobox", name="For", exact=True).click()
    page.get_by_role("option", name="vision").click()
    page.get_by_role("combobox", name="Good for").click()
    page.get_by_role("option", name="7 days").click()
    page.get_by_role("button", name="Make the token").click()
    token = page.get_by_role("dialog").locator("code").inner_text().strip()
    page.get_by_role("button", name="I have it").click()
    row = page.get_by_role("row", name="the cluster")
    expect(row).to_contain_text("vision: all that the account may do")
    assert token not in page.content()

    site.record(token, "vision", "by the cluster")
    table = visit(f"/workspaces/vision/experiments/{EXPERIMENT}", as_="rita").page
    table.get_by_role("link", name="by the cluster").wait_for()
    refused = site.try_to_record(token, "speech", "not there")
    assert refused.returncode != 0
    assert "there is no such workspace, or none that you may see" in refused.stderr

    page.get_by_role("button", name="Revoke the cluster").click()
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(row).to_have_count(0)
    page.get_by_label("Also those that are revoked or expired").check()
    expect(row).to_contain_text("revoked")
    refused = site.try_to_record(token, "vision", "not any more")
    assert "expired or revoked" in refused.stdout + refused.stderr


def test_all_tokens_are_revoked_at_once(visit: Visiting) -> None:
    page = visit("/account", as_="carl").page
    for name in ("one", "two"):
        page.get_by_role("button", name="New token").click()
        page.get_by_role("textbox", name="Name").fill(name)
        page.get_by_role("button", name="Make the token").click()
        page.get_by_role("button", name="I have it").click()
    expect(page.get_by_role("row", name="two")).to_be_visible()
    page.get_by_role("button", name="Revoke all").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke all").click()
    expect(page.get_by_text("All tokens were revoked.")).to_be_visible()
    expect(page.get_by_text("There is no token that is good")).to_be_visible()


def test_an_administrator_makes_accounts_and_shuts_them_and_the_audit_log_has_it(visit: Visiting, site: Site) -> None:
    page = visit("/accounts", as_="ada").page
    page.get_by_role("button", name="New account").click()
    page.get_by_label("Name").fill("newcomer")
    page.get_by_label("Password").fill("x" * 12)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("alert")).to_contain_text("guessed at once")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_text("newcomer has an account now.")).to_be_visible()

    guest = visit("/sign-in").page
    guest.get_by_label("Name").fill("newcomer")
    guest.get_by_label("Password").fill(PASSWORD)
    guest.get_by_role("button", name="Sign in").click()
    guest.wait_for_url("**/workspaces")

    page.get_by_role("button", name="Change newcomer").click()
    page.get_by_role("menuitem", name="Disable").click()
    page.get_by_role("button", name="Disable", exact=True).click()
    expect(page.get_by_role("row", name="newcomer")).to_contain_text(re.compile("disabled", re.IGNORECASE))
    guest.reload()
    guest.wait_for_url("**/sign-in?next=*")

    page.get_by_role("button", name="New account").click()
    page.get_by_role("combobox", name="Of", exact=True).click()
    page.get_by_role("option", name="a program").click()
    page.get_by_label("Name").fill("nightly")
    page.get_by_role("button", name="Make the account").click()
    page.get_by_role("button", name="Change nightly").click()
    page.get_by_role("menuitem", name="Tokens").click()
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name").fill("of the night")
    page.get_by_role("button", name="Make the token").click()
    assert page.get_by_role("dialog").locator("code").last.inner_text().startswith("mp_")

    page.goto(f"{site.url}/audit")
    for action in ("account.create", "account.change", "token.create", "session.create"):
        page.get_by_role("cell", name=action).first.wait_for()
    page.get_by_role("combobox", name="Of which workspace").click()
    page.get_by_role("option", name="speech").click()
    page.wait_for_url("**/audit?workspace=speech")
    expect(page.get_by_role("cell", name="account.create")).to_have_count(0)


def test_a_password_is_changed_by_whoever_knows_it(visit: Visiting, site: Site) -> None:
    page = visit("/account", as_="nils").page
    page.get_by_label("Current password").fill("not this one")
    page.get_by_label("New password").fill("quite another phrase")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_contain_text("the current password is wrong")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password was changed.")).to_be_visible()
    page.get_by_label("Current password").fill("quite another phrase")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password was changed.")).to_be_visible()
