"""Whoever does not send what they have begun is not waited for, and is told so."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from milepost.server.team import bodies
from tests.team.access.conftest import API, IN_TEST

if TYPE_CHECKING:
    from tests.team.access.conftest import Team


@pytest.mark.parametrize(
    ("request_line", "kind"),
    [
        (f"POST {API}/session", "application/json"),
        (f"PUT {IN_TEST}/blobs/{'0' * 64}", "application/octet-stream"),
    ],
)
def test_half_a_body_is_answered(team: Team, request_line: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "JSON_S", 0.2)
    monkeypatch.setattr(bodies, "SILENCE_S", 0.2)
    who = team.member("contributor").token if "blobs" in request_line else None
    authorization = f"Authorization: Bearer {who}\r\n" if who else ""
    at = urlsplit(team.url)
    with socket.create_connection((at.hostname, at.port), timeout=30) as sender:
        head = f"{request_line} HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Type: {kind}\r\n{authorization}"
        sender.sendall(f"{head}Content-Length: 100\r\n\r\nhalf".encode())
        assert sender.recv(1000).startswith(b"HTTP/1.1 408 ")
