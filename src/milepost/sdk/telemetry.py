"""``azureml.telemetry``, as far as scripts call it."""

from __future__ import annotations


def set_diagnostics_collection(send_diagnostics: bool = True, verbosity: int = 20) -> None:
    """Do nothing: Milepost collects no diagnostics and sends nothing to anybody, whatever the arguments say."""
