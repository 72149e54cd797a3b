"""The environment that a run was submitted with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.recording.recorder import translated

if TYPE_CHECKING:
    from milepost.sdk.environments.environment import Environment
    from milepost.sdk.recording.recorder import Recorder


class RunEnvironment:
    """The part of ``Run`` that knows its environment."""

    _recorder: Recorder
    _id: str

    def get_environment(self) -> Environment:
        """The environment that the run was submitted with.

        Raises UserErrorException where it has none: an interactive run uses the Python that it was started from.
        """
        return environment_of(self._recorder, self._id)


def environment_of(recorder: Recorder, run_id: str) -> Environment:
    """The environment of a run.  Raises UserErrorException where it has none, ServiceException (404) without a run."""
    from milepost.sdk.environments.environment import Environment

    store = recorder.fresh()
    with translated():
        definition = store.document(run_id, "environment")
    if definition is None:
        raise UserErrorException(
            f"Run {run_id!r} has no environment: it was not submitted, and runs in the Python that its script was "
            "started from. Experiment.submit(ScriptRunConfig(..., environment=...)) gives a run one."
        )
    return Environment._from_definition(definition, f"The environment of run {run_id!r}:")
