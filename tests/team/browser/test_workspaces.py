"""The pages of many workspaces below one server: each has its own data, and shows what its people may do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import AXE, assert_accessible, assert_reflows, settled
from tests.team.browser.conftest import EXPERIMENT, WAIT_MS, Site, Visit

if TYPE_CHECKING:
    from collections.abc import Callable

    Visiting = Callable[..., Visit]

expect.set_options(timeout=WAIT_MS)
CHANGE = """async ([method, address, body]) => {
    const response = await fetch(address, {
        method, body: body && JSON.stringify(body), headers: {'Content-Type': 'application/json'}})
    return [response.status, await response.text()]
}"""


def test_every_page_and_link_is_below_the_workspace(visit: Visiting, site: Site) -> None:
    visited = visit("/", as_="carl")
    page = visited.page
    page.get_by_role("link", name="vision").click()
    page.get_by_role("link", name=EXPERIMENT).click()
    page.get_by_role("link", name="first").click()
    base = f"{site.url}/workspaces/vision/"
    run = f"{base}experiments/{EXPERIMENT}/runs/{site.runs['vision']}"
    page.get_by_role("tab", name="Metrics").click()
    page.locator("canvas").first.wait_for()
    assert page.url.startswith(run)
    page.get_by_role("tab", name="Outputs").click()
    zipped = page.get_by_role("link", name="All as a zip")
    with page.expect_download() as download:
        zipped.click()
    assert download.value.url.startswith(f"{base}api/v1/runs/")
    assert download.value.path().read_bytes()[:2] == b"PK"
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url(f"{base}models")
    page.get_by_role("link", name="Compute").click()
    page.wait_for_url(f"{base}compute")
    page.goto(f"{base}nowhere")
    page.get_by_role("main").get_by_role("link", name="all experiments").click()
    page.wait_for_url(f"{base}experiments")
    assert visited.trouble == []


def test_workspaces_with_the_same_names_do_not_mix_and_each_is_live(visit: Visiting, site: Site) -> None:
    table = f"/experiments/{EXPERIMENT}"
    vision = visit(f"/workspaces/vision{table}", as_="carl")
    speech = visit(f"/workspaces/speech{table}", also=vision)  # another tab of the same browser
    for visited, loss in ((vision, "1"), (speech, "2")):
        row = visited.page.get_by_role("row").filter(has=visited.page.get_by_role("link", name="first"))
        expect(row.get_by_text(loss, exact=True).last).to_be_visible()

    site.record(site.token("carl"), "speech", "later", 3)

    expect(speech.page.get_by_role("link", name="later")).to_be_visible()  # by the stream of this workspace
    site.record(site.token("carl"), "vision", "only here", 4)
    expect(vision.page.get_by_role("link", name="only here")).to_be_visible()
    assert vision.page.get_by_role("link", name="later").count() == 0
    assert speech.page.get_by_role("link", name="only here").count() == 0
    # The run of one is nowhere in the other.
    run = f"/experiments/{EXPERIMENT}/runs/{site.runs['speech']}"
    speech.page.goto(f"{site.url}/workspaces/speech{run}")
    speech.page.get_by_role("heading", name="first").wait_for()
    vision.page.goto(f"{site.url}/workspaces/vision{run}")
    expect(vision.page.get_by_role("alert")).to_contain_text("The run could not be read")


def test_a_reader_sees_no_control_that_they_may_not_use_and_cannot_change_anything_by_hand(
    visit: Visiting, site: Site
) -> None:
    api = "/workspaces/vision/api/v1"
    run_id = site.runs["vision"]
    run = f"/workspaces/vision/experiments/{EXPERIMENT}/runs/{run_id}"
    writer, reader = visit(run, as_="carl").page, visit(run, as_="rita").page
    for page in (writer, reader):
        page.get_by_role("heading", name="first").wait_for()
        page.get_by_role("tab", name="Details").click()
        page.get_by_text(run_id).first.wait_for()
    expect(writer.get_by_role("button", name="Archive").first).to_be_visible()
    for word in ("Archive", "Delete", "Cancel", "Rename", "Add", "Remove"):
        assert reader.get_by_role("button", name=word).count() == 0, word
    expect(reader.get_by_title("Workspace; go to all of them")).to_have_text("vision (read only)")

    for page, shown in ((writer, 1), (reader, 0)):
        page.goto(f"{site.url}/workspaces/vision/experiments")
        page.get_by_role("link", name=EXPERIMENT).wait_for()
        expect(page.get_by_role("button", name=f"Archive {EXPERIMENT}")).to_have_count(shown)

    for method, address, body in (
        ("POST", f"{api}/runs/actions", {"run_ids": [run_id], "action": "tag", "tags": {"by": "rita"}}),
        ("POST", f"{api}/runs/actions", {"run_ids": [run_id], "action": "delete"}),
        ("PATCH", f"{api}/runs/{run_id}", {"name": "mine"}),
        ("PATCH", f"{api}/experiments/{EXPERIMENT}", {"archived": True}),
        ("DELETE", f"{api}/experiments/{EXPERIMENT}", None),
        ("PUT", f"{api}/members/rita", {"role": "owner"}),
        ("DELETE", f"{api}/workspace", None),
        ("POST", "/api/v1/accounts", {"name": "mallory"}),
        ("PATCH", "/api/v1/accounts/rita", {"is_admin": True}),
    ):
        status, told = reader.evaluate(CHANGE, [method, address, body])
        assert status == 403, (method, address, told)
        assert json.loads(told)["error"]["message"]
    reader.goto(site.url + run)
    reader.get_by_role("heading", name="first").wait_for()

    # The pages of owners and administrators say whom they are for.
    reader.goto(f"{site.url}/workspaces/vision/members")
    expect(reader.get_by_role("main")).to_contain_text("Members are for the owners of a workspace")
    reader.goto(f"{site.url}/accounts")
    expect(reader.get_by_role("main")).to_contain_text("for the administrators of this server")
    assert reader.get_by_role("link", name="Audit").count() == 0


def test_an_owner_lets_people_in_and_takes_them_out(visit: Visiting, site: Site) -> None:
    outside = visit("/workspaces/vision/experiments", as_="nils").page
    expect(outside.get_by_role("heading")).to_have_text("There is no such workspace, or none that you may see")
    outside.get_by_role("link", name="all workspaces that you may see").click()
    expect(outside.get_by_role("main")).to_contain_text("You are a member of no workspace yet")

    page = visit("/workspaces/vision/experiments", as_="olga").page
    page.get_by_role("button", name="Signed in as olga").click()
    page.get_by_role("menuitem", name="Members of this workspace").click()
    page.get_by_label("Let in").fill("nobody")
    page.get_by_role("button", name="Let in").click()
    expect(page.get_by_role("alert")).to_contain_text("there is no such account")
    page.get_by_label("Let in").fill("nils")
    page.get_by_role("combobox", name="As", exact=True).click()
    page.get_by_role("option", name="Reader").click()
    page.get_by_role("button", name="Let in").click()
    expect(page.get_by_role("status").get_by_text("nils is reader now.")).to_be_visible()

    outside.reload()
    outside.get_by_role("link", name="vision").click()
    outside.get_by_role("link", name=EXPERIMENT).wait_for()

    page.get_by_role("button", name="Remove nils").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("row", name="nils")).to_have_count(0)
    outside.reload()
    expect(outside.get_by_role("heading")).to_have_text("There is no such workspace, or none that you may see")


def test_whoever_makes_a_workspace_is_its_owner(visit: Visiting, site: Site) -> None:
    page = visit("/workspaces", as_="nils").page
    page.get_by_role("button", name="New workspace").click()
    page.get_by_label("Name").fill("Vision")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_contain_text("there is a workspace")
    page.get_by_label("Name").fill("nils-own")
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url(f"{site.url}/workspaces/nils-own/experiments")
    expect(page.get_by_role("main")).to_contain_text("There are no experiments yet")
    page.goto(f"{site.url}/workspaces?search=own")
    expect(page.get_by_role("row", name="nils-own")).to_contain_text("Owner")


@pytest.mark.parametrize(
    "path", ["/sign-in", "/workspaces", "/account", "/device", "/accounts", "/audit", "/workspaces/vision/members"]
)
def test_a_page_is_accessible(visit: Visiting, path: str) -> None:
    if not AXE.is_file():
        pytest.skip("axe is not installed: make web-check")
    page = visit(path, as_=None if path == "/sign-in" else "ada").page
    settled(page)
    assert_reflows(page, path)
    assert_accessible(page, path)
