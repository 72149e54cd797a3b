"""How a run ends when its script does not say: an exception, sys.exit, Ctrl-C, a kernel that is shut down."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from milepost.warning import warn

if TYPE_CHECKING:
    from milepost.sdk.recording.recorder import Recorder
    from milepost.sdk.runs.run_life import RunLife

_open: dict[str, RunLife] = {}
"""Runs that this process started and has not ended, oldest first."""
_hooked = False


@dataclass
class _HowItEnds:
    """What the interpreter said before it ended."""

    error: BaseException | None = None
    exit_code: Any = None


_ending = _HowItEnds()


def watch(run: RunLife, recorder: Recorder) -> None:
    """End this run with the process, if nothing else does."""
    _open[run._id] = run
    _hook()
    if _end_all not in recorder.at_exit:
        recorder.at_exit.append(_end_all)


def forget(run_id: str) -> None:
    """The run has ended."""
    _open.pop(run_id, None)


def describe(error: BaseException) -> dict[str, str]:
    """An exception as a run's error: code, message and the traceback as details."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {"code": type(error).__name__, "message": str(error) or type(error).__name__, "details": trace}


def failure(details: object, code: str | None) -> dict[str, str]:
    """The error that ``fail(error_details, error_code)`` means; ``details`` may be an exception."""
    if isinstance(details, BaseException):
        error = describe(details)
    else:
        error = {"code": "UserError", "message": "" if details is None else str(details), "details": ""}
    if code is not None:
        error["code"] = str(code)
    return error


def exit_error(code: Any) -> dict[str, str] | None:
    """The error of ``sys.exit(code)``; None where that means success."""
    if code is None or code == 0:
        return None
    if isinstance(code, int):
        return {"code": "SystemExit", "message": f"The script ended with exit code {code}.", "details": ""}
    return {"code": "SystemExit", "message": str(code), "details": ""}


def end_by(run: RunLife, error: BaseException | None) -> None:
    """Give a run the end that an exception (or none) means."""
    if error is None:
        run.complete()
    elif isinstance(error, SystemExit):
        why = exit_error(error.code)
        if why is None:
            run.complete()
        else:
            run._end("Failed", why)
    elif isinstance(error, KeyboardInterrupt):
        run._end("Canceled", {"code": "KeyboardInterrupt", "message": "Interrupted with Ctrl-C.", "details": ""})
    else:
        run._end("Failed", describe(error))


def _end_all() -> None:
    kernel = _in_kernel()
    if _ending.error is None:
        # A worker of multiprocessing ends in the middle of the exception that ends it, and no hook sees that one.
        # (Not so from Python 3.13 on, where nothing tells such an end from a good one.)
        _ending.error = sys.exc_info()[1]
    for run in reversed(list(_open.values())):
        try:
            if _ending.error is not None:
                end_by(run, _ending.error)
            elif kernel:
                reason = "The notebook's kernel was shut down or restarted before the run was completed."
                run._end("Canceled", {"code": "KernelShutdown", "message": reason, "details": ""})
            elif (why := exit_error(_ending.exit_code)) is not None:
                run._end("Failed", why)
            else:
                run.complete()
        except Exception as error:
            warn(f"Milepost could not end run {run._id}: {error}", stacklevel=2)
    _open.clear()


def _in_kernel() -> bool:
    kernel = sys.modules.get("ipykernel.kernelapp")
    return kernel is not None and kernel.IPKernelApp.initialized()


def _hook() -> None:
    global _hooked
    if _hooked:
        return
    _hooked = True
    show = sys.excepthook
    leave = sys.exit

    def excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _ending.error = error
        show(kind, error, trace)

    def noting_exit(status: Any = None, /) -> NoReturn:
        # The interpreter tells nobody its exit code, so it is noted here; only the main thread's ends the process.
        if threading.current_thread() is threading.main_thread():
            _ending.exit_code = status
        leave(status)

    sys.excepthook = excepthook
    sys.exit = noting_exit


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open.clear)  # the runs are the parent's to end
