from __future__ import annotations

import io
import zipfile
from pathlib import Path

import httpx
import pytest

from azureml.core import Environment, Run, Workspace


@pytest.fixture
def models(run: Run, tmp_path: Path) -> Run:
    """Two models of a run, one of them with two versions."""
    (tmp_path / "m.pkl").write_bytes(b"poison")
    (tmp_path / "m.json").write_bytes(b"{}")
    run.upload_file("outputs/model/m.pkl", str(tmp_path / "m.pkl"))
    run.upload_file("outputs/model/m.json", str(tmp_path / "m.json"))
    run.register_model("ridge", model_path="outputs/model", tags={"stage": "dev"}, properties={"r2": "0.5"})
    run.register_model("ridge", model_path="outputs/model/m.pkl", model_framework="ScikitLearn")
    run.register_model("other", model_path="outputs/model/m.json", description="<b>not bold</b>")
    run.flush()
    return run


def test_models_with_their_newest_versions(client: httpx.Client, models: Run) -> None:
    found = client.get("/models").raise_for_status().json()
    assert found["total"] == 2
    shown = [(each["name"], each["versions"], each["latest"]["version"]) for each in found["models"]]
    assert shown == [("other", 1, 1), ("ridge", 2, 2)]
    assert found["models"][0]["latest"]["description"] == "<b>not bold</b>"
    assert {each["latest"]["run_id"] for each in found["models"]} == {models.id}
    assert [each["name"] for each in client.get("/models", params={"search": "RID"}).json()["models"]] == ["ridge"]
    assert client.get("/models", params={"run_id": "another"}).json() == {"models": [], "total": 0}
    page = client.get("/models", params={"offset": 1, "limit": 1}).json()
    assert [each["name"] for each in page["models"]] == ["ridge"]


def test_versions_of_a_model(client: httpx.Client, models: Run) -> None:
    found = client.get("/models/ridge").raise_for_status().json()
    assert [each["version"] for each in found["versions"]] == [2, 1]
    newest, oldest = found["versions"]
    assert newest["framework"] == "ScikitLearn"
    assert (oldest["tags"], oldest["properties"]) == ({"stage": "dev"}, {"r2": "0.5"})
    assert sorted(each["size"] for each in oldest["files"]) == [2, 6]
    assert (oldest["bytes"], oldest["files_total"]) == (8, 2)
    assert client.get("/models/ridge/versions/1").json() == oldest
    assert client.get("/models/nothing").status_code == 404
    assert client.get("/models/ridge/versions/9").status_code == 404
    assert client.get("/models/ridge/versions/0").status_code == 422


def test_a_version_is_described_tagged_and_given_aliases(client: httpx.Client, models: Run) -> None:
    changes = {"description": "new", "set_tags": {"stage": "prod"}, "set_aliases": ["champion", "latest"]}
    first = client.patch("/models/ridge/versions/1", json=changes).raise_for_status().json()
    assert (first["description"], first["tags"], first["aliases"]) == ("new", {"stage": "prod"}, ["champion", "latest"])
    moved = client.patch("/models/ridge/versions/2", json={"set_aliases": ["champion"]}).json()
    assert moved["aliases"] == ["champion"]
    newest, oldest = client.get("/models/ridge").json()["versions"]
    assert (newest["aliases"], oldest["aliases"]) == (["champion"], ["latest"])
    listed = {each["name"]: each["aliases"] for each in client.get("/models").json()["models"]}
    assert listed == {"ridge": {"champion": 2, "latest": 1}, "other": {}}
    # It means another version by now.
    client.patch("/models/ridge/versions/1", json={"remove_aliases": ["champion", "latest"], "remove_tags": ["stage"]})
    newest, oldest = client.get("/models/ridge").json()["versions"]
    assert (newest["aliases"], oldest["aliases"], oldest["tags"]) == (["champion"], [], {})
    assert client.patch("/models/ridge/versions/9", json={"set_aliases": ["a"]}).status_code == 404
    assert client.patch("/models/ridge/versions/1", json={"set_aliases": ["a/b"]}).status_code == 400
    assert (
        client.patch("/models/ridge/versions/1", json={"set_aliases": ["a"], "remove_aliases": ["a"]}).status_code
        == 422
    )


def test_models_tell_the_run_that_they_come_from(client: httpx.Client, models: Run) -> None:
    source = client.get("/models/ridge/versions/1").json()["run"]
    assert source == {"number": 1, "name": None, "experiment": "exp"}
    models.complete()
    models.flush()
    client.post("/runs/actions", json={"run_ids": [models.id], "action": "delete"}).raise_for_status()
    gone = client.get("/models").json()["models"][0]["latest"]
    assert (gone["run"], gone["run_id"]) == (None, models.id)


def test_files_of_models(client: httpx.Client, models: Run) -> None:
    version = client.get("/models/ridge/versions/1").json()
    contents = {}
    for each in version["files"]:
        found = client.get(f"/models/ridge/versions/1/files/{each['name']}")
        assert found.status_code == 200
        contents[each["name"]] = found.content
        if each["name"].endswith(".pkl"):
            assert found.headers["content-type"] == "application/octet-stream"
            assert found.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(client.get("/models/ridge/versions/1/zip").content)) as archive:
        assert {each: archive.read(each) for each in archive.namelist()} == contents
    assert client.get("/models/ridge/versions/1/files/nothing").status_code == 404


def test_environments(client: httpx.Client, ws: Workspace) -> None:
    assert client.get("/environments").json() == {"environments": [], "total": 0}
    for version in ("1", "2"):
        environment = Environment("train")
        environment.environment_variables = {"STEP": version}
        environment.register(ws)
    found = client.get("/environments").raise_for_status().json()
    assert [(each["name"], each["versions"], each["latest"]["version"]) for each in found["environments"]] == [
        ("train", 2, 2)
    ]
    assert found["environments"][0]["latest"]["definition"]["environmentVariables"] == {"STEP": "2"}
    versions = client.get("/environments/train").json()
    assert [each["version"] for each in versions["versions"]] == [2, 1]
    missing = client.get("/environments/trian")
    assert missing.status_code == 404
    assert "'train'" in missing.json()["error"]["message"]


def test_definitions_with_numbers_that_json_has_not(client: httpx.Client, ws: Workspace) -> None:
    ws._recorder.open_store().register_environment("odd", {"a": float("nan"), "b": [float("inf")]})
    for address in ("/environments", "/environments/odd"):
        assert client.get(address).status_code == 200
