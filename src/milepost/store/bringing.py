"""Copy contents from one blob store into another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milepost.store.errors import StoreDamaged
from milepost.store.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milepost.store.blobs import Blobs


def bring(source: Blobs, target: Blobs, sizes: Mapping[str, int]) -> dict[str, int]:
    """Store those of these contents (digest -> bytes) that the target lacks; gives which it were, with their sizes.

    Raises NotFound where the source lacks one, StoreDamaged where it is not what its digest says; the store's errors.
    """
    missing = {digest: sizes[digest] for digest in target.keep_all(sizes)}

    def copy(digest: str) -> None:
        with source.open(digest) as stream:
            blob = target.put_stream(stream)
        if blob.digest != digest:
            raise StoreDamaged(f"the content {digest} in {source.address} is damaged: restore it from a backup")

    together(copy, sorted(missing), min(source.threads, target.threads))
    return missing
