"""How many tokens and workspaces an account may have, and how much anybody may send: what is beyond is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from milepost.server.delivery import BINARY
from milepost.server.team.settings import Limits
from milepost.store import tokens
from milepost.store.account_schema import tokens as tokens_table
from milepost.store.engine import write
from milepost.store.wire import BATCH_TYPE
from tests.team.access.conftest import API, IN_TEST, Who

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.team.access.conftest import Team

FEW = Limits(tokens_per_account=2, workspaces_per_account=2)


@pytest.fixture
def engine_name() -> str:
    """What holds on both databases when it is asked for at once, tests/team/access/test_store.py tells."""
    return "sqlite"


@pytest.fixture
def few(serve: Callable[..., Team]) -> Team:
    return serve(limits=FEW)


def let_in(team: Team, browser: Who) -> tuple[int, str]:
    """What a person is told who lets a program in, and what the program is told then."""
    device = team.ask(None, "POST", f"{API}/device", {"client": "laptop"}, Origin=team.url).json()
    answer = team.ask(browser, "POST", f"{API}/device/codes/{device['user_code']}", {"approve": True})
    given = team.ask(None, "POST", f"{API}/device/token", {"device_code": device["device_code"]}, Origin=team.url)
    return answer.status_code, given.json()["status"]


def test_an_account_has_so_many_good_tokens_and_no_more(few: Team) -> None:
    ann = few.account("ann")
    browser = few.browser(ann)
    tokens.create_token(few.engine, ann.id, "expired")
    with write(few.engine) as connection:
        connection.execute(tokens_table.update().values(expires_ns=1))
    made = [few.ask(browser, "POST", f"{API}/account/tokens", {"name": f"token {n}"}) for n in range(3)]
    assert [each.status_code for each in made] == [201, 201, 409]
    assert "'ann' has 2 tokens that are good, and this server lets an account have 2: revoke" in made[2].text
    # Nor by letting a program in, which is told to the person who does.
    assert let_in(few, browser) == (409, "waiting")
    # One that was revoked makes room; others have room of their own.
    token_id = made[0].json()["row"]["id"]
    assert few.ask(browser, "DELETE", f"{API}/account/tokens/{token_id}").status_code == 204
    assert let_in(few, browser) == (200, "approved")
    assert few.ask(browser, "POST", f"{API}/account/tokens", {"name": "more"}).status_code == 409
    admin = few.token(few.account("root", is_admin=True))
    robot = few.account("robot", kind="service")
    answers = [few.ask(admin, "POST", f"{API}/accounts/{robot.name}/tokens", {"name": f"{n}"}) for n in range(3)]
    assert [each.status_code for each in answers] == [201, 201, 409]


def test_an_account_makes_so_many_workspaces_and_no_more(few: Team) -> None:
    ann = few.account("ann", role="owner")  # of one that somebody else has made
    browser = few.browser(ann)

    def make(name: str, who: Who = browser) -> tuple[int, str]:
        answer = few.ask(who, "POST", f"{API}/workspaces", {"name": name})
        return answer.status_code, answer.text

    assert [make(name)[0] for name in ("one", "two")] == [201, 201]
    status, text = make("three")
    assert (status, "'ann' has made 2 workspaces, and this server lets an account make 2" in text) == (409, True)
    # Whoever hands one over has made it all the same.
    other = few.account("other")
    few.ask(browser, "PUT", "/workspaces/one/api/v1/members/other", {"role": "owner"})
    assert few.ask(browser, "DELETE", "/workspaces/one/api/v1/members/ann").status_code == 204
    assert make("three")[0] == 409
    assert make("three", few.browser(other))[0] == 201
    # One that is gone makes room, also for limits that an administrator has set meanwhile; administrators have none.
    root = few.browser(few.account("root", is_admin=True))
    assert few.ask(root, "PUT", f"{API}/workspaces/two/limits", {"storage": 5}).status_code == 200
    assert make("four")[0] == 409
    assert few.ask(browser, "DELETE", "/workspaces/two/api/v1/workspace").status_code == 204
    assert make("four")[0] == 201
    assert [make(f"roots-{n}", root)[0] for n in range(3)] == [201] * 3


def test_a_body_is_of_the_type_that_its_route_takes_and_so_no_larger(few: Team) -> None:
    """A file may be large, and is not held in memory.  Said to be one, another body was, whoever sent it."""
    nobody, reader = Who(), few.member("reader")
    for who, method, path in (
        (nobody, "POST", f"{API}/session"),
        (nobody, "POST", f"{API}/setup"),
        (nobody, "POST", f"{API}/device/token"),
        (reader, "POST", f"{API}/workspaces"),
        (reader, "POST", f"{IN_TEST}/blobs/missing"),
        (reader, "POST", f"{IN_TEST}/journals/x/close"),
        (reader, "POST", f"{API}/journals/x/batches"),
        (reader, "PUT", f"{API}/blobs/{'0' * 64}"),
    ):
        for kind in (BINARY, BATCH_TYPE, "text/plain"):
            headers = {"Content-Type": kind, "Origin": few.url}
            if who.token is not None:
                headers["Authorization"] = f"Bearer {who.token}"
            for content in (b"0", iter([b"0"])):  # with its length, and in chunks
                answer = few.client.request(method, path, content=content, headers=headers)
                assert answer.status_code == 415, (path, kind)
