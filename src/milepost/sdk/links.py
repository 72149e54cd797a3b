"""Addresses: of pages in the portal, and of the SDK's own documentation."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import quote

_DEFAULT_PORTAL: Final = "http://127.0.0.1:8765"
"""Where the embedded portal listens."""


def portal_base() -> str:
    """The portal's address: ``MILEPOST_PORTAL_URL``, or this machine's own."""
    return os.environ.get("MILEPOST_PORTAL_URL", _DEFAULT_PORTAL).rstrip("/")


def experiment_url(experiment: str) -> str:
    """The address of an experiment's page."""
    return f"{portal_base()}/experiments/{quote(experiment, safe='')}"


def run_url(experiment: str, run_id: str) -> str:
    """The address of a run's page."""
    return f"{experiment_url(experiment)}/runs/{quote(run_id, safe='')}"


def docs_url(name: str) -> str:
    """The address of the SDK's own page on one of its classes."""
    return f"https://learn.microsoft.com/python/api/azureml-core/{name.lower()}?view=azure-ml-py"
