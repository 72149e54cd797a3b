"""The members of ``Run`` that submitted runs bring, and those of Azure's cloud: each says so when called."""

from __future__ import annotations

from collections.abc import Sequence

from milepost.sdk.exceptions import cloud_only, deferred


class RunLater:
    """Members with the SDK's signatures that raise a clear error."""

    def clean(self) -> None:
        """Remove what the run left on its compute target: not in this version yet."""
        raise deferred("Run.clean", "An interactive run leaves nothing on a compute target.")

    def get_secret(self, name: str) -> str:
        """Secrets belong to Azure's key vault."""
        raise cloud_only("Run.get_secret", "Read the secret from an environment variable.")

    def get_secrets(self, secrets: Sequence[str]) -> dict[str, str]:
        """Secrets belong to Azure's key vault."""
        raise cloud_only("Run.get_secrets", "Read the secrets from environment variables.")
