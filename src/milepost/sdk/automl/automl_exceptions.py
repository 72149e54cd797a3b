"""What automated ML raises."""

from __future__ import annotations

from milepost.sdk.exceptions import UserErrorException


class AutoMLException(UserErrorException):
    """The base of what automated ML raises."""


class ConfigException(AutoMLException):
    """An automated ML run cannot be done as it was asked for; the message says which setting, and what to do."""


class DataException(AutoMLException):
    """The data of an automated ML run cannot be used as it is."""


class OptionalDependencyMissingException(AutoMLException):
    """A package that automated ML needs is not installed."""


class NotFoundException(AutoMLException):
    """There is no such iteration, metric or model."""
