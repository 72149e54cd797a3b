"""What a team's server is started with."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from milepost.server.team.first_account import new_secret

if TYPE_CHECKING:
    from milepost.server.team.settings import TeamSettings

BACKLOG: Final = 1024


@dataclass(frozen=True)
class ServerConfig:
    """Where a server keeps things, where it listens, and how many processes do.  It goes to each of them."""

    database_url: str = field(repr=False)
    """``sqlite:///PATH`` or ``postgresql://...``; it may hold a password."""
    artifacts: str
    """A folder, or the address of an object store."""
    settings: TeamSettings
    """Whom it answers, and how."""
    workers: int = 1
    """Processes that answer."""
    drain_s: float = 0.0
    """How long it goes on when it is to end, while ``/readyz`` says so already: load balancers need time to see it."""
    grace_s: float = 30.0
    """How long answers that are on their way may take then."""
    silence_s: float = 300.0
    """After so long a run whose process was not heard of is NotResponding; 0: never."""
    audit_keep_s: float = 0.0
    """How long lines of the audit log are kept; 0: for good."""
    setup_secret: str = field(default_factory=new_secret, repr=False)
    """What the first account can be made with, whichever process answers."""
    metrics_at: tuple[str, int] | None = None
    """The address and port at which Prometheus is told."""
    log_json: bool = False
    """Write JSON lines."""
    log_requests: bool = False
    """Write a line for each request."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there.  Raises OSError for a name that is not known."""
    found = {each[4][0] for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    return all(ip_address(str(each).partition("%")[0]).is_loopback for each in found)


def address_of(listener: socket.socket) -> str:
    """What a browser on this machine is to be given to reach it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one.  Raises OSError."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    both = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server((str(address[0]), port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        raise OSError(error.errno, f"port {port} of {host} cannot be had: {error.strerror}") from error
    # What is accepted inherits it; without it answers on a connection that is used again wait for about 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
