"""How the processes begin that Milepost starts for itself: the agent, supervisors, the portal."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType


def command(module: str, *arguments: str) -> list[str]:
    """The arguments for this interpreter that call ``main()`` of a module, with these arguments behind."""
    # Not -m: a script may have found Milepost by a path that it set itself.
    root = str(Path(__file__).resolve().parent.parent.parent)
    return ["-c", f"import sys; sys.path.append({root!r}); from {module} import main; main()", *arguments]


def leave_parent() -> None:
    """Go on in a process that is nobody's child: the end of who started it does not concern it."""
    if hasattr(os, "fork") and os.fork():
        os._exit(0)


def pass_over(*names: str) -> None:
    """Do nothing about these signals.  Not SIG_IGN: what this process starts would inherit that."""
    for name in names:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _pass_over)


def _pass_over(number: int, frame: FrameType | None) -> None:
    pass
