"""Web services of Azure's cloud."""

from milepost.sdk.later import Webservice

__all__ = [
    "Webservice",
]
