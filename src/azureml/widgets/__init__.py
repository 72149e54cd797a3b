"""The notebook widget."""

from milepost.sdk.later import RunDetails

__all__ = [
    "RunDetails",
]
