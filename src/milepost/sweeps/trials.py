"""The trials of a sweep on its way: a file each in the sweep's job folder, written before the trial is submitted.

``JOB/trials/3.json`` is all that is known of trial 3.  Its run's id follows from the sweep's, so whoever takes the
sweep over after a kill finds which trials there are, and submits none twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from milepost.jobs.job import read_json, write_json
from milepost.sweeps.space import Parameters

FOLDER: Final = "trials"


@dataclass
class Trial:
    """A trial as it was decided, and how far it has come."""

    number: int
    run_id: str
    parameters: Parameters
    resumed_from: str | None = None
    submitted: bool = False
    """Whether its job has been handed to the agent for sure."""
    stopped: str | None = None
    """Why the policy has asked for its end."""
    status: str | None = None
    """How it ended."""
    best: float | None = None
    """The best that it reported of the primary metric."""


def trial_id(sweep_id: str, number: int) -> str:
    """The id of a trial's run."""
    return f"{sweep_id}_{number}"


def keep(folder: Path, trial: Trial) -> None:
    """Write what is known of a trial.  Raises OSError."""
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    write_json(place / f"{trial.number}.json", asdict(trial))


def kept(folder: Path) -> list[Trial]:
    """All trials of the sweep with that job folder, in their order."""
    return sorted(_read(folder), key=lambda each: each.number)


def _read(folder: Path) -> Iterator[Trial]:
    place = folder / FOLDER
    if place.is_dir():
        for path in place.glob("*.json"):
            if (found := read_json(path)) is not None:
                yield Trial(**found)
