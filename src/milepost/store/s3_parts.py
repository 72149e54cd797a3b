"""What S3, and what speaks like it, offers for contents that come in parts: its multipart uploads.

The requests are botocore's (``milepost[server]``); where it is not installed there are none, and parts go through the
server.  Endpoint and region are taken from an address that obstore signs, so both speak with the same place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from milepost.store.errors import Conflict, NotFound, StoreUnavailable
from milepost.store.object_uploads import Place, signed
from milepost.store.together import together

if TYPE_CHECKING:
    from milepost.store.object_blobs import ObjectBlobs

_ONE_COPY: Final = 5 << 30
"""S3 copies so many bytes at once; larger objects part by part."""
_COPIED: Final = 1 << 30
_AT_ONCE: Final = 8


class S3Parts:
    """``DirectParts`` of a bucket."""

    def __init__(self, blobs: ObjectBlobs) -> None:
        self._blobs = blobs
        self._lock = threading.Lock()
        self._made: Any = None

    def start(self, key: str) -> str:
        """See ``DirectParts``."""
        with self._explained() as client:
            return str(client.create_multipart_upload(**self._at(key))["UploadId"])

    def parts(self, place: Place) -> Mapping[int, int] | None:
        """See ``DirectParts``."""
        try:
            return {each["PartNumber"]: each["Size"] for each in self._listed(place)}
        except NotFound:
            return None

    def url(self, place: Place, number: int, length: int, life_s: float) -> str:
        """See ``DirectParts``.  The length is signed, too: nobody sends more than they have announced."""
        with self._explained() as client:
            return str(
                client.generate_presigned_url(
                    "upload_part",
                    Params={
                        **self._at(place.key),
                        "UploadId": place.ticket,
                        "PartNumber": number,
                        "ContentLength": length,
                    },
                    ExpiresIn=int(life_s),
                )
            )

    def join(self, place: Place, numbers: Iterable[int]) -> None:
        """See ``DirectParts``.  Afterwards no address of a part is good for anything."""
        tags = {each["PartNumber"]: each["ETag"] for each in self._listed(place)}
        parts = [{"PartNumber": number, "ETag": tags[number]} for number in numbers]
        with self._explained() as client:
            client.complete_multipart_upload(
                **self._at(place.key), UploadId=place.ticket, MultipartUpload={"Parts": parts}
            )

    def copy(self, source: str, target: str, etag: str, size: int) -> None:
        """See ``DirectParts``."""
        self._copy(source, target, size, {"CopySourceIfMatch": etag})

    def renew(self, key: str, size: int) -> None:
        """See ``DirectParts``.  S3 copies an object onto itself where something about it is said anew."""
        self._copy(key, key, size, {}, {"MetadataDirective": "REPLACE"})

    def _copy(
        self, source: str, target: str, size: int, condition: dict[str, str], at_once: Mapping[str, str] | None = None
    ) -> None:
        """``at_once``: what is said beside when it goes in one request."""
        of = {"CopySource": self._at(source), **condition}
        if size <= _ONE_COPY:
            with self._explained() as client:
                client.copy_object(**self._at(target), **of, **(at_once or {}))
            return
        place = Place(target, self.start(target))
        starts = [*range(0, size, _COPIED)]

        def copy(number: int) -> None:
            start = starts[number - 1]
            last = min(start + _COPIED, size) - 1
            with self._explained() as client:
                client.upload_part_copy(
                    **self._at(target),
                    **of,
                    UploadId=place.ticket,
                    PartNumber=number,
                    CopySourceRange=f"bytes={start}-{last}",
                )

        numbers = range(1, len(starts) + 1)
        try:
            together(copy, numbers, _AT_ONCE)
            self.join(place, numbers)
        except BaseException:
            self.abort(place)
            raise

    def abort(self, place: Place) -> None:
        """See ``DirectParts``."""
        try:
            with self._explained() as client:
                client.abort_multipart_upload(**self._at(place.key), UploadId=place.ticket)
        except NotFound:
            return

    def _listed(self, place: Place) -> Iterator[Mapping[str, Any]]:
        with self._explained() as client:
            pages = client.get_paginator("list_parts").paginate(**self._at(place.key), UploadId=place.ticket)
            for page in pages:
                yield from page.get("Parts", [])

    def _at(self, key: str) -> dict[str, str]:
        bucket, prefix = self._blobs.bucket, self._blobs.prefix
        return {"Bucket": bucket, "Key": f"{prefix}/{key}" if prefix else key}

    @contextmanager
    def _explained(self) -> Iterator[Any]:
        """The client, with its errors turned into the store's."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield self._client()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in ("NoSuchUpload", "NoSuchKey", "404"):
                raise NotFound(f"{self._blobs.address} knows no such upload ({code})") from error
            if code in ("PreconditionFailed", "412"):
                raise Conflict("it is another object") from error
            raise self._unavailable(code) from error
        except BotoCoreError as error:
            raise self._unavailable(type(error).__name__) from error

    def _unavailable(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"{self._blobs.address} cannot be used just now ({what[:80]}): try again later")

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = _client_of(self._blobs)
            return self._made


def s3_parts(blobs: ObjectBlobs) -> S3Parts | None:
    """The bucket's multipart uploads, where they can be asked for."""
    if find_spec("botocore") is None or signed(blobs, "GET", "x", 60.0) is None:
        return None
    return S3Parts(blobs)


def _client_of(blobs: ObjectBlobs) -> Any:
    from botocore.config import Config
    from botocore.session import Session

    address = urlsplit(signed(blobs, "GET", "x", 60.0) or "")
    scope = parse_qs(address.query).get("X-Amz-Credential", [""])[0].split("/")
    region = scope[2] if len(scope) > 2 else "us-east-1"
    is_path = unquote(address.path).startswith(f"/{blobs.bucket}/")
    host = address.netloc if is_path else address.netloc.removeprefix(f"{blobs.bucket}.")
    keys = blobs.settings
    given = {
        "aws_access_key_id": keys.get("access_key_id"),
        "aws_secret_access_key": keys.get("secret_access_key"),
        "aws_session_token": keys.get("token") or keys.get("session_token"),
    }
    return Session().create_client(
        "s3",
        endpoint_url=f"{address.scheme}://{host}",
        region_name=region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if is_path else "virtual"},
            # Other stores that speak like S3 do not know what newer versions add by themselves.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=10,
            read_timeout=120,
            retries={"max_attempts": 5, "mode": "standard"},
            max_pool_connections=32,
        ),
        **{name: value for name, value in given.items() if value},
    )
