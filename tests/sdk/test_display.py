"""The HTML tables of a notebook: nothing that was logged becomes markup."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azureml.core import Experiment, Run, Workspace
from milepost.sdk import quick_look
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


# -- the tables of objects -------------------------------------------------------------------------------------------


@pytest.fixture
def locked(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A run of whose words some cannot reach the store, since another program holds it locked."""
    run.flush()
    monkeypatch.setattr(quick_look, "PATIENCE_S", 0.5)
    holder = sqlite3.connect(run._recorder.folder / "store.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    run.log("x", 1.0)
    yield run
    holder.execute("ROLLBACK")
    holder.close()
    for thread in list(quick_look._asking.values()):
        thread.join(60)


def _cells(thing: object) -> dict[str, str]:
    """Label -> text of the table that a notebook shows."""
    texts = Seen(thing._repr_html_()).texts  # type: ignore[attr-defined]
    return dict(zip(texts[: len(texts) // 2], texts[len(texts) // 2 :], strict=True))


def test_a_run_tells_experiment_id_type_status_and_where_to_read_on(run: Run) -> None:
    cells = _cells(run)
    assert list(cells) == ["Experiment", "Id", "Type", "Status", "Details Page", "Docs Page"]
    assert list(cells.values())[:4] == ["exp", run.id, "", "Running"]
    page, reference = Seen(run._repr_html_()).links
    assert page == run.get_portal_url()
    assert reference == run.get_docs_url()


def test_an_experiment_tells_name_and_workspace_and_where_to_read_on(experiment: Experiment) -> None:
    cells = _cells(experiment)
    assert list(cells) == ["Name", "Workspace", "Report Page", "Docs Page"]
    assert list(cells.values())[:2] == ["exp", "test"]
    assert Seen(experiment._repr_html_()).links == [experiment.get_portal_url(), experiment.get_docs_url()]


def test_a_workspace_tells_its_folder_and_links_to_its_experiments(ws: Workspace) -> None:
    cells = _cells(ws)
    assert cells["Name"] == "test"
    assert cells["Folder"] == str(ws._recorder.folder)
    assert "/experiments" in str(Seen(ws._repr_html_()).links[0])


def test_a_model_tells_its_version_and_the_run_it_came_from(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(b"model")
    run.upload_file("model.pkl", str(file))
    model = run.register_model("ridge", "model.pkl", model_framework="ScikitLearn", model_framework_version="1.5")
    cells = _cells(model)
    assert (cells["Name"], cells["Version"], cells["Framework"]) == ("ridge", "1", "ScikitLearn 1.5")
    assert cells["Run"] == run.id
    assert Seen(model._repr_html_()).links[0] == run.get_portal_url()
    assert "/models/ridge" in str(Seen(model._repr_html_()).links[1])


@pytest.mark.only_here
def test_a_store_that_is_locked_is_told_in_the_table_and_does_not_hold_the_cell(locked: Run) -> None:
    cells = _cells(locked)
    assert cells["Id"] == locked.id
    assert cells["Status"] == "unknown (the store does not answer)"
    assert f"Id: {locked.id},\nType: None,\nStatus: unknown (the store does not answer)" in repr(locked)


def test_a_run_that_was_deleted_is_shown_all_the_same(run: Run) -> None:
    run.complete()
    run._recorder.open_store().delete_run(run.id)
    assert "there is no run" in _cells(run)["Status"]
    assert "there is no run" in repr(run)


def test_a_portal_that_cannot_be_had_is_told_in_the_table(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_run: Run) -> str:
        raise OSError("no such machine")

    monkeypatch.setattr(Run, "get_portal_url", failing)
    assert _cells(run)["Details Page"] == "not to be had: no such machine"


def test_names_that_a_browser_would_run_are_text(experiment: Experiment) -> None:
    hostile = '<img src=x onerror="alert(1)">'
    run = experiment.start_logging(run_id=hostile, snapshot_directory=None)
    assert _cells(run)["Id"] == hostile
    assert "<img" not in run._repr_html_()
