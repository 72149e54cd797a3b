"""Where a run is shown: a notebook's kernel, marimo, IPython in a terminal, or plain Python."""

from __future__ import annotations

import sys
from typing import Any, Literal

Surroundings = Literal["kernel", "marimo", "terminal"]


def surroundings() -> Surroundings:
    """Where this process shows things.  Imports nothing that is not there already."""
    marimo = sys.modules.get("marimo")
    if marimo is not None and _is_true(getattr(marimo, "running_in_notebook", None)):
        return "marimo"
    shell = shell_of()
    # Colab's shell and others derive from ipykernel's; a terminal's has no kernel.
    return "kernel" if shell is not None and getattr(shell, "kernel", None) is not None else "terminal"


def shell_of() -> Any:
    """The IPython shell of this process; None where there is none."""
    ipython = sys.modules.get("IPython")
    get = getattr(ipython, "get_ipython", None)
    return get() if get is not None else None


def executed_cell() -> tuple[str, str] | None:
    """The cell that is being executed, where the front end tells it, and what tells this time from others."""
    try:
        parent = shell_of().get_parent()
        return str(parent["metadata"]["cellId"]), str(parent["header"]["msg_id"])
    except Exception:  # another shell, or another front end
        return None


def _is_true(ask: Any) -> bool:
    try:
        return bool(ask())
    except Exception:
        return False


def answer_where_asked(comm: object) -> None:
    """Let what a page asks for by way of a comm be handled by the subshell that the page has for it.

    ipykernel (7.4) would take the place from where the comm was last written to, by which it means the cell that is
    being executed: the main thread, which is busy with it.
    """
    if hasattr(comm, "_reply_subshell_for"):
        vars(comm)["_reply_subshell_for"] = _as_asked


def _as_asked(data: object, subshell: str | None) -> str | None:
    return subshell
