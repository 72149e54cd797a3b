"""The data of one run, ready to be learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn import model_selection

from milepost.automl.charts import Chart, classification_charts, regression_charts
from milepost.automl.featurizing import CATEGORICAL, DATE, BadData, featurizer, plan
from milepost.automl.names import CLASSIFICATION, FORECASTING
from milepost.automl.scores import Judged, classification_score, classification_scores, regression_scores, together
from milepost.automl.settings import Featurizing, Settings

SMALL_ROWS: Final = 1_000
FOLDS: Final = ((SMALL_ROWS, 10), (20_000, 3))
"""Of data with fewer rows so many folds, as the SDK does; of more rows a part is held out."""
HELD_OUT: Final = 0.1
_LEAST_ROWS: Final = 10


@dataclass(frozen=True)
class Prepared:
    """Features as numbers, the target, and how pipelines are judged."""

    settings: Settings
    featurizer: Any
    """Fitted on the training data."""
    features: Any
    target: Any
    """Of a classifier the indices of the classes."""
    answers: Any
    """The target as a model is to give it."""
    classes: list[Any]
    """Of a classifier, sorted."""
    splitter: Any
    """None where there is validation data."""
    validation: tuple[Any, Any] | None
    """Features and target."""
    validated_by: str
    """How pipelines are judged, in words."""
    left_out: dict[Any, str]
    judge: Callable[[Judged], dict[str, float]]
    """All scores of one fold."""
    score: Callable[[Judged], float]
    """The primary metric of one fold."""
    draw: Callable[[list[Judged]], list[Chart]]
    """The charts of all folds together."""


def prepare(settings: Settings, training: Any, validation: Any | None, *, named: bool) -> Prepared:
    """Make the data ready.  ``named`` False: models take arrays.  Raises BadData."""
    frame = training[training[settings.label].notna()].reset_index(drop=True)
    if len(frame) < _LEAST_ROWS:
        raise BadData(f"the data has {len(frame)} rows with a label; {_LEAST_ROWS} are the least to learn from")
    if settings.task == FORECASTING:
        frame = _in_time(frame, settings)
    raw, answers = _apart(frame, settings.label)
    wanted = _forecasting(settings) if settings.task == FORECASTING else settings.featurizing
    decided = plan(raw, wanted)
    transformer = featurizer(raw, decided, wanted, named=named)
    features = np.asarray(transformer.fit_transform(raw if named else raw.to_numpy()), dtype=float)
    classes: list[Any] = []
    if settings.task == CLASSIFICATION:
        target, classes = _classes(answers)
    else:
        target = answers = _numbers(answers, settings.label)
    held = None
    if validation is not None:
        held_raw, held_answers = _apart(validation[validation[settings.label].notna()], settings.label)
        held = (
            np.asarray(transformer.transform(held_raw if named else held_raw.to_numpy()), dtype=float),
            _known_classes(held_answers, classes) if classes else _numbers(held_answers, settings.label),
        )
    splitter, said = (None, "validation_data") if held is not None else _splitter(settings, frame, target)
    judge, score, draw = _judges(settings, classes, target)
    return Prepared(
        settings=settings,
        featurizer=transformer,
        features=features,
        target=target,
        answers=answers,
        classes=classes,
        splitter=splitter,
        validation=held,
        validated_by=said,
        left_out=decided.left_out,
        judge=judge,
        score=score,
        draw=draw,
    )


def _judges(settings: Settings, classes: list[Any], target: Any) -> tuple[Any, Any, Any]:
    metric = settings.primary_metric
    if classes:
        positive = next((at for at, each in enumerate(classes) if each == settings.positive_label), None)
        return (
            lambda fold: classification_scores(fold, classes, positive),
            lambda fold: classification_score(fold, metric, len(classes)),
            lambda folds: classification_charts(together(folds), classes),
        )
    low = float(target.min()) if settings.y_min is None else settings.y_min
    high = float(target.max()) if settings.y_max is None else settings.y_max
    return (
        lambda fold: regression_scores(fold, low, high),
        lambda fold: regression_scores(fold, low, high)[metric],
        lambda folds: regression_charts(together(folds)),
    )


def _apart(frame: Any, label: str) -> tuple[Any, Any]:
    return frame.drop(columns=[label]), frame[label].to_numpy()


def _classes(answers: Any) -> tuple[Any, list[Any]]:
    try:
        classes, target = np.unique(answers, return_inverse=True)
    except TypeError:
        raise BadData("the labels are of several kinds; make all of them texts, or all of them numbers") from None
    if len(classes) < 2:
        raise BadData("there is one class only; two are the least to tell apart")
    counts = np.bincount(target)
    if counts.min() < 2:
        rare = [repr(classes[at]) for at in np.flatnonzero(counts < 2)]
        raise BadData(
            f"the label has classes of one row ({', '.join(rare[:5])}): for regression give task='regression', or "
            "leave those rows out"
        )
    return target, classes.tolist()


def _known_classes(answers: Any, classes: list[Any]) -> Any:
    places = {each: at for at, each in enumerate(classes)}
    unknown = sorted({repr(each) for each in answers if each not in places})
    if unknown:
        raise BadData(f"validation_data has classes that training_data does not have: {', '.join(unknown[:5])}")
    return np.array([places[each] for each in answers])


def _numbers(answers: Any, label: str) -> Any:
    try:
        found = np.asarray(answers, dtype=float)
    except (TypeError, ValueError):
        raise BadData(f"the label {label!r} has values that are no numbers; give task='classification'") from None
    if not np.isfinite(found).all():
        raise BadData(f"the label {label!r} has infinite values")
    return found


def _splitter(settings: Settings, frame: Any, target: Any) -> tuple[Any, str]:
    rows = len(target)
    if settings.task == FORECASTING:
        folds = settings.folds or 3
        return _Rolling(frame[settings.time_column], settings.horizon, folds), f"{folds} rolling origins"
    is_classes = settings.task == CLASSIFICATION
    if settings.validation_size is not None:
        return _held_out(settings.validation_size, settings.seed, is_classes=is_classes)
    folds = settings.folds or next((number for most, number in FOLDS if rows < most), 0)
    if not folds:
        return _held_out(HELD_OUT, settings.seed, is_classes=is_classes)
    if rows < 2 * folds:
        raise BadData(f"{rows} rows are too few for {folds} folds")
    if is_classes:
        # A class with fewer rows than folds is in fewer of them; the others are drawn in proportion.
        folds_of_all = min(folds, int(np.bincount(target).min())) if settings.folds is None else folds
        folds = max(2, folds_of_all)
        return (
            model_selection.RepeatedStratifiedKFold(n_splits=folds, n_repeats=1, random_state=settings.seed),
            f"{folds}-fold cross-validation",
        )
    return (
        model_selection.RepeatedKFold(n_splits=folds, n_repeats=1, random_state=settings.seed),
        f"{folds}-fold cross-validation",
    )


def _held_out(part: float, seed: int, *, is_classes: bool) -> tuple[Any, str]:
    kind = model_selection.StratifiedShuffleSplit if is_classes else model_selection.ShuffleSplit
    return kind(n_splits=1, test_size=part, random_state=seed), f"{part:.0%} of the rows, held out"


# -- time series -----------------------------------------------------------------------------------------------------


class _Rolling:
    """Splits at several origins: the last ``horizon`` times are told from those before, then the ones before them."""

    def __init__(self, times: Any, horizon: int, folds: int) -> None:
        moments = np.unique(times.to_numpy())
        if len(moments) < horizon * (folds + 1):
            raise BadData(
                f"{folds} folds with a horizon of {horizon} need {horizon * (folds + 1)} different times, and there "
                f"are {len(moments)}"
            )
        self._places = np.searchsorted(moments, times.to_numpy())
        self._ends = [len(moments) - horizon * at for at in range(folds - 1, -1, -1)]
        self._horizon = horizon

    def get_n_splits(self, *_data: Any) -> int:
        """How many origins there are."""
        return len(self._ends)

    def split(self, features: Any, *_more: Any) -> Any:
        """Indices of what was before each origin, and of what came after it."""
        for end in self._ends:
            before = np.flatnonzero(self._places < end - self._horizon)
            after = np.flatnonzero((self._places >= end - self._horizon) & (self._places < end))
            yield before, after


def _in_time(frame: Any, settings: Settings) -> Any:
    column = settings.time_column
    try:
        times = pd.to_datetime(frame[column])
    except (TypeError, ValueError) as error:
        raise BadData(f"time_column_name: the column {column!r} has values that are no times ({error})") from None
    if times.isna().any():
        raise BadData(f"time_column_name: the column {column!r} has rows without a time")
    frame = frame.assign(**{str(column): times}).sort_values([str(column), *settings.series], kind="stable")
    if frame.duplicated([str(column), *settings.series]).any():
        raise BadData(
            f"several rows have the same {column!r}; name the columns that tell the series apart in "
            "time_series_id_column_names"
        )
    return frame.reset_index(drop=True)


def _forecasting(settings: Settings) -> Featurizing:
    given = settings.featurizing
    purposes = {**given.purposes, str(settings.time_column): DATE, **dict.fromkeys(settings.series, CATEGORICAL)}
    return Featurizing(given.automatic, given.drop, purposes, given.imputation)
