"""What agents and supervisors need of whoever records: this room does not know journals, drains or servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from milepost.store.blobs import Blobs
from milepost.store.records import Blob


class Record(Protocol):
    """Says what happens to runs.  Saying returns at once and survives the death of this process."""

    def say(self, run_id: str, kind: str, data: Mapping[str, Any]) -> None:
        """An event of a run; see ``milepost.store.batch.Event`` for the kinds."""
        ...

    def sample(self, run_id: str, values: Mapping[str, float]) -> None:
        """A point of each of these system metrics."""
        ...

    def blobs(self) -> Blobs:
        """Where the contents of files are."""
        ...

    def settle(self, timeout_s: float) -> bool:
        """Bring all that was said into the store, and what processes that have ended left; False if that failed."""
        ...

    def unfinished(self, run_id: str) -> list[str]:
        """The run's descendants that have not ended themselves, after ``settle``."""
        ...

    def is_shared(self) -> bool:
        """Whether it is looked at on other machines, which have none of the files that are here."""
        ...

    def nodes(self, target: str) -> int | None:
        """How many nodes the pool of that name has now; None where there is no such pool (any more), 0 where that
        cannot be told just now."""
        ...

    def free_space(self) -> None:
        """Free the contents that nothing names any more."""
        ...


def status(record: Record, run_id: str, name: str, error: Mapping[str, str] | None = None) -> None:
    """Say a run's status, with the error that explains it."""
    record.say(run_id, "status", {"status": name} if error is None else {"status": name, "error": dict(error)})


def artifact(record: Record, run_id: str, name: str, path: Path, *, last: bool = False) -> None:
    """Keep a file as one that the system has collected.  Raises the store's errors.

    ``last``: nobody writes to it any more, and it is about to be removed.
    """
    blobs = record.blobs()
    _name(record, run_id, name, blobs.take_over(path) if last else blobs.put_file(path, follow_links=False))


def artifacts(record: Record, run_id: str, files: Sequence[tuple[str, Path]]) -> None:
    """Keep many small files (name, path) at once.  Raises the store's errors; some may have been stored then."""
    for (name, _), blob in zip(files, record.blobs().put_files([str(path) for _, path in files]), strict=True):
        _name(record, run_id, name, blob)


def _name(record: Record, run_id: str, name: str, blob: Blob) -> None:
    from milepost.store.artifacts import content_type_of

    data = {"name": name, "digest": blob.digest, "size": blob.size, "content_type": content_type_of(name)}
    record.say(run_id, "artifact", {**data, "captured": True})
