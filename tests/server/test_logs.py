from __future__ import annotations

import base64
import io
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from azureml.core import Run, Workspace
from milepost.jobs.job import job_folder
from milepost.server.log_reading import MOST_READ, MOST_SEARCHED, Log
from milepost.store.store import Store
from tests.sdk.submitted import DRIVER_LOG, printed, until, until_printed
from tests.server.conftest import Server, serving

Submit = object


@dataclass
class Followed:
    """What a stream has given so far."""

    text: bytes = b""
    starts: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    status: str | None = None
    ended: bool = False


def events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The events of a stream."""
    found: dict[str, str] = {}
    for line in lines:
        if not line and found:
            yield found
            found = {}
        elif line and not line.startswith(":"):
            key, _, value = line.partition(": ")
            found[key] = value


def follow(client: httpx.Client, address: str, into: Followed, **settings: object) -> None:
    """Follow a log to its end."""
    with client.stream("GET", address, timeout=120, **settings) as answer:  # type: ignore[arg-type]
        assert answer.status_code == 200
        for each in events(answer.iter_lines()):
            data = json.loads(each["data"])
            if each.get("event") == "end":
                into.status, into.ended = data["status"], True
            else:
                into.starts.append(data["start"])
                into.ids.append(each["id"])
                assert data["start"] == (into.starts[0] + len(into.text))
                into.text += base64.b64decode(data["text"])


@pytest.fixture
def store(ws: Workspace) -> Store:
    return ws._recorder.open_store()


@pytest.fixture
def kept(run: Run, tmp_path: Path) -> str:
    """A stored log of 3,000 lines."""
    path = tmp_path / "log"
    path.write_bytes(b"".join(b"line %d of the log\n" % number for number in range(3000)))
    run.upload_file("logs/kept.txt", str(path))
    run.flush()
    return "logs/kept.txt"


# -- while it runs, and afterwards -------------------------------------------------------------------------------------


def test_a_run_is_followed_from_its_growing_log_to_its_stored_one(
    client: httpx.Client, submit: object, tmp_path: Path
) -> None:
    run: Run = submit(  # type: ignore[operator]
        """
        import sys, time
        for number in range(300):
            print(f"{number:05d} ✓", flush=True)
            time.sleep(0.01)
        sys.stdout.write("the end, without a line's end")
        """
    )
    followers = [Followed() for _ in range(4)]
    address = f"/runs/{run.id}/logs/{DRIVER_LOG}/follow"
    threads = [threading.Thread(target=follow, args=(client, address, each)) for each in followers]
    for each in threads:
        each.start()
    until_printed(run, b"00020")
    live = {each["name"]: each for each in client.get(f"/runs/{run.id}/logs").json()["logs"]}
    assert live[DRIVER_LOG]["live"] is True
    assert DRIVER_LOG in [each["name"] for each in client.get(f"/runs/{run.id}/files").json()["live"]]
    piece = client.get(f"/runs/{run.id}/logs/{DRIVER_LOG}", params={"start": 10, "length": 20})
    assert piece.text == "00001 ✓\n00002 ✓\n"
    assert (piece.headers["x-start"], piece.headers["x-live"]) == ("10", "1")
    for each in threads:
        each.join(120)
    whole = printed(run, tmp_path / "printed")
    assert whole.count(b"\n") == 300
    for follower in followers:
        assert follower.text == whole
        assert (follower.status, follower.ended) == ("Completed", True)
    kept = {each["name"]: each for each in client.get(f"/runs/{run.id}/logs").json()["logs"]}
    assert kept[DRIVER_LOG] == {"name": DRIVER_LOG, "size": len(whole), "live": False}


def test_no_byte_is_lost_or_doubled_whenever_the_log_is_stored(
    client: httpx.Client, submit: object, tmp_path: Path
) -> None:
    """Many short runs: the switch comes at another moment of the follower's life each time."""
    for _ in range(4):
        run: Run = submit("for number in range(20000): print(number)")  # type: ignore[operator]
        followers = [Followed() for _ in range(6)]
        address = f"/runs/{run.id}/logs/{DRIVER_LOG}/follow"
        threads = [threading.Thread(target=follow, args=(client, address, each)) for each in followers]
        for each in threads:
            each.start()
        for each in threads:
            each.join(120)
        expected = b"".join(b"%d\n" % number for number in range(20000))
        assert [each.text == expected for each in followers] == [True] * len(followers)
        assert {each.status for each in followers} == {"Completed"}


def test_a_failed_and_a_cancelled_run_end_their_streams(client: httpx.Client, submit: object) -> None:
    failed: Run = submit("print('so far'); raise SystemExit(3)")  # type: ignore[operator]
    found = Followed()
    follow(client, f"/runs/{failed.id}/logs/{DRIVER_LOG}/follow", found)
    assert (found.text, found.status) == (b"so far\n", "Failed")

    slow: Run = submit("import time; print('begun', flush=True); time.sleep(600)")  # type: ignore[operator]
    found = Followed()
    thread = threading.Thread(target=follow, args=(client, f"/runs/{slow.id}/logs/{DRIVER_LOG}/follow", found))
    thread.start()
    until_printed(slow, b"begun")
    slow.cancel()
    thread.join(60)
    assert (found.text, found.status) == (b"begun\n", "Canceled")


def test_following_goes_on_where_it_was_broken_off(client: httpx.Client, run: Run, kept: str) -> None:
    run.complete()
    address = f"/runs/{run.id}/logs/{kept}/follow"
    whole = Followed()
    follow(client, address, whole)
    rest = Followed()
    follow(client, address, rest, params={"start": 1000})
    assert rest.text == whole.text[1000:]
    again = Followed()
    follow(client, address, again, headers={"Last-Event-ID": "2000"}, params={"start": 1000})
    assert again.text == whole.text[2000:]
    nonsense = Followed()
    follow(client, address, nonsense, headers={"Last-Event-ID": "-5; drop"})
    assert nonsense.text == whole.text
    at_the_end = Followed()
    follow(client, address, at_the_end, headers={"Last-Event-ID": whole.ids[-1]})
    assert (at_the_end.text, at_the_end.ended) == (b"", True)


def test_a_run_that_is_deleted_meanwhile_ends_its_stream(
    client: httpx.Client, run: Run, kept: str, store: Store
) -> None:
    found = Followed()
    thread = threading.Thread(target=follow, args=(client, f"/runs/{run.id}/logs/{kept}/follow", found))
    thread.start()
    until(lambda: len(found.text) > 50_000)
    run.complete()
    store.delete_run(run.id)
    thread.join(30)
    assert found.ended


def test_a_log_that_never_comes_ends_with_its_run(client: httpx.Client, run: Run) -> None:
    found = Followed()
    run.flush()
    thread = threading.Thread(target=follow, args=(client, f"/runs/{run.id}/logs/logs/none.txt/follow", found))
    thread.start()
    run.complete()
    thread.join(30)
    assert (found.text, found.status) == (b"", "Completed")
    assert client.get("/runs/nobody/logs/logs/x.txt/follow").status_code == 404


def test_there_are_no_more_streams_than_the_server_allows(ws: Workspace, run: Run, kept: str) -> None:
    with serving(ws._recorder.folder, max_streams=2) as server:
        address = f"/runs/{run.id}/logs/{kept}/follow"
        with server.client.stream("GET", address) as one, server.client.stream("GET", address) as two:
            given = [one.iter_lines(), two.iter_lines()]  # held: a stream whose reader goes is closed
            assert [next(each)[:3] for each in given] == ["id:", "id:"]
            refused = server.client.get(address)
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "too_many_streams"
        until(lambda: _is_open(server, address))


def _is_open(server: Server, address: str) -> bool:
    with server.client.stream("GET", address) as answer:
        return answer.status_code == 200


# -- pieces ------------------------------------------------------------------------------------------------------------


def test_pieces_of_a_stored_log(client: httpx.Client, run: Run, kept: str) -> None:
    address = f"/runs/{run.id}/logs/{kept}"
    whole = client.get(address)
    assert whole.text.splitlines()[2999] == "line 2999 of the log"
    assert whole.headers["x-size"] == str(len(whole.content))
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["x-content-type-options"] == "nosniff"
    part = client.get(address, params={"start": 20, "length": 19})
    assert (part.content, part.headers["x-start"]) == (whole.content[20:39], "20")
    beyond = client.get(address, params={"start": 10**12})
    assert (beyond.content, beyond.headers["x-size"]) == (b"", str(len(whole.content)))


@pytest.mark.parametrize("count", [0, 1, 2, 999, 3000, 3001, 100_000])
def test_the_last_lines(client: httpx.Client, run: Run, kept: str, count: int) -> None:
    whole = client.get(f"/runs/{run.id}/logs/{kept}").content
    tail = client.get(f"/runs/{run.id}/logs/{kept}", params={"tail_lines": count})
    expected = b"".join(whole.splitlines(keepends=True)[3000 - min(count, 3000) :])
    assert tail.content == expected
    assert int(tail.headers["x-start"]) == len(whole) - len(expected)


def test_the_last_lines_of_a_log_without_an_end_of_line(store: Store, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\nthree")
    run.upload_file("logs/x.txt", str(path))
    run.flush()
    log = Log(store, None, run.id, "logs/x.txt")
    assert [log.start_of_lines(count, 13) for count in range(5)] == [13, 8, 4, 0, 0]


def test_a_huge_log_is_never_read_as_a_whole(
    client: httpx.Client, ws: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A growing log of a GB: its end, a piece of its middle, and a search that stops at its limit."""
    folder = job_folder(ws._recorder.folder, run.id) / "azureml-logs"
    folder.mkdir(parents=True)
    size = 1 << 30
    path = folder / "70_driver_log.txt"
    with path.open("wb") as file:
        file.truncate(size)  # a hole: it takes no space
        file.seek(-4000, os.SEEK_END)
        file.write(b"".join(b"\nlast %d" % number for number in range(400)))
        file.truncate(size)
    read: list[int] = []
    real = Log.read

    def reading(self: Log, start: int, limit: int) -> bytes:
        data = real(self, start, limit)
        read.append(len(data))
        return data

    monkeypatch.setattr(Log, "read", reading)
    address = f"/runs/{run.id}/logs/{DRIVER_LOG}"
    tail = client.get(address, params={"tail_lines": 2})
    assert tail.content.startswith(b"last 398\nlast 399")
    assert tail.headers["x-size"] == str(size)
    assert sum(read) < 1 << 20
    read.clear()
    most = client.get(address, params={"tail_lines": 100_000})
    assert len(most.content) == MOST_READ
    assert sum(read) <= 2 * MOST_READ
    read.clear()
    piece = client.get(address, params={"start": 1 << 29, "length": 100})
    assert piece.content == b"\0" * 100
    assert sum(read) == 100
    read.clear()
    found = client.get(f"{address}/search", params={"q": "last 7"}).json()
    assert found["matches"] == []
    assert found["next_start"] == found["scanned_to"]
    assert sum(read) <= MOST_SEARCHED + (4 << 20)
    near = client.get(f"{address}/search", params={"q": "last 7", "start": size - 5000, "limit": 3}).json()
    assert [each["text"].rstrip("\0") for each in near["matches"]] == ["last 7", "last 70", "last 71"]


# -- search ------------------------------------------------------------------------------------------------------------


def test_search_finds_each_line_once_and_goes_on(client: httpx.Client, run: Run, kept: str) -> None:
    address = f"/runs/{run.id}/logs/{kept}/search"
    whole = client.get(f"/runs/{run.id}/logs/{kept}").content
    start, found = 0, []
    while start is not None:
        answer = client.get(address, params={"q": "LINE 29", "start": start, "limit": 7}).raise_for_status().json()
        found += answer["matches"]
        start = answer["next_start"]
    expected = [line for line in whole.decode().splitlines() if line.startswith("line 29")]
    assert [each["text"] for each in found] == expected
    assert all(whole[each["start"] :].startswith(b"line 29") for each in found)
    assert client.get(address, params={"q": "LINE 29", "exact": True}).json()["matches"] == []
    assert client.get(address, params={"q": ".*"}).json()["matches"] == []


def test_search_across_the_pieces_that_are_read(store: Store, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "log"
    # Matches that lie across the end of a piece, in lines with ends and in one that has none.
    data = bytearray(b"." * (3 << 20))
    data[(1 << 20) - 3 : (1 << 20) + 3] = b"needle"
    data[(1 << 20) - 100] = data[(1 << 20) + 100] = 10
    data[(2 << 20) - 2 : (2 << 20) + 4] = b"NEEDLE"
    data += b"\r50% needle needle\r100% needle\r\nlast needle"
    path.write_bytes(data)
    run.upload_file("logs/x.txt", str(path))
    run.flush()
    log = Log(store, None, run.id, "logs/x.txt")
    found = log.search("needle", 0, 100, exact=False)
    assert [each.start for each in found.matches] == [
        (1 << 20) - 3, (2 << 20) - 2, (3 << 20) + 5, (3 << 20) + 24, len(data) - 6,
    ]  # fmt: skip
    assert [each.text for each in found.matches[-3:]] == ["50% needle needle", "100% needle", "last needle"]
    assert all(len(each.text) <= 500 and "needle" in each.text.lower() for each in found.matches)
    assert found.at_end
    assert found.scanned_to == len(data)
    one_by_one, start = [], 0
    for _ in range(5):
        some = log.search("needle", start, 1, exact=False)
        one_by_one += [each.start for each in some.matches]
        start = some.scanned_to
    assert one_by_one == [each.start for each in found.matches]


@pytest.mark.parametrize("parameters", [{"q": ""}, {"q": "x" * 201}, {"q": "x", "limit": 0}, {"q": "x", "start": -1}])
def test_searches_that_are_refused(client: httpx.Client, run: Run, kept: str, parameters: dict[str, object]) -> None:
    assert client.get(f"/runs/{run.id}/logs/{kept}/search", params=parameters).status_code == 422  # type: ignore[arg-type]


def test_logs_that_are_not_there(client: httpx.Client, run: Run, kept: str) -> None:
    for tail in ("", "/search?q=x"):
        assert client.get(f"/runs/{run.id}/logs/logs/none.txt{tail}").status_code == 404
    assert client.get("/runs/nobody/logs").status_code == 404


def test_lines_are_found_by_number_and_by_byte(client: httpx.Client, run: Run) -> None:
    lines = [f"line {number}" + "x" * (number % 50) for number in range(1, 200_001)]  # several pieces
    text = "".join(f"{line}\n" for line in lines)
    run.upload_file("logs/long.log", io.BytesIO(text.encode()))
    run.flush()
    address = f"/runs/{run.id}/logs/logs/long.log/line"
    for number in (1, 2, 77_777, 199_999, 200_000):
        found = client.get(address, params={"number": number}).json()
        assert found["number"] == number
        assert text[found["start"] :].startswith(f"{lines[number - 1]}\n")
        for byte in (found["start"], found["start"] + len(lines[number - 1])):
            assert client.get(address, params={"byte": byte}).json() == found
    last = client.get(address, params={"number": 200_000}).json()
    assert client.get(address, params={"number": 10**12}).json() == last
    assert client.get(address, params={"number": 0}).status_code == 422
    assert client.get(f"/runs/{run.id}/logs/logs/none.log/line", params={"number": 1}).status_code == 404


def test_lines_of_logs_without_ends(client: httpx.Client, run: Run) -> None:
    run.upload_file("logs/empty.log", io.BytesIO(b""))
    run.upload_file("logs/open.log", io.BytesIO(b"one\ntwo"))
    run.flush()
    found = client.get(f"/runs/{run.id}/logs/logs/empty.log/line", params={"number": 5}).json()
    assert found == {"number": 1, "start": 0}
    found = client.get(f"/runs/{run.id}/logs/logs/open.log/line", params={"number": 5}).json()
    assert found == {"number": 2, "start": 4}
