"""What a progress bar overwrites is left out, and nobody sees the difference."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from milepost.sdk.runs.overwritten import without_overwritten

PART = re.compile(r"\x1b\[([0-9]*)([mK])|(.)", re.DOTALL)


def seen(text: str) -> list[list[tuple[str, str]]]:
    """The lines of a screen, as characters with their colours, and where the next one would go, in which colour."""
    lines: list[list[tuple[str, str]]] = [[]]
    column, colour = 0, ""
    for code, kind, character in (match.groups() for match in PART.finditer(text)):
        line = lines[-1]
        if kind == "m":
            colour = "" if code in ("", "0") else code
        elif kind == "K":
            del line[0 if code == "2" else column :]
            line += [(" ", "")] * (column - len(line))
        elif character == "\r":
            column = 0
        elif character == "\n":
            lines.append([])
            column = 0
        else:
            line[column : column + 1] = [(character, colour)]
            column += 1
    return [*lines, [(str(column), colour)]]


TEXTS = st.lists(st.sampled_from(["a", "b", "cd", "\r", "\r", "\n", "\x1b[31m", "\x1b[1m", "\x1b[0m", "\x1b[K"])).map(
    "".join
)


@given(before=TEXTS, text=TEXTS, after=TEXTS)
@example(before="abc", text="\rd", after="")
@example(before="", text="\x1b[31mab\rc\r\nd", after="")
def test_a_screen_shows_the_same(before: str, text: str, after: str) -> None:
    shorter = without_overwritten(text)
    assert len(shorter) <= len(text) + 4 * text.count("\r")
    assert seen(before + shorter + after) == seen(before + text + after)


def test_a_bar_that_was_drawn_a_thousand_times_is_drawn_once() -> None:
    bar = "".join(f"\r{step / 10:5.1f}% |{'#' * (step // 100):<10}| {step}/1000" for step in range(1001))
    assert without_overwritten("\n" + bar) == "\n100.0% |##########| 1000/1000"
    assert without_overwritten("epoch 1" + bar) == "epoch 1\r100.0% |##########| 1000/1000"


def test_what_is_longer_than_its_successor_still_shows_behind_it() -> None:
    assert without_overwritten("\nabcdef\rxy\r") == "\nabcdef\rxy\r"
    assert without_overwritten("one\r\ntwo\r\n") == "one\r\ntwo\r\n"
