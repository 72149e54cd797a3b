"""The part of ``Run`` that tells all that is known of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from milepost.sdk import links
from milepost.sdk.recording.recorder import translated
from milepost.sdk.runs.run_logs import PIECE, log_names, read_log

if TYPE_CHECKING:
    from milepost.sdk.recording.recorder import Recorder
    from milepost.store.records import RunRecord


class RunDetails:
    """``get_details`` and the logs."""

    _id: str
    _is_new: bool
    _recorder: Recorder

    def get_details(self) -> dict[str, Any]:
        """All that is known of the run, by the SDK's keys (runId, target, status, startTimeUtc, ...)."""
        record = self._record()
        details: dict[str, Any] = {
            "runId": record.run_id,
            "target": record.target or "local",
            "status": record.status,
            "startTimeUtc": _utc(record.started_ns),
            "endTimeUtc": _utc(record.ended_ns),
            "properties": dict(record.properties),
            "inputDatasets": [],
            "outputDatasets": [],
            "runDefinition": self._document("definition") or {},
            "logFiles": {
                name: links.log_url(self._id, name, self._recorder)
                for name in log_names(self._recorder, self._id, self.get_file_names())
            },
            "submittedBy": record.submitted_by,
        }
        if record.error:
            details["error"] = {"error": record.error}
        if record.warnings:
            details["warnings"] = list(record.warnings)
        return details

    def get_details_with_logs(self) -> dict[str, Any]:
        """``get_details()`` with each log's text in place of its address."""
        details = self.get_details()
        for name in details["logFiles"]:
            details["logFiles"][name] = b"".join(self._log_pieces(name)).decode("utf-8", "replace")
        return details

    def get_all_logs(self, destination: str | None = None) -> list[str]:
        """Download all logs into a folder (default: the run's id, here) and give their paths."""
        from milepost.sdk.local_files import explained
        from milepost.store.names import safe_join

        folder = destination or self._id
        logs = log_names(self._recorder, self._id, self.get_file_names())
        for name in logs:
            target = safe_join(folder, name)
            with explained(f"cannot write {target}"):
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    file.writelines(self._log_pieces(name))
        return [os.path.join(folder, *name.split("/")) for name in logs]  # noqa: PTH118 - texts, as the SDK gives

    def _log_pieces(self, name: str) -> Iterator[bytes]:
        position = 0
        while data := read_log(self._recorder, self._id, name, position):
            position += len(data)
            yield data
            if len(data) < PIECE:
                return

    def _document(self, name: str) -> Any:
        """A structured fact of the run; None where there is none."""
        store = self._recorder.fresh()
        with translated():
            return store.document(self._id, name)

    # -- what the other parts of Run give ----------------------------------------------------------------------

    def get_portal_url(self) -> str:
        """The address of this run's page in the portal."""
        raise NotImplementedError

    def get_file_names(self) -> list[str]:
        """The names of the run's files, sorted."""
        raise NotImplementedError

    def download_files(self, prefix: str | None = None, output_directory: str | os.PathLike[str] | None = None) -> None:
        """Write the files whose names begin with ``prefix`` into a folder."""
        raise NotImplementedError

    def _record(self) -> RunRecord:
        raise NotImplementedError

    def _say(self, kind: str, data: dict[str, Any]) -> None:
        raise NotImplementedError


def _utc(time_ns: int | None) -> str | None:
    if time_ns is None:
        return None
    from datetime import datetime, timezone

    moment = datetime.fromtimestamp(time_ns / 1e9, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
