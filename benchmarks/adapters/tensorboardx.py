from __future__ import annotations

from pathlib import Path

from tensorboardX import SummaryWriter

from adapters import Recording

DISTRIBUTION = "tensorboardX"
IMPORT = "import tensorboardX"
CALL = 'writer.add_scalar("loss", value, i)'
BATCH = 1


def start(folder: Path, name: str) -> Recording:
    writer = SummaryWriter(str(folder / "runs" / name))
    return Recording(name, {"writer": writer}, writer.close)


def values(folder: Path, run_id: str) -> list[float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "runs" / run_id), size_guidance={"scalars": 0})
    events.Reload()
    return [each.value for each in events.Scalars("loss")] if "loss" in events.Tags()["scalars"] else []
