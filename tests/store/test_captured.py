"""Files that the system captures from a run's working directory, beside those that the script uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.store.conflicts import Upload, _captured, _File, _uploaded, fold
from milepost.store.errors import BadInput, NotFound
from tests.store.builders import T0, event, run_event, say

if TYPE_CHECKING:
    from milepost.store.batch import Event
    from milepost.store.store import Store


def named(store: Store, name: str, content: bytes, *, captured: bool, time_ns: int = T0) -> Event:
    blob = store.put_bytes(content)
    more = {"captured": True} if captured else {}
    return event("artifact", "r", time_ns, name=name, digest=blob.digest, size=blob.size, **more)


def files(store: Store) -> dict[str, tuple[bytes, bool]]:
    return {each.name: (store.read_range("r", each.name, 0, each.size), each.captured) for each in store.artifacts("r")}


def messages(store: Store) -> list[str]:
    return [each["message"] for each in store.run("r").warnings]


@pytest.fixture
def store(store: Store) -> Store:
    """With a run ``r``."""
    say(store, run_event("r"))
    return store


def test_a_captured_file_follows_its_content(store: Store) -> None:
    for content in (b"1", b"1\n2", b"1\n2\n3"):
        say(store, named(store, "log.txt", content, captured=True))
        assert files(store) == {"log.txt": (content, True)}
    assert messages(store) == []


def test_several_contents_of_one_captured_file_in_one_batch_leave_the_last(store: Store) -> None:
    say(store, *(named(store, "log.txt", bytes([number]), captured=True) for number in range(5)))
    assert files(store) == {"log.txt": (b"\x04", True)}


def test_what_was_captured_earlier_but_comes_in_later_does_not_replace(store: Store) -> None:
    say(store, named(store, "log.txt", b"long", captured=True, time_ns=T0 + 5))
    say(store, named(store, "log.txt", b"lo", captured=True, time_ns=T0), journal="slow")
    assert files(store) == {"log.txt": (b"long", True)}


@pytest.mark.parametrize("at_once", [True, False])
def test_an_upload_takes_the_name_of_a_captured_file_and_keeps_it(store: Store, at_once: bool) -> None:
    said = [
        named(store, "outputs/model", b"half", captured=True),
        named(store, "outputs/model", b"whole", captured=False, time_ns=T0 - 5),
        named(store, "outputs/model", b"later", captured=True, time_ns=T0 + 5),
        named(store, "outputs/model", b"whole", captured=True, time_ns=T0 + 6),
    ]
    for some in [said] if at_once else [[each] for each in said]:
        say(store, *some)
    assert files(store) == {"outputs/model": (b"whole", False)}
    assert messages(store) == []


def test_an_upload_of_the_captured_content_makes_it_the_scripts_own(store: Store) -> None:
    say(store, named(store, "a", b"same", captured=True))
    say(store, named(store, "a", b"same", captured=False))
    assert files(store) == {"a": (b"same", False)}
    say(store, named(store, "a", b"other", captured=False))
    assert files(store)["a"] == (b"same", False)
    assert len(files(store)) == 2
    assert "two different files were uploaded as a" in messages(store)[0]


def test_captured_files_that_differ_in_case_only_are_both_kept_and_followed(store: Store) -> None:
    for content in (b"1", b"2", b"3"):
        say(store, named(store, "Log.txt", b"L" + content, captured=True))
        say(store, named(store, "log.txt", b"l" + content, captured=True))
    found = files(store)
    (aside,) = found.keys() - {"Log.txt"}
    assert found == {"Log.txt": (b"L3", True), aside: (b"l3", True)}
    assert aside.startswith("log.conflict-")
    assert aside.endswith(".txt")
    assert messages(store) == [f"the file log.txt differs from Log.txt in case only; it is kept as {aside}"]


@pytest.mark.parametrize("content", [b"same", b"other"])
def test_an_upload_whose_name_differs_in_case_from_a_captured_one_is_kept_beside_it(
    store: Store, content: bytes
) -> None:
    say(store, named(store, "Model", b"same", captured=True))
    say(store, named(store, "model", content, captured=False))
    say(store, named(store, "Model", b"newer", captured=True))
    found = files(store)
    (aside,) = found.keys() - {"Model"}
    assert found == {"Model": (b"newer", True), aside: (content, False)}
    assert f"is kept as {aside}" in messages(store)[0]


def test_contents_that_were_replaced_are_freed(store: Store) -> None:
    for content in (b"first", b"second"):
        say(store, named(store, "log", content, captured=True))
    assert store.sweep(grace_s=0).blob_bytes == len(b"first")
    assert files(store) == {"log": (b"second", True)}
    assert store.info().blob_bytes == store.info().artifact_bytes == len(b"second")


def test_the_end_of_a_file_is_read_without_the_rest(store: Store) -> None:
    say(store, named(store, "logs/x", b"0123456789", captured=True))
    assert store.read_range("r", "./logs/x", 7, 100) == b"789"
    assert store.read_range("r", "logs/x", 2, 4) == b"23"
    assert store.read_range("r", "logs/x", 50, 60) == b""
    for start, end in ((-1, 2), (5, 4)):
        with pytest.raises(BadInput, match="range of bytes"):
            store.read_range("r", "logs/x", start, end)
    with pytest.raises(NotFound, match="no file"):
        store.read_range("r", "logs/y", 0, 1)


# What must hold whatever comes in which order.


uploads = st.lists(
    st.tuples(st.sampled_from(["a", "A", "b"]), st.integers(0, 2), st.booleans(), st.integers(0, 3)), max_size=12
)


def play(said: list[tuple[str, int, bool, int]]) -> dict[str, _File]:
    known: dict[str, _File] = {}
    for name, content, captured, time_ns in said:
        place = _captured if captured else _uploaded
        place(known, Upload(name, digest_of(content), 1, "text/plain", time_ns, captured))
    return known


def digest_of(content: int) -> str:
    return f"{content}" * 64


@given(uploads)
def test_no_upload_is_ever_lost(said: list[tuple[str, int, bool, int]]) -> None:
    known = play(said)
    uploaded = {digest_of(content) for _name, content, captured, _time in said if not captured}
    assert {file.upload.digest for file in known.values() if not file.upload.captured} == uploaded
    assert all(fold(file.upload.name) == folded for folded, file in known.items())


@given(uploads)
def test_what_was_only_captured_has_the_newest_content_of_each_name(said: list[tuple[str, int, bool, int]]) -> None:
    said = [(name, content, True, time_ns) for name, content, _captured_too, time_ns in said]
    newest: dict[str, tuple[int, str]] = {}
    for name, content, _captured_too, time_ns in said:
        if name not in newest or newest[name][0] <= time_ns:
            newest[name] = (time_ns, digest_of(content))
    known = play(said)
    assert len(known) == len(newest)
    assert sorted(file.upload.digest for file in known.values()) == sorted(digest for _time, digest in newest.values())
