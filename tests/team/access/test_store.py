"""Accounts, roles, tokens, sessions, guesses and the audit log, in SQLite and in PostgreSQL."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from milepost.server.team.forgetting import forget
from milepost.store import accounts, attempts, audit, sessions, tokens
from milepost.store.account_schema import accounts as accounts_table
from milepost.store.account_schema import attempts as attempts_table
from milepost.store.account_schema import audit as audit_table
from milepost.store.account_schema import members as members_table
from milepost.store.account_schema import sessions as sessions_table
from milepost.store.account_schema import tokens as tokens_table
from milepost.store.attempts import Allowance
from milepost.store.audit import Deed
from milepost.store.device_codes import (
    answer_device_code,
    create_device_code,
    find_device_code,
    redeem_device_code,
)
from milepost.store.engine import read, write
from milepost.store.errors import BadInput, Conflict, NotFound
from milepost.store.new_workspaces import make_workspace
from milepost.store.store import find_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What ``count`` threads get that begin together: a result, or an error."""
    ready = threading.Barrier(count)
    results: list[Any] = [None] * count

    def begin(number: int) -> None:
        ready.wait()
        try:
            results[number] = work(number)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


# Accounts.


def test_a_name_is_there_once_in_any_case_of_letters(engine: Engine) -> None:
    made = accounts.create_account(engine, "Ann", email="ann@example.org")
    assert accounts.find_account(engine, "aNN") == accounts.get_account(engine, made.id) == made
    with pytest.raises(Conflict, match="'ANN'"):
        accounts.create_account(engine, "ANN")


def test_of_many_who_make_one_name_at_once_one_succeeds(engine: Engine) -> None:
    results = at_once(6, lambda number: accounts.create_account(engine, "ann"))
    assert sorted(type(each).__name__ for each in results) == ["Account", *["Conflict"] * 5]


def test_who_signs_in_at_an_issuer_has_one_account(engine: Engine) -> None:
    results = at_once(
        4, lambda number: accounts.create_account(engine, f"ann-{number}", issuer="https://i.example", subject="1")
    )
    assert sorted(type(each).__name__ for each in results) == ["Account", *["Conflict"] * 3]
    (made,) = accounts.list_accounts(engine)
    assert accounts.find_by_subject(engine, "https://i.example", "1") == made
    assert accounts.find_by_subject(engine, "https://other.example", "1") is None


@pytest.mark.parametrize("name", ["", " ann", "a b", "-a", "a\n", "ä", "a/b", "a" * 129, "a\0", "<b>"])
def test_such_a_name_is_none(engine: Engine, name: str) -> None:
    with pytest.raises(BadInput, match="cannot name an account"):
        accounts.create_account(engine, name)


def test_somebody_is_left_who_may_manage_the_server(engine: Engine) -> None:
    first, second = (accounts.create_account(engine, name, is_admin=True) for name in ("a", "b"))
    for change in (
        lambda: accounts.change_account(engine, second.id, is_admin=False),
        lambda: accounts.change_account(engine, second.id, disabled=True),
        lambda: accounts.delete_account(engine, second.id),
    ):
        accounts.change_account(engine, first.id, disabled=True)
        with pytest.raises(Conflict, match="the last one who may manage this server"):
            change()
        accounts.change_account(engine, first.id, disabled=False)


def test_two_who_are_taken_their_rights_at_once_see_each_other(engine: Engine) -> None:
    people = [accounts.create_account(engine, name, is_admin=True) for name in ("a", "b", "c")]
    results = at_once(3, lambda number: accounts.change_account(engine, people[number].id, is_admin=False))
    assert sum(isinstance(each, Conflict) for each in results) == 1
    assert sum(each.is_admin for each in accounts.list_accounts(engine)) == 1


def test_a_deleted_account_takes_all_it_had_with_it(engine: Engine) -> None:
    ann = accounts.create_account(engine, "ann")
    accounts.set_role(engine, "test", ann.id, "owner")
    _, token = tokens.create_token(engine, ann.id, "t")
    secret = sessions.create_session(engine, ann.id, lasts_s=60, agent="", address="")
    accounts.delete_account(engine, ann.id)
    assert tokens.bearer_of_token(engine, token) is None
    assert sessions.bearer_of_session(engine, secret) is None
    with read(engine) as connection:
        for table in (accounts_table, members_table, tokens_table, sessions_table):
            assert connection.execute(select(table)).all() == []
    again = accounts.create_account(engine, "ann")
    assert again.id != ann.id
    assert accounts.roles_of(engine, again.id) == {}


# Roles.


def test_of_many_who_make_one_workspace_at_once_one_succeeds(engine: Engine) -> None:
    results = at_once(6, lambda number: make_workspace(engine, "new"))
    assert sorted(type(each).__name__ for each in results) == [*["Conflict"] * 5, "str"]


def test_what_an_account_may_have_is_no_more_when_it_is_asked_for_at_once(engine: Engine) -> None:
    ann = accounts.create_account(engine, "ann").id
    made = at_once(5, lambda number: make_workspace(engine, f"new-{number}", owner=ann, most=2))
    assert sorted(type(each).__name__ for each in made) == [*["Conflict"] * 3, "str", "str"]
    assert set(accounts.roles_of(engine, ann).values()) == {"owner"}
    handed_out = at_once(5, lambda number: tokens.create_token(engine, ann, f"token {number}", most=2))
    assert sorted(type(each).__name__ for each in handed_out) == [*["Conflict"] * 3, "tuple", "tuple"]


def test_a_role_is_one_of_a_workspace_and_not_of_its_name(engine: Engine, tmp_path: Path) -> None:
    ann = accounts.create_account(engine, "ann")
    before = make_workspace(engine, "again")
    accounts.set_role(engine, "AGAIN", ann.id, "owner")
    _, token = tokens.create_token(engine, ann.id, "t", workspace="again")
    assert accounts.roles_of(engine, ann.id) == {before: "owner"}
    old = find_store(engine, "again", lambda _: str(tmp_path / "files"))
    old.delete_workspace()
    make_workspace(engine, "again")
    assert find_store(engine, "again", lambda _: "").workspace_key != old.workspace_key
    assert accounts.roles_of(engine, ann.id) == {}
    assert accounts.members_of(engine, "again") == []
    assert tokens.bearer_of_token(engine, token) is None  # else it would be one for all workspaces


def test_a_role_is_changed_and_taken_away(engine: Engine) -> None:
    ann = accounts.create_account(engine, "ann")
    for role in ("reader", "owner"):
        accounts.set_role(engine, "test", ann.id, role)
    assert [(each.account.name, each.role) for each in accounts.members_of(engine, "test")] == [("ann", "owner")]
    accounts.set_role(engine, "test", ann.id, None)
    assert accounts.members_of(engine, "test") == []
    with pytest.raises(BadInput, match="'god' is no role"):
        accounts.set_role(engine, "test", ann.id, "god")
    with pytest.raises(NotFound):
        accounts.set_role(engine, "nowhere", ann.id, "reader")


# Tokens.


def test_the_secret_of_a_token_is_nowhere(engine: Engine) -> None:
    ann = accounts.create_account(engine, "ann")
    made, token = tokens.create_token(engine, ann.id, "laptop", workspace="TEST", role="reader")
    assert token.startswith(f"mp_{made.id}_")
    assert (made.workspace, made.role) == ("test", "reader")
    bearer = tokens.bearer_of_token(engine, token)
    assert bearer is not None
    assert bearer.account == ann
    assert bearer.token == made
    with read(engine) as connection:
        kept = repr(connection.execute(select(tokens_table)).all())
    assert token.split("_", 2)[2] not in kept
    assert token not in repr(bearer)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token.upper(),
        lambda token: token.replace("mp_", "mp__"),
        lambda token: token[:20],
        lambda token: token + "\0",
        lambda token: "mp_\0_x",
        lambda token: f"{token}\n",
        lambda token: "mp_" + "0" * 16 + token[19:],
        lambda token: "x" * 100_000,
        lambda token: "",
    ],
)
def test_what_is_nearly_a_token_is_none(engine: Engine, change: Callable[[str], str]) -> None:
    ann = accounts.create_account(engine, "ann")
    _, token = tokens.create_token(engine, ann.id, "t")
    assert tokens.bearer_of_token(engine, change(token)) is None
    assert tokens.bearer_of_token(engine, token) is not None


def test_a_token_ends_when_it_is_to(engine: Engine) -> None:
    ann, bob = (accounts.create_account(engine, name) for name in ("ann", "bob"))
    made, token = tokens.create_token(engine, ann.id, "t")
    _, short = tokens.create_token(engine, ann.id, "s", expires_ns=time.time_ns() + 10**9)
    with pytest.raises(NotFound, match="this account has no token"):
        tokens.revoke_token(engine, bob.id, made.id)
    accounts.change_account(engine, ann.id, disabled=True)
    assert tokens.bearer_of_token(engine, token) is None
    accounts.change_account(engine, ann.id, disabled=False)
    assert tokens.bearer_of_token(engine, token) is not None
    tokens.revoke_token(engine, ann.id, made.id)
    assert tokens.bearer_of_token(engine, token) is None
    while time.time_ns() < tokens.list_tokens(engine, ann.id)[0].expires_ns:  # type: ignore[operator]
        time.sleep(0.05)
    assert tokens.bearer_of_token(engine, short) is None
    with pytest.raises(BadInput, match="cannot have expired"):
        tokens.create_token(engine, ann.id, "t", expires_ns=1)


def test_all_tokens_of_an_account_end_together(engine: Engine) -> None:
    ann, bob = (accounts.create_account(engine, name) for name in ("ann", "bob"))
    anns = [tokens.create_token(engine, ann.id, "t") for _ in range(3)]
    bobs = tokens.create_token(engine, bob.id, "t")
    tokens.revoke_token(engine, ann.id, anns[0][0].id)
    assert tokens.revoke_tokens(engine, ann.id) == 2
    assert [tokens.bearer_of_token(engine, secret) for _, secret in anns] == [None] * 3
    assert tokens.bearer_of_token(engine, bobs[1]) is not None
    assert tokens.revoke_tokens(engine, ann.id) == 0


def test_a_program_that_was_let_in_gets_no_token_after_all_was_taken_back(engine: Engine) -> None:
    ann = accounts.create_account(engine, "ann", password="hash")
    for take_back in (
        lambda: tokens.revoke_tokens(engine, ann.id),
        lambda: sessions.end_sessions(engine, ann.id),
        lambda: accounts.change_account(engine, ann.id, password="another"),
    ):
        secret, code = create_device_code(engine, "stolen", lasts_s=60)
        answer_device_code(engine, code, ann.id, approve=True)
        take_back()
        assert redeem_device_code(engine, secret) == "refused"


def test_tokens_that_ended_long_ago_are_forgotten(engine: Engine) -> None:
    ann = accounts.create_account(engine, "ann")
    soon = time.time_ns() + 10**8
    names = ("lasts", "expires", "is revoked", "expires later")
    ends = (None, soon, None, time.time_ns() + 10**15)
    made = {
        name: tokens.create_token(engine, ann.id, name, expires_ns=end) for name, end in zip(names, ends, strict=True)
    }
    tokens.revoke_token(engine, ann.id, made["is revoked"][0].id)
    while time.time_ns() < soon:
        time.sleep(0.01)
    assert tokens.forget_ended_tokens(engine, time.time_ns() - 10**12) == 0
    assert tokens.forget_ended_tokens(engine, time.time_ns()) == 2
    assert {each.name for each in tokens.list_tokens(engine, ann.id)} == {"lasts", "expires later"}
    assert tokens.bearer_of_token(engine, made["lasts"][1]) is not None


# Sessions.


def test_a_session_ends_at_sign_out_and_when_the_password_changes(engine: Engine) -> None:
    ann = accounts.create_account(engine, "ann", password="hash")

    def begin() -> str:
        return sessions.create_session(engine, ann.id, lasts_s=60, agent="x" * 1000, address="::1")

    first, second = begin(), begin()
    sessions.end_session(engine, first)
    assert sessions.bearer_of_session(engine, first) is None
    assert sessions.bearer_of_session(engine, second) is not None
    accounts.change_account(engine, ann.id, password="another")
    assert sessions.bearer_of_session(engine, second) is None
    third = begin()
    accounts.change_account(engine, ann.id, disabled=True)
    accounts.change_account(engine, ann.id, disabled=False)
    assert sessions.bearer_of_session(engine, third) is None
    fourth = begin()
    sessions.end_sessions(engine, ann.id)
    assert sessions.bearer_of_session(engine, fourth) is None
    over = sessions.create_session(engine, ann.id, lasts_s=0, agent="", address="")
    assert sessions.bearer_of_session(engine, over) is None


# Guesses.


def test_whoever_fails_too_often_waits_longer_each_time(engine: Engine) -> None:
    allowed = Allowance("ann", 3, 3600)
    assert [attempts.begin(engine, [allowed]).wait_s for _ in range(3)] == [0, 0, 0]
    waits = []
    for _ in range(4):
        attempt = attempts.begin(engine, [allowed])
        waits.append(attempt.wait_s)
        with write(engine) as connection:  # as if it had been waited for, and had failed
            connection.execute(attempts_table.insert().values(subject=attempts._folded("ANN"), at_ns=time.time_ns()))
    assert all(0 < wait <= limit for wait, limit in zip(waits, (1, 2, 4, 8), strict=True))
    assert waits == sorted(waits)
    assert attempts.begin(engine, [Allowance("bob", 3, 3600)]).wait_s == 0


def test_an_attempt_that_has_to_wait_does_not_count(engine: Engine) -> None:
    """Else whoever goes on guessing would keep somebody else out for ever."""
    allowed = Allowance("ann", 1, 3600)
    attempts.begin(engine, [allowed])
    waits = [attempts.begin(engine, [allowed]).wait_s for _ in range(5)]
    assert waits[0] <= 1
    assert waits == sorted(waits, reverse=True)


def test_of_many_attempts_at_once_no_more_are_made_than_are_free(engine: Engine) -> None:
    results = at_once(12, lambda number: attempts.begin(engine, [Allowance("ann", 4, 3600)]))
    assert all(not isinstance(each, Exception) for each in results)
    assert sum(each.wait_s == 0 for each in results) <= 4


def test_success_forgives(engine: Engine) -> None:
    pair, place = Allowance("ann at home", 2, 3600), Allowance("home", 3, 3600)
    attempts.begin(engine, [pair, place])
    attempts.succeeded(engine, attempts.begin(engine, [pair, place]), pair)
    with read(engine) as connection:
        kept = [row.subject for row in connection.execute(select(attempts_table))]
    assert kept == [attempts._folded("home")]
    assert "home" not in repr(kept)


# Device codes.


def test_a_device_code_is_confirmed_once_and_redeemed_once(engine: Engine) -> None:
    ann = accounts.create_account(engine, "ann")
    secret, code = create_device_code(engine, "laptop\0", lasts_s=60)
    assert len(code) == 9
    assert find_device_code(engine, code.lower().replace("-", " ")).client == "laptop\ufffd"
    assert redeem_device_code(engine, secret) == "waiting"
    answer_device_code(engine, code, ann.id, approve=True)
    with pytest.raises(NotFound, match="no program waits"):
        answer_device_code(engine, code, ann.id, approve=True)
    results = at_once(4, lambda number: redeem_device_code(engine, secret))
    assert sorted(map(repr, results)) == sorted(map(repr, [(ann, "laptop\ufffd"), *["unknown"] * 3]))


def test_a_device_code_that_is_refused_or_over_lets_nobody_in(engine: Engine) -> None:
    ann = accounts.create_account(engine, "ann")
    secret, code = create_device_code(engine, "x", lasts_s=60)
    answer_device_code(engine, code, ann.id, approve=False)
    assert redeem_device_code(engine, secret) == "refused"
    secret, code = create_device_code(engine, "x", lasts_s=0)
    with pytest.raises(NotFound):
        answer_device_code(engine, code, ann.id, approve=True)
    assert redeem_device_code(engine, secret) == "unknown"
    secret, code = create_device_code(engine, "x", lasts_s=60)
    answer_device_code(engine, code, ann.id, approve=True)
    accounts.change_account(engine, ann.id, disabled=True)
    assert redeem_device_code(engine, secret) == "refused"


# The audit log.


def test_the_audit_log_is_read_by_pages_newest_first(engine: Engine) -> None:
    for number in range(5):
        deed = Deed("run.delete", f"run\0 {number}", "ann", workspace="test" if number % 2 else None)
        audit.note(engine, deed)
    found = audit.deeds(engine, limit=2)
    assert [each.subject for each in found] == ["run\ufffd 4", "run\ufffd 3"]
    assert [each.subject for each in audit.deeds(engine, before=found[-1].key)] == [f"run\ufffd {n}" for n in (2, 1, 0)]
    assert [each.subject[-1] for each in audit.deeds(engine, workspace="test")] == ["3", "1"]


def test_a_server_forgets_old_lines_of_it_only_when_it_is_told_to(engine: Engine) -> None:
    old = time.time_ns() - int(800 * 86400e9)
    for number in range(3):
        audit.note(engine, Deed("run.delete", str(number), "ann"))
    with write(engine) as connection:
        connection.execute(update(audit_table).where(audit_table.c.subject == "0").values(at_ns=old))
    forget(engine, 0)
    assert len(audit.deeds(engine)) == 3
    forget(engine, 730 * 86400.0)
    assert [each.subject for each in audit.deeds(engine)] == ["2", "1"]
