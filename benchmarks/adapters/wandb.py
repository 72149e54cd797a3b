from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import wandb

import adapters

DISTRIBUTION = "wandb"
IMPORT = "import wandb"
CALL = 'run.log({"loss": value})'
BATCH = 1


def start(folder: Path, name: str) -> adapters.Recording:
    settings = wandb.Settings(silent=True, console="off", x_disable_stats=True)
    run = wandb.init(
        project="bench", name=name, dir=str(folder), mode="offline", settings=settings, reinit="return_previous"
    )
    return adapters.Recording(run.id, {"run": run}, run.finish)


def values(folder: Path, run_id: str) -> list[float]:
    """Offline runs can be read with ``wandb leet inspect --json`` only: this is the program behind it."""
    from wandb.util import get_core_path

    files = list(folder.glob(f"wandb/offline-run-*-{run_id}/run-{run_id}.wandb"))
    if not files:
        return []
    command = [get_core_path(), "leet", "inspect", "--no-observability", "--json", "--run-file", str(files[0])]
    done = subprocess.run(
        [*command, str(folder / "wandb")], stdout=subprocess.PIPE, check=False, env={**os.environ, "TERM": "dumb"}
    )
    found = []
    for line in done.stdout.splitlines():
        if b'"type":"history"' in line:
            item = json.loads(line)["history"]["item"]
            if "loss" in item:
                found.append(float(item["loss"]))
    return found
