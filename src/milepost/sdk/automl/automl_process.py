"""The process of an automated ML run: tries pipelines, and records each as a child run."""

from __future__ import annotations

import json
import math
import os
import pickle
import sys
import tempfile
import time
import warnings
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.automl.automl_submission import SETTINGS
from milepost.sdk.runs.run import Run

if TYPE_CHECKING:
    from milepost.automl.outcome import Outcome
    from milepost.automl.settings import Settings

MODEL: Final = "outputs/model.pkl"
"""The fitted pipeline of a child run."""
PACKAGES: Final = (
    "milepost",
    "flaml",
    "lightgbm",
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "xgboost",
    "xgboost-cpu",
)
"""What a model needs to be loaded, where it was made with them."""
_LEGEND: Final = (
    ("ITERATION", "The iteration being evaluated."),
    ("PIPELINE", "A summary description of the pipeline being evaluated."),
    ("DURATION", "Time taken for the current iteration."),
    ("METRIC", "The result of computing score on the fitted pipeline."),
    ("BEST", "The best observed score thus far."),
)


def main() -> None:
    """Do the run that this process belongs to."""
    asked = json.loads(Path(SETTINGS).read_text())
    run = Run.get_context(allow_offline=False)
    assert isinstance(run, Run)
    from milepost.automl.settings import Settings

    settings = Settings.from_json(asked["settings"])
    recorder = _Recorder(run, settings)
    recorder.begin(asked["notes"])

    import pandas as pd

    from milepost.automl.featurizing import BadData
    from milepost.automl.training import NoModel, train

    training = pd.read_parquet("training_data.parquet")
    held = Path("validation_data.parquet")
    validation = pd.read_parquet(held) if held.is_file() else None
    warnings.simplefilter("ignore")  # of the libraries, about each pipeline
    try:
        train(settings, training, validation, recorder, named=asked["named"])
    except (BadData, NoModel) as error:
        recorder.say(f"\n{error}")
        sys.exit(str(error))
    recorder.end()


class _Recorder:
    """Records what becomes of the iterations: a child run each, and a line of the table."""

    def __init__(self, parent: Run, settings: Settings) -> None:
        from milepost.automl.names import maximized

        self._parent = parent
        self._settings = settings
        self._child: Run | None = None
        self._began = 0.0
        self._sign = 1 if maximized(settings.primary_metric) else -1
        self._best: Outcome | None = None
        self._versions = _versions()

    def begin(self, notes: list[str]) -> None:
        """What comes before the first iteration."""
        for each in notes:
            self.note(each)
        self._parent.set_progress(0, self._settings.iterations)
        line = "*" * 100
        self.say("\n".join(["", line, *(f"{name}: {text}" for name, text in _LEGEND), line, ""]))
        self._row("ITERATION", "PIPELINE", "DURATION", "METRIC", "BEST")

    def begins(self, number: int, algorithm: str, preprocessor: str) -> None:
        """See ``Observer``."""
        self._began = time.monotonic()
        self._child = child = Run._start(
            self._parent.experiment,
            run_id=f"{self._parent.id}_{number}",
            parent_id=self._parent.id,
            display_name=f"{preprocessor} {algorithm}".strip(),
            outputs=os.devnull,
        )
        child.add_properties(
            {
                "runTemplate": "automl_child",
                "iteration": str(number),
                "run_preprocessor": preprocessor,
                "run_algorithm": algorithm,
                "primary_metric": self._settings.primary_metric,
                "training_percent": "100",
                "dependencies_versions": json.dumps(self._versions),
            }
        )

    def ended(self, outcome: Outcome) -> None:
        """See ``Observer``."""
        child, metric = self._child, self._settings.primary_metric
        assert child is not None
        for name, score in outcome.scores.items():
            if math.isfinite(score):
                child.log(name, score)
        for kind, name, content in outcome.charts:
            getattr(child, f"log_{kind}")(name, content)
        texts = {name: _plain(value) for name, value in outcome.parameters.items()}
        # With the algorithm among them, pages have it as a column and as an axis beside the parameters.
        child._say("params", {"set": {"algorithm": outcome.algorithm, **texts}})
        score = outcome.scores[metric]
        properties = {
            "score": repr(score),
            "fit_time": f"{outcome.seconds:.3f}",
            "model_output_path": MODEL,
            "pipeline_spec": json.dumps(
                {"preprocessor": outcome.preprocessor, "algorithm": outcome.algorithm, "parameters": texts}
            ),
        }
        if outcome.members:
            properties["ensembled_iterations"] = json.dumps([number for number, _ in outcome.members])
            properties["ensemble_weights"] = json.dumps([weight for _, weight in outcome.members])
        child.add_properties(properties)
        with tempfile.TemporaryFile() as file:
            pickle.dump(outcome.model, file)
            file.seek(0)
            child.upload_file(MODEL, file)
        child.complete()
        if math.isfinite(score) and (self._best is None or self._sign * (score - self._best.scores[metric]) > 0):
            self._best = outcome
        self._told(outcome.number, outcome.preprocessor, outcome.algorithm, score)

    def failed(self, number: int, algorithm: str, error: BaseException) -> None:
        """See ``Observer``."""
        assert self._child is not None
        self._child.fail(error)
        self._told(number, "", algorithm, math.nan)
        self.say(f"{'':13}{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")

    def note(self, message: str) -> None:
        """See ``Observer``."""
        self.say(f"NOTE: {message}.")

    def end(self) -> None:
        """Say which iteration is the best, on the parent."""
        best = self._best
        if best is None:
            return
        self._parent.tag("automl_best_child_run_id", f"{self._parent.id}_{best.number}")
        self._parent.set_tags(
            {
                "best_pipeline": f"{best.preprocessor} {best.algorithm}".strip(),
                "best_score": repr(best.scores[self._settings.primary_metric]),
            }
        )
        for name, score in best.scores.items():
            if math.isfinite(score):
                self._parent.log(name, score)
        self._parent.flush()

    def say(self, text: str) -> None:
        """Into the run's log."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def _told(self, number: int, preprocessor: str, algorithm: str, score: float) -> None:
        took = int(time.monotonic() - self._began)
        best = math.nan if self._best is None else self._best.scores[self._settings.primary_metric]
        duration = f"{took // 3600}:{took // 60 % 60:02}:{took % 60:02}"
        self._row(str(number), f"{preprocessor} {algorithm}".strip(), duration, f"{score:.4f}", f"{best:.4f}")
        self._parent.set_progress(min(number + 1, self._settings.iterations), self._settings.iterations)

    def _row(self, number: str, pipeline: str, duration: str, metric: str, best: str) -> None:
        self.say(f"{number:>10}   {pipeline:<46}{duration:<9}{metric:>12}{best:>10}")


def _plain(value: Any) -> str:
    item = getattr(value, "item", None)
    found = item() if callable(item) else value
    return f"{found:.6g}" if isinstance(found, float) else str(found)


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
