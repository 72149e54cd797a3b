"""A client process of ``team_server.py``: ``team_client.py KIND SETTINGS``, KIND one of ``CLIENTS``, SETTINGS JSON.

It writes "ready", waits for a line, does its work, and writes what came of it as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any


def milepost(settings: dict[str, Any], go: Any) -> dict[str, Any]:
    """A script: ``run.log`` in a loop, until the server has all of it."""
    os.environ["MILEPOST_HOME"] = settings["home"]
    os.environ["MILEPOST_URL"], os.environ["MILEPOST_TOKEN"] = settings["url"], settings["token"]
    from azureml.core import Experiment, Workspace

    run = Experiment(Workspace.get(settings["workspace"]), "load").start_logging(snapshot_directory=None)
    run.log("warm", 0.5)
    run.flush()
    go()
    began = time.perf_counter()
    log = run.log
    for step in range(settings["points"]):
        log("loss", step * 0.5)
    logged = time.perf_counter()
    run.complete()
    run.flush()
    ended = time.perf_counter()
    return {"run": run.id, "logged_s": logged - began, "delivered_s": ended - began, "points": settings["points"]}


def mlflow(settings: dict[str, Any], go: Any) -> dict[str, Any]:
    """A script: ``log_metric`` in a loop, or ``log_batch`` with as many as it takes."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric
    from mlflow.exceptions import MlflowException

    client = MlflowClient(settings["url"])
    with suppress(MlflowException):  # another client may be faster
        client.create_experiment("load")
    experiment = client.get_experiment_by_name("load").experiment_id
    run_id = client.create_run(experiment).info.run_id
    client.log_metric(run_id, "warm", 0.5)
    go()
    began = time.perf_counter()
    until = began + settings["seconds"]
    count, step = settings["at_once"], 0
    while step < settings["points"] and time.perf_counter() < until:
        if count == 1:
            client.log_metric(run_id, "loss", step * 0.5, step=step)
        else:
            now = int(time.time() * 1000)
            client.log_batch(run_id, [Metric("loss", each * 0.5, now, each) for each in range(step, step + count)])
        step += count
    client.set_terminated(run_id)
    return {"run": run_id, "delivered_s": time.perf_counter() - began, "points": step}


def crowd(settings: dict[str, Any], go: Any) -> dict[str, Any]:
    """Many clients, a thread each: batches of a journal of its own, sent when the one before was acknowledged."""
    import numpy as np

    from milepost.remote.address import Address
    from milepost.remote.connection import Connection
    from milepost.store.batch import CELL_FLOAT, NO_STEP, SERIES, Batch, Column, Points, SeriesBlock
    from milepost.store.errors import Busy
    from milepost.store.wire import BATCH_TYPE, pack_batch

    size, taken, waits = settings["at_once"], [], []
    random = np.random.default_rng(settings["number"])

    def message(journal: str, start: int) -> bytes:
        steps = np.full(size, NO_STEP, np.int64)
        times = time.time_ns() + np.arange(size, dtype=np.int64) * 1000
        cells = Column(np.full(size, CELL_FLOAT, np.uint8), random.random(size), np.zeros(0, np.int64), [])
        block = SeriesBlock(journal, "loss", SERIES, Points(steps, times, {"": cells}))
        return pack_batch(Batch(journal, start, start + size * 32, [], [block]))

    stop = threading.Event()

    def client(number: int) -> None:
        journal = f"crowd-{settings['number']}-{number}"
        connection = Connection(Address(settings["url"], settings["workspace"], settings["token"]))
        start = 0
        while not stop.is_set():
            data = message(journal, start)
            began = time.perf_counter()
            while True:
                try:
                    path = f"/journals/{journal}/batches"
                    connection.content("POST", path, data, headers={"Content-Type": BATCH_TYPE})
                    break
                except Busy as busy:
                    time.sleep(busy.after_s)
            waits.append(time.perf_counter() - began)
            taken.append(size)
            start += size * 32
            stop.wait(settings["pause_s"])

    threads = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(settings["clients"])]
    go()
    began = time.perf_counter()
    for each in threads:
        each.start()
    time.sleep(settings["seconds"])
    stop.set()
    for each in threads:
        each.join()
    return {"delivered_s": time.perf_counter() - began, "points": sum(taken), "waits": waits}


def reader(settings: dict[str, Any], go: Any) -> dict[str, Any]:
    """A person at the portal: the table of runs and a curve, again and again."""
    import urllib3

    pool = urllib3.PoolManager(maxsize=1)
    api = f"{settings['url']}/workspaces/{settings['workspace']}/api/v1"
    headers = {"Authorization": f"Bearer {settings['token']}"}
    curve = json.dumps({"series": [{"run_id": settings["run"], "name": "loss"}]})
    times: dict[str, list[float]] = {"runs": [], "series": []}
    go()
    until = time.perf_counter() + settings["seconds"]
    while time.perf_counter() < until:
        for name, method, path, body in (
            ("runs", "GET", "/runs?limit=50", None),
            ("series", "POST", "/metrics/series", curve),
        ):
            began = time.perf_counter()
            more = {"Content-Type": "application/json"} if body else {}
            answer = pool.request(method, api + path, body=body, headers={**headers, **more})
            times[name].append(time.perf_counter() - began)
            if answer.status != 200:
                raise SystemExit(f"{path}: {answer.status} {answer.data[:300]!r}")
        time.sleep(0.05)
    return {"times": times}


CLIENTS = {"milepost": milepost, "mlflow": mlflow, "crowd": crowd, "reader": reader}


def main() -> None:
    def go() -> None:
        print("ready", flush=True)
        sys.stdin.readline()

    print(json.dumps(CLIENTS[sys.argv[1]](json.loads(sys.argv[2]), go)), flush=True)


if __name__ == "__main__":
    main()
