"""Send a server the requests that its page has sent for its data, one after another, without a browser.

Before the first time it is sent what else the page has asked for.
"""

from __future__ import annotations

import base64
import http.client
import re
import statistics
import struct
import time
import zlib
from typing import Any
from urllib.parse import urlsplit

from job import Job


def measure(job: Job) -> dict[str, Any]:
    from portal.data import SPIKE

    told = job.more
    result: dict[str, Any] = {}
    base = f"http://127.0.0.1:{told['port']}"
    cookie, place = _let_in(told["port"], told["link"])
    own = {"Origin": base, "Referer": f"{base}/", "Accept-Encoding": "gzip", **cookie}
    for name, requests in told["views"].items():
        requests = [{**each, "target": _target(each["url"], place)} for each in requests]
        connection = http.client.HTTPConnection("127.0.0.1", told["port"], timeout=told["limit_s"])
        _timed(connection, own, [each for each in requests if not each["is_data"]], refused=True)
        requests = [each for each in requests if each["is_data"]]
        first, early = _timed(connection, own, requests)
        rounds = [_timed(connection, own, requests) for _ in range(told["times"])]
        connection.close()
        times = sorted(each for each, _ in rounds)
        answers = rounds[-1][1]
        size = sum(len(body) for body, _ in answers)
        result[name] = {
            # TensorBoard answers before it has read its files: with nothing.
            **({"first_ms": first} if sum(len(body) for body, _ in early) > size / 2 else {}),
            "ms": statistics.median(times),
            "min_ms": times[0],
            "max_ms": times[-1],
            "requests": len(requests),
            "bytes": size,
            "spike": any(_holds(_plain(*answer), SPIKE) for answer in answers),
        }
    return result


def _let_in(port: int, link: str) -> tuple[dict[str, str], str]:
    """The cookie that a link with a token gives, and what the addresses begin with that it is for."""
    if not link:
        return {}, ""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", link.removeprefix(f"http://127.0.0.1:{port}"))
    given = connection.getresponse().getheader("Set-Cookie", "")
    connection.close()
    return {"Cookie": given.partition(";")[0]}, given.partition("Path=")[2].partition(";")[0]


def _target(url: str, place: str) -> str:
    """What to ask this server for, where the page has asked an earlier one."""
    parts = urlsplit(url)
    path = re.sub(r"^/s/[^/]+", place, parts.path) if place else parts.path
    return path + (f"?{parts.query}" if parts.query else "")


def _timed(
    connection: http.client.HTTPConnection,
    own: dict[str, str],
    requests: list[dict[str, Any]],
    *,
    refused: bool = False,
) -> tuple[float, list[tuple[bytes, str]]]:
    """ms from the first request to the last byte of the last answer; the answers with their encodings.

    ``refused``: answers may be errors.
    """
    answers = []
    began = time.perf_counter()
    for request in requests:
        body = None if request["body"] is None else base64.b64decode(request["body"])
        connection.request(request["method"], request["target"], body, {**request["headers"], **own})
        answer = connection.getresponse()
        answers.append((answer.read(), answer.getheader("Content-Encoding", "")))
        if answer.status != 200 and not refused:
            raise RuntimeError(f"{request['method']} {request['url'][:200]} was answered {answer.status}")
    return (time.perf_counter() - began) * 1000, answers


def _plain(body: bytes, encoding: str) -> bytes:
    return zlib.decompress(body, 31) if encoding == "gzip" else body


def _holds(body: bytes, value: float) -> bool:
    """Whether a number is in an answer: as text, or as a float of 8 or 4 bytes."""
    return any(each in body for each in (repr(value).encode(), struct.pack("<d", value), struct.pack("<f", value)))
