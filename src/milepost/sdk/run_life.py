"""The part of ``Run`` that takes it from its start to its end, and waits for that."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk import lifecycle
from milepost.sdk.exceptions import ActivityFailedException
from milepost.sdk.run_details import RunDetails
from milepost.warning import warn

if TYPE_CHECKING:
    from typing_extensions import Self

TERMINAL: Final = ("Completed", "Failed", "Canceled")
_POLL_S: Final = 0.5


class RunLife(RunDetails):
    """Start, complete, fail, cancel, flush, wait; and the end that a ``with`` block gives."""

    _outputs: str | None
    _ended: str | None
    _waiting: list[Any]

    def start(self) -> None:
        """Mark the run as Running."""
        self._say("status", {"status": "Running"})

    def complete(self) -> None:
        """Mark the run as Completed, with the files of its outputs folder, and wait until all of it is stored."""
        if self._is_new and self._ended is None:
            self._upload_outputs(self._outputs or "outputs", "outputs")
        self._end("Completed", None)

    def fail(self, error_details: object = None, error_code: str | None = None) -> None:
        """Mark the run as Failed; ``error_details`` is a text, a dict or an exception."""
        self._end("Failed", lifecycle.failure(error_details, error_code))

    def cancel(self) -> None:
        """End the run as Canceled."""
        self._end("Canceled", None)

    def flush(self, timeout_seconds: float = 300) -> None:
        """Wait until the store has what was logged.  Where it cannot be had it warns: nothing is lost by that."""
        if self._waiting:
            self._try_waiting()
        try:
            self._recorder.flush(timeout_seconds)
        except Exception as error:
            warn(f"Milepost has not delivered all that was logged yet: {error}", stacklevel=2)

    def _end(self, status: str, error: dict[str, str] | None) -> None:
        data: dict[str, Any] = {"status": status}
        if error is not None:
            data["error"] = error
        if self._ended is None:
            self._ended = status
            self._say("status", data)
        lifecycle.forget(self._id)
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        lifecycle.end_by(self, error)

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """Wait until the run has ended and give ``get_details()``.

        ``show_output`` prints the run's id, address and end.  Raises ActivityFailedException if it failed, unless
        ``raise_on_error`` is False.
        """
        if show_output:
            _print(f"RunId: {self._id}\nWeb View: {self.get_portal_url()}\n")
        while (record := self._record()).status not in TERMINAL:
            time.sleep(_POLL_S)
        if show_output:
            _print(f"\nExecution Summary\n=================\nRunId: {self._id}\nWeb View: {self.get_portal_url()}\n")
        details = self.get_details()
        if record.status == "Failed" and raise_on_error:
            raise ActivityFailedException(details.get("error") or f"Run {self._id} failed; it gave no reason.")
        return details

    # -- what the other parts of Run give ----------------------------------------------------------------------

    def _try_waiting(self) -> None:
        raise NotImplementedError  # RunFiles has it

    def _upload_outputs(self, folder: str | os.PathLike[str], prefix: str) -> None:
        raise NotImplementedError  # RunFiles has it


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
