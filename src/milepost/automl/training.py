"""One automated ML run from its data to its last ensemble."""

from __future__ import annotations

import time
from typing import Any

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
    began = time.monotonic()
    data = prepare(settings, training, validation, named=named)
    observer.note(f"pipelines are judged by {data.validated_by}")
    for name, reason in data.left_out.items():
        observer.note(f"the column {name!r} is left out: {reason}")
    search = Search(data, observer, began)
    outcomes = search.run()
    if not outcomes:
        first = search.errors[0] if search.errors else None
        raise NoModel(f"None of the iterations gave a model. The first one's error: {first}") from first
    observer.note(f"the search is over: {search.stopped_because}")
    number = max(len(outcomes) + len(search.errors), 1)
    if settings.task != FORECASTING and len(outcomes) > 1:
        for name, wanted, build in (
            (VOTING, settings.voting, ensembles.voting),
            (STACK, settings.stack, ensembles.stack),
        ):
            if wanted and _tried(number, name, build, outcomes, data, observer):
                number += 1
    return data


def _tried(
    number: int, name: str, build: Any, outcomes: list[Outcome], data: Prepared, observer: Observer
) -> bool:
    """Whether the ensemble became an iteration."""
    observer.begins(number, name, "")
    try:
        outcome = build(number, outcomes, data)
    except Exception as error:  # the pipelines themselves are there
        observer.failed(number, name, error)
        return True
    if outcome is None:
        observer.note(f"{name}: no two pipelines together are better than one")
        return False
    observer.ended(outcome)
    return True
