"""Conda and pip packages of an environment."""

from milepost.sdk.later import CondaDependencies

__all__ = [
    "CondaDependencies",
]
