"""What automated ML raises."""

from milepost.sdk.automl.automl_exceptions import (
    AutoMLException,
    ConfigException,
    DataException,
    NotFoundException,
    OptionalDependencyMissingException,
)

__all__ = [
    "AutoMLException",
    "ConfigException",
    "DataException",
    "NotFoundException",
    "OptionalDependencyMissingException",
]
