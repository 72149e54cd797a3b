"""A submitted run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from milepost.sdk.runs.run import SCRIPT_RUN, Run

if TYPE_CHECKING:
    from milepost.sdk.workspaces.experiment import Experiment


class ScriptRun(Run):
    """The run of a script that was submitted with ``Experiment.submit``.

    ``directory`` is kept for scripts that give it; the run's files are in its snapshot.
    """

    RUN_TYPE = SCRIPT_RUN

    def __init__(self, experiment: Experiment, run_id: str, directory: str | None = None, **kwargs: Any) -> None:
        super().__init__(experiment, run_id, **kwargs)

    @classmethod
    def _known(cls, experiment: Experiment, run_id: str) -> ScriptRun:
        """A run that is there, or will be as soon as what this process said has arrived."""
        run = cls.__new__(cls)
        run._setup(experiment, run_id, None, is_new=False)
        return run


Run.add_type_provider(SCRIPT_RUN, lambda experiment, record: ScriptRun._known(experiment, record.run_id))
