"""The list of tests that only `make thorough` runs names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import listed_as_thorough

ROOT = Path(__file__).parents[1]


def test_every_test_of_the_list_is_there() -> None:
    gone = []
    for node in sorted(listed_as_thorough()):
        file, *_classes, function = node.split("[")[0].split("::")
        source = ROOT / file
        if not source.is_file() or not re.search(rf"def {re.escape(function)}\b", source.read_text(encoding="utf-8")):
            gone.append(node)
    assert not gone, "tests/thorough.txt names what is not there (any more)"
