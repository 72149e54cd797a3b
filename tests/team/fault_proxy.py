"""A proxy between client and server that does what networks do: cuts, hangs, is slow, sends things twice."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FAULTS = ("refuse", "cut_request", "cut_response", "no_response", "twice", "slow", "garble", "hang")
"""What may become of a request, beside "pass"."""


class FaultProxy:
    """Listens at ``url``.  ``decide(method, path)`` gives the fate of each request; ``seen`` counts them.

    ``targets``: the ports of the servers; requests go to one after the other.
    """

    def __init__(self, decide: Callable[[str, str], str] = lambda _method, _path: "pass") -> None:
        self.targets: Sequence[int] = ()
        self.decide = decide
        self.hang_s = 1.0
        self.seen: Counter[str] = Counter()
        self._turn = 0
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def target(self) -> int:
        self._turn += 1
        return self.targets[self._turn % len(self.targets)]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: FaultProxy
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: Any) -> None:
        pass

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def _serve(self) -> None:
        fate = self.owner.decide(self.command, self.path)
        self.owner.seen[fate] += 1
        if fate == "refuse":
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fate == "hang":
            time.sleep(self.owner.hang_s)
            self.close_connection = True
            return
        if fate == "cut_request" and body:
            self._send_half(body)
            self.close_connection = True
            return
        if fate == "garble" and body:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 0x55]) + body[middle + 1 :]
        if fate == "busy":
            self._say_busy()
            return
        if fate == "slow":
            time.sleep(0.3)
        try:
            answer, content = self._ask(body)
            if fate == "twice":
                answer, content = self._ask(body)
        except (OSError, http.client.HTTPException):  # the server is down
            self.close_connection = True
            return
        if fate == "no_response":
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        if length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        if fate == "cut_response" and content:
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _ask(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.owner.target(), timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def _say_busy(self) -> None:
        content = b'{"error": {"code": "busy", "message": "too much to do just now"}}'
        self.send_response_only(429)
        self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send_half(self, body: bytes) -> None:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.owner.target(), timeout=60)
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body[: len(body) // 2])
            connection.close()
