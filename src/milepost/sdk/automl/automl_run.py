"""An automated ML run: its iterations are its children."""

from __future__ import annotations

import json
import math
import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk import links
from milepost.sdk.automl.automl_exceptions import ConfigException, NotFoundException
from milepost.sdk.exceptions import deferred
from milepost.sdk.recording.recorder import translated
from milepost.sdk.runs.run import Run
from milepost.store.status import AUTOML, COMPLETED
from milepost.warning import warn

if TYPE_CHECKING:
    from milepost.sdk.models.model import Model
    from milepost.sdk.workspaces.experiment import Experiment
    from milepost.store.records import RunRecord

MODEL: Final = "outputs/model.pkl"


class AutoMLRun(Run):
    """A run that was submitted with ``Experiment.submit(AutoMLConfig(...))``, or is there already."""

    RUN_TYPE = AUTOML

    def __init__(self, experiment: Experiment, run_id: str, **kwargs: Any) -> None:
        super().__init__(experiment, run_id, **kwargs)

    @classmethod
    def _known(cls, experiment: Experiment, run_id: str) -> AutoMLRun:
        """A run that is there, or will be as soon as what this process said has arrived."""
        run = cls.__new__(cls)
        run._setup(experiment, run_id, None, is_new=False)
        return run

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._id

    @classmethod
    def get_docs_url(cls) -> str:
        """The address of the SDK's own page on these runs."""
        return links.docs_url("azureml.train.automl.run.AutoMLRun")

    # -- what came of it ---------------------------------------------------------------------------------------

    def get_output(
        self,
        iteration: int | None = None,
        metric: str | None = None,
        return_onnx_model: bool = False,
        return_split_onnx_model: Any = None,
        **kwargs: Any,
    ) -> tuple[Run, Any]:
        """The best iteration's run and its fitted pipeline, which predicts from raw columns.

        ``iteration``: that one's; ``metric``: the best by that one.  The pipeline is loaded with pickle: of a workspace
        that others write to it may run what they wish.  Raises NotFoundException where there is none (yet),
        ConfigException for ONNX models.
        """
        if return_onnx_model or return_split_onnx_model is not None:
            raise ConfigException("ONNX models are not in this version of Milepost. Leave return_onnx_model out.")
        _no_more(kwargs)
        run = self._chosen(iteration, metric)
        if MODEL not in run.get_file_names():
            raise NotFoundException(f"Iteration {run.properties.get('iteration')} has no model: it is {run.status}.")
        import pickle

        with tempfile.TemporaryDirectory(prefix="milepost-automl-") as folder:
            path = Path(folder) / "model.pkl"
            run.download_file(MODEL, path)
            with path.open("rb") as file:
                try:
                    return run, pickle.load(file)  # noqa: S301 - said above
                except (ImportError, AttributeError) as error:
                    raise NotFoundException(
                        f"The model of run {run.id} cannot be loaded here: {error}. get_run_sdk_dependencies() tells "
                        "what it was made with."
                    ) from error

    def get_best_child(self, metric: str | None = None, onnx_compatible: bool = False, **kwargs: Any) -> Run:
        """The best iteration's run, by the primary metric or by ``metric``.  Raises NotFoundException."""
        if onnx_compatible:
            raise ConfigException("ONNX models are not in this version of Milepost. Leave onnx_compatible out.")
        _no_more(kwargs)
        return self._chosen(None, metric)

    def get_run_sdk_dependencies(
        self, iteration: int | None = None, check_versions: bool = True, **kwargs: Any
    ) -> dict[str, str]:
        """The packages that the models were made with: name -> version.

        ``check_versions``: warn where other versions are installed here.  Raises NotFoundException.
        """
        _no_more(kwargs)
        record = self._iteration(iteration) if iteration is not None else next(iter(self._iterations()), None)
        if record is None:
            raise NotFoundException(f"Run {self._id} has no iteration yet.")
        versions: dict[str, str] = json.loads(record.properties.get("dependencies_versions") or "{}")
        if check_versions:
            other = [
                f"{name} {version}, here {_here(name)}" for name, version in versions.items() if _here(name) != version
            ]
            if other:
                warn(f"Milepost: the run was made with other versions of packages: {'; '.join(other)}", stacklevel=2)
        return versions

    def summary(self) -> list[list[Any]]:
        """What came of each algorithm: its name, how many iterations, the best score."""
        _, maximize = self._metric(None)
        found: dict[str, list[float]] = {}
        for record in self._iterations():
            score = _score(record)
            found.setdefault(record.properties.get("run_algorithm", ""), []).append(score)
        rows = []
        for name, scores in found.items():
            defined = [each for each in scores if math.isfinite(each)]
            best = (max if maximize else min)(defined) if defined else math.nan
            rows.append([name, len(scores), best])
        return sorted(rows, key=lambda row: (math.isnan(row[2]), -row[2] if maximize else row[2]))

    def register_model(  # type: ignore[override]
        self,
        model_name: str | None = None,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        iteration: int | None = None,
        metric: str | None = None,
    ) -> Model:
        """Register the model of the best iteration, of ``iteration``, or of the best by ``metric``."""
        run = self._chosen(iteration, metric)
        name = model_name or self._id.replace("_", "").replace("-", "")[:32]
        return run.register_model(name, MODEL, tags=tags, description=description)

    # -- its end -----------------------------------------------------------------------------------------------

    def cancel(self) -> bool:  # type: ignore[override]
        """End the run and the iteration that it is at as Canceled; gives True."""
        super().cancel()
        return True

    # -- what Milepost does not have ---------------------------------------------------------------------------

    def cancel_iteration(self, iteration: int) -> None:
        """Not in this version."""
        raise deferred(
            "AutoMLRun.cancel_iteration", "AutoMLConfig(iteration_timeout_minutes=...) bounds each iteration"
        )

    def continue_experiment(self, *args: Any, **kwargs: Any) -> None:
        """Not in this version."""
        raise deferred("AutoMLRun.continue_experiment", "Submit an AutoMLConfig with more iterations")

    def get_guardrails(self, iteration: int | None = None, to_console: bool = True) -> dict[str, Any]:
        """Not in this version."""
        raise deferred("AutoMLRun.get_guardrails", "The run's log says which columns were left out, and why")

    def pause(self) -> None:
        """Not in this version."""
        raise deferred("AutoMLRun.pause", "cancel() ends the run; what it found is kept")

    def resume(self) -> None:
        """Not in this version."""
        raise deferred("AutoMLRun.resume", "Submit an AutoMLConfig again")

    def retry(self) -> None:
        """Not in this version."""
        raise deferred("AutoMLRun.retry", "Submit an AutoMLConfig again")

    # -- how that is found -------------------------------------------------------------------------------------

    def _iterations(self) -> list[RunRecord]:
        """The iterations, in their order."""
        from milepost.store.records import RunQuery

        store = self._recorder.fresh()
        with translated():
            found = list(store.all_runs(RunQuery(parent_id=self._id, archived=None)))
        return sorted((each for each in found if "iteration" in each.properties), key=_number)

    def _iteration(self, iteration: object) -> RunRecord:
        records = self._iterations()
        found = None
        if isinstance(iteration, int) and not isinstance(iteration, bool):
            found = next((each for each in records if _number(each) == iteration), None)
        if found is None:
            raise NotFoundException(
                f"Run {self._id} has no iteration {iteration!r:.40}; it has {len(records)}, from 0 on."
            )
        return found

    def _metric(self, metric: str | None) -> tuple[str, bool]:
        """The name of a metric (the primary one for None), and whether more of it is better."""
        from milepost.automl.names import maximized

        name = metric or self.properties.get("primary_metric")
        if name is None:
            raise ConfigException(f"Run {self._id} is no automated ML run: it has no primary metric.")
        return name, maximized(name)

    def _chosen(self, iteration: int | None, metric: str | None) -> Run:
        workspace = self._experiment.workspace
        if iteration is not None:
            if metric is not None:
                raise ConfigException("Give iteration or metric, not both.")
            return Run.get(workspace, self._iteration(iteration).run_id)
        name, maximize = self._metric(metric)
        records = [each for each in self._iterations() if each.status == COMPLETED]
        with translated():
            summaries = self._recorder.open_store().metric_summaries([each.run_id for each in records], [name])
        values = {each.run_id: each.last for each in summaries}
        sign = -1 if maximize else 1
        scored = [
            (sign * float(value), each) for each in records if isinstance(value := values.get(each.run_id), float)
        ]
        if not scored:
            raise NotFoundException(f"No iteration of run {self._id} has the metric {name!r:.80} (yet).")
        best = min(scored, key=lambda one: one[0])[1]  # of equals the first
        return Run.get(workspace, best.run_id)


def _number(record: RunRecord) -> int:
    return int(record.properties["iteration"])


def _score(record: RunRecord) -> float:
    try:
        return float(record.properties["score"])
    except (KeyError, ValueError):
        return math.nan


def _here(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _no_more(kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise ConfigException(f"There is no argument {next(iter(kwargs))!r}.")


Run.add_type_provider(AUTOML, lambda experiment, record: AutoMLRun._known(experiment, record.run_id))
