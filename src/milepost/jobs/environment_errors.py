"""The one error that the building of environments raises."""

from __future__ import annotations


class EnvironmentFailed(Exception):
    """A run's environment cannot be had.  The message says what is wrong with what, and what to do."""
