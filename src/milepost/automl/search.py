"""FLAML's search, one iteration after the other, each told to an observer with its model."""

from __future__ import annotations

import math
import time
from typing import Any, Final

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer

from milepost.automl.data import Prepared
from milepost.automl.featurizing import PREPROCESSOR
from milepost.automl.flaml_import import flaml
from milepost.automl.labelled import Labelled
from milepost.automl.names import CLASSIFICATION, learners_of, maximized
from milepost.automl.outcome import Observer, Outcome
from milepost.automl.scores import Judged, mean_of

_FIRST: Final = 20
"""So many iterations are always done before the search is stopped for want of progress, as the SDK does."""
KEPT: Final = 20
"""The best so many pipelines are kept for the ensembles; all of them would fill the memory."""


class _Enough(BaseException):
    """The search is over; not an error, and nothing may catch it on the way."""


class IterationTimeout(Exception):
    """An iteration took longer than it may."""


class Search:
    """One search; ``outcomes`` has the best that came of it."""

    def __init__(self, data: Prepared, observer: Observer, began: float) -> None:
        self.data = data
        self.settings = data.settings
        self.observer = observer
        self.outcomes: list[Outcome] = []
        self.first_error: BaseException | None = None
        self.stopped_because = "all iterations are done"
        self._began = began
        self._number = -1
        self._folds: list[Judged] = []
        self._error: BaseException | None = None
        self._current: Any = None
        self._trial_began = began
        self._best = math.nan
        self._best_at = 0
        self._maximize = maximized(self.settings.primary_metric)
        self._preprocessor = PREPROCESSOR if self.settings.featurizing.automatic else ""

    def run(self) -> list[Outcome]:
        """Search until there is a reason to stop; gives the best iterations."""
        settings, data = self.settings, self.data
        automl = flaml().AutoML()
        learners = learners_of(settings.task, settings.algorithms)
        kinds = "classification" if settings.task == CLASSIFICATION else "regression"
        for learner, algorithm in learners.items():
            automl.add_learner(learner, self._observed(learner, algorithm, kinds))
        judged: dict[str, Any]
        if data.validation is not None:
            judged = {"eval_method": "holdout", "X_val": data.validation[0], "y_val": data.validation[1]}
        else:
            folds = data.splitter.get_n_splits(data.features, data.target)
            judged = {"eval_method": "cv", "split_type": data.splitter, "n_splits": folds}
        try:
            automl.fit(
                data.features,
                data.target,
                task=kinds,
                metric=self._judged,
                estimator_list=list(learners),
                # One more than wanted: a single one would not be judged at all.
                max_iter=settings.iterations + 1,
                time_budget=-1 if settings.timeout_s is None else settings.timeout_s,
                train_time_limit=settings.iteration_timeout_s,
                cv_score_agg_func=self._all_folds,
                sample=False,
                auto_augment=False,
                skip_transform=True,
                retrain_full=False,
                n_jobs=settings.cores,
                seed=settings.seed,
                verbose=0,
                # Each algorithm in turn, beginning with what FLAML has found good for data like these: few iterations
                # would else go to the cheapest one alone.
                starting_points="data",
                learner_selector="roundrobin",
                **judged,
            )
        except _Enough as reason:
            self.stopped_because = str(reason)
        return self.outcomes

    # -- what FLAML calls --------------------------------------------------------------------------------------

    def _observed(self, learner: str, algorithm: str, kinds: str) -> type:
        """FLAML's learner, which tells this search when it is fitted and keeps what goes wrong."""
        from flaml.automl.task.factory import task_factory

        base = task_factory(kinds).estimator_class_from_str(learner)
        search = self

        def fit(model: Any, features: Any, target: Any, budget: float | None = None, **keywords: Any) -> float:
            if "is_retrain" in keywords:  # it has ended by itself, and would fit its choice once more
                raise _Enough("FLAML has nothing more to try")
            if search._current is not model:
                search._begin(model, algorithm)
            if search._error is None:
                try:
                    return float(base.fit(model, features, target, budget=budget, **keywords))
                except Exception as error:  # whatever a library raises: it is this iteration's end alone
                    search._error = error
            return 0.0

        return type(f"Observed{base.__name__}", (base,), {"fit": fit, "algorithm": algorithm, "learner": learner})

    def _begin(self, model: Any, algorithm: str) -> None:
        self._number += 1
        self._current, self._folds, self._error = model, [], None
        self._trial_began = time.monotonic()
        self.observer.begins(self._number, algorithm, self._preprocessor)

    def _judged(self, features: Any, target: Any, model: Any, *_more: Any) -> tuple[float, dict[str, float]]:
        """FLAML's metric: the loss of one fold."""
        if self._error is None and isinstance(model.model, (DummyClassifier, DummyRegressor)):
            self._error = IterationTimeout(
                "It took longer than iteration_timeout_minutes, or more memory than there is."
            )
        if self._error is None:
            try:
                said = model.predict_proba(features) if self.data.classes else model.predict(features)
                if not np.isfinite(said).all():
                    raise ValueError("the model predicts what is no number")
                self._folds.append(Judged(np.asarray(target), np.asarray(said, dtype=float)))
            except Exception as error:
                self._error = error
        loss = math.inf
        if self._error is None:
            score = self.data.score(self._folds[-1])
            loss = -score if self._maximize else score
        if self.data.validation is not None:
            self._end(model)
        return (loss if math.isfinite(loss) else math.inf), {}

    def _all_folds(self, losses: list[float], _logged: Any) -> tuple[float, dict[str, float]]:
        """FLAML's way from the losses of the folds to that of the whole, called when a pipeline was tried."""
        self._end(self._current)
        return sum(losses) / len(losses), {}

    # -- the end of an iteration -------------------------------------------------------------------------------

    def _end(self, model: Any) -> None:
        error = self._error
        if error is None:
            try:
                self._keep(model)
            except Exception as trouble:
                error = trouble
        if error is not None:
            self.first_error = self.first_error or error
            self.observer.failed(self._number, model.algorithm, error)
        self._stop_if_enough()

    def _keep(self, model: Any) -> None:
        data = self.data
        folds = self._folds
        scores = mean_of([data.judge(each) for each in folds])
        fitted = final_model(model, data)
        outcome = Outcome(
            number=self._number,
            algorithm=model.algorithm,
            preprocessor=self._preprocessor,
            parameters={name: value for name, value in model.params.items() if _is_told(name, value)},
            scores=scores,
            charts=data.draw(folds),
            model=fitted,
            folds=folds,
            seconds=time.monotonic() - self._trial_began,
        )
        self._add(outcome)
        score = scores[self.settings.primary_metric]
        better = score > self._best if self._maximize else score < self._best
        if math.isfinite(score) and (better or math.isnan(self._best)):
            self._best, self._best_at = score, self._number
        self.observer.ended(outcome)

    def _add(self, outcome: Outcome) -> None:
        metric = self.settings.primary_metric
        sign = -1 if self._maximize else 1

        def place(each: Outcome) -> tuple[bool, float]:
            score = each.scores[metric]
            return math.isnan(score), sign * score

        self.outcomes = sorted([*self.outcomes, outcome], key=place)[:KEPT]

    @property
    def done(self) -> int:
        """How many iterations there were."""
        return self._number + 1

    def _stop_if_enough(self) -> None:
        settings = self.settings
        done = self.done
        if done >= settings.iterations:
            raise _Enough("all iterations are done")
        if settings.timeout_s is not None and time.monotonic() - self._began >= settings.timeout_s:
            raise _Enough("experiment_timeout_hours is over")
        best = self._best
        if settings.exit_score is not None and not math.isnan(best):
            reached = best >= settings.exit_score if self._maximize else best <= settings.exit_score
            if reached:
                raise _Enough(f"experiment_exit_score is reached: {settings.primary_metric} is {best:g}")
        window = settings.early_stopping_n_iters
        if settings.early_stopping and done >= _FIRST and self._number - self._best_at >= window:
            raise _Enough(f"the last {window} iterations brought nothing better (enable_early_stopping)")


def final_model(model: Any, data: Prepared) -> Any:
    """The pipeline of a judged learner, fitted on all training data: from raw columns to the answers as they came."""
    bare = clone(model.model)
    if type(bare).__module__.startswith("xgboost"):
        # XGBoost takes classes as numbers from 0 alone.
        bare = Labelled(bare) if data.classes else bare
    if model.learner == "sgd":
        bare = Pipeline([("normalize", Normalizer()), ("sgd", bare)])  # as FLAML's learner does within
    bare.fit(data.features, data.answers)
    return Pipeline([("featurize", data.featurizer), (model.algorithm, bare)])


def _is_told(name: str, value: Any) -> bool:
    """Whether a parameter says something of the pipeline, and not of how it is run."""
    return name not in ("n_jobs", "verbose", "verbosity", "random_state") and isinstance(value, (int, float, str, bool))
