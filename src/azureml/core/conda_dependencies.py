"""Conda and pip packages of an environment."""

from milepost.sdk.environments.conda_dependencies import CondaDependencies

__all__ = [
    "CondaDependencies",
]
