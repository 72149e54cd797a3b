"""The members of ``Run`` that belong to Azure's cloud: each says so when called."""

from __future__ import annotations

from collections.abc import Sequence

from milepost.sdk.exceptions import cloud_only


class RunLater:
    """Members with the SDK's signatures that raise a clear error."""

    def get_secret(self, name: str) -> str:
        """Secrets belong to Azure's key vault."""
        raise cloud_only("Run.get_secret", "Read the secret from an environment variable.")

    def get_secrets(self, secrets: Sequence[str]) -> dict[str, str]:
        """Secrets belong to Azure's key vault."""
        raise cloud_only("Run.get_secrets", "Read the secrets from environment variables.")
