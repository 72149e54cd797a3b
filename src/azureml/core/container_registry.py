"""Where container images are fetched from."""

from milepost.sdk.environments.docker_section import ContainerRegistry

__all__ = [
    "ContainerRegistry",
]
