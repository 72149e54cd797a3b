"""What other sites, and people with accounts, try at a team's server in the browser of somebody who is signed in."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from milepost.store import accounts, audit, tokens
from milepost.store.audit import Deed
from tests.team.browser.conftest import WAIT_MS, Site, Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Response

    Visiting = Callable[..., Visit]

expect.set_options(timeout=WAIT_MS)
HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>{{7*7}}"
ATTACK = """
<!doctype html><title>elsewhere</title><iframe name="in"></iframe><iframe id="framed" src="SITE/account"></iframe>
<form id="form" method="post" enctype="text/plain" action="SITE/api/v1/account/tokens" target="in">
<input name='{"name":"stolen","a":"' value='"}'></form>
"""
SEND = """async site => {
    const told = []
    const RUNS = '/workspaces/vision/api/v1/runs'
    const bodies = [{method: 'POST', body: '{"name": "stolen"}'}, {method: 'DELETE'}, {}]
    for (const init of bodies) {
        for (const mode of ['no-cors', 'cors']) {
            for (const path of ['/api/v1/account/tokens', '/api/v1/account/sessions', RUNS]) {
                try {
                    const response = await fetch(site + path, {...init, mode, credentials: 'include'})
                    told.push(response.type === 'opaque' ? 'opaque' : await response.text())
                } catch { told.push('refused') }
            }
        }
    }
    return told
}"""


@pytest.fixture
def elsewhere(site: Site) -> Iterator[str]:
    """A site at another port of this host: browsers take it for the same site, and send it Strict cookies."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(ATTACK.replace("SITE", site.url).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_page_elsewhere_reads_and_changes_nothing_and_frames_no_page_though_the_cookie_is_sent(
    visit: Visiting, site: Site, elsewhere: str
) -> None:
    page = visit("/account", as_="olga").page
    page.get_by_role("heading", name="Tokens").wait_for()
    before = tokens.list_tokens(site.server.engine, site.people["olga"].id)
    page.goto(elsewhere)
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))

    told = page.evaluate(SEND, site.url)
    with page.expect_response(lambda answer: answer.request.is_navigation_request()):
        page.evaluate("document.getElementById('form').submit()")

    assert set(told) <= {"refused", "opaque"}
    assert [each.url for each in answers if each.status < 400] == []
    sent = [each.request.all_headers().get("cookie", "") for each in answers]
    assert any("milepost_session" in each for each in sent)  # it was not the cookie that was missing
    assert [each.url for each in page.frames if each.url.startswith(site.url)] == []
    assert tokens.list_tokens(site.server.engine, site.people["olga"].id) == before
    page.goto(f"{site.url}/account")
    page.get_by_role("heading", name="Tokens").wait_for()  # still signed in


def test_names_that_people_give_are_drawn_as_text(visit: Visiting, site: Site) -> None:
    engine = site.server.engine
    tokens.create_token(engine, site.people["ada"].id, HOSTILE)
    audit.note(engine, Deed("member.set", HOSTILE, HOSTILE, None, HOSTILE, None, {HOSTILE: HOSTILE}))
    site.server.make_workspace(HOSTILE.replace("/", "|"))
    accounts.change_account(engine, site.people["nils"].id, email="<script>alert(3)</script>@example.org")
    visited = visit("/account", as_="ada")
    page = visited.page
    page.get_by_text(HOSTILE).first.wait_for()
    for path in ("/audit", "/workspaces", "/accounts"):
        page.goto(site.url + path)
        page.get_by_text("<script>alert(").first.wait_for()
    page.goto(f"{site.url}/workspaces")
    page.get_by_role("link", name="<img src=x").click()
    expect(page.get_by_role("main")).to_contain_text("There are no experiments yet")
    expect(page.get_by_title("Workspace; go to all of them")).to_contain_text("<script>")
    assert "/workspaces/%3Cimg" in page.url
    assert visited.trouble == []


@pytest.mark.parametrize(
    "path", ["/sign-in", "/account", "/workspaces/vision/experiments", "/workspaces/%22%3E%3Cb%3E/x"]
)
def test_no_page_can_be_framed_and_none_has_anything_of_its_address_in_it(site: Site, path: str) -> None:
    import httpx

    answer = httpx.get(site.url + path, trust_env=False)

    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'none'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert 'name="milepost-place" content="team"' in answer.text
    assert "workspaces" not in answer.text
    assert "<b>" not in answer.text
