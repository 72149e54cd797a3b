"""``milepost export`` and ``milepost import``: a workspace as a folder of Parquet tables and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from milepost.cli import carrying, output
from milepost.cli.opening import opened, opened_at
from milepost.cli.options import AsJson, Failed, Misused

if TYPE_CHECKING:
    from milepost.store.carrying.carrier import Carried
    from milepost.store.folder.reading import FolderSource
    from milepost.store.folder.writing import Exported


def export(
    workspace: Annotated[str, typer.Argument(metavar="WORKSPACE", help="The workspace.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; it must not be there, or be empty.")],
    as_json: AsJson = False,
) -> None:
    """Write a whole workspace to a folder: Parquet tables for pandas and duckdb, and files.

    `milepost import` reads it back, on this machine or into a server. Needs pyarrow: pip install 'milepost[export]'
    """
    from milepost.store.carrying.source import StoreSource
    from milepost.store.folder.writing import export as write

    with opened(workspace) as (here, store), carrying.one_line() as show:
        done = write(StoreSource(store), folder, lambda so_far: show(_counts(so_far)))
    if as_json:
        facts = {"runs": done.runs, "points": done.points, "files": done.files, "file_bytes": done.bytes}
        output.write_json(
            {
                "workspace": here.name,
                "folder": str(folder.absolute()),
                **facts,
                "models": done.models,
                "missing": done.missing,
            }
        )
    else:
        output.say(f"Exported workspace {here.name!r} to {folder.absolute()}: {_counts(done)}.")
    if done.missing:
        for what, why in list(done.missing.items())[: carrying.TOLD]:
            output.tell(f"warning: {what} was left out: {why}")
        raise Failed(f"{len(done.missing):,} things could not be exported; all else was.")


def _counts(done: Exported) -> str:
    return f"{done.runs:,} runs, {done.points:,} points, {done.files:,} files ({output.size(done.bytes)})"


def import_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What `milepost export` has made.")],
    name: Annotated[
        str | None,
        typer.Option(
            "--workspace",
            "-w",
            metavar="NAME",
            help="Workspace on this machine to import into, made where it is not there. Default: the exported name.",
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="Import into a workspace of this server instead.")
    ] = None,
    as_name: carrying.AsName = None,
    as_json: AsJson = False,
) -> None:
    """Read an exported folder into a workspace of this machine, or of a server.

    All of the folder is checked first; nothing is imported where something is wrong with it. What the workspace has
    already is not imported again, so it may be repeated.
    """
    from milepost.store.folder.reading import open_folder

    if to is not None and name is not None:
        raise Misused("--workspace is a workspace of this machine; with --to the server's is chosen with --as NAME.")
    if to is None and as_name is not None:
        raise Misused("--as names a workspace of a server and needs --to URL; one of this machine is --workspace.")
    output.hear_warnings()
    with carrying.one_line() as show:
        source = open_folder(folder, lambda what: show(f"checking {what}"))
    if to is not None:
        carried, where = carrying.carry_to_server(source, to, as_name or source.workspace_name)
    else:
        carried, where = _import_here(source, name or source.workspace_name)
    carrying.tell(carried, {"folder": str(folder.absolute()), **where}, as_json=as_json)


def _import_here(source: FolderSource, name: str) -> tuple[Carried, dict[str, str]]:
    from milepost.sdk.workspaces import home

    place, made = home.create_workspace(name)
    if made:
        output.tell(f"made workspace {place.name!r} in {place.folder}")
    with opened_at(place) as (here, store):
        return carrying.carry(source, store), {"to": here.name}
