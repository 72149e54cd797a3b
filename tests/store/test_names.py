"""Names of files: which are taken, and that none leads out of a folder."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from milepost.store.errors import BadInput
from milepost.store.names import (
    MAX_CHARACTERS,
    MAX_PART_BYTES,
    check_model_name,
    check_name,
    safe_join,
)

ATTACKS = [
    "",
    ".",
    "./",
    "..",
    "../x",
    "../../../../etc/passwd",
    "a/../../x",
    "a/..",
    "outputs/../../x",
    "./../x",
    "....//../x",
    "/etc/passwd",
    "//etc/passwd",
    "///x",
    "/",
    "C:/x",
    "C:x",
    "c:\\x",
    "./C:/x",
    "\\\\server\\share\\x",
    "..\\x",
    "a\\..\\..\\x",
    "a\\b",
    "\\x",
    "a/..\\x",
    "x\x00.txt",
    "\x00",
    "a\nb",
    "a\r\nSet-Cookie: x",
    "\x1b[2Jx",
    "\x9b2Jx",
    "x\x7f",
    "a\u2028b",
    "\ud800",
    "a/\udcff.txt",
    "x" * 10_000,
    "x/" * 513 + "x",
    "x" * 256,
    "é" * 128,
    "é/" * 512 + "x",
    "字" * 84 + "/" + "/".join(["字" * 84] * 10),
    "CON",
    "con",
    "a/NUL",
    "nul.txt",
    "AUX .txt",
    "Com1",
    "lpt9.log",
    "COM¹",
    "conin$",
    ".. ",
    "../ ",
    "a/.. /x",
    "...",
    "a/.../x",
    "x.",
    "x ",
    "a./b",
    "folder/",
    "folder//",
]

FINE = {
    "outputs/x.pkl": "outputs/x.pkl",
    "./outputs/x.pkl": "outputs/x.pkl",
    "././outputs//x.pkl": "outputs/x.pkl",
    "outputs/./x.pkl": "outputs/x.pkl",
    "x": "x",
    ".hidden": ".hidden",
    "..hidden": "..hidden",
    "a..b": "a..b",
    "a/..b/c": "a/..b/c",
    "%2e%2e/%2e%2e/etc/passwd": "%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e%252fx": "%252e%252e%252fx",
    "..%2fx": "..%2fx",
    "..%5cx": "..%5cx",
    "..\u2215x": "..\u2215x",
    "\uff0e\uff0e\uff0fx": "\uff0e\uff0e\uff0fx",
    "#frag?query=1&x": "#frag?query=1&x",
    "~/x": "~/x",
    "$HOME/x": "$HOME/x",
    "-rf": "-rf",
    "a b/c d": "a b/c d",
    " leading": " leading",
    "12:30:01.log": "12:30:01.log",
    "ünïcödé/模型.pt": "ünïcödé/模型.pt",
    "😀.png": "😀.png",
    "aux_data/console.log": "aux_data/console.log",
    "com10": "com10",
    "nullable.csv": "nullable.csv",
    "x" * 255: "x" * 255,
    "é" * 127: "é" * 127,
    "'; DROP TABLE runs; --": "'; DROP TABLE runs; --",
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "=cmd|'!A0": "=cmd|'!A0",
}

hostile = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=st.sampled_from("./\\:a%C\x00 \udcff"), max_size=30),
    st.lists(st.sampled_from([".", "..", "", "a", "x.", "NUL", "C:", "é", "...", " "]), max_size=8).map("/".join),
)


@pytest.mark.parametrize("name", ATTACKS, ids=lambda name: ascii(name)[:40])
def test_a_dangerous_or_impossible_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        check_name(name)


@pytest.mark.parametrize(("name", "normal"), FINE.items(), ids=lambda name: ascii(name)[:40])
def test_an_unusual_but_harmless_name_is_taken(name: str, normal: str) -> None:
    assert check_name(name) == normal


@pytest.mark.parametrize("name", [None, 1, b"x", Path("x"), ["x"]])
def test_what_is_no_text_is_refused(name: object) -> None:
    with pytest.raises(BadInput, match="is a text, not"):
        check_name(name)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*ATTACKS, "\x1b]0;title\x07" + "y" * 5000, "\u202egpj.exe\x00"])
def test_messages_are_short_and_safe_to_print(name: str) -> None:
    with pytest.raises(BadInput) as raised:
        check_name(name)
    message = str(raised.value)
    assert len(message) < 350
    assert message.isprintable()
    assert message.encode()


def test_the_message_names_the_name_the_trouble_and_the_way_out() -> None:
    with pytest.raises(BadInput, match=re.escape(r"'outputs\\x.pkl' has a backslash: write ") + '"/"'):
        check_name("outputs\\x.pkl")


@settings(deadline=None)
@given(hostile)
def test_a_name_that_is_taken_is_a_plain_relative_path_on_every_system(name: str) -> None:
    try:
        checked = check_name(name)
    except BadInput:
        return
    assert check_name(checked) == checked
    assert len(checked) <= MAX_CHARACTERS
    for kind in (PurePosixPath, PureWindowsPath):
        path = kind(checked)
        assert not path.is_absolute()
        assert not path.drive
        assert not path.root
        assert ".." not in path.parts
        assert path.as_posix() == checked
    for part in checked.split("/"):
        assert part.rstrip(". ") == part != ""
        assert len(part.encode()) <= MAX_PART_BYTES
        assert unicodedata.category(part[0]) not in ("Cc", "Cs")


@settings(deadline=None)
@given(hostile)
@example("a/../b")
def test_a_joined_name_stays_in_its_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    root = tmp_path_factory.getbasetemp()
    try:
        joined = safe_join(root, name)
    except BadInput:
        return
    assert Path(os.path.realpath(joined)).is_relative_to(os.path.realpath(root))
    assert os.path.realpath(joined) != os.path.realpath(root)


@pytest.mark.parametrize("name", ATTACKS, ids=lambda name: ascii(name)[:40])
def test_a_refused_name_is_not_joined_either(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput):
        safe_join(tmp_path, name)


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "canary").write_text("secret")
    (root / "folder").symlink_to(outside)
    (root / "relative").symlink_to("../outside")
    (root / "file").symlink_to(outside / "canary")
    (root / "missing").symlink_to(outside / "not there")
    (root / "chain").symlink_to(root / "folder")
    (root / "loop").symlink_to(root / "loop")
    (root / "up").symlink_to("..")
    for name in (
        "folder/canary",
        "folder/new",
        "relative/x",
        "file",
        "missing",
        "chain/canary",
        "loop",
        "loop/x",
        "up",
    ):
        with pytest.raises(BadInput, match="link that leads out"):
            safe_join(root, name)
    assert (outside / "canary").read_text() == "secret"


def test_a_link_that_stays_in_the_folder_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    assert safe_join(tmp_path, "alias/x") == tmp_path / "alias" / "x"


def test_the_folder_itself_may_be_reached_through_a_link_or_not_be_there(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    assert safe_join(tmp_path / "alias", "x") == tmp_path / "real" / "x"
    assert safe_join(tmp_path / "later", "a/b") == tmp_path / "later" / "a" / "b"


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(BadInput, match="needs a folder where there is a file"):
        safe_join(tmp_path, "a/b")


@pytest.mark.parametrize("name", ["iris", "my model v1.2", "模型", "-x", "a_b.c"])
def test_a_model_name_is_kept_as_it_is(name: str) -> None:
    assert check_model_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "a\\b", "a:1", "x" * 256, "é" * 200, "a\nb", "\ud800", "NUL", "x.", "x ", "\x00", None],
)
def test_a_model_name_is_one_part_of_a_path_without_colon(name: str) -> None:
    with pytest.raises(BadInput, match="model"):
        check_model_name(name)
