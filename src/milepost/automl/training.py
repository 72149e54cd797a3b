"""One automated ML run from its data to its last ensemble."""

from __future__ import annotations

import time
from typing import Any

from threadpoolctl import threadpool_limits

from milepost.automl import ensembles
from milepost.automl.data import Prepared, prepare
from milepost.automl.names import FORECASTING, STACK, VOTING
from milepost.automl.outcome import Observer, Outcome
from milepost.automl.search import Search
from milepost.automl.settings import Settings


class NoModel(Exception):
    """No iteration gave a model; the message says why."""


def train(settings: Settings, training: Any, validation: Any | None, observer: Observer, *, named: bool) -> Prepared:
    """Do the run; what comes of it is told to the observer.

    ``training``, ``validation``: pandas data frames with the label.  ``named`` False: models take arrays.  Raises
    BadData, NoModel.
    """
    with threadpool_limits(settings.cores if settings.cores > 0 else None):
        return _train(settings, training, validation, observer, named=named)


def _train(settings: Settings, training: Any, validation: Any | None, observer: Observer, *, named: bool) -> Prepared:
    began = time.monotonic()
    data = prepare(settings, training, validation, named=named)
    observer.note(f"pipelines are judged by {data.validated_by}")
    for name, reason in data.left_out.items():
        observer.note(f"the column {name!r} is left out: {reason}")
    search = Search(data, observer, began)
    outcomes = search.run()
    if not outcomes:
        first = search.first_error
        raise NoModel(f"None of the iterations gave a model. The first one's error: {first}") from first
    observer.note(f"the search is over: {search.stopped_because}")
    number = search.done
    if settings.task == FORECASTING:
        return data  # a mean of forecasts or a model on them would need rows later still
    if settings.voting:
        members = ensembles.votes(outcomes, data)
        number += _tried(number, VOTING, ensembles.voting, members, data, observer)
    if settings.stack:
        members = ensembles.best_of(outcomes, data)
        _tried(number, STACK, ensembles.stack, members, data, observer)
    return data


def _tried(number: int, name: str, build: Any, members: list[Outcome], data: Prepared, observer: Observer) -> bool:
    """Whether the ensemble became an iteration."""
    if not members:
        observer.note(f"{name}: no two pipelines together are better than one")
        return False
    observer.begins(number, name, "")
    try:
        outcome = build(number, members, data)
    except Exception as error:  # the pipelines themselves are there
        observer.failed(number, name, error)
    else:
        observer.ended(outcome)
    return True
