"""Which files of a user a browser may be shown, and as what."""

from __future__ import annotations

import re
from typing import Final

SAFE_IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"})
"""Images that are pixels and nothing else; SVG is a document."""
PDF: Final = "application/pdf"
TEXT: Final = "text/plain; charset=utf-8"

# What is text and may be looked at as such.  HTML, SVG and XML are left out though text/plain would not run them:
# they are the ones that every mistake elsewhere would turn into a page of ours.
_TEXTS: Final = frozenset(
    {
        "application/json",
        "application/jsonl",
        "application/toml",
        "application/x-ipynb+json",
        "application/x-sh",
        "application/yaml",
    }
)
_MARKUP: Final = re.compile(r"html|xml|svg|xsl|mathml|javascript|ecmascript|\bvtt\b", re.IGNORECASE)


def shown_type(content_type: str) -> str | None:
    """The type under which a browser may show a file of that kind; None where it may only be downloaded."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in SAFE_IMAGES or kind == PDF:
        return kind
    if kind in _TEXTS or (kind.startswith("text/") and not _MARKUP.search(kind)):
        return TEXT
    return None
