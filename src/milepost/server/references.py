"""What a metric says where its file is."""

from __future__ import annotations

from typing import Any, Final

_SCHEME: Final = "aml://artifactId/ExperimentRun/dcid."


def artifact_of(reference: Any, run_id: str) -> str | None:
    """The name of the run's file that a reference (``aml://artifactId/ExperimentRun/dcid.RUN/NAME``) means.

    None where it is no reference, or one to another run.
    """
    begin = f"{_SCHEME}{run_id}/"
    if not isinstance(reference, str) or not reference.startswith(begin):
        return None
    return reference[len(begin) :] or None
