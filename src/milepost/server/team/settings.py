"""How a team's server is set up."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Final
from urllib.parse import urlsplit

MIB: Final = 1 << 20


@dataclass(frozen=True)
class Limits:
    """How much a server takes.  Bytes, unless said otherwise."""

    request: int = 2 * MIB
    """The largest body of a request, but for the two below."""
    batch: int = 256 * MIB
    """The largest batch of a journal, as it is sent."""
    blob: int = 1 << 40
    """The largest content of a file."""
    part: int = 8 * MIB
    """Of a content that comes in parts, but for the largest contents; S3 takes no part below 5 MiB."""
    batches_at_once: int = 512 * MIB
    """Of batches that are being taken, all together: what comes beyond is told to come again."""
    requests_at_once: int = 64 * MIB
    """Of the JSON of all requests that are being answered, likewise."""
    points_per_s: int = 0
    """Metric points a second of each workspace that has no limit of its own; 0: as many as can be."""
    bytes_per_s: int = 0
    """Of batches, as they are sent, likewise."""
    storage: int = 0
    """Of the files of each workspace that has no limit of its own; 0: as much as there is."""
    tokens_per_account: int = 100
    """Those that are good at the same time; 0: as many as anybody likes."""
    workspaces_per_account: int = 100
    """Those that one account has made and that are still there; administrators may make more.  0: likewise."""
    connections: int = 2000
    """The most connections that are open at once."""
    streams: int = 1000
    """The most server-sent event streams that are open at once."""


@dataclass(frozen=True)
class OidcSettings:
    """An issuer of OpenID Connect that people sign in at."""

    issuer: str
    """Exactly as it calls itself, such as https://login.microsoftonline.com/TENANT/v2.0."""
    client_id: str
    client_secret: str = field(repr=False)
    label: str = "single sign-on"
    """What the button of the sign-in page is to say."""
    allowed_domains: tuple[str, ...] = ()
    """Who gets an account at their first sign-in: with a verified e-mail address of one of these domains; "*": whoever
    the issuer lets in; none: nobody, an administrator makes accounts."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.issuer)
        is_here = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not (parts.scheme == "https" or is_here) or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{self.issuer!r} is no issuer's address; it begins with https://")

    def lets_in(self, email: str | None, *, is_verified: bool) -> bool:
        """Whether somebody without an account gets one."""
        if "*" in self.allowed_domains:
            return True
        domain = (email or "").rpartition("@")[2].lower()
        return is_verified and domain != "" and domain in {each.lower() for each in self.allowed_domains}


@dataclass(frozen=True)
class TeamSettings:
    """Whom the server answers, and how."""

    public_url: str
    """The address that people and scripts use, such as https://milepost.example; no slash at the end."""
    limits: Limits = field(default_factory=Limits)
    all_may_create: bool = True
    """Everybody with an account may make workspaces; else administrators only."""
    session_s: float = 14 * 24 * 3600.0
    """How long a browser stays signed in."""
    login_s: float = 90 * 24 * 3600.0
    """How long the token that ``milepost login`` keeps is good for."""
    oidc: OidcSettings | None = None
    """Where people may sign in besides."""
    signed_urls: bool = True
    """Clients send files straight to the object store, and fetch them there, where it can be signed for that."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """The addresses of load balancers: what they say of a client's address (``X-Forwarded-For``) is believed."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.public_url)
        named = parts.netloc and "@" not in parts.netloc
        if parts.scheme not in ("http", "https") or not named or parts.path or parts.query or parts.fragment:
            raise ValueError(f"{self.public_url!r} is no address such as https://milepost.example")

    @property
    def origin(self) -> str:
        """What browsers send as the Origin of our pages."""
        return f"{urlsplit(self.public_url).scheme}://{self._host}"

    @property
    def hosts(self) -> frozenset[str]:
        """The Host headers that mean this server."""
        return frozenset({self._host, f"{self._host}{self._usual_port}", urlsplit(self.public_url).netloc.lower()})

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by HTTPS."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def _host(self) -> str:
        """As browsers say it: in lower case, and without the port that goes without saying."""
        return urlsplit(self.public_url).netloc.lower().removesuffix(self._usual_port)

    @property
    def _usual_port(self) -> str:
        return ":443" if self.is_secure else ":80"

    @property
    def cookie(self) -> str:
        """The name of the cookie of a signed-in browser.  Cookies know no ports, so without HTTPS it names ours."""
        if self.is_secure:
            return "__Host-milepost"
        return f"milepost_session_{urlsplit(self.public_url).port or 80}"

    # What routes of the embedded portal ask of their settings.

    @property
    def read_only(self) -> bool:
        """It is roles that keep from changing things."""
        return False

    @property
    def max_streams(self) -> int:
        """See ``Limits.streams``."""
        return self.limits.streams

    @property
    def max_connections(self) -> int:
        """See ``Limits.connections``."""
        return self.limits.connections

    @property
    def head_s(self) -> float:
        """How long (seconds) the head of a request may take."""
        return 30.0

    @property
    def tend_s(self) -> float:
        """Seconds between two looks after what was left behind."""
        return 30.0
