"""The last two iterations: what the best pipelines say together."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline

from milepost.automl.data import Prepared
from milepost.automl.names import STACK, VOTING, maximized
from milepost.automl.outcome import Outcome
from milepost.automl.scores import Judged, mean_of

_CANDIDATES: Final = 8
"""The best so many pipelines may get in."""
_VOTES: Final = 8
"""So often a pipeline is chosen, perhaps the same again: that makes the weights."""
_STACKED: Final = 5


def votes(outcomes: list[Outcome], data: Prepared) -> list[Outcome]:
    """Pipelines that were chosen greedily by what they say together of unseen rows; one may be there several times.

    Empty where no two pipelines together are better than one.
    """
    score = _scored(data)
    ranked = _ranked(outcomes, score)[:_CANDIDATES]
    chosen: list[Outcome] = []
    best: list[Outcome] = []
    best_score = -math.inf
    for _ in range(_VOTES):
        tried = [(score(_mean([*chosen, each])), -at, each) for at, each in enumerate(ranked)]
        value, _, each = max(tried, key=lambda one: one[:2])
        chosen.append(each)
        if value > best_score:
            best, best_score = list(chosen), value
    return best if len({each.number for each in best}) > 1 else []


def voting(number: int, members: list[Outcome], data: Prepared) -> Outcome:
    """The weighted mean of what pipelines say: the more often one is among ``members``, the more weight it has."""
    began = time.monotonic()
    counts = Counter(each.number for each in members)
    different = list({each.number: each for each in members}.values())
    weights = [counts[each.number] / len(members) for each in different]
    named = [(f"{each.number}_{each.algorithm}", FrozenEstimator(each.model[-1])) for each in different]
    model: Any = (
        VotingClassifier(named, voting="soft", weights=weights)
        if data.classes
        else VotingRegressor(named, weights=weights)
    )
    model.fit(data.features, data.answers)  # the members are fitted and stay as they are
    return _outcome(number, VOTING, model, different, weights, _mean(members), data, began)


def best_of(outcomes: list[Outcome], data: Prepared) -> list[Outcome]:
    """The best pipelines, for a stack; empty where there are not two."""
    found = _ranked(outcomes, _scored(data))[:_STACKED]
    return found if len(found) > 1 else []


def stack(number: int, members: list[Outcome], data: Prepared) -> Outcome:
    """A linear model on what pipelines say of unseen rows."""
    began = time.monotonic()
    folds = _stacked(members, data)
    named = [(f"{each.number}_{each.algorithm}", each.model[-1]) for each in members]
    given = {"cv": _within(data), "n_jobs": data.settings.cores}
    model: Any = (
        StackingClassifier(named, _meta(data), stack_method="predict_proba", **given)
        if data.classes
        else StackingRegressor(named, _meta(data), **given)
    )
    model.fit(data.features, data.answers)
    return _outcome(number, STACK, model, members, [1.0] * len(members), folds, data, began)


def _outcome(
    number: int,
    name: str,
    model: Any,
    members: list[Outcome],
    weights: list[float],
    folds: list[Judged],
    data: Prepared,
    began: float,
) -> Outcome:
    return Outcome(
        number=number,
        algorithm=name,
        preprocessor="",
        parameters={},
        scores=mean_of([data.judge(each) for each in folds]),
        charts=data.draw(folds),
        model=Pipeline([("featurize", data.featurizer), (name, model)]),
        folds=folds,
        seconds=time.monotonic() - began,
        members=tuple((each.number, weight) for each, weight in zip(members, weights, strict=True)),
    )


def _scored(data: Prepared) -> Callable[[list[Judged]], float]:
    """The primary metric of what was said, the greater the better."""
    sign = 1 if maximized(data.settings.primary_metric) else -1

    def score(folds: list[Judged]) -> float:
        found = [data.score(each) for each in folds]
        defined = [each for each in found if math.isfinite(each)]
        return sign * sum(defined) / len(defined) if defined else -math.inf

    return score


def _ranked(outcomes: list[Outcome], score: Callable[[list[Judged]], float]) -> list[Outcome]:
    """The pipelines, best first; of those that say the same of every row the first."""
    found: dict[bytes, Outcome] = {}
    for each in sorted(outcomes, key=lambda one: -score(one.folds)):
        found.setdefault(b"".join(fold.said.tobytes() for fold in each.folds), each)
    return list(found.values())


def _mean(members: list[Outcome]) -> list[Judged]:
    return [
        Judged(parts[0].truth, np.mean([each.said for each in parts], axis=0))
        for parts in zip(*(each.folds for each in members), strict=True)
    ]


def _meta(data: Prepared) -> Any:
    return LogisticRegression(max_iter=1000) if data.classes else RidgeCV(np.logspace(-3, 3, 13))


def _within(data: Prepared) -> Any:
    """The folds in which a stack's members are fitted for its own model."""
    if data.classes:
        smallest = int(np.bincount(data.target).min())
        return StratifiedKFold(max(2, min(5, smallest)), shuffle=True, random_state=data.settings.seed)
    return KFold(min(5, len(data.target)), shuffle=True, random_state=data.settings.seed)


def _stacked(members: list[Outcome], data: Prepared) -> list[Judged]:
    """What the stack says of rows that it had not seen: its model is fitted on the other folds.

    Where there is one fold only, that fold is cut into parts for it.
    """
    parts = [
        (fold[0].truth, np.column_stack([each.said[:, 1:] if each.said.ndim > 1 else each.said for each in fold]))
        for fold in zip(*(each.folds for each in members), strict=True)
    ]
    if len(parts) == 1:
        truth, said = parts[0]
        cut = np.arange(len(truth)) % 5
        parts = [(truth[cut == at], said[cut == at]) for at in range(5)]
    found = []
    for at, (truth, said) in enumerate(parts):
        others = [part for place, part in enumerate(parts) if place != at]
        meta = _meta(data).fit(
            np.concatenate([each[1] for each in others]), np.concatenate([each[0] for each in others])
        )
        if not data.classes:
            found.append(Judged(truth, meta.predict(said)))
            continue
        probabilities = np.zeros((len(truth), len(data.classes)))
        probabilities[:, meta.classes_] = meta.predict_proba(said)
        found.append(Judged(truth, probabilities))
    return found
