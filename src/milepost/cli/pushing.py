"""``milepost push``: carry a workspace of this machine to a server."""

from __future__ import annotations

from typing import Annotated

import typer

from milepost.cli import carrying
from milepost.cli.opening import opened_here
from milepost.cli.options import AsJson


def push(
    workspace: Annotated[str, typer.Argument(metavar="WORKSPACE", help="The workspace on this machine.")],
    to: Annotated[str, typer.Option("--to", metavar="URL", help="The server's address.")],
    as_name: carrying.AsName = None,
    as_json: AsJson = False,
) -> None:
    """Carry a whole workspace to a server: runs, metrics, files, snapshots, models, environments.

    What the server has already is not carried again, so this may be repeated: after it was interrupted, and whenever
    the workspace has grown. Runs that have not ended are carried as they are, and completed the next time.
    """
    from milepost.store.carrying.source import StoreSource

    with opened_here(workspace) as (here, store):
        carried, where = carrying.carry_to_server(StoreSource(store), to, as_name or here.name)
        where = {"workspace": here.name, **where}
    carrying.tell(carried, where, as_json=as_json)
