"""Milepost records machine-learning training runs and manages them."""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - a submitted script may run with any interpreter that was given
    raise ImportError(
        f"Milepost needs Python 3.10 or later, and this is {sys.version.split()[0]}: {sys.executable}. "
        "Choose another interpreter for the run's environment."
    )

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing itself would be a dozen modules more, for every script
if TYPE_CHECKING:
    from milepost.sdk.runs.dataframes import metrics_dataframe as metrics_dataframe
    from milepost.sdk.runs.dataframes import runs_dataframe as runs_dataframe


def __getattr__(name: str) -> object:
    # Every script imports this module: what few use is imported when it is asked for.
    if name in ("metrics_dataframe", "runs_dataframe"):
        from milepost.sdk.runs import dataframes

        return getattr(dataframes, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
