"""What a server tells Prometheus, at an address of its own: ``--metrics-address``.

Several processes of one server share a folder (``PROMETHEUS_MULTIPROC_DIR``), and the first one gives the sum.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
MOST_WORKSPACES: Final = 200
"""Workspaces that have figures of their own; those of all others are added up as ``other``."""
_OTHER: Final = "other"
_SECONDS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)


class Measures:
    """The counts of this process.  Threads may share it.  Raises ImportError without ``prometheus-client``."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        registry = self.registry = CollectorRegistry()

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, registry=registry, multiprocess_mode="livesum")

        self._requests = Counter(
            "milepost_requests", "Requests that were answered", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "milepost_request_seconds",
            "From the head of a request to the end of its answer, but for streams",
            ("route",),
            registry=registry,
            buckets=_SECONDS,
        )
        self._under_way = gauge("milepost_requests_under_way", "Requests that are being answered, streams among them")
        self._batches = Counter("milepost_batches", "Batches that were applied", registry=registry)
        self._bytes = Counter("milepost_batch_bytes", "Bytes of those, as they were sent", registry=registry)
        self._points = Counter(
            "milepost_points", "Metric points that were applied, by workspace", ("workspace",), registry=registry
        )
        self._held = gauge("milepost_batch_bytes_held", "Bytes of batches that are on their way")
        self._connections = gauge("milepost_database_connections", "Connections to the database that are in use")
        self._workspaces: set[str] = set()

    def watch(self, engine: Engine) -> None:
        """Count the connections of this engine that are in use."""
        from sqlalchemy import event

        event.listen(engine, "checkout", lambda *_: self._connections.inc())
        event.listen(engine, "checkin", lambda *_: self._connections.dec())

    def begun(self) -> None:
        """A request has come."""
        self._under_way.inc()

    def ended(self, method: str, route: str, status: int, seconds: float, *, is_stream: bool) -> None:
        """It was answered."""
        self._under_way.dec()
        self._requests.labels(method, route, str(status)).inc()
        if not is_stream:
            self._seconds.labels(route).observe(seconds)

    def applied(self, workspace: str, points: int, size: int) -> None:
        """A batch is in the store."""
        self._batches.inc()
        self._bytes.inc(size)
        if workspace not in self._workspaces:
            if len(self._workspaces) >= MOST_WORKSPACES:
                workspace = _OTHER
            else:
                self._workspaces.add(workspace)
        self._points.labels(workspace).inc(points)

    def held(self, size: int) -> None:
        """So many bytes of batches are on their way."""
        self._held.set(size)


@contextmanager
def shared_among_processes() -> Iterator[None]:
    """Have this process and those that it starts meanwhile add up what they count.  Before the first ``Measures``."""
    with tempfile.TemporaryDirectory(prefix="milepost-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER_VARIABLE]


def forget_process(pid: int) -> None:
    """A process that was counting has ended: what it had under way is over."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


@contextmanager
def telling(at: tuple[str, int] | None, measures: Measures | None) -> Iterator[None]:
    """Answer Prometheus there, in a thread, with what this process counts, or all that share with it (None).

    Raises OSError where the port cannot be had.
    """
    if at is None:
        yield
        return
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry() if measures is None else measures.registry
    if measures is None:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    try:
        server, _ = start_http_server(at[1], at[0], registry)
    except OSError as error:
        raise OSError(error.errno, f"port {at[1]} of {at[0]} cannot be had: {error.strerror}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
