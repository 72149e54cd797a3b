"""Read the logs of a run: those that grow on this machine, and those that are stored."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from milepost.sdk.recording.recorder import translated

if TYPE_CHECKING:
    from milepost.sdk.recording.recorder import Recorder

BUILD_LOG: Final = "azureml-logs/20_image_build_log.txt"
DRIVER_LOG: Final = "azureml-logs/70_driver_log.txt"
SWEEP_LOG: Final = "azureml-logs/hyperdrive.txt"
LOG_FOLDERS: Final = ("azureml-logs/", "logs/", "user_logs/", "system_logs/")
PIECE: Final = 1 << 20
"""Bytes that are read at once."""


def log_names(recorder: Recorder, run_id: str, stored: list[str]) -> list[str]:
    """The names of all logs of a run: those among its ``stored`` files, and those that grow."""
    from milepost.jobs.live import live_logs

    return sorted({*live_logs(recorder.folder, run_id), *(name for name in stored if name.startswith(LOG_FOLDERS))})


def read_log(recorder: Recorder, run_id: str, name: str, start: int = 0, limit: int = PIECE) -> bytes | None:
    """The bytes of a log from ``start``, at most ``limit``; empty at its present end, None where there is no such log.

    Raises as the SDK does.
    """
    from milepost.jobs.live import read_live
    from milepost.store.errors import NotFound

    found = read_live(recorder.folder, run_id, name, start, limit)
    if found is not None:
        return found
    with translated():
        try:
            return recorder.open_store().read_range(run_id, name, start, start + limit)
        except NotFound:
            return None


def tail(recorder: Recorder, run_id: str, name: str = DRIVER_LOG, lines: int = 20, limit: int = 8192) -> str:
    """The last lines of a run's log; empty where it has none."""
    with translated():
        found = recorder.open_store().artifacts(run_id, name)
    if not found:
        return ""
    data = read_log(recorder, run_id, name, max(0, found[0].size - limit), limit) or b""
    return "\n".join(data.decode("utf-8", "replace").splitlines()[-lines:])


@dataclass
class _Followed:
    name: str
    position: int = 0
    decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))


class LogFollower:
    """Writes the logs of a run as they grow: what building its environment says, then what the script says, or the
    controller of a sweep.

    What was written is not read again.
    """

    def __init__(
        self, recorder: Recorder, run_id: str, write: Callable[[str], None], names: Sequence[str] = ()
    ) -> None:
        self._recorder = recorder
        self._run_id = run_id
        self._write = write
        self._logs = [_Followed(name) for name in names or (BUILD_LOG, SWEEP_LOG, DRIVER_LOG)]
        self._titles = not names
        self.name = self._logs[-1].name
        """Of the log that was written last."""

    def step(self, *, ended: bool = False) -> bool:
        """Write what is new; gives whether there was anything.  ``ended``: the run has, so its logs are stored."""
        any_new = False
        for log in self._logs:
            while data := self._read(log, ended):
                if log.position == 0 and self._titles:
                    title = f"Streaming {log.name}"
                    gap = "\n" if any(each.position for each in self._logs) else ""
                    self._write(f"{gap}{title}\n{'=' * len(title)}\n\n")
                log.position += len(data)
                self.name = log.name
                self._write(log.decoder.decode(data))
                any_new = True
            if ended and (rest := log.decoder.decode(b"", final=True)):
                self._write(rest)
        return any_new

    def _read(self, log: _Followed, ended: bool) -> bytes | None:
        if ended:
            return read_log(self._recorder, self._run_id, log.name, log.position)
        return read_live(self._recorder.folder, self._run_id, log.name, log.position)


def read_live(workspace: Path, run_id: str, name: str, start: int) -> bytes | None:
    """The next piece of a growing log; None where it does not grow (any more)."""
    from milepost.jobs import live

    return live.read_live(workspace, run_id, name, start, PIECE)
