"""Addresses: of pages in the portal, and of the SDK's own documentation.

A page of an embedded workspace is given as a link that opens: the portal is started if none runs, and the link carries
its token.  ``MILEPOST_PORTAL_URL`` names another portal, ``MILEPOST_PORTAL=0`` starts none.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

URL_VARIABLE: Final = "MILEPOST_PORTAL_URL"
_JOB_VARIABLE: Final = "MILEPOST_JOB"
"""The mark of a submitted run's processes."""
_DEFAULT_PORTAL: Final = "http://127.0.0.1:8765"
"""Where the embedded portal listens, unless another workspace's does."""


def portal_base(workspace: Path | None = None) -> str:
    """The portal's address, without a token: ``MILEPOST_PORTAL_URL``, or this machine's own.  Starts nothing.

    ``workspace``: the folder of the workspace whose portal is meant, in case it runs elsewhere than usual.
    """
    named = os.environ.get(URL_VARIABLE)
    if named:
        return named.rstrip("/")
    if workspace is not None:
        from milepost.sdk.portal_file import running

        found = running(workspace)
        if found is not None:
            return found.base
    return _DEFAULT_PORTAL


def experiment_path(experiment: str) -> str:
    """The path of an experiment's page."""
    return f"/experiments/{quote(experiment, safe='')}"


def run_path(experiment: str, run_id: str) -> str:
    """The path of a run's page."""
    return f"{experiment_path(experiment)}/runs/{quote(run_id, safe='')}"


def experiment_url(experiment: str, workspace: Path | None = None) -> str:
    """The address of an experiment's page.  ``workspace``: the folder of its workspace; its portal is started."""
    return _opened(experiment_path(experiment), workspace)


def run_url(experiment: str, run_id: str, workspace: Path | None = None) -> str:
    """The address of a run's page.  ``workspace``: the folder of its workspace; its portal is started."""
    return _opened(run_path(experiment, run_id), workspace)


def log_url(run_id: str, name: str, workspace: Path) -> str:
    """The address of a log's text.  Starts nothing: it opens while the portal that runs now does."""
    path = f"/api/v1/runs/{quote(run_id, safe='')}/logs/{quote(name, safe='/')}"
    if _gives_links():
        from milepost.sdk.portal_file import running

        found = running(workspace)
        if found is not None:
            return found.link(path)
    return portal_base(workspace) + path


def _opened(path: str, workspace: Path | None) -> str:
    if workspace is not None and _gives_links():
        from milepost.sdk.portal_start import asked_portal

        found = asked_portal(workspace)
        if found is not None:
            return found.link(path)
    return portal_base(workspace) + path


def _gives_links() -> bool:
    """Whether addresses carry the token of a portal of this machine.

    Not where a submitted script prints them: that is kept as a log of the run, for all who come to see it.
    """
    return not os.environ.get(URL_VARIABLE) and not os.environ.get(_JOB_VARIABLE)


def docs_url(name: str) -> str:
    """The address of the SDK's own page on one of its classes."""
    return f"https://learn.microsoft.com/python/api/azureml-core/{name.lower()}?view=azure-ml-py"
