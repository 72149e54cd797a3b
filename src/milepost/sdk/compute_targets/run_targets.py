"""The runs of a compute target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.tags import tag_filter

if TYPE_CHECKING:
    from milepost.sdk.compute_targets.compute import ComputeTarget
    from milepost.sdk.runs.run import Run


class RunTargets:
    """The part of ``Run`` that looks runs up by where they run."""

    @staticmethod
    def list_by_compute(
        compute: ComputeTarget,
        type: str | None = None,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        status: str | None = None,
    ) -> Iterator[Run]:
        """The runs that were sent to a compute target, newest first; the filters are those of ``Run.list``.

        Raises UserErrorException for what is no ComputeTarget.
        """
        from milepost.sdk.compute_targets.compute import ComputeTarget

        if not isinstance(compute, ComputeTarget):
            raise UserErrorException(
                f"list_by_compute takes a ComputeTarget, not {compute!r:.80}: ComputeTarget(workspace, name) is one."
            )
        return runs_of_target(compute, type, tags, properties, None if status is None else (status,))


def runs_of_target(
    compute: ComputeTarget, type: str | None, tags: Any, properties: Any, statuses: tuple[str, ...] | None
) -> Iterator[Run]:
    """The runs of a compute target with one of these statuses (None: whatever it is), newest first."""
    from milepost.sdk.runs.run import _runs
    from milepost.store.records import RunQuery

    query = RunQuery(
        target=compute.name,
        type=type,
        statuses=statuses,
        tags=tag_filter(tags),
        properties=tag_filter(properties),
        archived=None,
    )
    return _runs(compute.workspace, query)


def active_statuses(status: str | None) -> tuple[str, ...]:
    """The statuses of runs that have not ended, or the given one if it is one of them.  Raises UserErrorException."""
    from milepost.store.status import STATUSES, TERMINAL

    active = STATUSES - TERMINAL
    if status is not None and status not in active:
        raise UserErrorException(f"An active run's status is one of {', '.join(sorted(active))}, not {status!r:.80}.")
    return (status,) if status is not None else tuple(sorted(active))
