"""The classes of ``azureml.core.authentication``.

A workspace on this machine asks nobody for a password: the file system's rights decide who reads it.  For a workspace
on a server they say as whom this process asks there:

- ``ServicePrincipalAuthentication``: a service account; its password is one of its tokens.
- ``TokenAuthentication``: the token that the function gives; it is called with the server's address, once a minute.
- ``InteractiveLoginAuthentication``: the token that ``milepost login`` has kept, or a sign-in with a browser.

Secrets are not in the objects, so in no ``repr``, no pickle and no log.  There is no token of Azure to give out, so
asking for one raises.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NoReturn
from weakref import WeakKeyDictionary

from milepost.sdk.exceptions import AuthenticationException, cloud_only

__all__ = [
    "AbstractAuthentication",
    "ArmTokenAuthentication",
    "AzureCliAuthentication",
    "InteractiveLoginAuthentication",
    "MsiAuthentication",
    "ServicePrincipalAuthentication",
    "TokenAuthentication",
]


class AbstractAuthentication:
    """The base of all: shows nothing of what it was given, and has no token of Azure."""

    def get_authentication_header(self) -> NoReturn:
        """Raise NotAvailableException: there is no token of Azure to put into a header."""
        raise self._no_token()

    def get_token(self, *scopes: str, **kwargs: Any) -> NoReturn:
        """Raise NotAvailableException: there is no token of Azure."""
        raise self._no_token()

    def signed_session(self, session: Any = None) -> NoReturn:
        """Raise NotAvailableException: there is no token of Azure to sign a session's requests with."""
        raise self._no_token()

    def _no_token(self) -> Exception:
        return cloud_only(
            f"A token from {type(self).__name__}",
            "A workspace on this machine needs none; for Azure's own services use the azure-identity package",
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class InteractiveLoginAuthentication(AbstractAuthentication):
    """Signing in with a browser, at a server where no token is kept for this user, or with ``force`` in any case.

    Nobody is asked to sign in for a workspace on this machine.
    """

    def __init__(self, force: bool = False, tenant_id: str | None = None, cloud: str | None = None) -> None:
        _givers[self] = lambda server: _signed_in(server, force=force)


class ServicePrincipalAuthentication(AbstractAuthentication):
    """A service account of a server, by name or id, and one of its tokens as the password.

    ``tenant_id`` and ``cloud`` are accepted and not used; nor is anything of it for a workspace on this machine.
    """

    def __init__(
        self,
        tenant_id: str,
        service_principal_id: str,
        service_principal_password: str,
        cloud: str = "AzureCloud",
    ) -> None:
        token = service_principal_password
        _givers[self] = lambda server: _of_service(server, service_principal_id, token)


class AzureCliAuthentication(AbstractAuthentication):
    """The sign-in of the ``az`` command.  Accepted and ignored: the command is not called."""

    def __init__(self, cloud: str | None = None) -> None:
        pass


class MsiAuthentication(AbstractAuthentication):
    """The managed identity of a machine in Azure.  Accepted and ignored: nobody is asked for it."""

    def __init__(self, cloud: str | None = None, **kwargs: Any) -> None:
        pass


class TokenAuthentication(AbstractAuthentication):
    """Tokens of a server from a function of the script's, which is called with the server's address.

    For a workspace on this machine it is never called.
    """

    def __init__(self, get_token_for_audience: Callable[[str], str], cloud: str | None = None) -> None:
        _givers[self] = lambda server: _from_function(server, get_token_for_audience)

    def get_token(self, audience: str = "ARM") -> NoReturn:  # type: ignore[override]
        """Raise NotAvailableException: there is no token of Azure."""
        raise self._no_token()


class ArmTokenAuthentication(AbstractAuthentication):
    """A token of Azure's resource manager.  Accepted and ignored: nothing of it is kept, and no server gets it."""

    def __init__(self, arm_access_token: str, cloud: str = "None") -> None:
        pass

    def update_arm_access_token(self, new_arm_access_token: str) -> None:
        """Accept another token, and ignore it too."""


Giver = Callable[[], str]
_givers: Final[WeakKeyDictionary[AbstractAuthentication, Callable[[str], Giver | None]]] = WeakKeyDictionary()
"""From the address of a server to what gives the token for it.  Not in the objects: they are printed and pickled."""

_GOOD_FOR_S: Final = 60.0


def use_authentication(auth: object, server: str) -> None:
    """Have this process ask a server as ``auth`` says; nothing changes with None and with Azure's own classes.

    Raises AuthenticationException where the server does not take it, or nobody signs in.
    """
    find = _givers.get(auth) if isinstance(auth, AbstractAuthentication) else None
    giver = find(server) if find is not None else None
    if giver is not None:
        from milepost.sdk.access.credentials import use_token

        use_token(server, giver)


def _of_service(server: str, name_or_id: str, token: str) -> Giver:
    from milepost.sdk.access.signing_in import asked
    from milepost.store.errors import NotAllowed, StoreError

    try:
        found = asked(server, token)
    except NotAllowed as error:
        raise AuthenticationException(f"{server} does not take this service principal's password: {error}") from error
    except StoreError:
        return lambda: token  # it cannot be asked just now, and what is logged is kept for it
    if str(name_or_id).lower() not in (str(found["account"]).lower(), str(found.get("account_id")).lower()):
        raise AuthenticationException(
            f"The password is not one of the service principal {str(name_or_id)[:100]!r} at {server}. Give the name or "
            "id of the service account, and one of its own tokens."
        )
    return lambda: token


def _from_function(server: str, give: Callable[[str], str]) -> Giver:
    kept: tuple[float, str] | None = None

    def token() -> str:
        nonlocal kept
        now = time.monotonic()
        if kept is None or now - kept[0] > _GOOD_FOR_S:
            try:
                given = give(server)
            except Exception as error:
                raise _no_token_given(f"raised {type(error).__name__}") from error
            if not isinstance(given, str) or not given:
                raise _no_token_given(f"gave {type(given).__name__}, not a token")
            kept = now, given
        return kept[1]

    return token


def _no_token_given(what: str) -> AuthenticationException:
    return AuthenticationException(f"The function get_token_for_audience of TokenAuthentication {what}.")


def _signed_in(server: str, *, force: bool) -> Giver | None:
    """See to it that a token is kept for the server; gives one that was made just now."""
    from milepost.sdk.access.credentials import keep_token, token_for
    from milepost.sdk.access.signing_in import asked, sign_in, tell
    from milepost.store.errors import NotAllowed, StoreError

    token = None if force else token_for(server)
    if token is not None:
        try:
            asked(server, token)
        except NotAllowed:
            token = None
        except StoreError:
            return None
    if token is not None:
        return None
    done = sign_in(server, tell)
    keep_token(server, done.token, done.account)
    return lambda: done.token
