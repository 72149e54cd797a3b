"""What to submit."""

from milepost.sdk.later import ScriptRunConfig

__all__ = [
    "ScriptRunConfig",
]
