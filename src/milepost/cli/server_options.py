"""The options of ``milepost server``, and where its commands find its database and its files.

Each option is also a variable, ``MILEPOST_SERVER_...``: what a variable holds is in no list of processes.
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from milepost.cli.options import Failed, Misused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from milepost.server.team.settings import OidcSettings

DEFAULT_PORT: Final = 8800


class LogFormat(str, Enum):
    """How what is logged is written."""

    TEXT = "text"
    JSON = "json"


def _option(flag: str, help: str, **more: Any) -> Any:
    variable = "MILEPOST_SERVER_" + flag.partition("/")[0].removeprefix("--").upper().replace("-", "_")
    return typer.Option(flag, envvar=variable, show_envvar=True, help=help, **more)


DatabaseUrl = Annotated[
    str | None,
    _option(
        "--database-url",
        "postgresql://USER@HOST/NAME or sqlite:///PATH. A password belongs into the variable, PGPASSWORD or ~/.pgpass. "
        "Default: a SQLite file in ~/.milepost/server.",
        metavar="URL",
    ),
]
Artifacts = Annotated[
    str | None,
    _option(
        "--artifacts",
        "Where files are kept: s3://BUCKET/PREFIX, az://CONTAINER/PREFIX, gs://BUCKET/PREFIX (keys in their usual "
        "variables) or a folder. Default: ~/.milepost/server/artifacts.",
        metavar="ADDRESS",
    ),
]
PublicUrl = Annotated[
    str | None,
    _option(
        "--public-url",
        "The address that people and scripts use, such as https://milepost.example. Requests for another one are "
        "refused. Default, on this machine alone: http://127.0.0.1:PORT.",
        metavar="URL",
    ),
]
Host = Annotated[str, _option("--host", "The address to listen at.")]
Port = Annotated[int, _option("--port", "0 takes a free one.", min=0, max=65535)]
Workers = Annotated[
    int, _option("--workers", "Processes that answer. One makes use of about one core.", min=1, max=128)
]
TrustedProxies = Annotated[
    str,
    _option(
        "--trusted-proxies",
        "Load balancers, such as 10.0.0.0/8,127.0.0.1: their X-Forwarded-For is believed, and no other.",
        metavar="NETWORKS",
    ),
]
SignedUrls = Annotated[
    bool,
    _option(
        "--signed-urls/--no-signed-urls",
        "Have clients send large files straight to the object store, and fetch them there, at addresses that are "
        "signed for that. Off: all of it goes through the server.",
    ),
]
Migrate = Annotated[
    bool,
    _option(
        "--migrate/--no-migrate",
        "Bring the database to this version's schema first. With --no-migrate, only: milepost server migrate",
    ),
]
AllMayCreate = Annotated[
    bool,
    _option(
        "--all-may-create/--admins-create", "Whether everybody with an account may make workspaces, or administrators."
    ),
]
Drain = Annotated[
    str,
    _option(
        "--drain",
        "After SIGTERM, how long to go on while /readyz says 503, for load balancers to see it. Such as 5s.",
        metavar="TIME",
    ),
]
Grace = Annotated[str, _option("--grace", "How long requests that are on their way may take then.", metavar="TIME")]
NotRespondingAfter = Annotated[
    str,
    _option(
        "--not-responding-after",
        "How long nothing is heard of a run's process before the run is NotResponding: 2m or more; 0: never.",
        metavar="TIME",
    ),
]
PointsPerSecond = Annotated[
    int,
    _option(
        "--points-per-second",
        "Of each workspace, in each process. 0: no limit. What is too much is told to come later.",
        min=0,
    ),
]
BytesPerSecond = Annotated[
    str, _option("--bytes-per-second", "Of metrics and events, likewise, such as 20MB.", metavar="SIZE")
]
Storage = Annotated[
    str, _option("--storage", "Of the files of each workspace, such as 500GB. 0: no limit.", metavar="SIZE")
]
TokensPerAccount = Annotated[
    int, _option("--tokens-per-account", "That are good at the same time. 0: as many as anybody likes.", min=0)
]
WorkspacesPerAccount = Annotated[
    int,
    _option(
        "--workspaces-per-account",
        "That one account may make, those that were deleted not counted; administrators may make more. 0: no limit.",
        min=0,
    ),
]
BatchMemory = Annotated[
    str, _option("--batch-memory", "What all batches on their way to one process may take up.", metavar="SIZE")
]
AuditKeep = Annotated[
    str, _option("--audit-keep", "How long lines of the audit log are kept, such as 730d. 0: for good.", metavar="TIME")
]
MetricsAddress = Annotated[
    str | None,
    _option(
        "--metrics-address",
        "Where Prometheus is answered, without a token: such as 127.0.0.1:9464. Default: nowhere.",
        metavar="HOST:PORT",
    ),
]
Log = Annotated[LogFormat, _option("--log-format", "On standard error.")]
LogRequests = Annotated[bool, _option("--log-requests", "A line for each request.")]
OidcIssuer = Annotated[
    str | None,
    _option(
        "--oidc-issuer",
        "People sign in there, too, by OpenID Connect; such as https://login.microsoftonline.com/TENANT/v2.0.",
        metavar="URL",
    ),
]
OidcClientId = Annotated[str, _option("--oidc-client-id", "What this server is called there.", metavar="ID")]
OidcClientSecret = Annotated[
    str, _option("--oidc-client-secret", "Its secret there: give it in the variable.", metavar="SECRET")
]
OidcDomains = Annotated[
    str,
    _option(
        "--oidc-domains",
        "Who gets an account when they first sign in there: verified addresses of these domains, such as "
        "example.org,example.com; * for all. Default: nobody.",
        metavar="DOMAINS",
    ),
]
OidcLabel = Annotated[str, _option("--oidc-label", "What the button says.", metavar="TEXT")]

_above: Final[dict[str, str | None]] = {}


def keep_for_command(database_url: str | None, artifacts: str | None) -> None:
    """What was given before the name of a command, as in ``milepost server --database-url URL check``."""
    _above.update(database_url=database_url, artifacts=artifacts)


def server_engine(database_url: str | None) -> Engine:
    """The server's database: this one, the one given before the command's name, or a SQLite file of its own.

    Raises BadInput for what is no address of a database.
    """
    from milepost.store.engine import open_engine

    found = database_url or _above.get("database_url")
    return open_engine(found or f"sqlite:///{_folder() / 'server.db'}")


@contextmanager
def server_database(database_url: str | None) -> Iterator[Engine]:
    """The engine of ``server_engine``, for as long as this lasts.

    Raises Failed where the database is not available, with what whoever runs it can do; else the store's errors.
    """
    from milepost.server.team.checking import for_operator
    from milepost.store.errors import StoreUnavailable

    engine = server_engine(database_url)
    try:
        yield engine
    except StoreUnavailable as error:
        raise Failed(for_operator(error)) from error
    finally:
        engine.dispose()


def server_artifacts(address: str | None) -> str:
    """The address of the server's files, found likewise.  Raises BadInput for one that is none."""
    from milepost.store.blobs import open_blobs

    found = address or _above.get("artifacts") or str(_folder() / "artifacts")
    if "://" not in found:
        found = str(Path(found).expanduser().absolute())
    open_blobs(found)
    return found


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """What ``--trusted-proxies`` names.  Raises Misused."""
    try:
        return tuple(ip_network(each) for each in words(text))
    except ValueError as error:
        raise Misused(f"--trusted-proxies takes networks such as 10.0.0.0/8,127.0.0.1: {error}") from error


def words(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(each.strip() for each in text.split(",") if each.strip())


def host_and_port(text: str | None) -> tuple[str, int] | None:
    """What ``--metrics-address`` means.  Raises Misused."""
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port[:6]) < 65536:
        raise Misused(f"--metrics-address takes HOST:PORT, such as 127.0.0.1:9464, not {text!r}")
    return host.strip("[]"), int(port)


def oidc(issuer: str | None, client_id: str, secret: str, domains: str, label: str) -> OidcSettings | None:
    """Where people sign in besides.  Raises Misused."""
    from milepost.server.team.settings import OidcSettings

    if issuer is None:
        return None
    if not client_id or not secret:
        raise Misused("--oidc-issuer wants --oidc-client-id and MILEPOST_SERVER_OIDC_CLIENT_SECRET beside it")
    try:
        return OidcSettings(issuer, client_id, secret, label, words(domains))
    except ValueError as error:
        raise Misused(f"--oidc-issuer: {error}") from error


def _folder() -> Path:
    """Where a server keeps what it has no other place for.  Nobody else may read in it."""
    from milepost.sdk.workspaces.home import home

    folder = home() / "server"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
