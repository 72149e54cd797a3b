"""The processes of a team's server: one that answers itself, or several that share a socket.

With several, the first one only listens for signals: it starts the others, starts one anew that has died, and ends them
all when it is to end.  They end by themselves where it was killed.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from milepost.server.team.forgetting import forgetting
from milepost.server.team.listening import listening
from milepost.server.team.measures import Measures, forget_process, shared_among_processes, telling
from milepost.server.team.request_log import set_up_logging
from milepost.store.engine import open_engine

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess

    from milepost.server.team.config import ServerConfig

log: Final = logging.getLogger("milepost.server")

_SIGNALS: Final = tuple(getattr(signal, each) for each in ("SIGTERM", "SIGINT") if hasattr(signal, each))
_PAUSE_S: Final = 1.0
"""Between two starts of a process that dies again and again."""


def serve(config: ServerConfig, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Answer what comes to this socket until SIGTERM or Ctrl-C, and what is on its way then.

    ``ready`` is called when it can be ended like that.  The database must have its schema.
    """
    if config.workers > 1:
        with shared_among_processes() if config.metrics_at else nullcontext():
            _serve_all(config, listener, ready)
    else:
        measures = Measures() if config.metrics_at else None
        with telling(config.metrics_at, measures):
            _serve_here(config, listener, ready, measures)


def _serve_here(
    config: ServerConfig, listener: socket.socket, ready: Callable[[], None], measures: Measures | None
) -> None:
    from milepost.server.serving import team_server_of
    from milepost.server.team.app import TeamApp
    from milepost.server.team.first_account import FirstAccount
    from milepost.server.team.places import Backend

    asked: list[int] = []
    for each in _SIGNALS:
        signal.signal(each, lambda sig, _: asked.append(sig))
    set_up_logging(as_json=config.log_json, requests=config.log_requests)
    engine = open_engine(config.database_url)
    if measures is not None:
        measures.watch(engine)
    try:
        backend = Backend(engine, config.artifacts)
        app = TeamApp(backend, config.settings, FirstAccount(config.setup_secret), measures)
        server = team_server_of(app, drain_s=config.drain_s, grace_s=config.grace_s)
        for each in _SIGNALS:  # before uvicorn's own, and after: it raises once more what it has ended for
            signal.signal(each, server.handle_exit)
        if not asked:
            with listening(engine, config.silence_s), forgetting(engine, config.audit_keep_s):
                ready()
                server.run(sockets=[listener])
    finally:
        engine.dispose()


def _serve_all(config: ServerConfig, listener: socket.socket, ready: Callable[[], None]) -> None:
    set_up_logging(as_json=config.log_json, requests=config.log_requests)
    ending = threading.Event()
    for each in _SIGNALS:
        signal.signal(each, lambda *_: ending.set())
    context = multiprocessing.get_context("spawn")  # a fork would copy locks and connections
    listener.set_inheritable(True)

    def start() -> BaseProcess:
        process = context.Process(target=_be_worker, args=(config, listener), name="milepost-worker")
        process.start()
        return process

    with telling(config.metrics_at, None):
        workers = [start() for _ in range(config.workers)]
        ready()
        while not ending.wait(_PAUSE_S):
            for place, worker in enumerate(workers):
                if not worker.is_alive():
                    log.error("worker %s ended with %s; another one starts", worker.pid, worker.exitcode)
                    if config.metrics_at and worker.pid is not None:
                        forget_process(worker.pid)
                    workers[place] = start()
    listener.close()
    for worker in workers:
        worker.terminate()
    until = time.monotonic() + config.drain_s + config.grace_s + 10.0
    for worker in workers:
        worker.join(max(0.1, until - time.monotonic()))
        if worker.is_alive():
            worker.kill()


def _be_worker(config: ServerConfig, listener: socket.socket) -> None:
    def follow() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        if _SIGNALS:
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, daemon=True).start()
    _serve_here(config, listener, lambda: None, Measures() if config.metrics_at else None)
