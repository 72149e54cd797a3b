"""The run of a sweep: its trials are its children."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from milepost.sdk import links
from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.recording.recorder import translated
from milepost.sdk.runs.run import Run
from milepost.sdk.sweeps.hyperdrive_config import HyperDriveConfig
from milepost.sdk.sweeps.sweep_submission import DOCUMENT, TAG
from milepost.store.status import CANCELED, FAILED, SWEEP

if TYPE_CHECKING:
    from milepost.sdk.workspaces.experiment import Experiment
    from milepost.store.records import RunRecord

_RANKED = tuple[str, "float | None", "RunRecord"]


class HyperDriveRun(Run):
    """A sweep that was submitted with ``Experiment.submit(HyperDriveConfig(...))``, or is there already."""

    RUN_TYPE = SWEEP
    HYPER_DRIVE_RUN_USER_AGENT = "sdk_run_hyper_drive"

    def __init__(
        self, experiment: Experiment, run_id: str, hyperdrive_config: HyperDriveConfig | None = None, **kwargs: Any
    ) -> None:
        super().__init__(experiment, run_id, **kwargs)
        self._config = hyperdrive_config

    @classmethod
    def _known(
        cls, experiment: Experiment, run_id: str, hyperdrive_config: HyperDriveConfig | None = None
    ) -> HyperDriveRun:
        """A run that is there, or will be as soon as what this process said has arrived."""
        run = cls.__new__(cls)
        run._setup(experiment, run_id, None, is_new=False)
        run._config = hyperdrive_config
        return run

    @property
    def hyperdrive_config(self) -> HyperDriveConfig:
        """What was asked for.  Of a sweep that another process submitted it has no ``run_config`` and ``estimator``."""
        if self._config is None:
            document = self._document(DOCUMENT)
            if document is None:
                raise UserErrorException(f"Run {self._id} is no sweep: nothing is kept of what it was to do.")
            self._config = HyperDriveConfig._kept(document)
        return self._config

    @classmethod
    def get_docs_url(cls) -> str:
        """The address of the SDK's own page on sweeps."""
        return links.docs_url("azureml.train.hyperdrive.HyperDriveRun")

    # -- its trials --------------------------------------------------------------------------------------------

    def get_best_run_by_primary_metric(
        self, include_failed: bool = True, include_canceled: bool = True, include_resume_from_runs: bool = True
    ) -> Run | None:
        """The trial that reported the best value of the primary metric; None where none has reported any.

        ``include_resume_from_runs``: trials of the sweeps that this one resumed from count, too.
        """
        left_out = {
            *(() if include_failed else (FAILED,)),
            *(() if include_canceled else (CANCELED,)),
        }
        ranked = self._ranked([self._id, *(self._resumed_from() if include_resume_from_runs else ())])
        best = next((run for _, value, run in ranked if value is not None and run.status not in left_out), None)
        return None if best is None else Run.get(self._experiment.workspace, best.run_id)

    def get_children_sorted_by_primary_metric(
        self, top: int = 0, reverse: bool = False, discard_no_metric: bool = False
    ) -> list[dict[str, Any]]:
        """The trials, best first: ``{"run_id", "hyperparameters", "best_primary_metric", "status"}`` each.

        ``top``: so many of them, 0 for all.  ``reverse``: worst first.  Those without the metric come last, or not at
        all with ``discard_no_metric``.  ``hyperparameters`` is JSON.
        """
        if isinstance(top, bool) or not isinstance(top, int) or top < 0:
            raise UserErrorException(f"top is a number of trials, or 0 for all, not {top!r:.80}.")
        ranked = self._ranked([self._id])
        measured = [each for each in ranked if each[1] is not None]
        others = [] if discard_no_metric else [each for each in ranked if each[1] is None]
        found = [
            {
                "run_id": run_id,
                "hyperparameters": run.tags.get(TAG),
                "best_primary_metric": value,
                "status": run.status,
            }
            for run_id, value, run in [*(reversed(measured) if reverse else measured), *others]
        ]
        return found[:top] if top else found

    def get_hyperparameters(self) -> dict[str, str | None]:
        """The parameters of every trial: run id -> JSON of a dict."""
        return {run.run_id: run.tags[TAG] for run in self._children([self._id]) if TAG in run.tags}

    def get_metrics(self) -> dict[str, dict[str, Any]]:  # type: ignore[override]
        """The metrics of all trials: run id -> metric -> value."""
        store = self._recorder.fresh()
        with translated():
            return store.metric_values_many([run.run_id for run in self._children([self._id])])

    def _children(self, parents: list[str]) -> list[RunRecord]:
        """The trials of these sweeps, in the order in which they were decided."""
        from milepost.store.records import RunQuery

        store = self._recorder.fresh()
        found = []
        with translated():
            for parent in parents:
                runs = store.all_runs(RunQuery(parent_id=parent, archived=None))
                found += sorted((each for each in runs), key=_trial_number)
        return found

    def _ranked(self, parents: list[str]) -> list[_RANKED]:
        """All trials with their best values, best first, those without one last."""
        metric = self._primary_metric()
        runs = self._children(parents)
        with translated():
            summaries = self._recorder.open_store().metric_summaries([run.run_id for run in runs], [metric["name"]])
        maximize = metric["goal"] == "maximize"
        best = {each.run_id: each.max if maximize else each.min for each in summaries}
        sign = -1 if maximize else 1
        ranked = [(run.run_id, best.get(run.run_id), run) for run in runs]
        return sorted(ranked, key=lambda each: (each[1] is None, 0.0 if each[1] is None else sign * each[1]))

    def _primary_metric(self) -> dict[str, str]:
        if self._config is not None:
            return self._config._primary_metric_config
        try:
            found: dict[str, str] = json.loads(self.properties["primary_metric_config"])
        except (KeyError, ValueError):
            raise UserErrorException(f"Run {self._id} is no sweep: it has no primary metric.") from None
        return found

    def _resumed_from(self) -> list[str]:
        return list(json.loads(self.properties.get("resume_from") or "null") or ())

    # -- its end -----------------------------------------------------------------------------------------------

    def cancel(self) -> bool:  # type: ignore[override]
        """End the sweep and all its trials as Canceled; gives True."""
        super().cancel()
        return True

    def fail(self) -> None:  # type: ignore[override]
        """End the sweep as Failed, and all its trials as Canceled."""
        super().fail()

    def get_diagnostics(self) -> dict[str, Any]:
        """What is known of why the sweep is as it is: its status, with the error or the warnings."""
        return self.get_detailed_status()


def _trial_number(run: RunRecord) -> tuple[int, int]:
    number = run.run_id.rpartition("_")[2]
    return (int(number) if number.isdigit() else 0, run.number)


Run.add_type_provider(SWEEP, lambda experiment, record: HyperDriveRun._known(experiment, record.run_id))
