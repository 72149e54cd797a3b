"""The notebook widget."""

from milepost.widgets import RunDetails

__all__ = [
    "RunDetails",
]
