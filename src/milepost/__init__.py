"""Milepost records machine-learning training runs and manages them."""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - a submitted script may run with any interpreter that was given
    raise ImportError(
        f"Milepost needs Python 3.10 or later, and this is {sys.version.split()[0]}: {sys.executable}. "
        "Choose another interpreter for the run's environment."
    )

__version__ = "0.1.0"
