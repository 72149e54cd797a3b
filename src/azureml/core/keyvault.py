"""Secrets of Azure's cloud."""

from milepost.sdk.later import Keyvault

__all__ = [
    "Keyvault",
]
