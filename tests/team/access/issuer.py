"""A small issuer of OpenID Connect, as a process of its own: ``python -m tests.team.access.issuer``.

It signs whoever comes in at once.  ``POST /behave`` with a JSON object says what it does wrong from then on: claims to
set or (null) to leave out, ``algorithm``, ``key``, ``typ``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "milepost", "a client's secret"


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Issuer(ThreadingHTTPServer):
    """What it has been told and has given out."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.keys = {
            name: RSAKey.generate_key(2048, {"kid": name, "use": "sig"}) for name in ("first", "second", "its own")
        }
        self.published = ["first"]
        self.codes: dict[str, dict[str, str]] = {}
        self.behaviour: dict[str, Any] = {}
        self.log: list[str] = []

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": "person-1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": "ann@example.org",
            "email_verified": True,
            "preferred_username": "ann",
        }
        claims |= self.behaviour.get("claims", {})
        claims = {name: value for name, value in claims.items() if value is not None}
        algorithm = self.behaviour.get("algorithm", "RS256")
        name = self.behaviour.get("key", "first")
        if algorithm in ("none", "HS256"):  # by hand: a good library does neither
            parts = [json.dumps(each).encode() for each in ({"alg": algorithm, "kid": "first"}, claims)]
            signed = ".".join(unpadded(each) for each in parts)
            # With what everybody knows: the public key.
            known = self.keys["first"].as_pem(private=False)
            signature = hmac.digest(known, signed.encode(), "sha256") if algorithm == "HS256" else b""
            return f"{signed}.{unpadded(signature)}"
        header = {"alg": "RS256", "kid": self.behaviour.get("kid", name)}
        if "jwk" in self.behaviour:
            header["jwk"] = self.keys[name].as_dict(private=False)
        return jwt.encode(header, claims, self.keys[name])


@contextmanager
def running_issuer() -> Iterator[str]:
    """The address of an issuer that runs in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.team.access.issuer"],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


class Answers(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.log.append(parts.path)
        url = self.server.url
        if parts.path == "/.well-known/openid-configuration":
            found = {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": f"{url}/token",
                "jwks_uri": f"{url}/keys",
            }
            self.say(found | self.server.behaviour.get("metadata", {}))
        elif parts.path == "/keys":
            self.say({"keys": [self.server.keys[each].as_dict(private=False) for each in self.server.published]})
        elif parts.path == "/authorize":
            assert asked["client_id"] == CLIENT
            assert asked["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe(8)
            self.server.codes[code] = asked
            answer = {"code": code, "state": asked["state"]} | self.server.behaviour.get("answer", {})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(answer)}")
            self.end_headers()
        elif parts.path == "/log":
            self.say({"log": self.server.log})
        else:
            self.say({}, 404)

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/behave":
            told = json.loads(data)
            self.server.published = told.pop("published", self.server.published)
            self.server.behaviour = told
            self.say({})
            return
        given = {name: values[0] for name, values in parse_qs(data).items()}
        asked = self.server.codes.pop(given.get("code", ""), None)  # each code is good once
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = unpadded(digest)
        pair = base64.b64encode(f"{CLIENT}:{quote_plus(SECRET)}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {pair}":
            self.say({"error": "invalid_client"}, 401)
        elif asked is None or asked["code_challenge"] != challenge or given["redirect_uri"] != asked["redirect_uri"]:
            self.say({"error": "invalid_grant"}, 400)
        else:
            self.say({"access_token": "x", "token_type": "Bearer", "id_token": self.server.id_token(asked)})

    def say(self, content: Any, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is written."""


def main() -> None:
    issuer = Issuer()
    print(issuer.url, flush=True)

    def follow() -> None:
        while os.read(0, 1):
            pass
        os._exit(0)

    threading.Thread(target=follow, daemon=True).start()
    issuer.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
