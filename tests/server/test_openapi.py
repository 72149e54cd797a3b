"""The API's own document, and what hundreds of generated requests do to the server that it describes."""

from __future__ import annotations

import os
import re
from collections import Counter

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from azureml.core import Run
from tests.server.conftest import Server

# More by hand: MILEPOST_FUZZ=500 pytest tests/server/test_openapi.py
EXAMPLES = int(os.environ.get("MILEPOST_FUZZ", "6"))
STREAMS = ("/changes", "/follow", "/live")


def test_every_route_tells_what_it_does_and_how_it_fails(server: Server) -> None:
    document = server.client.get("/openapi.json").json()
    names = [route["operationId"] for methods in document["paths"].values() for route in methods.values()]
    assert len(set(names)) == len(names)
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert route.get("summary"), (method, path)
            assert route["responses"]["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorAnswer")
            for parameter in route.get("parameters", ()):
                assert _is_bounded(parameter["schema"]), (method, path, parameter["name"])


def _is_bounded(schema: dict[str, object]) -> bool:
    """Whether what is given for a parameter cannot be endless."""
    if "anyOf" in schema:
        return all(_is_bounded(each) for each in schema["anyOf"])  # type: ignore[attr-defined]
    bounds = {
        "string": {"maxLength", "pattern"},
        "integer": {"maximum", "exclusiveMaximum"},
        "number": {"maximum", "exclusiveMaximum"},
        "array": {"maxItems"},
        "boolean": set(schema),
        "null": set(schema),
    }
    is_named = any(each in schema for each in ("enum", "const", "$ref"))
    return is_named or bool(bounds[str(schema.get("type"))] & set(schema))


NUMBERS = ("-1", "0", "1e3", "NaN", "Infinity", "1" + "0" * 9, "1" + "0" * 30, "9" * 5000, "")


def test_no_page_is_endless_and_no_window_too_wide(server: Server, run: Run) -> None:
    """Every number that a route takes, far out of its bounds: told, or taken for as much as there is."""
    run.log("1", 0.5)
    run.upload_file("1", __file__)
    run.complete()
    document = server.client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        place = re.sub(r"\{([a-z_]+)\}", lambda found: run.id if found[1] == "run_id" else "1", path)
        for parameter in methods.get("get", {}).get("parameters", ()):
            kinds = parameter["schema"].get("anyOf", [parameter["schema"]])
            bounds = [each for each in kinds if each.get("type") in ("integer", "number")]
            if parameter["in"] != "query" or not bounds or path.endswith(STREAMS):
                continue
            for number in NUMBERS:
                answer = server.bare.get(
                    place,
                    params={parameter["name"]: number, "name": "1", "run_id": run.id, "by": "status", "q": "1"},
                    headers={"Authorization": f"Bearer {server.token}"},
                )
                assert answer.status_code in (200, 400, 404, 416, 422), (path, parameter["name"], number, answer.text)
                is_within = number.isdecimal() and int(number[:100]) <= bounds[0].get("maximum", 1 << 63)
                assert answer.status_code != 200 or is_within, (path, parameter["name"], number)
                assert len(answer.content) < 100_000


@pytest.mark.timeout(600)
def test_no_generated_request_breaks_it(server: Server, run: Run) -> None:
    """Requests as the document describes them, and such as it forbids: no 500, and answers as described."""
    run.log("mse", 0.5)
    run.log_table("table", {"a": [1, 2], "b": ["x", None]})
    run.tag("stage", "prod")
    run.upload_file("outputs/a.txt", __file__)
    run.complete()
    headers = {"Authorization": f"Bearer {server.token}"}
    schema = schemathesis.openapi.from_url(f"{server.base}/api/v1/openapi.json", headers=headers)
    run_id = run.id
    failures: list[str] = []
    statuses: Counter[int] = Counter()

    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith(STREAMS):
            continue

        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy() | operation.as_strategy(generation_mode=MODES[1]))
        def ask(case: schemathesis.Case) -> None:
            if "run_id" in (case.path_parameters or {}) and len(str(case.path_parameters["run_id"])) % 2:
                case.path_parameters["run_id"] = run_id  # else nearly all answers were 404
            try:
                answer = case.call_and_validate(
                    base_url=server.base, headers=headers, checks=(not_a_server_error, response_schema_conformance)
                )
            except requests.RequestException:
                return  # no HTTP that a server takes (a line of over 64 kB); the connection is closed on it
            statuses[answer.status_code] += 1

        try:
            ask()
        except Exception as error:
            failures.append(f"{operation.method} {operation.path}: {error}")
    assert not failures, "\n\n".join(failures)
    assert {200, 404, 422} <= set(statuses), statuses
    assert server.client.get("/workspace").status_code == 200


MODES = list(schemathesis.GenerationMode)
