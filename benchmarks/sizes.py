"""How much each measure does with each tool: enough for a steady figure, little enough for 45 minutes in all."""

from __future__ import annotations

TOOLS = ("milepost", "mlflow", "mlflow_batch", "wandb", "aim", "tensorboardx", "trackio")
TITLES = {
    "milepost": "Milepost",
    "mlflow": "MLflow `log_metric`",
    "mlflow_batch": "MLflow `log_batch`",
    "wandb": "W&B offline",
    "aim": "Aim",
    "tensorboardx": "TensorBoardX",
    "trackio": "Trackio",
}
PEER = {"mlflow_batch": "mlflow"}
"""The environment of a tool, where it is not of the same name."""

MEASURES = (
    "call",
    "visible",
    "series",
    "imports",
    "kill",
    "runs",
    "writers",
    "busy",
    "submit",
    "snapshot",
    "portal",
    "watched",
)
PAGES = ("million", "many", "overlay", "table")
"""The data sets of ``portal``: see ``portal/data.py``."""
PAGE_TOOLS = ("milepost", "mlflow", "aim", "tensorboardx")

CALLS = {
    "milepost": 100_000,
    "mlflow": 500,
    "mlflow_batch": 30_000,
    "wandb": 10_000,
    "aim": 20_000,
    "tensorboardx": 50_000,
    "trackio": 100_000,
}
VISIBLE = {
    "milepost": 1_000_000,
    "mlflow": 500,
    "mlflow_batch": 30_000,
    "wandb": 30_000,
    "aim": 30_000,
    "tensorboardx": 50_000,
    "trackio": 100_000,
}
SERIES = 100_000
"""What is read back: the same for all."""
LONG_SERIES = 1_000_000
"""For Milepost's use of disk alone."""
KILLS = 10
PACED_KILLS = 5
PACE_S = 0.001
"""Between two calls of a process that logs as a quick training loop does."""
RUNS = {"milepost": 10_000, "mlflow": 500}
BUSY_S = 5.0
BUSY_ROOM = 12_000_000
SUBMITS = {"milepost": 11, "mlflow": 6}
SNAPSHOT_FILES = 2_000
WATCHED = {"paced": (1, 60.0), "working": (2, 60.0), "full": (3, 10.0)}
"""How a training logs that is watched -> rounds, and seconds of each with the page open."""
IMPORTS = 10
READS = 5


def small(points: int) -> int:
    """The size with ``--quick``: it shows that all works, its figures say nothing."""
    return max(20, points // 100)
