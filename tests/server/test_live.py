"""One stream for all that a browser's tabs want to be told."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from azureml.core import Experiment, Run
from milepost.server.streams import KEEP_ALIVE, merged
from tests.sdk.submitted import DRIVER_LOG, printed, until_printed
from tests.server.conftest import Server, serving

WAIT_S = 30.0


@contextmanager
def listening(server: Server, **wanted: object) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a stream."""
    with server.client.stream("POST", "/live", json=wanted, timeout=WAIT_S) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))


def first(events: Iterator[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    """The next event that holds all of this."""
    until = time.monotonic() + WAIT_S
    for event in events:
        if wanted.items() <= event.items():
            return event
        assert time.monotonic() < until
    raise AssertionError(f"the stream has ended without {wanted}")


def test_one_stream_tells_of_several_runs_and_a_log(
    server: Server, experiment: Experiment, submit: object, tmp_path: object
) -> None:
    submitted: Run = submit(  # type: ignore[operator]
        """
        import time
        for number in range(100):
            print(number, flush=True)
            time.sleep(0.02)
        """
    )
    until_printed(submitted, b"3")
    run = experiment.start_logging(snapshot_directory=None)
    run.flush()
    watch = [{"id": 1, "run_id": run.id}, {"id": 2, "experiment": "exp"}, {"id": 3, "run_id": "nobody"}]
    logs = [{"id": 4, "run_id": submitted.id, "name": DRIVER_LOG}]
    text = b""
    with listening(server, watch=watch, logs=logs) as events:
        opened = {}
        seen: set[tuple[int, str]] = set()
        run.log("mse", 1.0)
        run.flush()
        while not {(1, "metrics"), (2, "metrics")} <= seen or b"99" not in text or len(opened) < 3:
            event = next(events)
            if "watch" in event:
                seen.add((event["watch"], event["kind"]))
                opened.setdefault(event["watch"], event["kind"])
            elif "text" in event:
                assert (event["log"], event["start"]) == (4, len(text))
                text += base64.b64decode(event["text"])
        assert opened == {1: "opened", 2: "opened", 3: "opened"}
        assert first(events, log=4, status="Completed")
    assert text == printed(submitted, tmp_path / "printed")  # type: ignore[operator]


def test_a_reader_that_comes_back_goes_on_where_it_was(server: Server, run: Run, experiment: Experiment) -> None:
    other = experiment.start_logging(snapshot_directory=None)
    for each in (run, other):
        each.log("mse", 1.0)
        each.flush()
    with listening(server, watch=[{"id": 1, "run_id": run.id}, {"id": 2, "run_id": other.id}]) as events:
        known = {event["watch"]: event["version"] for event in (first(events, watch=1), first(events, watch=2))}
    other.log("mse", 2.0)
    other.flush()
    watch = [{"id": 1, "run_id": run.id, "since": known[1]}, {"id": 2, "run_id": other.id, "since": known[2]}]
    with listening(server, watch=watch) as events:
        seen = []
        run.tag("stage", "prod")
        run.flush()
        while not {(1, "run"), (2, "metrics")} <= set(seen):
            event = next(events)
            seen.append((event["watch"], event["kind"]))
        assert sorted(seen) == [(1, "opened"), (1, "run"), (2, "metrics"), (2, "opened")]


def test_a_log_that_cannot_be_followed_is_told_and_the_rest_goes_on(server: Server, run: Run, tmp_path: object) -> None:
    path = tmp_path / "log"  # type: ignore[operator]
    path.write_bytes(b"all of it")
    run.upload_file("logs/kept.txt", str(path))
    run.complete()
    logs = [
        {"id": 1, "run_id": "nobody", "name": DRIVER_LOG},
        {"id": 2, "run_id": run.id, "name": "../../etc/passwd"},
        {"id": 3, "run_id": run.id, "name": "logs/kept.txt", "start": 4},
    ]
    with listening(server, logs=logs) as events:
        found = list(events)  # it ends when all of them have
    assert "nobody" in next(each["error"] for each in found if each["log"] == 1)
    assert "passwd" in next(each["error"] for each in found if each["log"] == 2)
    rest = [each for each in found if each["log"] == 3]
    assert [(each.get("start"), each.get("status")) for each in rest] == [(4, None), (None, "Completed")]
    assert base64.b64decode(rest[0]["text"]) == b"of it"


def test_nothing_wanted_is_nothing_told(server: Server) -> None:
    with listening(server) as events:
        assert list(events) == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"watch": [{"id": number} for number in range(201)]},
        {"logs": [{"id": number, "run_id": "x", "name": "y"} for number in range(101)]},
        {"watch": [{"id": -1}]},
        {"watch": [{"id": 1, "run_id": "x" * 3000}]},
        {"logs": [{"id": 1, "run_id": "x", "name": "y", "start": -1}]},
        {"more": 1},
    ],
)
def test_what_cannot_be_watched_is_refused(client: httpx.Client, wanted: dict[str, object]) -> None:
    assert client.post("/live", json=wanted).status_code == 422


def test_it_counts_as_one_stream(run: Run) -> None:
    run.flush()
    watch = [{"id": number, "run_id": run.id} for number in range(50)]
    with serving(run._recorder.folder, max_streams=1) as server:
        with listening(server, watch=watch) as events:
            first(events, watch=49)
            answer = server.client.post("/live", json={"watch": watch})
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_many_streams")
        until = time.monotonic() + WAIT_S
        while server.client.post("/live", json={}).status_code == 503:  # until the server has noticed
            assert time.monotonic() < until
            time.sleep(0.05)


# -- how streams are put together ------------------------------------------------------------------------------------


async def _endless() -> AsyncGenerator[bytes]:
    while True:
        yield b"much"


async def _once(*pieces: bytes) -> AsyncGenerator[bytes]:
    for piece in pieces:
        yield piece


async def _failing() -> AsyncGenerator[bytes]:
    yield b"a piece"
    raise ValueError("no more")


async def _silent(gone: list[str]) -> AsyncGenerator[bytes]:
    try:
        await asyncio.sleep(3600)
        yield b""
    finally:
        gone.append("gone")


def test_one_that_never_pauses_leaves_room_for_the_others() -> None:
    async def read() -> int:
        pieces = merged([_endless(), _endless(), _once(b"little")])
        for place in range(1000):
            if await anext(pieces) == b"little":
                await pieces.aclose()
                return place
        raise AssertionError("it was never given")

    assert asyncio.run(read()) < 50


def test_it_ends_with_the_last_of_them() -> None:
    async def read() -> list[bytes]:
        return sorted([piece async for piece in merged([_once(b"a", b"b"), _once(), _once(b"c")])])

    assert asyncio.run(read()) == [b"a", b"b", b"c"]


def test_one_that_fails_ends_all() -> None:
    gone: list[str] = []

    async def read() -> list[bytes]:
        return [piece async for piece in merged([_silent(gone), _failing()])]

    with pytest.raises(ValueError, match="no more"):
        asyncio.run(read())
    assert gone == ["gone"]


def test_silence_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milepost.server.streams.QUIET_S", 0.01)

    async def read() -> bytes:
        pieces = merged([_silent([])])
        found = await anext(pieces)
        await pieces.aclose()
        return found

    assert asyncio.run(read()) == KEEP_ALIVE
