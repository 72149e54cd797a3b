"""Submitted runs of a script."""

from milepost.sdk.runs.script_run import ScriptRun

__all__ = [
    "ScriptRun",
]
