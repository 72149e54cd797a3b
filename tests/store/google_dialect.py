"""Google Cloud Storage as far as its XML API is that of S3: a proxy before an S3 server that says its headers.

No emulator from the package registries speaks that API, which is the one that obstore uses.  What Google adds to S3 are
headers of its own; signatures are not looked at.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import quote, unquote

_SENT: Final = {"x-goog-copy-source": "x-amz-copy-source"}
_DROPPED: Final = frozenset({"authorization", "host", "content-length", "connection", "transfer-encoding"})
S3_SIGNER: Final = "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/s3/aws4_request"


@contextmanager
def google_before(port: int) -> Iterator[str]:
    """The address of such a proxy before the S3 server at this port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: Any) -> None:
            pass

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _DROPPED}
            headers = {_SENT.get(name.lower(), name): value for name, value in headers.items()}
            if self.headers.get("x-goog-if-generation-match") == "0":
                headers["If-None-Match"] = "*"
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                path, mark, query = self.path.partition("?")
                connection.request(
                    self.command, quote(unquote(path)) + mark + query, body, {**headers, "Authorization": S3_SIGNER}
                )
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _DROPPED:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}"
    finally:
        proxy.shutdown()
        proxy.server_close()
