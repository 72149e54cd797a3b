"""The part of ``Run`` that takes it from its start to its end, and waits for that."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import ActivityFailedException, ServiceException, UserErrorException
from milepost.sdk.runs import lifecycle
from milepost.sdk.runs.run_details import RunDetails
from milepost.warning import warn

if TYPE_CHECKING:
    from typing_extensions import Self

    from milepost.sdk.runs.run_output import RunOutput
    from milepost.store.records import RunRecord

TERMINAL: Final = ("Completed", "Failed", "Canceled")
_POLL_S: Final = 0.5
_FOLLOW_S: Final = 0.1
_STORE_BACK_S: Final = 60.0
"""So long is a store waited for that cannot be had, beyond the time that the run is on its way."""


class RunLife(RunDetails):
    """Start, complete, fail, cancel, flush, wait; and the end that a ``with`` block gives."""

    _is_inside: bool
    _outputs: str | None
    _ended: str | None
    _waiting: list[Any]

    def start(self) -> None:
        """Mark the run as Running."""
        self._say("status", {"status": "Running"})

    def complete(self) -> None:
        """Mark the run as Completed, with the files of its outputs folder, and wait until all of it is stored.

        Called by a submitted script on its own run it only waits: the run completes when the script ends.
        """
        if self._is_inside:
            self._settle()
            return
        if self._is_new and self._ended is None:
            self._upload_outputs(self._outputs or "outputs", "outputs")
        self._end("Completed", None)

    def fail(self, error_details: object = None, error_code: str | None = None) -> None:
        """Mark the run as Failed; ``error_details`` is a text, a dict or an exception.

        A submitted run's processes are ended.
        """
        error = lifecycle.failure(error_details, error_code)
        if not self._ask_for_end("Failed", error):
            self._end("Failed", error)

    def cancel(self) -> None:
        """End the run as Canceled.  A submitted run's processes are ended, and so are the runs that it submitted.

        One that another machine does, into a workspace on a server, is CancelRequested until that machine has ended
        it, within seconds.  Where that machine is gone, a second ``cancel()`` marks it as Canceled.
        """
        if self._ask_for_end("Canceled", None):
            return
        if self._recorder.server is not None and not self._is_new and not self._is_inside:
            from milepost.store.status import CANCEL_REQUESTED, end_elsewhere

            record = self._record()
            if end_elsewhere(record.status, record.type) == CANCEL_REQUESTED:
                self._say("status", {"status": CANCEL_REQUESTED})
                self._settle()
                return
        self._end("Canceled", None)

    def _ask_for_end(self, status: str, error: dict[str, str] | None) -> bool:
        """Ask for the end of a submitted run that is on its way on this machine; False where it is not."""
        from milepost.jobs.ending import ask_below
        from milepost.jobs.job import Request, ask, has_jobs, job_folder
        from milepost.sdk.job_process import ensure_agent

        if self._is_new:
            return False
        workspace = self._recorder.folder
        folder = job_folder(workspace, self._id)
        if not folder.is_dir() or not ask(folder, Request(status, error, inside=self._is_inside)):
            return False
        self._say("status", {"status": "CancelRequested"})
        try:
            if has_jobs(workspace):
                ask_below(workspace, self._recorder.fresh(), self._id)
        except Exception as trouble:
            warn(f"Milepost could not look for the children of run {self._id}: {trouble}", stacklevel=3)
        self._settle()
        ensure_agent(workspace)
        return True

    def flush(self, timeout_seconds: float = 300) -> None:
        """Wait until the store has what was logged.  Where it cannot be had it warns: nothing is lost by that."""
        trouble = self._delivery_trouble(timeout_seconds)
        if trouble is not None:
            warn(f"Milepost has not delivered all that was logged yet: {trouble}", stacklevel=2)

    def _settle(self) -> None:
        """Wait as ``flush`` does, at the end of the run."""
        trouble = self._delivery_trouble(300)
        # A server that cannot be had is told of by the drain when that lasts, and at the end of the process.
        if trouble is not None and self._recorder.server is None:
            warn(f"Milepost has not delivered all that was logged yet: {trouble}", stacklevel=3)

    def _delivery_trouble(self, timeout_s: float) -> Exception | None:
        if self._waiting:
            self._try_waiting()
        try:
            self._recorder.flush(timeout_s)
        except Exception as error:
            return error
        return None

    def clean(self) -> list[str]:
        """Remove what the ended run has left on this machine beside its record; gives the paths.

        That is, files that could not be stored and were set aside (a warning of the run names them).  Raises
        UserErrorException while it is on its way.
        """
        import shutil
        from pathlib import Path

        from milepost.jobs.job import job_folder

        folder = job_folder(self._recorder.folder, self._id)
        if folder.is_dir():
            raise UserErrorException(f"Run {self._id} is on its way; wait for it, or cancel it first.")
        aside = self._recorder.folder / "rescued" / folder.name
        found = [str(path) for path in sorted(aside.rglob("*")) if not path.is_dir()]
        shutil.rmtree(aside, ignore_errors=True)
        return [path for path in found if not Path(path).exists()]

    def _end(self, status: str, error: dict[str, str] | None) -> None:
        if self._is_inside:
            # How the script ends tells its supervisor how the run does.
            self._settle()
            return
        data: dict[str, Any] = {"status": status}
        if error is not None:
            data["error"] = error
        if self._ended is None:
            self._finish_snapshot()
            self._ended = status
            self._say("status", data)
        lifecycle.forget(self._id)
        self._settle()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        lifecycle.end_by(self, error)

    def wait_for_completion(
        self, show_output: bool = False, wait_post_processing: bool = False, raise_on_error: bool = True
    ) -> dict[str, Any]:
        """Wait until the run has ended and give ``get_details()``.

        ``show_output`` prints the run's id, address, logs as they grow, and end.  ``wait_post_processing`` changes
        nothing: a run ends when all of it is stored.  Raises ActivityFailedException if it failed, unless
        ``raise_on_error`` is False.  Ctrl-C stops the waiting, not the run.
        """
        from milepost.sdk.runs.run_output import output_of

        output = output_of(self._recorder, self._id) if show_output else None
        if output is not None:
            output.begin(self.get_portal_url())
        try:
            record = self._waited_for(output)
        except KeyboardInterrupt:
            sys.stderr.write(
                f"Stopped waiting for run {self._id}, which goes on. wait_for_completion() waits for it again, "
                "cancel() ends it.\n"
            )
            raise
        if output is not None:
            output.end(self.get_portal_url(), record)
        details = self.get_details()
        if record.status == "Failed" and raise_on_error:
            raise ActivityFailedException(self._failure(details))
        return details

    def _waited_for(self, output: RunOutput | None) -> RunRecord:
        """What is known of the run when it has ended; until then its output is written."""
        from milepost.sdk.job_process import ensure_agent

        workspace = self._recorder.folder
        patience = _Patience()
        looked = 0.0
        while True:
            if time.monotonic() - looked >= _POLL_S:
                looked = time.monotonic()
                found = self._record_if_there(patience)
                if found is not None and output is not None:
                    output.progress()
                if found is not None and found.status in TERMINAL and not self._is_being_buried(found):
                    break
                ensure_agent(workspace)  # if it was killed, somebody has to see to the run
            if output is not None:
                output.step()
            time.sleep(_FOLLOW_S)
        if output is not None:
            output.step(ended=True)
        return found

    def _record_if_there(self, patience: _Patience) -> RunRecord | None:
        """What the store knows of the run; None while it cannot be asked: the run goes on, and may be what fills the
        disk."""
        from milepost.jobs.job import job_folder

        try:
            record = self._record()
        except ServiceException as error:
            if error.status_code != 503:
                raise
            now = time.monotonic()
            if patience.until == 0:
                warn(
                    f"Milepost cannot ask for the status of run {self._id} and waits on: {error.message}", stacklevel=4
                )
            if patience.until == 0 or job_folder(self._recorder.folder, self._id).is_dir():
                patience.until = now + _STORE_BACK_S
            if now >= patience.until:
                raise
            return None
        patience.until = 0
        return record

    def _is_being_buried(self, record: RunRecord) -> bool:
        """Whether the run's supervisor died and another one is about to say why, and to keep the files."""
        from milepost.jobs.job import job_folder
        from milepost.store.status import PROCESS_DIED

        died = (record.error or {}).get("code") == PROCESS_DIED
        return died and job_folder(self._recorder.folder, self._id).is_dir()

    def _failure(self, details: dict[str, Any]) -> str:
        """Why the run failed, with the end of what its script printed."""
        import json

        from milepost.sdk.runs.run_logs import DRIVER_LOG, tail

        error = details.get("error")
        text = json.dumps(error, indent=4, default=str) if error else f"Run {self._id} failed; it gave no reason."
        end = tail(self._recorder, self._id)
        return f"{text}\n\n{DRIVER_LOG} ends with:\n{end}" if end else text

    # -- what the other parts of Run give ----------------------------------------------------------------------

    def _record(self) -> RunRecord:
        raise NotImplementedError

    def _try_waiting(self) -> None:
        raise NotImplementedError  # RunFiles has it

    def _finish_snapshot(self) -> None:
        raise NotImplementedError  # RunSnapshots has it

    def _upload_outputs(self, folder: str | os.PathLike[str], prefix: str) -> None:
        raise NotImplementedError  # RunFiles has it


class _Patience:
    """Until when a store that cannot be had is waited for; 0 while it can be had."""

    until: float = 0
