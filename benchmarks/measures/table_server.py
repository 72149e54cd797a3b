"""A portal of the workspace in a process of its own: tells where it listens, and serves until its stdin closes."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from job import Job


def measure(job: Job) -> None:
    from milepost.sdk.portal.portal_process import be_portal

    folder = job.path / "home" / "workspaces" / "bench"

    def ready(state: Any) -> None:
        job.tell({"base": f"http://127.0.0.1:{state.port}", "token": state.token, "pid": os.getpid()})

    def wait() -> None:
        sys.stdin.read()
        (folder / "portal.stop").touch()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
    be_portal(folder, None, ready)
