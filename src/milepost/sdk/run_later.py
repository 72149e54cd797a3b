"""The members of ``Run`` that submitted runs bring, and those of Azure's cloud: each says so when called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from milepost.sdk.exceptions import cloud_only, deferred


class RunLater:
    """Members with the SDK's signatures that raise a clear error."""

    def take_snapshot(self, file_or_folder_path: str) -> str:
        """Keep a folder's source with the run: not in this version yet."""
        raise deferred("Run.take_snapshot", "Run.upload_folder() keeps a folder's files with the run.")

    def get_snapshot_id(self) -> str:
        """The id of the run's snapshot: not in this version yet."""
        raise deferred("Run.get_snapshot_id")

    def restore_snapshot(self, snapshot_id: str | None = None, path: str | None = None) -> str:
        """Fetch the run's snapshot: not in this version yet."""
        raise deferred("Run.restore_snapshot")

    def clean(self) -> None:
        """Remove what the run left on its compute target: not in this version yet."""
        raise deferred("Run.clean", "An interactive run leaves nothing on a compute target.")

    def get_secret(self, name: str) -> str:
        """Secrets belong to Azure's key vault."""
        raise cloud_only("Run.get_secret", "Read the secret from an environment variable.")

    def get_secrets(self, secrets: Sequence[str]) -> dict[str, str]:
        """Secrets belong to Azure's key vault."""
        raise cloud_only("Run.get_secrets", "Read the secrets from environment variables.")

    @staticmethod
    def list_by_compute(
        compute: Any,
        type: str | None = None,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        status: str | None = None,
    ) -> Any:
        """Runs by compute target: not in this version yet."""
        raise deferred("Run.list_by_compute", "Experiment.get_runs() lists an experiment's runs.")
