"""What Azure Blob Storage offers for contents that come in parts: the blocks of a block blob.

Every request is one with a signature for that blob (SAS), which obstore makes from the account's key or from a
delegation key.  A client's signature allows to write to the blob of its upload, and nothing else; that includes putting
another one in its place at any time, so what was looked at is copied on the condition that it is still the same.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from milepost.store.errors import Conflict, NotFound, StoreUnavailable
from milepost.store.object_uploads import Place, signed

if TYPE_CHECKING:
    from milepost.store.object_blobs import ObjectBlobs

_LIFE_S: Final = 3600.0
_BLOCK: Final = re.compile(r"<Block>\s*<Name>([^<]+)</Name>\s*<Size>(\d+)</Size>\s*</Block>")
_PATIENCE_S: Final = 600.0


class AzureParts:
    """``DirectParts`` of a container."""

    def __init__(self, blobs: ObjectBlobs) -> None:
        from milepost.http_pool import pool_for

        self._blobs = blobs
        self._pool = pool_for(self._signed("GET", "x"))

    def start(self, key: str) -> str:
        """Nothing has to begin: a blob's blocks wait for a week until they are named."""
        return ""

    def parts(self, place: Place) -> Mapping[int, int] | None:
        """See ``DirectParts``."""
        url = f"{self._signed('GET', place.key)}&comp=blocklist&blocklisttype=uncommitted"
        try:
            answer = self._ask("GET", url)
        except NotFound:
            return {}  # no part has come
        found = {_number(name): int(size) for name, size in _BLOCK.findall(answer.data.decode())}
        return found or None

    def url(self, place: Place, number: int, length: int, life_s: float) -> str:
        """See ``DirectParts``."""
        return f"{self._signed('PUT', place.key, life_s)}&comp=block&blockid={quote(_name(number), safe='')}"

    def join(self, place: Place, numbers: Iterable[int]) -> None:
        """See ``DirectParts``."""
        names = "".join(f"<Latest>{_name(number)}</Latest>" for number in numbers)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{names}</BlockList>'
        self._ask("PUT", f"{self._signed('PUT', place.key)}&comp=blocklist", body)

    def copy(self, source: str, target: str, etag: str, size: int) -> None:
        """See ``DirectParts``.  Within one account it is done at once, as a rule."""
        url = self._signed("PUT", target)
        headers = {"x-ms-copy-source": self._signed("GET", source), "x-ms-source-if-match": etag}
        answer = self._ask("PUT", url, headers=headers)
        until = time.monotonic() + _PATIENCE_S
        while (status := answer.headers.get("x-ms-copy-status", "success")) == "pending":
            if time.monotonic() > until:
                break
            time.sleep(1.0)
            answer = self._ask("HEAD", self._signed("HEAD", target))
        if status != "success":
            self._blobs._remove(target)
            raise StoreUnavailable(f"{self._blobs.address} could not copy a content ({status}): try again later")

    def renew(self, key: str, size: int) -> None:
        """See ``DirectParts``.  A blob is as new as what is written beside it."""
        headers = {"x-ms-meta-milepost": str(time.time_ns())}
        self._ask("PUT", f"{self._signed('PUT', key)}&comp=metadata", headers=headers)

    def abort(self, place: Place) -> None:
        """Nothing to do: the store forgets blocks that nothing names within a week, and a blob is removed as such."""

    def _signed(self, method: str, key: str, life_s: float = _LIFE_S) -> str:
        url = signed(self._blobs, method, key, life_s)
        if url is None:
            raise StoreUnavailable(f"nothing can be signed for {self._blobs.address} just now; check its credentials")
        return url

    def _ask(self, method: str, url: str, body: str | None = None, headers: Mapping[str, str] | None = None) -> Any:
        from urllib3.exceptions import HTTPError
        from urllib3.util import Retry, Timeout

        retries = Retry(5, redirect=False, status_forcelist=(500, 502, 503), backoff_factor=0.2, allowed_methods=None)
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers={"Content-Length": "0", **(headers or {})} if body is None and method == "PUT" else headers,
                retries=retries,
                timeout=Timeout(connect=10, read=120),
            )
        except HTTPError as error:
            raise StoreUnavailable(
                f"{self._blobs.address} cannot be reached just now ({type(error).__name__}): try again later"
            ) from error
        if answer.status == 404:
            raise NotFound(f"{self._blobs.address} has no such blob")
        if answer.status == 412:
            raise Conflict("it is another object")
        if answer.status >= 300:
            code = str(answer.headers.get("x-ms-error-code") or answer.status)
            raise StoreUnavailable(f"{self._blobs.address} cannot be used just now ({code[:80]}): try again later")
        return answer


def azure_parts(blobs: ObjectBlobs) -> AzureParts | None:
    """The container's blocks, where they can be signed for."""
    return AzureParts(blobs) if signed(blobs, "GET", "x", 60.0) is not None else None


def _name(number: int) -> str:
    """A block's name; all of a blob must have the same length."""
    return base64.b64encode(b"%08d" % number).decode()


def _number(name: str) -> int:
    try:
        return int(base64.b64decode(name))
    except ValueError:
        return 0  # none of ours
