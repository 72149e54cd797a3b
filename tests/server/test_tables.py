"""Tables page by page, and confusion matrices and their kin."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from azureml.core import Run

MATRIX = {
    "schema_type": "confusion_matrix",
    "schema_version": "v1",
    "data": {"class_labels": ["0", "1"], "matrix": [[3, 1], [0, float("nan")]]},
}


def test_rows_of_a_table(client: httpx.Client, run: Run) -> None:
    run.log_table("t", {"x": [1, 2, 3], "word": ["a", None, "<script>"], "y": [0.5, float("nan"), float("-inf")]})
    run.flush()
    page = client.get(f"/runs/{run.id}/tables/t").json()
    assert page["columns"] == ["x", "word", "y"]
    assert page["rows"] == [[1, "a", 0.5], [2, None, "NaN"], [3, "<script>", "-Infinity"]]
    assert (page["total"], page["offset"], page["cut"]) == (3, 0, 0)


def test_rows_with_other_columns(client: httpx.Client, run: Run) -> None:
    run.log_row("t/with slash", a=1)
    run.log_row("t/with slash", b="x" * 10_000)
    run.flush()
    page = client.get(f"/runs/{run.id}/tables/t%2Fwith%20slash").json()
    assert page["columns"] == ["a", "b"]
    assert page["rows"][0] == [1, None]
    assert page["rows"][1][1].endswith("...")
    assert page["cut"] == 1


def test_a_large_table_page_by_page(client: httpx.Client, run: Run) -> None:
    run.log_table("t", {"x": list(range(100_000)), "y": [number / 2 for number in range(100_000)]})
    run.flush()
    page = client.get(f"/runs/{run.id}/tables/t", params={"offset": 70_000, "limit": 3}).json()
    assert page["rows"] == [[70_000, 35_000.0], [70_001, 35_000.5], [70_002, 35_001.0]]
    assert page["total"] == 100_000
    assert client.get(f"/runs/{run.id}/tables/t", params={"offset": 99_999}).json()["rows"] == [[99_999, 49_999.5]]
    assert client.get(f"/runs/{run.id}/tables/t", params={"offset": 100_000}).json()["rows"] == []


@pytest.mark.parametrize("asked", [{"offset": -1}, {"limit": 0}, {"limit": 10_001}, {"offset": "x"}, {"offset": 2**70}])
def test_pages_that_cannot_be(client: httpx.Client, run: Run, asked: dict[str, Any]) -> None:
    run.log_row("t", a=1)
    run.flush()
    assert client.get(f"/runs/{run.id}/tables/t", params=asked).status_code == 422


def test_a_series_is_no_table(client: httpx.Client, run: Run) -> None:
    run.log("m", 1)
    run.log_row("t", a=1)
    run.flush()
    answer = client.get(f"/runs/{run.id}/tables/m")
    assert answer.status_code == 404
    assert "kind series" in answer.json()["error"]["message"]
    assert client.get(f"/runs/{run.id}/metrics/t/values").status_code == 400


def test_a_confusion_matrix_is_the_dict_that_was_logged(client: httpx.Client, run: Run) -> None:
    run.log_confusion_matrix("matrix", MATRIX)
    run.log_confusion_matrix("matrix", {**MATRIX, "schema_version": "v2"})
    run.flush()
    answer = client.get(f"/runs/{run.id}/structured/matrix", params={"index": 0})
    assert answer.headers["x-count"] == "2"
    expected = {**MATRIX, "data": {"class_labels": ["0", "1"], "matrix": [[3, 1], [0, "NaN"]]}}
    assert answer.json() == expected
    assert client.get(f"/runs/{run.id}/structured/matrix").json() == {**expected, "schema_version": "v2"}
    assert client.get(f"/runs/{run.id}/structured/matrix", params={"index": 2}).status_code == 404
    assert client.get(f"/runs/{run.id}/structured/matrix", params={"index": -3}).status_code == 404


@pytest.mark.parametrize("kind", ["accuracy_table", "residuals", "predictions"])
def test_the_other_kinds(client: httpx.Client, run: Run, kind: str) -> None:
    value = {"schema_type": kind, "schema_version": "v1", "data": {"a": [1.5, None, "x"]}}
    getattr(run, f"log_{kind}")("chart", value)
    run.flush()
    assert client.get(f"/runs/{run.id}/structured/chart").json() == value
    assert client.get(f"/runs/{run.id}/metrics").json()["metrics"][0]["kind"] == kind


def test_a_document_that_is_nested_very_deeply_is_refused(client: httpx.Client, run: Run) -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    run.log_residuals("deep", {"schema_type": "residuals", "schema_version": "v1", "data": deep})
    run.flush()
    answer = client.get(f"/runs/{run.id}/structured/deep")
    assert answer.status_code == 409
    assert "nested" in answer.json()["error"]["message"]
