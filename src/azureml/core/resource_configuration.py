"""What a model would like to run on."""

from milepost.sdk.models.resource_configuration import ResourceConfiguration

__all__ = [
    "ResourceConfiguration",
]
