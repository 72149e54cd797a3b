"""What cannot be done, and why, in the words of an answer: for routes and for what they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CODES: Final = {
    400: "bad_request",
    401: "no_token",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "conflict",
    413: "too_large",
    415: "wrong_content_type",
    416: "range_not_satisfiable",
    421: "wrong_host",
    422: "bad_parameter",
    429: "too_many_attempts",
    503: "store_unavailable",
}
"""HTTP's status -> a word for programs."""


class Problem(Exception):
    """A request that cannot be done; ``status`` is HTTP's."""

    headers: Mapping[str, str] | None

    def __init__(self, status: int, message: str, *, code: str | None = None, headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.code = code or CODES.get(status, "error")
        self.message = message
        self.headers = headers
