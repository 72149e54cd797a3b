"""What ``wait_for_completion(show_output=True)`` prints of a run: where it is, its logs as they grow, and its end.

In a notebook's cell the output is kept with the notebook, so there it is bounded; and how far the run says that it is
shows as a bar.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk import links
from milepost.sdk.runs.overwritten import without_overwritten
from milepost.sdk.runs.run_logs import LogFollower

if TYPE_CHECKING:
    from milepost.sdk.recording.recorder import Recorder
    from milepost.store.progress import Progress
    from milepost.store.records import RunRecord

KEPT: Final = 1_000_000
"""Characters of a log that a cell gets as they come; of what comes then it shows the end only."""
END_LINES: Final = 40
END: Final = 8_000
"""Characters."""
_OFTEN_S: Final = 0.5

Show = Callable[[dict[str, str]], "Callable[[dict[str, str]], object]"]
"""Shows something (type -> content) in the cell, and gives a function that puts something else in its place."""


class RunOutput:
    """Writes to standard output."""

    def __init__(self, recorder: Recorder, run_id: str) -> None:
        self._recorder = recorder
        self._run_id = run_id
        self._follower = LogFollower(recorder, run_id, self._log)

    def begin(self, url: str) -> None:
        """Which run it is."""
        write(f"RunId: {self._run_id}\nWeb View: {url}\n\n")

    def step(self, *, ended: bool = False) -> None:
        """What is new in the logs."""
        self._follower.step(ended=ended)

    def progress(self) -> None:
        """How far the run says that it is."""

    def end(self, url: str, record: RunRecord) -> None:
        """How the run ended."""
        write(_summary(self._run_id, url, record))

    def _log(self, text: str) -> None:
        write(text)


class CellOutput(RunOutput):
    """Writes to a notebook's cell."""

    def __init__(self, recorder: Recorder, run_id: str, show: Show) -> None:
        super().__init__(recorder, run_id)
        self._show = show
        self._room = KEPT
        self._left_out = 0
        self._end = ""
        self._replace_end: Callable[[dict[str, str]], object] | None = None
        self._due = 0.0
        self._show_bar: Callable[[dict[str, str]], object] | None = None
        self._told: Progress | None = None

    def begin(self, url: str) -> None:
        """Which run it is, and the place of the bar: in the midst of the log it would cut the lines there in two."""
        super().begin(url)
        self._show_bar = self._show({"text/plain": "", "text/html": ""})

    def step(self, *, ended: bool = False) -> None:
        """What is new in the logs; of what is too much, the end."""
        super().step(ended=ended)
        if self._end and (ended or time.monotonic() >= self._due):
            self._due = time.monotonic() + _OFTEN_S
            self._show_end()

    def progress(self) -> None:
        """How far the run says that it is, as a bar."""
        from milepost.store.errors import StoreError
        from milepost.store.progress import progress_of

        found = None
        with suppress(StoreError):  # it can be had again soon, or whoever asks for the status says so
            found = progress_of(self._recorder.open_store(), [self._run_id]).get(self._run_id)
        if found is None or found == self._told:
            return
        self._told = found
        if self._show_bar is not None:
            self._show_bar(_bar(found))

    def _log(self, text: str) -> None:
        text = without_overwritten(text)
        if not self._left_out and len(text) <= self._room:
            self._room -= len(text)
            write(text)
            return
        if not self._left_out:
            kept = text[: self._room]
            kept = kept[: kept.rfind("\n") + 1]
            write(kept)
            text = text[len(kept) :]
        self._left_out += len(text)
        self._end = (self._end + text)[-END:]

    def _show_end(self) -> None:
        lines = without_overwritten("\n" + self._end)[1:].split("\n")[-END_LINES - 1 :]
        address = links.log_url(self._run_id, self._follower.name, self._recorder)
        said = f"[... {self._left_out:,} characters more than a cell should keep. The whole log: {address}\nIts end:]\n"
        content = {"text/plain": said + "\n".join(lines)}
        if self._replace_end is None:
            self._replace_end = self._show(content)
        else:
            self._replace_end(content)


def output_of(recorder: Recorder, run_id: str) -> RunOutput:
    """The output of a run for where this process writes to."""
    show = _cell()
    return RunOutput(recorder, run_id) if show is None else CellOutput(recorder, run_id, show)


def write(text: str) -> None:
    """Write to standard output, as well as it can show it."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:  # a terminal that cannot show all of it
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def _cell() -> Show | None:
    """How to show something in the cell that is executed; None where there is no notebook."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None

    def show(content: dict[str, str]) -> Callable[[dict[str, str]], object]:
        from uuid import uuid4

        place = {"display_id": uuid4().hex}
        shell.display_pub.publish(content, transient=place)
        return lambda other: shell.display_pub.publish(other, transient=place, update=True)

    return show


def _bar(progress: Progress) -> dict[str, str]:
    said = f"{progress.done:,.12g} of {progress.total:,.12g}"
    shown = (
        f'<progress value="{progress.fraction:.6f}" max="1" style="width:20em;max-width:60%;vertical-align:middle">'
        f"</progress> {said}"
    )
    return {"text/plain": said, "text/html": shown}


def _summary(run_id: str, url: str, record: RunRecord) -> str:
    """What is printed at the end of a run that was waited for."""
    lines = ["", "Execution Summary", "=================", f"RunId: {run_id}", f"Web View: {url}"]
    if record.warnings:
        lines += ["", "Warnings:", *(f"- {each['message']}" for each in record.warnings)]
    if record.error:
        lines += ["", f"{record.status}: {record.error.get('message') or record.error.get('code') or ''}"]
    return "\n".join([*lines, "", ""])
