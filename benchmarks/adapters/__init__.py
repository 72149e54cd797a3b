"""One module for each tool: how it logs a float, and how another process reads what was logged.

Every module has
- ``IMPORT``: the statement that a script begins with;
- ``CALL``: the source of one call that logs one float (``BATCH`` floats where the tool has a call for many).  It is
  compiled into the measuring loop, so that no wrapper is measured with it.  It may use ``i`` (the point's number),
  ``value`` (the float, or the list of floats) and what ``Recording.scope`` holds;
- ``BATCH``: how many floats one call takes;
- ``start(folder, name)``: begin a run that is kept under ``folder``, and give its ``Recording``;
- ``values(folder, run_id)``: all floats of the metric ``loss``, in order, read with the tool's own means;
- ``DISTRIBUTION``: the package whose version is reported.
and, for what only some are asked to do,
- ``join(folder, run_id)``: log to a run that another process began;
- ``settle(recording)``: have what the first values set off in the background behind us.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


@dataclass
class Recording:
    """A run that is being recorded."""

    id: str
    scope: dict[str, Any]
    """The names that ``CALL`` uses."""
    finish: Callable[[], None]
    """End the run as a script does."""
    facts: dict[str, Any] = field(default_factory=dict)


def load(tool: str) -> ModuleType:
    """The adapter of a tool; its package is imported by then."""
    return importlib.import_module(f"adapters.{tool}")
