"""How long what is asked for may be."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

MAX_NAME: Final = 2048
"""Characters of a name: of a run, an experiment, a metric, a file, a tag."""
MAX_TEXT: Final = 20_000
"""Characters of a description or of a tag's value."""
MAX_TAGS: Final = 100
MAX_RUNS: Final = 1000
"""Runs that one action is for."""

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Tags = Annotated[dict[Name, Text | None], Field(max_length=MAX_TAGS)]
"""key -> value; None for a tag without a value."""
TagNames = Annotated[list[Name], Field(max_length=MAX_TAGS)]
