"""The members of ``Model`` that serve models, which belongs to Azure's cloud: each names what to use instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import cloud_only, deferred

if TYPE_CHECKING:
    from milepost.sdk.models.model import Model
    from milepost.sdk.workspaces.workspace import Workspace

_SERVE: Final = "Model.download() fetches a model's files to serve them with a server of your choice."


class ModelCloud:
    """Members with the SDK's signatures that raise a clear error."""

    def get_sas_urls(self) -> dict[str, str]:
        """Signed addresses belong to Azure's storage."""
        raise cloud_only("Model.get_sas_urls", "Model.download() fetches the files.")

    def add_dataset_references(self, datasets: Any) -> None:
        """Datasets of a model: not in this version yet."""
        raise deferred("Model.add_dataset_references", "Model.add_properties() can name the data.")

    @staticmethod
    def deploy(
        workspace: Workspace,
        name: str,
        models: Sequence[Model],
        inference_config: Any = None,
        deployment_config: Any = None,
        deployment_target: Any = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> Any:
        """Web services belong to Azure's cloud."""
        raise cloud_only("Model.deploy", _SERVE)

    @staticmethod
    def package(
        workspace: Workspace,
        models: Sequence[Model],
        inference_config: Any = None,
        generate_dockerfile: bool = False,
        image_name: str | None = None,
        image_label: str | None = None,
    ) -> Any:
        """Container images belong to Azure's cloud."""
        raise cloud_only("Model.package", _SERVE)

    @staticmethod
    def profile(
        workspace: Workspace,
        profile_name: str,
        models: Sequence[Model],
        inference_config: Any,
        input_dataset: Any,
        cpu: float | None = None,
        memory_in_gb: float | None = None,
        description: str | None = None,
    ) -> Any:
        """Profiling of web services belongs to Azure's cloud."""
        raise cloud_only("Model.profile", _SERVE)

    @staticmethod
    def print_configuration(
        models: Sequence[Model], inference_config: Any, deployment_config: Any, deployment_target: Any
    ) -> None:
        """Configurations of web services belong to Azure's cloud."""
        raise cloud_only("Model.print_configuration", _SERVE)
