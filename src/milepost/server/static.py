"""The portal's pages: the built files of ``web/``, and its ``index.html`` for every other address.

Only files that are there when the server starts are served, by their exact names: no path is ever put together.

``index.html`` may hold the text ``MILEPOST_CSP_NONCE`` (Vite: ``html: {cspNonce: "MILEPOST_CSP_NONCE"}``): it becomes a
nonce of its own for each answer, and then only styles that carry it are taken.  Without it inline styles are allowed;
inline scripts never are.  ``MILEPOST_PLACE`` becomes ``team`` on a team's server, where pages are of a workspace or of
the server itself, as their address says, and ``portal`` elsewhere; nothing of a request is ever written into a page.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from milepost.server.as_sent import READING
from milepost.server.errors import answer

WEB: Final = Path(__file__).resolve().parent / "web"
NONCE: Final = b"MILEPOST_CSP_NONCE"
PLACE: Final = b"MILEPOST_PLACE"

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' {styles}; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; frame-src 'self'; worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
# A worker takes its policy from its own script: it may ask this server, and nothing else.
_SCRIPT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
_NOT_BUILT: Final = (
    "The portal's pages are not part of this installation. In a checkout of Milepost, build them with: make web. "
    "The API under /api/v1 works without them."
)
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
_SHRINKS: Final = (".js", ".mjs", ".css", ".svg", ".json", ".webmanifest", ".txt")


@dataclass(frozen=True)
class _File:
    body: bytes
    zipped: bytes | None
    content_type: str
    etag: str
    is_lasting: bool
    """Its name holds a digest of its content."""


def is_api(scope: Scope) -> bool:
    """Whether a request is for the API; all others are for pages."""
    path: str = scope["path"]
    return path == "/api" or path.startswith("/api/")


class Pages:
    """Answers all that is not for the API, which ``app`` does.  ``is_team``: these are the pages of a team's server."""

    def __init__(self, app: ASGIApp, folder: Path = WEB, *, is_team: bool = False) -> None:
        self._app = app
        self._files = _read(folder)
        index = self._files.pop("/index.html", None)
        self._index = None if index is None else index.body.replace(PLACE, b"team" if is_team else b"portal")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or is_api(scope):
            await self._app(scope, receive, send)
            return
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        if scope["method"] not in READING:
            return answer(405, "the portal's pages can only be read", headers={"Allow": "GET, HEAD"})
        file = self._files.get(scope["path"])
        if file is not None:
            return _sent(file, Headers(scope=scope))
        if scope["path"].startswith("/assets/"):
            return answer(404, "there is no such file; load the page again, for the portal was updated")
        return self._page()

    def _page(self) -> Response:
        if self._index is None:
            return HTMLResponse(
                f'<!doctype html><html lang="en"><title>Milepost</title><main><h1>Milepost</h1><p>{_NOT_BUILT}</main>',
                503,
            )
        body = self._index
        styles = "'unsafe-inline'"
        if NONCE in body:
            nonce = secrets.token_urlsafe(16)
            body = body.replace(NONCE, nonce.encode())
            styles = f"'nonce-{nonce}'"
        policy = _POLICY.format(styles=styles)
        return HTMLResponse(body, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def _sent(file: _File, headers: Headers) -> Response:
    out = {
        "Cache-Control": "private, max-age=31536000, immutable" if file.is_lasting else "private, no-cache",
        "ETag": file.etag,
        "Vary": "Accept-Encoding",
    }
    if file.content_type.startswith("text/javascript"):
        out["Content-Security-Policy"] = _SCRIPT_POLICY
    if file.etag in [each.strip() for each in headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=out)
    body = file.body
    if file.zipped is not None and "gzip" in headers.get("accept-encoding", ""):
        body = file.zipped
        out["Content-Encoding"] = "gzip"
    return Response(body, headers=out, media_type=file.content_type)


def _read(folder: Path) -> dict[str, _File]:
    if not folder.is_dir():
        return {}
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            body = path.read_bytes()
            zipped = gzip.compress(body, 9, mtime=0) if path.suffix in _SHRINKS and len(body) > 1000 else None
            name = "/" + path.relative_to(folder).as_posix()
            guessed = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
            files[name] = _File(body, zipped, guessed, etag, name.startswith("/assets/"))
    return files
