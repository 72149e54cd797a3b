"""Addresses: of pages in the portal, and of the SDK's own documentation.

A page of an embedded workspace is given as a link that opens: the portal is started if none runs, and the link carries
its token.  ``MILEPOST_PORTAL_URL`` names another portal, ``MILEPOST_PORTAL=0`` starts none.  A workspace on a server
has its pages there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from milepost.sdk.recording.recorder import Recorder

URL_VARIABLE: Final = "MILEPOST_PORTAL_URL"
_JOB_VARIABLE: Final = "MILEPOST_JOB"
"""The mark of a submitted run's processes."""
_DEFAULT_PORTAL: Final = "http://127.0.0.1:8765"
"""Where the embedded portal listens, unless another workspace's does."""


def portal_base(recorder: Recorder) -> str:
    """What the addresses of a workspace's pages begin with, without a token.  Starts nothing."""
    if recorder.server is not None:
        return f"{recorder.server}/workspaces/{quote(recorder.workspace, safe='')}"
    named = os.environ.get(URL_VARIABLE)
    if named:
        return named.rstrip("/")
    from milepost.sdk.portal.portal_file import running

    found = running(recorder.folder)
    return _DEFAULT_PORTAL if found is None else found.base


def experiment_path(experiment: str) -> str:
    """The path of an experiment's page."""
    return f"/experiments/{quote(experiment, safe='')}"


def run_path(experiment: str, run_id: str) -> str:
    """The path of a run's page."""
    return f"{experiment_path(experiment)}/runs/{quote(run_id, safe='')}"


def workspace_url(recorder: Recorder) -> str:
    """The address of a workspace's first page.  The portal of a workspace on this machine is started."""
    return _opened("/experiments", recorder)


def model_url(name: str, recorder: Recorder) -> str:
    """The address of a model's page.  The portal of a workspace on this machine is started."""
    return _opened(f"/models/{quote(name, safe='')}", recorder)


def experiment_url(experiment: str, recorder: Recorder) -> str:
    """The address of an experiment's page.  The portal of a workspace on this machine is started."""
    return _opened(experiment_path(experiment), recorder)


def run_url(experiment: str, run_id: str, recorder: Recorder) -> str:
    """The address of a run's page.  The portal of a workspace on this machine is started."""
    return _opened(run_path(experiment, run_id), recorder)


def log_url(run_id: str, name: str, recorder: Recorder) -> str:
    """The address of a log's text.  Starts nothing: it opens while the portal that runs now does."""
    path = f"/api/v1/runs/{quote(run_id, safe='')}/logs/{quote(name, safe='/')}"
    if _gives_links(recorder):
        from milepost.sdk.portal.portal_file import running

        found = running(recorder.folder)
        if found is not None:
            return found.link(path)
    return portal_base(recorder) + path


def _opened(path: str, recorder: Recorder) -> str:
    if _gives_links(recorder):
        from milepost.sdk.portal.portal_start import asked_portal

        found = asked_portal(recorder.folder)
        if found is not None:
            return found.link(path)
    return portal_base(recorder) + path


def _gives_links(recorder: Recorder) -> bool:
    """Whether addresses carry the token of a portal of this machine.

    Not where a submitted script prints them: that is kept as a log of the run, for all who come to see it.
    """
    return recorder.server is None and not os.environ.get(URL_VARIABLE) and not os.environ.get(_JOB_VARIABLE)


def docs_url(name: str) -> str:
    """The address of the SDK's own page on one of its classes."""
    return f"https://learn.microsoft.com/python/api/azureml-core/{name.lower()}?view=azure-ml-py"
