"""OpenID Connect: people sign in at Entra ID, Google, Keycloak and the like (authorization code with PKCE).

The only addresses that are asked are the issuer's, which the server's administrator has set.  What it signs is checked
by joserfc: signature by the issuer's own keys and by asymmetric algorithms alone, issuer, audience, nonce and times.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlencode

import urllib3
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

    from milepost.server.team.settings import OidcSettings

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
_LEEWAY_S: Final = 60
_METADATA_S: Final = 3600.0
_KEYS_AGAIN_S: Final = 30.0
_AWAY_S: Final = 5.0
_TURN_S: Final = 3.0
_MOST_BYTES: Final = 1 << 20
_TIMEOUT: Final = urllib3.Timeout(connect=5.0, read=10.0)


class SignInFailed(Exception):
    """Nobody is signed in.  ``code`` is a word for the page; the message is for the server's log and its audit."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in that has begun: what its browser keeps until it comes back."""

    state: str
    nonce: str
    verifier: str
    onward: str
    """The page to go to afterwards."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who has signed in, by the word of the issuer."""

    issuer: str
    subject: str
    name: str
    email: str | None
    is_email_verified: bool


def begin_flow(onward: str) -> Flow:
    """A new sign-in, with secrets of its own."""
    return Flow(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), onward)


class OpenIdConnect:
    """Speaks with one issuer.  Threads may share it."""

    def __init__(self, settings: OidcSettings, redirect_uri: str) -> None:
        self.settings = settings
        self.redirect_uri = redirect_uri
        self._pool = urllib3.PoolManager(maxsize=4)
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._not_before = 0.0
        self._metadata: tuple[float, dict[str, str]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def link(self, flow: Flow) -> str:
        """Where the browser signs in.  Raises SignInFailed where the issuer cannot be asked."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid email profile",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        address = self._issuers()["authorization_endpoint"]
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    def identity(self, flow: Flow, state: str, code: str) -> Identity:
        """Who has signed in, when the browser comes back.  Raises SignInFailed."""
        if not hmac.compare_digest(state.encode("utf-8", "replace"), flow.state.encode()):
            raise SignInFailed("expired", "the sign-in came back to another browser than the one that began it")
        given = self._asked(
            self._issuers()["token_endpoint"],
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.redirect_uri,
                "code_verifier": flow.verifier,
            },
        )
        token = given.get("id_token")
        if not isinstance(token, str):
            raise SignInFailed("refused", "the issuer gave no ID token")
        claims = self._claims(token, flow.nonce)
        email = claims.get("email")
        name = next((claims[each] for each in ("preferred_username", "email", "name") if claims.get(each)), "")
        return Identity(
            issuer=self.settings.issuer,
            subject=str(claims["sub"]),
            name=str(name),
            email=email if isinstance(email, str) and len(email) <= 320 else None,
            is_email_verified=claims.get("email_verified") is True,
        )

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """What an ID token says, checked.  Raises SignInFailed."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        client = self.settings.client_id
        try:
            found = self._decoded(token)
            jwt.JWTClaimsRegistry(
                leeway=_LEEWAY_S,
                iss={"essential": True, "value": self.settings.issuer},
                sub={"essential": True},
                aud={"essential": True, "value": client},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(found)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SignInFailed("refused", f"the issuer's ID token cannot be used: {error}") from error
        if ((isinstance(found["aud"], list) and len(found["aud"]) > 1) or "azp" in found) and found.get(
            "azp"
        ) != client:
            raise SignInFailed("refused", "the issuer's ID token is for another program")
        if not isinstance(found["sub"], str) or not 1 <= len(found["sub"]) <= 255:
            raise SignInFailed("refused", "the issuer's ID token names nobody")
        return found

    def _decoded(self, token: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError

        algorithms = list(ALGORITHMS)
        try:
            return dict(jwt.decode(token, self._issuers_keys(), algorithms=algorithms).claims)
        except (JoseError, ValueError):
            if self._keys is not None and time.monotonic() - self._keys[0] < _KEYS_AGAIN_S:
                raise
            # The issuer may have keys by now that it had not when we asked for them.
            return dict(jwt.decode(token, self._issuers_keys(anew=True), algorithms=algorithms).claims)

    # -- what the issuer says --------------------------------------------------------------------------------------

    def _issuers(self) -> dict[str, str]:
        """The issuer's addresses."""
        kept = self._metadata
        if kept is not None and time.monotonic() - kept[0] < _METADATA_S:
            return kept[1]
        # One at a time, and not at once again: those who wait hold threads that others need.
        if not self._asking.acquire(timeout=_TURN_S):
            raise SignInFailed("unavailable", f"{self.settings.issuer} is slow to answer")
        try:
            if time.monotonic() < self._not_before:
                raise SignInFailed("unavailable", f"{self.settings.issuer} did not answer a moment ago")
            if self._metadata is None or self._metadata is kept:
                try:
                    self._metadata = time.monotonic(), self._found_addresses()
                except SignInFailed:
                    self._not_before = time.monotonic() + _AWAY_S
                    raise
            return self._metadata[1]
        finally:
            self._asking.release()

    def _found_addresses(self) -> dict[str, str]:
        issuer = self.settings.issuer
        found = self._asked(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise SignInFailed("unavailable", f"{issuer} says that it is {str(found.get('issuer'))[:200]!r}")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        addresses = {name: str(found.get(name)) for name in names}
        for name, address in addresses.items():
            # As safe as the issuer itself: an https:// one leads to no other.
            if not address.startswith("https://") and not (
                issuer.startswith("http://") and address.startswith("http://")
            ):
                raise SignInFailed("unavailable", f"{issuer} gives no safe address as its {name}")
        return addresses

    def _issuers_keys(self, *, anew: bool = False) -> KeySet:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet, import_key

        with self._lock:
            if self._keys is not None and not anew and time.monotonic() - self._keys[0] < _METADATA_S:
                return self._keys[1]
        found = self._asked(self._issuers()["jwks_uri"])
        usable = []
        for each in found.get("keys", ()):
            if isinstance(each, dict) and each.get("use") in (None, "sig") and each.get("kty") in ("RSA", "EC", "OKP"):
                with suppress(JoseError, ValueError, TypeError, KeyError):  # of a kind that we do not know
                    usable.append(import_key(each))
        keys = KeySet(usable)
        with self._lock:
            self._keys = time.monotonic(), keys
        return keys

    def _asked(self, address: str, form: dict[str, str] | None = None) -> dict[str, Any]:
        """The JSON object that the issuer answers, to a form where one is sent.  Raises SignInFailed."""
        headers = {"Accept": "application/json"}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            pair = f"{quote_plus(self.settings.client_id)}:{quote_plus(self.settings.client_secret)}"  # RFC 6749, 2.3.1
            headers |= urllib3.util.make_headers(basic_auth=pair)
        try:
            response = self._pool.request(
                "GET" if form is None else "POST",
                address,
                body=body,
                headers=headers,
                redirect=False,
                retries=False,
                timeout=_TIMEOUT,
                preload_content=False,
            )
            try:
                data = response.read(_MOST_BYTES)
            finally:
                response.close()
            found = json.loads(data)
        except (HTTPError, ValueError, RecursionError) as error:
            raise SignInFailed("unavailable", f"{address} cannot be asked: {type(error).__name__}") from error
        if response.status != 200 or not isinstance(found, dict):
            said = found.get("error") if isinstance(found, dict) else None
            code = "refused" if form is not None and response.status in (400, 401, 403) else "unavailable"
            raise SignInFailed(code, f"{address} answered {response.status} {str(said or '')[:200]}")
        return found
