"""Warnings that never stop the training they are given in."""

from __future__ import annotations

import contextlib
import sys
import warnings


def warn(text: str, *, stacklevel: int = 1) -> None:
    """Give a RuntimeWarning; where warnings are errors (``python -W error``), say it on standard error instead.

    A warning tells of trouble that Milepost deals with by itself.  Raised, it would break the drain's thread, or an
    append half-way.  ``stacklevel`` 1 is the caller's own line.
    """
    try:
        warnings.warn(text, RuntimeWarning, stacklevel=stacklevel + 1)
    except RuntimeWarning:
        with contextlib.suppress(OSError, AttributeError, ValueError):  # no standard error, or a closed one
            sys.stderr.write(f"RuntimeWarning: {text}\n")
