"""Submitted runs of a script."""

from milepost.sdk.later import ScriptRun

__all__ = [
    "ScriptRun",
]
