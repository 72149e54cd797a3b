"""The HTML tables of a notebook: nothing that was logged becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.sdk.display import table


class Seen(HTMLParser):
    """What a browser makes of it: elements with their attributes, and the text of the cells."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"td", "th"}:
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data

    @property
    def links(self) -> list[str | None]:
        return [attributes["href"] for tag, attributes in self.elements if tag == "a"]


def test_labels_stand_over_values() -> None:
    seen = Seen(table([("Experiment", "exp", None), ("Id", 7, None), ("Type", None, None)]))
    assert seen.texts == ["Experiment", "Id", "Type", "exp", "7", ""]
    assert [tag for tag, _ in seen.elements].count("tr") == 2


def test_a_value_may_be_a_link() -> None:
    seen = Seen(table([("Details Page", "Link", "https://milepost.example/?a=1&b=2")]))
    assert seen.links == ["https://milepost.example/?a=1&b=2"]
    assert dict(seen.elements)["a"]["rel"] == "noopener noreferrer"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", " javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "//x", "", "x"]
)
def test_only_web_addresses_become_links(link: str) -> None:
    seen = Seen(table([("Details Page", "shown", link)]))
    assert seen.links == []
    assert seen.texts == ["Details Page", "shown"]


@given(label=st.text(), value=st.text(), link=st.none() | st.text().map("https://x/".__add__))
def test_whatever_the_texts_no_other_element_or_attribute_appears(label: str, value: str, link: str | None) -> None:
    seen = Seen(table([(label, value, link)]))
    allowed = {"table": {"style"}, "thead": set(), "tbody": set(), "tr": set(), "th": {"style"}, "td": {"style"}}
    for tag, attributes in seen.elements:
        assert set(attributes) == ({"href", "target", "rel"} if tag == "a" else allowed[tag])
    assert len(seen.elements) == 7 + (link is not None)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'&lt;b&gt;", "\ud800<"]
)
def test_hostile_text_is_shown_as_it_is(text: str) -> None:
    source = table([("Id", text, f"https://x/{text}")])
    assert "<script" not in source
    assert "<img" not in source
    assert Seen(source).texts[1] == text.replace("\ud800", "?")
    source.encode()
