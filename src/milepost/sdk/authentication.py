"""The classes of ``azureml.core.authentication``.

A workspace on this machine asks nobody for a password: the file system's rights decide who reads it.  Scripts that
make these objects and hand them to ``Workspace.get(auth=...)`` run; what they are given is forgotten at once, so
that no secret lies in memory, in a ``repr`` or in a log.  There is no token to give out, so asking for one raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from milepost.sdk.exceptions import cloud_only

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
    """The base of all: keeps nothing, and has no token."""

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
    """Signing in with a browser.  Accepted and ignored: nobody is asked to sign in."""

    def __init__(self, force: bool = False, tenant_id: str | None = None, cloud: str | None = None) -> None:
        pass


class ServicePrincipalAuthentication(AbstractAuthentication):
    """A service principal and its password.  Accepted and ignored: nothing of it is kept."""

    def __init__(
        self,
        tenant_id: str,
        service_principal_id: str,
        service_principal_password: str,
        cloud: str = "AzureCloud",
    ) -> None:
        pass


class AzureCliAuthentication(AbstractAuthentication):
    """The sign-in of the ``az`` command.  Accepted and ignored: the command is not called."""

    def __init__(self, cloud: str | None = None) -> None:
        pass


class MsiAuthentication(AbstractAuthentication):
    """The managed identity of a machine in Azure.  Accepted and ignored: nobody is asked for it."""

    def __init__(self, cloud: str | None = None, **kwargs: Any) -> None:
        pass


class TokenAuthentication(AbstractAuthentication):
    """Tokens from a function of the script's.  Accepted and ignored: the function is never called."""

    def __init__(self, get_token_for_audience: Callable[[str], str], cloud: str | None = None) -> None:
        pass

    def get_token(self, audience: str = "ARM") -> NoReturn:  # type: ignore[override]
        """Raise NotAvailableException: there is no token of Azure."""
        raise self._no_token()


class ArmTokenAuthentication(AbstractAuthentication):
    """A token of Azure's resource manager.  Accepted and ignored: nothing of it is kept."""

    def __init__(self, arm_access_token: str, cloud: str = "None") -> None:
        pass

    def update_arm_access_token(self, new_arm_access_token: str) -> None:
        """Accept another token, and ignore it too."""
