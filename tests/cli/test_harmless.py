"""What a hostile log may do to a terminal: colour its own text, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.cli.harmless import RESET, Harmless

PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["\x1b", "\x1b[", "\x1b]0;", "\x9b", "\x9d", "\x1bP", "\x07", "\x1b\\", "\x9c", "m", "31", ";", "\n", "\r"]
        ),
        st.text(max_size=5),
        st.characters(max_codepoint=0x9F),
    ),
    max_size=30,
)


def shown(*pieces: str, colours: bool = True) -> str:
    harmless = Harmless(colours=colours)
    return "".join([*(harmless.feed(each) for each in pieces), harmless.end()])


@given(PIECES)
def test_nothing_but_colours_reaches_the_terminal(pieces: list[str]) -> None:
    left = re.sub(r"\x1b\[[0-9;:]*m", "", shown(*pieces))
    assert not re.search(r"[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f]", left)


@given(PIECES)
def test_how_the_log_is_cut_into_pieces_changes_nothing(pieces: list[str]) -> None:
    assert shown(*pieces) == shown("".join(pieces))


@given(st.text(alphabet=st.characters(min_codepoint=0x20, exclude_categories=["Cc", "Cs"])), st.booleans())
def test_plain_text_is_not_changed(text: str, colours: bool) -> None:
    assert shown(text, colours=colours) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m" + RESET),
        ("\x9b1;38:5:9mx", "\x1b[1;38:5:9mx" + RESET),
        ("10%\r20%\b\t\n", "10%\r20%\b\t\n"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]52;c;cm0gLXJm\x1b\\b", "ab"),
        ("a\x1b[2J\x1b[H\x1b[6n\x1b[?1049hb", "ab"),
        ("a\x1bPq#0\x1b\\b\x1b(0c\x1bc", "abc"),
        ("a\x0e\x0f\x7f\x00\x85b", "ab"),
        ("\x1b]0;never ends\nnext line", "\nnext line"),
        ("\x1b[31", "31"),
        ("\x1b\x1b[31mx", "\x1b[31mx" + RESET),
    ],
)
def test_examples(text: str, wanted: str) -> None:
    assert shown(text) == wanted


def test_without_colours_none_are_left() -> None:
    assert shown("\x1b[31mred\x1b[0m", colours=False) == "red"
