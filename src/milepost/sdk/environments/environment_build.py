"""Building an environment now, so that no run has to wait for it."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.workspaces.home import home


class ImageBuildDetails:
    """A build under way.  ``definition`` is the environment's; the build begins at once, in a thread.

    The process does not end before the build does.
    """

    def __init__(self, definition: dict[str, Any]) -> None:
        self._definition = definition
        self._folder = Path.cwd()
        self._lines: list[str] = []
        self._more = threading.Condition()
        self._status = "Running"
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._build, name="milepost-environment-build", daemon=False)
        self._thread.start()

    @property
    def status(self) -> str:
        """Running, Succeeded or Failed."""
        return self._status

    @property
    def log(self) -> str:
        """What the build has said so far."""
        with self._more:
            return "".join(f"{line}\n" for line in self._lines)

    @property
    def log_url(self) -> None:
        """The log has no address here; ``log`` is its text."""
        return

    def wait_for_completion(self, show_output: bool = True) -> None:
        """Wait for the build's end, and print its log meanwhile.  Raises UserErrorException if it fails."""
        printed = 0
        while True:
            with self._more:
                while len(self._lines) == printed and self._status == "Running":
                    self._more.wait()
                lines, ended = self._lines[printed:], self._status != "Running"
            if show_output:
                for line in lines:
                    sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
            printed += len(lines)
            if ended and not lines:
                break
        if self._error is not None:
            raise UserErrorException(str(self._error), inner_exception=self._error)

    def _build(self) -> None:
        from milepost.jobs.environments import EnvironmentFailed, prepare

        try:
            found = prepare(
                self._definition,
                cache=home() / "environments",
                submitter=sys.executable,
                folder=self._folder,
                log=self._say,
            )
            self._say(f"The environment's interpreter: {found.path}")
        except EnvironmentFailed as error:
            self._error = error
        except Exception as error:  # whatever it is, it is told to whoever waits
            name = self._definition.get("name")
            self._error = RuntimeError(f"Environment {name!r} cannot be built: {type(error).__name__}: {error}")
            self._error.__cause__ = error
        with self._more:
            self._status = "Succeeded" if self._error is None else "Failed"
            self._more.notify_all()

    def _say(self, line: str) -> None:
        with self._more:
            self._lines.append(line.rstrip("\n"))
            self._more.notify_all()
