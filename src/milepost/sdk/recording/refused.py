"""What a store refuses for good: set aside, so that the rest of its journal arrives.

A store takes a batch whole or not at all.  Of one that it refuses, the parts that it cannot take are found, kept as
files for people to look at, and told of; then all else of it is delivered, once, as if they had never been in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from milepost.warning import warn

if TYPE_CHECKING:
    from pathlib import Path

    from milepost.store.batch import Batch, Event, SeriesBlock

FOLDER: Final = "refused"
"""In the workspace's folder on this machine."""

_Part: TypeAlias = "Event | SeriesBlock"


class Taker(Protocol):
    """What of a store is used here."""

    def apply(self, batch: Batch) -> int:
        """Apply a batch exactly once and give the offset reached."""
        ...

    def check(self, batch: Batch) -> None:
        """See whether a batch could be applied, and change nothing.  Raises BadInput where it could not."""
        ...


def apply_what_is_taken(sink: Taker, batch: Batch, workspace: Path) -> int:
    """Apply a batch without what the store refuses for good; gives the offset reached.

    ``workspace``: its folder on this machine.  Raises the store's errors but BadInput, and OSError where what is
    refused cannot be kept.
    """
    from milepost.store.errors import BadInput

    try:
        return sink.apply(batch)
    except BadInput as error:
        reasons: list[tuple[_Part, str]] = []
        everything: list[_Part] = [*batch.events, *batch.series]
        _find(sink, batch, everything, str(error), reasons)
        if not reasons:
            try:
                return sink.apply(batch)  # it was damaged on its way
            except BadInput as again:
                reasons = [(part, str(again)) for part in everything]  # it is all of them together
    refused = {id(part) for part, _reason in reasons}
    kept = [_keep(workspace, batch, part, reason) for part, reason in reasons]
    rest = _with(batch, [part for part in everything if id(part) not in refused])
    reached = sink.apply(rest)
    if kept:
        warn(
            f"Milepost: {len(kept)} of the things that were logged cannot be stored: {reasons[0][1]}. They are kept in "
            f"{kept[0].parent}, each with the reason; all else is delivered."
        )
    return reached


def _find(sink: Taker, batch: Batch, parts: Sequence[_Part], reason: str, found: list[tuple[_Part, str]]) -> None:
    """Add those of the parts, which the store refuses together for this reason, that it refuses alone."""
    from milepost.store.errors import BadInput

    if len(parts) == 1:
        found.append((parts[0], reason))
        return
    middle = len(parts) // 2
    for some in (parts[:middle], parts[middle:]):
        try:
            if some:
                sink.check(_with(batch, some))
        except BadInput as error:
            _find(sink, batch, some, str(error), found)


def _with(batch: Batch, parts: Sequence[_Part]) -> Batch:
    from milepost.store.batch import Event, SeriesBlock

    return replace(
        batch,
        events=[part for part in parts if isinstance(part, Event)],
        series=[part for part in parts if isinstance(part, SeriesBlock)],
    )


def _keep(workspace: Path, batch: Batch, part: _Part, reason: str) -> Path:
    """Write a part down, under the same name if it is refused again."""
    from hashlib import sha256

    from milepost.store.batch import Event
    from milepost.store.drafts import sync_folder
    from milepost.store.points import cells

    if isinstance(part, Event):
        what: dict[str, Any] = {"event": part.kind, "run": part.run_id, "time_ns": part.time_ns, "data": part.data}
    else:
        what = {
            "metric": part.name,
            "kind": part.kind,
            "namespace": part.namespace,
            "run": part.run_id,
            "columns": {name: cells(column) for name, column in part.points.columns.items()},
            "steps": part.points.steps.tolist(),
            "times_ns": part.points.times.tolist(),
        }
    place = {"journal": batch.journal_id, "start": batch.start, "end": batch.end}
    content = json.dumps({"reason": reason, **what, **place}, indent=1, default=repr).encode()
    folder = workspace / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{batch.journal_id[:8]}-{batch.start}-{sha256(content).hexdigest()[:12]}.json"
    draft = path.with_name(f".{os.getpid()}-{path.name}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(folder)
    return path
