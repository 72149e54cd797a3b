"""``milepost sweep``: a sweep that is written in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from milepost.cli.opening import opened_or_made
from milepost.cli.options import AsJson, Misused, WorkspaceName
from milepost.cli.submitting import Follows, Waits, tell_submitted, valid_name
from milepost.cli.sweep_file import SweepFile


def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The sweep, in YAML.")],
    follows: Follows = False,
    waits: Waits = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Run a script again and again with other parameters, as a file says, and find the best.

    milepost sweep sweep.yaml --follow

    What may be in the file: docs/sweeps.md. The trials are runs of this machine, children of the sweep's run, whatever
    becomes of this terminal.

    Exit codes: 2 where nothing was submitted because something is wrong; and with --follow or --wait, 0 Completed,
    1 Failed, 3 Canceled.
    """
    if follows and as_json:
        raise Misused("--follow and --json cannot be had at once.")
    written = SweepFile.read(file)
    from milepost.sdk.exceptions import AzureMLException, WorkspaceException
    from milepost.sdk.workspaces.experiment import Experiment

    with opened_or_made(name) as workspace:
        try:
            experiment = Experiment(workspace, written.text("experiment") or valid_name(file.resolve().parent.name))
            run = experiment.submit(
                written.config(workspace), tags=written.texts("tags") or None, display_name=written.text("name")
            )
        except WorkspaceException:
            raise
        except AzureMLException as error:  # what was asked for cannot be run: nothing was submitted
            raise Misused(f"{file}: {error.message}") from error
        tell_submitted(run, workspace, as_json=as_json, follows=follows, waits=waits)
