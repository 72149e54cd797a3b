"""``/runs`` and ``/compare``: on runs that real scripts' calls have made."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import httpx
import pytest

from azureml.core import Experiment, Run, Workspace
from milepost.server.run_csv import cell


def listed(client: httpx.Client, **params: Any) -> list[str]:
    answer = client.get("/runs", params=params)
    assert answer.status_code == 200, answer.text
    return [run["name"] for run in answer.json()["runs"]]


@pytest.fixture
def trained(ws: Workspace) -> dict[str, Run]:
    """Six runs of two experiments."""
    runs = {}
    for place in range(6):
        run = Experiment(ws, "ridge" if place < 4 else "other").start_logging(
            display_name=f"r{place}", snapshot_directory=None
        )
        run.log("mse", 1.0 - place / 10)
        run.log("val/loss", place)
        run.log("val/loss", -place)
        if place != 3:
            run.tag("stage", "prod" if place % 2 else "dev")
        run.set_tags({"lr": str(place / 4)})
        run.add_properties({"seed": str(place)})
        if place == 5:
            run.fail("out of memory", error_code="OOM")
        else:
            run.complete()
        runs[f"r{place}"] = run
    ws._recorder.flush()
    return runs


def test_a_page_has_what_a_table_shows(client: httpx.Client, trained: dict[str, Run]) -> None:
    page = client.get(
        "/runs",
        params={"columns": "metrics.mse,min(metrics.val/loss),tags.stage,properties.seed", "count": True, "limit": 2},
    ).json()
    assert page["total"] == 6
    assert page["total_is_exact"] is True
    last, before = page["runs"]
    assert (last["name"], last["status"], last["error_message"]) == ("r5", "Failed", "out of memory")
    assert last["values"] == {
        "metrics.mse": 0.5,
        "min(metrics.val/loss)": -5,
        "tags.stage": "prod",
        "properties.seed": "5",
    }
    assert before["run_id"] == trained["r4"].id
    assert before["number"] == 1
    assert before["created"].endswith("Z")
    assert before["duration_s"] >= 0
    assert (before["child_count"], before["parent_id"]) == (0, None)


def test_pages_follow_one_another_in_any_order(client: httpx.Client, trained: dict[str, Run]) -> None:
    for order in ("created", "metrics.mse", "tags.stage", "tags.lr", "max(metrics.val/loss)", "experiment", "name"):
        for descending in (True, False):
            whole = listed(client, order_by=order, descending=descending)
            assert len(whole) == 6
            cursor, found = "", []
            while cursor is not None:
                params = {"order_by": order, "descending": descending, "limit": 2, "cursor": cursor or None}
                page = client.get("/runs", params={name: value for name, value in params.items() if value is not None})
                found += [run["name"] for run in page.json()["runs"]]
                cursor = page.json()["next_cursor"]
            assert found == whole
    assert listed(client, order_by="metrics.mse", descending=False)[0] == "r5"
    assert listed(client, order_by="tags.stage")[-1] == "r3"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("metrics.mse < 0.65", {"r4", "r5"}),
        ('metrics.mse < 0.85 and (tags.stage = "prod" or not status in ("Failed"))', {"r2", "r3", "r4", "r5"}),
        ("not has tags.stage", {"r3"}),
        ("tags.lr >= 0.75", {"r3", "r4", "r5"}),
        ("min(metrics.val/loss) < -3", {"r4", "r5"}),
        ('name like "R%" and experiment = "other"', {"r4", "r5"}),
        ("duration > 1d", set()),
        ("created > 2000-01-01 and number = 1", {"r0", "r4"}),
        ("  ", {"r0", "r1", "r2", "r3", "r4", "r5"}),
    ],
)  # fmt: skip
def test_filters(client: httpx.Client, trained: dict[str, Run], text: str, found: set[str]) -> None:
    assert set(listed(client, filter=text)) == found


def test_a_wrong_filter_is_told_with_its_place(client: httpx.Client, run: Run) -> None:
    for route in ("/runs", "/runs/columns", "/runs/groups?by=status"):
        answer = client.get(route, params={**httpx.QueryParams(route.partition("?")[2]), "filter": "stauts = 'x'"})
        assert answer.status_code == 400, route
        error = answer.json()["error"]
        assert (error["code"], error["position"]) == ("bad_filter", 0)
        assert "did you mean status" in error["message"]


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"order_by": "loss; DROP TABLE runs"}, 400),
        ({"order_by": "metrics."}, 400),
        ({"columns": "status"}, 400),
        ({"columns": "'; --"}, 400),
        ({"columns": ",".join(f"tags.t{place}" for place in range(101))}, 422),
        ({"limit": 0}, 422),
        ({"limit": 1001}, 422),
        ({"cursor": "AAAA"}, 400),
        ({"filter": "x" * 4001}, 422),
    ],
)
def test_what_cannot_be_asked(client: httpx.Client, run: Run, params: dict[str, Any], status: int) -> None:
    answer = client.get("/runs", params=params)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]


def test_names_of_columns_are_taken_as_they_are(client: httpx.Client, run: Run) -> None:
    names = ["a,b", "100%", "%2C", "x'\"`y", "ü.v/w"]
    for place, name in enumerate(names):
        run.log(name, place)
    run.flush()
    columns = ",".join("metrics." + name.replace("%", "%25").replace(",", "%2C") for name in names)
    (row,) = client.get("/runs", params={"columns": columns}).json()["runs"]
    assert row["values"] == {f"metrics.{name}": place for place, name in enumerate(names)}


def test_numbers_that_json_has_not_are_texts(client: httpx.Client, run: Run) -> None:
    for name, value in {"nan": math.nan, "inf": math.inf, "low": -math.inf, "big": 2**60, "text": "x" * 5000}.items():
        run.log(name, value)
    run.flush()
    columns = "metrics.nan,metrics.inf,metrics.low,metrics.big,metrics.text,max(metrics.inf)"
    values = client.get("/runs", params={"columns": columns}).json()["runs"][0]["values"]
    assert values.pop("metrics.text").startswith("xxx")
    assert values == {
        "metrics.nan": "NaN",
        "metrics.inf": "Infinity",
        "metrics.low": "-Infinity",
        "metrics.big": str(2**60),
        "max(metrics.inf)": "Infinity",
    }


def test_children_and_archived_runs(client: httpx.Client, run: Run) -> None:
    child = run.child_run("child")
    child.complete()
    run.flush()
    assert listed(client) == [None]
    assert set(listed(client, children=True)) == {None, "child"}
    assert listed(client, parent=run.id) == ["child"]
    assert client.get("/runs").json()["runs"][0]["child_count"] == 1
    detail = client.get(f"/runs/{child.id}").json()
    assert detail["parent"]["run_id"] == run.id
    assert client.patch(f"/runs/{run.id}", json={"archived": True}).json()["archived"]
    assert listed(client) == []
    assert listed(client, archived=True) == [None]


def test_a_table_as_csv(client: httpx.Client, trained: dict[str, Run]) -> None:
    trained["r1"].tag("sum", "=1+1")
    trained["r2"].tag("sum", "-0.5")
    trained["r2"]._recorder.flush()
    asked = {"filter": "metrics.mse > 0.75", "order_by": "metrics.mse", "descending": False, "experiment": "ridge"}
    answer = client.get("/runs/csv", params={**asked, "columns": "status,tags.sum,metrics.mse,max(metrics.val/loss)"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "ridge-runs.csv" in answer.headers["content-disposition"]
    header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert header == ["number", "name", "run_id", "status", "tags.sum", "metrics.mse", "max(metrics.val/loss)"]
    assert [row[1] for row in rows] == ["r2", "r1", "r0"]
    assert rows[0][3:] == ["Completed", "-0.5", "0.8", "2.0"]
    assert rows[1][4] == "'=1+1"
    assert rows[2][4] == ""
    assert client.get("/runs/csv", params={"filter": "oops"}).json()["error"]["code"] == "bad_filter"
    assert client.get("/runs/csv", params={"columns": "number"}).status_code == 400


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("@sum", "'@sum"),
        ("\tx", "'\tx"),
        ("+1", "+1"),
        ("-1e-5", "-1e-5"),
        ("-1+1", "'-1+1"),
        (-1.5, "-1.5"),
        (None, ""),
    ],
)
def test_no_cell_is_a_formula(value: Any, shown: str) -> None:
    assert cell(value) == shown


def test_runs_by_the_number_of_their_children_and_by_id(client: httpx.Client, trained: dict[str, Run]) -> None:
    for name, count in (("r1", 2), ("r4", 1)):
        for _ in range(count):
            trained[name].child_run("c").complete()
    trained["r1"]._recorder.flush()
    assert listed(client, order_by="children", limit=2) == ["r1", "r4"]
    page = client.get("/runs", params={"order_by": "children", "limit": 1}).json()
    rest = client.get("/runs", params={"order_by": "children", "limit": 9, "cursor": page["next_cursor"]}).json()
    assert [run["child_count"] for run in rest["runs"]] == [1, 0, 0, 0, 0]
    ids = [
        run["run_id"] for run in client.get("/runs", params={"order_by": "run_id", "descending": False}).json()["runs"]
    ]
    assert ids == sorted(ids)


def test_the_names_that_runs_have(client: httpx.Client, trained: dict[str, Run]) -> None:
    found = client.get("/runs/columns", params={"experiment": "ridge"}).json()
    assert found["metrics"] == [{"name": "mse", "count": 4}, {"name": "val/loss", "count": 4}]
    assert found["tags"] == [{"name": "lr", "count": 4}, {"name": "stage", "count": 3}]
    assert {"name": "seed", "count": 4} in found["properties"]
    assert (found["params"], found["runs"], found["whole"]) == ([], 4, True)


def test_groups(client: httpx.Client, trained: dict[str, Run]) -> None:
    asked = {"by": "tags.stage", "columns": "metrics.mse,max(metrics.val/loss),metrics.nothing"}
    found = client.get("/runs/groups", params=asked).json()
    assert found["total"] == 3
    assert [(each["value"], each["count"]) for each in found["groups"]] == [("dev", 3), ("prod", 2), (None, 1)]
    dev, prod, _ = found["groups"]
    last, greatest = dev["values"]["metrics.mse"], dev["values"]["max(metrics.val/loss)"]
    assert (last["min"], last["max"], last["numbers"]) == (0.6, 1.0, 3)
    assert last["mean"] == pytest.approx(0.8)
    assert (greatest["min"], greatest["max"]) == (0, 4)
    assert "metrics.nothing" not in dev["values"]
    assert prod["statuses"] == {"Completed": 1, "Failed": 1}
    by_status = client.get("/runs/groups", params={"by": "status", "columns": "metrics.mse"}).json()["groups"]
    assert [(each["value"], each["values"]["metrics.mse"]["max"]) for each in by_status] == [
        ("Completed", 1.0),
        ("Failed", 0.5),
    ]
    for wrong in ({"by": "metrics.mse"}, {"by": "nothing"}, {"by": "status", "columns": "tags.stage"}):
        assert client.get("/runs/groups", params=wrong).status_code == 400


def test_a_run_in_detail(client: httpx.Client, trained: dict[str, Run]) -> None:
    answer = client.get(f"/runs/{trained['r5'].id}")
    detail = answer.json()
    assert detail["display_name"] == "r5"
    assert detail["properties"]["seed"] == "5"
    assert detail["error_message"] == "out of memory"
    assert detail["children_total"] == 0
    etag = answer.headers["etag"]
    assert client.get(f"/runs/{trained['r5'].id}", headers={"If-None-Match": etag}).status_code == 304
    trained["r5"].tag("now", "other")
    trained["r5"].flush()
    assert client.get(f"/runs/{trained['r5'].id}", headers={"If-None-Match": etag}).status_code == 200
    missing = client.get("/runs/nothing")
    assert missing.status_code == 404
    assert "nothing" in missing.json()["error"]["message"]


def test_a_run_is_changed(client: httpx.Client, run: Run) -> None:
    run.set_tags({"old": "1", "kept": "2"})
    run.flush()
    changes = {"display_name": "new", "description": "why", "set_tags": {"a": None, "b": "x"}, "remove_tags": ["old"]}
    detail = client.patch(f"/runs/{run.id}", json=changes).json()
    assert (detail["display_name"], detail["description"]) == ("new", "why")
    assert detail["tags"] == {"kept": "2", "a": None, "b": "x"}
    assert client.patch(f"/runs/{run.id}", json={"display_name": ""}).json()["display_name"] is None
    assert client.patch(f"/runs/{run.id}", json={"description": "only"}).json()["tags"] == detail["tags"]
    both = client.patch(f"/runs/{run.id}", json={"set_tags": {"a": "1"}, "remove_tags": ["a"]})
    assert both.status_code == 422
    assert client.patch(f"/runs/{run.id}", json={"status": "Completed"}).status_code == 422
    assert client.patch("/runs/nothing", json={"display_name": "x"}).status_code == 404


def test_what_differs(client: httpx.Client, trained: dict[str, Run]) -> None:
    ids = [trained["r1"].id, trained["r5"].id]
    found = client.post("/compare", json={"run_ids": ids}).json()
    assert found["run_ids"] == ids
    differences = {
        section: {each["name"]: list(each["values"].values()) for each in rows}
        for section, rows in found["differences"].items()
    }
    assert differences["tags"] == {"lr": ["0.25", "1.25"]}
    assert differences["metrics"] == {"mse": [0.9, 0.5], "val/loss": [-1, -5]}
    assert differences["run"]["status"] == ["Completed", "Failed"]
    assert differences["properties"] == {"seed": ["1", "5"]}
    whole = client.post("/compare", json={"run_ids": ids, "all": True}).json()["differences"]
    assert {each["name"]: each["same"] for each in whole["tags"]} == {"stage": True, "lr": False}
    assert client.post("/compare", json={"run_ids": []}).status_code == 422
    assert client.post("/compare", json={"run_ids": ["x"] * 51}).status_code == 422
    assert client.post("/compare", json={"run_ids": [ids[0], "x"]}).status_code == 404


def test_arguments_and_packages_of_submitted_runs_are_compared(client: httpx.Client, submit: Any) -> None:
    runs = [submit("print('hello')", arguments=["--alpha", alpha, "-v", "--beta=1", "data"]) for alpha in (0.1, -2)]
    for run in runs:
        run.wait_for_completion(show_output=False)
    found = client.post("/compare", json={"run_ids": [run.id for run in runs], "all": True}).json()["differences"]
    parameters = {each["name"]: (each["same"], list(each["values"].values())) for each in found["parameters"]}
    assert parameters["--alpha"] == (False, ["0.1", "-2"])
    assert parameters["--beta"] == (True, ["1", "1"])
    assert [each["name"] for each in found["code"] if each["name"] == "snapshot"]
    assert found["definition"]
    detail = client.get(f"/runs/{runs[0].id}").json()
    assert detail["definition"]
    assert len(detail["snapshots"]) == 1
