"""Clients under faults, and the count of what was lost and doubled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from milepost.store.store import find_store
from tests.team.fault_client import read_ledger

if TYPE_CHECKING:
    from tests.team.servers import TeamServer

_ROOT: Final = Path(__file__).parents[2]


@dataclass
class Clients:
    """Training scripts on one machine, whose home is ``home``, that record into ``workspace`` of the server ``url``."""

    home: Path
    url: str
    token: str
    workspace: str
    ledgers: list[Path] = field(default_factory=list)

    def start(
        self, count: int, burst: int, pause_s: float, module: str = "tests.team.fault_client"
    ) -> subprocess.Popen[bytes]:
        self.home.mkdir(parents=True, exist_ok=True)
        ledger = self.home / f"ledger-{len(self.ledgers)}"
        self.ledgers.append(ledger)
        arguments = [self.workspace, str(ledger), str(count), str(burst), str(pause_s)]
        with (self.home / "said").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=_ROOT,
                env=self.environment(),
                stdout=said,
                stderr=said,
            )

    def environment(self) -> dict[str, str]:
        own = {"MILEPOST_HOME": str(self.home), "MILEPOST_URL": self.url, "MILEPOST_TOKEN": self.token}
        return {**os.environ, **own}

    def sync(self, within_s: float = 60) -> str:
        """``milepost sync``, again and again until it has delivered all; what it said at last."""
        until = time.monotonic() + within_s
        while True:
            done = subprocess.run(
                [sys.executable, "-c", "from milepost.cli import main; main()", "sync"],
                cwd=_ROOT,
                env=self.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0 or time.monotonic() > until:
                assert done.returncode == 0, done.stdout + done.stderr
                return done.stdout
            time.sleep(0.2)

    def said(self) -> str:
        return (self.home / "said").read_text(errors="replace")


@dataclass
class Count:
    """What became of the values whose call had returned."""

    acknowledged: int = 0
    found: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    files_lost: int = 0
    longest_ms: float = 0.0
    runs: int = 0
    ended: int = 0

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.files_lost)


def count(server: TeamServer, clients: Clients) -> Count:
    """Look into the server's database, beside the server."""
    store = find_store(server.engine, clients.workspace, lambda each: f"{server.blobs_url}/{each}")
    total = Count()
    for path in clients.ledgers:
        ledger = read_ledger(path)
        if ledger is None:
            continue
        run_id, calls, longest, ended = ledger
        values = store.metric_values_many([run_id], "value")[run_id].get("value", [])
        values = values if isinstance(values, list) else [values]
        times = Counter(values)
        total.runs += 1
        total.ended += ended
        total.acknowledged += calls
        total.found += len(values)
        total.lost += len(set(range(calls)) - times.keys())
        total.doubled += sum(each - 1 for each in times.values())
        total.out_of_order += values != sorted(values)
        total.longest_ms = max(total.longest_ms, longest / 1e6)
        if ended:
            for name, size in (("outputs/small.txt", 36), ("outputs/large.bin", 36 * 150_000)):
                with store.open_artifact(run_id, name) as file:
                    total.files_lost += len(file.read()) != size
    return total
