"""Texts that were a part of SQL, of a template or of a program elsewhere: here they are texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from azureml.core import Experiment, Run, Workspace
from tests.server.conftest import Server

MARKER = "marker"
TEXTS = [
    "' OR '1'='1",
    '" OR "1"="1',
    "x' OR 1=1 --",
    "x'; DROP TABLE runs; --",
    'x"; DELETE FROM runs; --',
    "1) UNION SELECT name, sql FROM sqlite_master --",
    "' || (SELECT group_concat(name) FROM sqlite_master) || '",
    "created_ns; DROP TABLE tags",
    "CASE WHEN 1=1 THEN name ELSE id END",
    "\\' OR 1=1 --",
    "x\0' OR 1=1 --",
    "%' ESCAPE '' OR '%' LIKE '%",
    "0x27204f522031",
    "{{7*7}}${7*7}%(x)s{0.__class__}",
    f"__import__('pathlib').Path('{MARKER}').touch()",
    f"$(touch {MARKER}); `touch {MARKER}`",
]
SAID_BY_DATABASES = ("sqlite", "OperationalError", "syntax error", "no such column", "SELECT ", "Traceback")
ASKED: list[tuple[str, dict[str, str]]] = [
    ("/runs", {"filter": "TEXT"}),
    ("/runs", {"filter": "name = 'TEXT'"}),
    ("/runs", {"filter": 'name = "TEXT"'}),
    ("/runs", {"filter": "name like 'TEXT'"}),
    ("/runs", {"filter": "status in ('TEXT')"}),
    ("/runs", {"filter": "TEXT = 1"}),
    ("/runs", {"filter": 'metrics."TEXT" < 1'}),
    ("/runs", {"filter": 'min(metrics."TEXT") < 1'}),
    ("/runs", {"filter": 'tags."TEXT" = "x"'}),
    ("/runs", {"filter": "metrics.mse < TEXT"}),
    ("/runs", {"order_by": "TEXT"}),
    ("/runs", {"order_by": "metrics.TEXT"}),
    ("/runs", {"order_by": "tags.TEXT"}),
    ("/runs", {"order_by": "max(metrics.TEXT)"}),
    ("/runs", {"columns": "TEXT"}),
    ("/runs", {"columns": "metrics.TEXT,tags.TEXT,properties.TEXT"}),
    ("/runs", {"cursor": "TEXT"}),
    ("/runs", {"experiment": "TEXT"}),
    ("/runs", {"parent": "TEXT"}),
    ("/runs/csv", {"order_by": "tags.TEXT", "columns": "tags.TEXT"}),
    ("/runs/columns", {"filter": "name = 'TEXT'"}),
    ("/runs/groups", {"by": "TEXT"}),
    ("/runs/groups", {"by": "tags.TEXT", "columns": "metrics.TEXT"}),
    ("/experiments", {"search": "TEXT"}),
    ("/experiments", {"order_by": "TEXT"}),
    ("/models", {"search": "TEXT"}),
    ("/models", {"run_id": "TEXT"}),
    ("/environments", {"search": "TEXT"}),
    ("/queue", {"target": "TEXT"}),
    ("/runs/RUN/metrics", {"search": "TEXT"}),
    ("/runs/RUN/files", {"prefix": "TEXT"}),
    ("/runs/RUN/images", {"metric": "TEXT"}),
    ("/runs/RUN/metrics/mse/values", {"namespace": "TEXT"}),
    ("/metrics/csv", {"run_id": "TEXT", "name": "TEXT"}),
]


@pytest.fixture
def secret(ws: Workspace) -> Run:
    """A run that nothing asked for here is about."""
    with Experiment(ws, "canary-experiment").start_logging(snapshot_directory=None, display_name="canary-run") as run:
        run.log("canary-metric", 1.0)
        run.tag("canary-tag", "canary-value")
    return run


def test_what_is_asked_for_is_never_a_part_of_a_statement(server: Server, secret: Run, run: Run) -> None:
    run.log("mse", 0.5)
    run.complete()
    before = _all(server.client)
    for route, asked in ASKED:
        for text in TEXTS:
            params = {name: value.replace("TEXT", text) for name, value in asked.items()}
            answer = server.client.get(route.replace("RUN", run.id), params=params)
            assert answer.status_code in (200, 400, 404, 422), (route, params, answer.text)
            if answer.status_code != 200:
                assert set(answer.json()) == {"error"}
                said = answer.json()["error"]["message"]
                assert not any(each in said and each not in text for each in SAID_BY_DATABASES), (route, params, said)
            elif "filter" in asked or route != "/runs":  # an order or a column hides no runs
                found = answer.json() if route not in ("/runs/csv", "/runs/groups", "/metrics/csv") else None
                assert "canary" not in str(found), (route, params)
    assert _all(server.client) == before
    assert not Path(MARKER).exists()


def test_texts_in_bodies_are_texts(client: httpx.Client, secret: Run, run: Run) -> None:
    run.complete()
    before = client.get(f"/runs/{secret.id}").json()
    for text in TEXTS:
        for route, body in (
            ("/runs/actions", {"run_ids": [text], "action": "delete"}),
            ("/compare", {"run_ids": [text, run.id]}),
            ("/metrics/series", {"series": [{"run_id": text, "name": text, "column": text}]}),
        ):
            answer = client.post(route, json=body)
            assert answer.status_code in (200, 400, 404, 422), (route, text, answer.text)
            assert b"canary" not in answer.content
        answer = client.patch(f"/runs/{run.id}", json={"set_tags": {text: text}, "description": text})
        if answer.status_code == 200:
            told = client.get(f"/runs/{run.id}").json()
            kept = text.replace("\0", "\ufffd")
            assert (told["tags"][kept], told["description"]) == (kept, kept)
    assert client.get(f"/runs/{secret.id}").json() == before
    assert not Path(MARKER).exists()


def _all(client: httpx.Client) -> dict[str, Any]:
    runs = client.get("/runs", params={"columns": "metrics.canary-metric,tags.canary-tag"}).json()["runs"]
    return {each["run_id"]: (each["name"], each["values"]) for each in runs}
