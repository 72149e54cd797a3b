"""A client that is killed while it sends a file: ``python -m tests.team.sending_client WORKSPACE FILE PARTS``.

It kills itself when so many parts have been sent.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from azureml.core import Experiment, Workspace
from milepost.remote.parts import PartsSender


def main() -> None:
    workspace, path, parts = sys.argv[1], sys.argv[2], int(sys.argv[3])
    sent = threading.Semaphore(0)
    send = PartsSender._send_part

    def counted(*args: Any) -> None:
        send(*args)
        sent.release()

    PartsSender._send_part = counted  # type: ignore[method-assign]
    run = Experiment(Workspace.get(workspace), "exp").start_logging(snapshot_directory=None)
    print(run.id, flush=True)
    run.upload_file("outputs/model.bin", path)
    threading.Thread(target=run.flush, daemon=True).start()
    for _ in range(parts):
        sent.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
