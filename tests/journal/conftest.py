"""Small segments, so that a test changes them often."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from milepost.journal import writer as journal_writer

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def sizes(first: int = 2048, largest: int = 4096, round_to: int = 512) -> Iterator[None]:
    """Segments of other sizes than those that a training script gets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal_writer, "FIRST_SEGMENT", first)
        patch.setattr(journal_writer, "LARGEST_SEGMENT", largest)
        patch.setattr(journal_writer, "ROUND_TO", round_to)
        yield


@pytest.fixture
def small_segments() -> Iterator[None]:
    with sizes():
        yield
