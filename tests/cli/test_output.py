"""What is printed cannot drive a terminal, is valid JSON, and fits."""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.cli import output, tables
from milepost.cli.run_metrics import csv_cell, guarded
from milepost.cli.tables import Column

texts = st.text(st.characters(exclude_categories=())) | st.text(st.sampled_from("a\x1b[31m\x00\x9b\u202e\n\r\ud800="))


class TestSafeTexts:
    @given(texts)
    def test_no_control_character_and_no_line_break_is_left(self, text: str) -> None:
        shown = output.safe(text)
        assert not [each for each in shown if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")]
        assert len(shown.splitlines()) <= 1
        shown.encode("utf-8")

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u202eexe.txt", "\\u202eexe.txt"),
            ("\x9b31m", "\\x9b31m"),
            ("\ud800", "\\ud800"),
            ("\U000e0041", "\\U000e0041"),
            ("[bold]x[/] :smile:", "[bold]x[/] :smile:"),
            ("ünïcödé 🚂 你好", "ünïcödé 🚂 你好"),
        ],
    )
    def test_what_is_escaped_and_what_stays(self, text: str, shown: str) -> None:
        assert output.safe(text) == shown

    def test_a_message_of_several_lines_is_told_on_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.tell("first\n  second\x1b[2J")
        assert capsys.readouterr().err == "milepost: first second\\x1b[2J\n"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


class TestJson:
    @given(values)
    def test_any_value_is_valid_ascii_json(self, value: Any) -> None:
        def refuse(text: str) -> Any:
            raise AssertionError(text)

        text = json.dumps(output.jsonable(value), allow_nan=False)
        assert all(" " <= each <= "~" for each in text)
        json.loads(text, parse_constant=refuse)

    def test_numbers_that_json_has_not_are_named(self) -> None:
        found = output.jsonable({"a": [math.nan, math.inf, -math.inf, 1.5], "b": {"c": math.nan}})
        assert found == {"a": ["NaN", "Infinity", "-Infinity", 1.5], "b": {"c": "NaN"}}


class TestCsvCells:
    @given(texts)
    def test_no_text_begins_as_a_formula(self, text: str) -> None:
        assert not guarded(text).lstrip()[:1] or guarded(text).lstrip()[0] not in "=+-@\uff1d\uff0b\uff0d\uff20"

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", " =1", "\uff1d1"])
    def test_a_formula_gets_a_quote_before_it(self, text: str) -> None:
        assert guarded(text) == f"'{text}"

    @pytest.mark.parametrize(
        ("value", "cell"),
        [
            (-0.5, "-0.5"),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (-7, -7),
            (2**70, 2**70),
            (True, "true"),
            (math.nan, "NaN"),
            (math.inf, "Infinity"),
            (-math.inf, "-Infinity"),
            ("-Infinity", "'-Infinity"),
            ("plain", "plain"),
        ],
    )
    def test_numbers_are_numbers(self, value: object, cell: object) -> None:
        assert csv_cell(value) == cell
        assert type(csv_cell(value)) is type(cell)


class TestWords:
    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (0, "0 ms"),
            (0.0254, "25 ms"),
            (0.9999, "1.00 s"),
            (9.999, "10.0 s"),
            (59.96, "1m 00s"),
            (302, "5m 02s"),
            (3 * 3600 + 7 * 60, "3h 07m"),
            (52 * 3600, "2d 4h"),
            (-5, "0 ms"),
        ],
    )
    def test_durations(self, seconds: float, words: str) -> None:
        assert output.duration(round(seconds * 1e9)) == words

    @pytest.mark.parametrize(
        ("count", "words"),
        [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (10**10, "10.0 GB"), (10**13, "10.0 TB")],
    )
    def test_sizes(self, count: int, words: str) -> None:
        assert output.size(count) == words

    @given(st.integers(-(2**63), 2**63 - 1))
    def test_any_time_can_be_told(self, ns: int) -> None:
        output.local(ns)
        told = output.utc(ns)
        assert told is None or told.endswith("Z")

    def test_a_time_is_told_to_the_microsecond_in_utc(self) -> None:
        assert output.utc(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456Z"


class TestLayout:
    @given(
        st.lists(st.tuples(st.integers(0, 100), st.booleans(), st.integers(0, 3)), min_size=1, max_size=10),
        st.integers(10, 200),
    )
    def test_columns_fit_or_nothing_more_can_be_cut_or_left_out(
        self, given_columns: list[tuple[int, bool, int]], room: int
    ) -> None:
        columns = [Column(str(place), whole=whole, drop=drop) for place, (_, whole, drop) in enumerate(given_columns)]
        widths = [width for width, _, _ in given_columns]
        shown, given_widths = tables.layout(columns, widths, room)
        total = sum(given_widths) + 2 * (len(shown) - 1)
        cut = [width < widths[place] for place, width in zip(shown, given_widths, strict=True)]
        assert not any(columns[place].whole and each for place, each in zip(shown, cut, strict=True))
        if total > room:
            assert not any(columns[place].drop for place in shown)
        dropped = [columns[place].drop for place in range(len(columns)) if place not in shown]
        assert all(dropped)
        assert max((columns[place].drop for place in shown), default=0) <= min(dropped, default=99)

    def test_all_is_shown_in_full_where_there_is_room(self) -> None:
        columns = [Column("A", whole=False), Column("B", drop=1)]
        assert tables.layout(columns, [10, 20], 32) == ([0, 1], [10, 20])

    def test_what_may_be_cut_is_cut_before_anything_is_left_out(self) -> None:
        columns = [Column("A", whole=False), Column("B", drop=1)]
        assert tables.layout(columns, [40, 20], 40) == ([0, 1], [18, 20])
