from __future__ import annotations

from pathlib import Path

import trackio
from trackio.sqlite_storage import SQLiteStorage

from adapters import Recording

DISTRIBUTION = "trackio"
IMPORT = "import trackio"
CALL = 'trackio.log({"loss": value})'
BATCH = 1


# TRACKIO_DIR is in the folder already: the worker sets it.
def start(folder: Path, name: str) -> Recording:
    trackio.init("bench", name=name, embed=False, auto_log_gpu=False, auto_log_cpu=False)
    return Recording(name, {"trackio": trackio}, trackio.finish)


def values(folder: Path, run_id: str) -> list[float]:
    """What ``trackio get metric`` reads."""
    rows = SQLiteStorage.get_metric_values("bench", run_id, "loss")
    return [row["value"] for row in sorted(rows, key=lambda row: row["step"])]
