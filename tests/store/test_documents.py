"""Structured facts of runs, and who owns a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from milepost.store import documents
from milepost.store.documents import Document
from milepost.store.schema import documents as documents_table
from tests.store.builders import T0, event, run_event, say, series

if TYPE_CHECKING:
    from milepost.store.store import Store


def messages(store: Store) -> list[str]:
    return [each["message"] for each in store.run("r").warnings]


@pytest.mark.parametrize(
    "content",
    [
        None,
        True,
        0,
        -1.5,
        2**63,
        "",
        "text",
        [],
        {},
        [1, None, {"a": ["b", {"c": 1.25}]}],
        {"": "empty key", "\u2028": "\U0001f600", "quote\"'": "\\"},
        "diff --git a/x b/x\n" * 50_000,
    ],
)
def test_any_json_value_comes_back_as_it_was(store: Store, content: Any) -> None:
    say(store, run_event("r"), event("document", "r", name="fact", content=content))
    assert store.document("r", "fact") == content
    assert type(store.document("r", "fact")) is type(content)
    assert store.documents("r") == {"fact": content}


def test_a_run_has_documents_by_name_and_others_have_none(store: Store) -> None:
    said = {"packages": [{"name": "numpy", "version": "2.0"}], "machine": {"cpus": 2}, "definition": {}}
    say(store, run_event("r"), run_event("other"))
    say(store, *(event("document", "r", name=name, content=content) for name, content in said.items()))
    assert store.documents("r") == said
    assert list(store.documents("r")) == sorted(said)
    assert store.documents("other") == store.documents("unknown") == {}
    for run_id, name in (("r", "git_diff"), ("other", "machine"), ("unknown", "machine"), ("r", ""), ("r", "\x00")):
        assert store.document(run_id, name) is None


def test_the_document_that_was_told_last_stays_whatever_came_in_last(store: Store) -> None:
    say(store, run_event("r"), event("document", "r", T0, name="machine", content=1))
    say(store, event("document", "r", T0 + 2, name="machine", content=2))
    assert store.document("r", "machine") == 2
    say(store, event("document", "r", T0 + 1, name="machine", content="late"), journal="slow")
    assert store.document("r", "machine") == 2
    said = [event("document", "r", T0 + 3, name="machine", content=number) for number in range(5)]
    say(store, *said)
    assert store.document("r", "machine") == 4


def test_documents_may_come_before_their_run(store: Store) -> None:
    say(store, event("document", "r", name="machine", content={"cpus": 2}), journal="supervisor")
    assert store.documents("r") == {}
    say(store, run_event("r"))
    assert store.documents("r") == {"machine": {"cpus": 2}}


def test_documents_go_with_their_run(store: Store) -> None:
    say(store, *(run_event(run_id) for run_id in "ab"))
    say(store, *(event("document", run_id, name="machine", content=run_id) for run_id in "ab"))
    store.delete_run("a")
    assert store.documents("a") == {}
    assert store.document("b", "machine") == "b"
    say(store, event("document", "a", name="machine", content="late"), journal="late")
    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(documents_table)) == 1


def test_what_databases_cannot_keep_is_replaced(store: Store) -> None:
    content = {"nan": float("nan"), "inf": [float("inf")], "nul": "a\x00b", "half": "\ud800", "k\x00": 1}
    say(store, run_event("r"), event("document", "r", name="fact", content=content))
    kept = {"nan": "nan", "inf": ["inf"], "nul": "a\ufffdb", "half": "\ufffd", "k\ufffd": 1}
    assert store.document("r", "fact") == kept
    assert messages(store) == []


@pytest.mark.parametrize("data", [{}, {"name": "x"}, {"name": 5, "content": 1}, {"name": "", "content": 1}])
def test_a_malformed_document_becomes_a_warning(store: Store, data: dict[str, Any]) -> None:
    said = event("document", "r")
    said.data = data
    say(store, run_event("r"), said)
    assert store.documents("r") == {}
    assert "something said of this run (document) was not kept" in messages(store)[0]


def test_a_document_that_is_too_long_becomes_a_warning(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_CHARACTERS", 1000)
    say(store, run_event("r"), event("document", "r", name="git_diff", content="x" * 999))
    assert store.documents("r") == {}
    assert "'git_diff' has 1,001 characters; up to 1,000 are kept" in messages(store)[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_is_kept_can_be_kept_again_without_a_change(content: Any) -> None:
    kept = json.loads(Document.of("x", content, 0).content)
    assert Document.of("x", kept, 0) == Document.of("x", content, 0)


# Owners.


def test_a_run_ends_with_the_journal_that_owns_it_last(store: Store) -> None:
    say(store, run_event("r", owner=True), journal="submitter")
    say(store, event("owner", "r"), journal="supervisor")
    assert store.close_journal("submitter", "gone") == []
    assert store.run("r").status == "Running"
    assert store.close_journal("supervisor", "the supervisor died") == ["r"]
    assert store.run("r").status == "Failed"
    assert store.run("r").error == {"code": "ProcessDied", "message": "the supervisor died"}


def test_a_run_without_an_owner_outlives_its_submitter_until_there_is_one(store: Store) -> None:
    say(store, run_event("r", status="NotStarted"), journal="submitter")
    assert store.close_journal("submitter", "gone") == []
    assert store.run("r").status == "NotStarted"
    say(store, event("owner", "r"), journal="supervisor")
    assert store.close_journal("supervisor", "died") == ["r"]


def test_an_owner_that_is_known_before_the_run_itself_stays_the_owner(store: Store) -> None:
    say(store, event("owner", "r"), series("r", "loss", [1.0]), journal="supervisor")
    say(store, run_event("r", owner=True), journal="submitter")
    assert store.close_journal("submitter", "gone") == []
    assert store.close_journal("supervisor", "died") == ["r"]


def test_an_owner_of_an_ended_run_changes_nothing(store: Store) -> None:
    say(store, run_event("r"), event("status", "r", status="Completed"))
    say(store, event("owner", "r"), journal="supervisor")
    assert store.close_journal("supervisor", "died") == []
    assert store.run("r").status == "Completed"


def test_what_a_run_was_made_from_stays_as_it_was_first_told(store: Store) -> None:
    say(store, run_event("r"), event("document", "r", T0, name="job", content={"command": "mine"}))
    say(store, event("document", "r", T0 + 10, name="job", content={"command": "another"}), journal="other")
    say(store, event("document", "r", 0, name="job", content={"command": "another"}), journal="other")
    assert store.documents("r") == {"job": {"command": "mine"}}
