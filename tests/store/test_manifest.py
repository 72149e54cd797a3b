"""Manifests: the same folder always gives the same bytes, and what is no manifest is refused."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.store.errors import BadInput
from milepost.store.manifest import SnapshotFile, decode, digests, encode, snapshot_id
from milepost.store.names import check_name

DIGEST = "ab" * 32


def good(name: str) -> bool:
    try:
        return check_name(name) == name
    except BadInput:
        return False


files = st.lists(
    st.builds(
        SnapshotFile,
        name=st.text(min_size=1, max_size=12).filter(good),
        digest=st.binary(max_size=4).map(lambda content: hashlib.sha256(content).hexdigest()),
        size=st.integers(0, 2**60),
        executable=st.booleans(),
    ),
    unique_by=lambda each: each.name,
    max_size=8,
)


@given(files, st.randoms())
def test_files_come_back_in_order_and_their_order_does_not_matter(
    listed: list[SnapshotFile], order: random.Random
) -> None:
    data = encode(listed)
    assert list(decode(data)) == sorted(listed)
    assert digests(data) == {each.digest for each in listed}
    order.shuffle(listed)
    assert encode(listed) == data
    assert snapshot_id(encode(listed)) == snapshot_id(data)


def test_another_content_name_or_mode_is_another_snapshot() -> None:
    variants = [
        SnapshotFile("a", DIGEST, 1),
        SnapshotFile("b", DIGEST, 1),
        SnapshotFile("a", "cd" * 32, 1),
        SnapshotFile("a", DIGEST, 1, executable=True),
    ]
    assert len({snapshot_id(encode([each])) for each in variants}) == 4


def packed(**changes: Any) -> bytes:
    return json.dumps({"format": 1, "files": [["a", DIGEST, 1, 0]], **changes}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"{}",
        b"[]",
        b"null",
        b"5",
        b"[" * 100_000,
        packed(files=None),
        packed(files=[["a", DIGEST, 1]]),
        packed(files=["a"]),
        packed(files=[5]),
        packed(files={"a": 1}),
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    for read in (decode, digests):
        with pytest.raises(BadInput, match="no manifest of a snapshot"):
            read(data)


def test_a_manifest_of_a_newer_version_says_to_upgrade() -> None:
    for read in (decode, digests):
        with pytest.raises(BadInput, match=r"format 2, this version knows 1: upgrade"):
            read(packed(format=2))


@pytest.mark.parametrize("digest", ["x", "../../etc/passwd", DIGEST.upper(), "", None, 5])
def test_contents_are_named_by_digests_alone(digest: Any) -> None:
    for read in (decode, digests):
        with pytest.raises(BadInput, match="no SHA-256 digest"):
            read(packed(files=[["a", digest, 1, 0]]))


@pytest.mark.parametrize("size", [-1, 1.5, float("inf"), float("nan"), "1", None, True])
def test_sizes_are_whole_numbers(size: Any) -> None:
    with pytest.raises(BadInput, match="has the size"):
        decode(packed(files=[["a", DIGEST, size, 0]]))


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../b", "./a", "a//b", "a\x00b", "a\\b", "", "con"])
def test_names_that_lead_astray_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        decode(packed(files=[[name, DIGEST, 1, 0]]))


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_is_a_manifest_or_refused(value: Any) -> None:
    for data in (json.dumps(value).encode(), packed(files=value)):
        for read in (decode, digests):
            try:
                read(data)
            except BadInput:
                continue
