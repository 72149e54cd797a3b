"""The notebook widget: a run, live, where it was submitted."""

from __future__ import annotations

from milepost.widgets.run_details import RunDetails

__all__ = ["RunDetails"]
