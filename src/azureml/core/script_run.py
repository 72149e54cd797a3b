"""Submitted runs of a script."""

from milepost.sdk.script_run import ScriptRun

__all__ = [
    "ScriptRun",
]
