"""Finding and opening the workspace that a command is about.  Only `opened_or_made` makes one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from milepost.cli.options import Failed
from milepost.cli.output import hear_warnings, tell

if TYPE_CHECKING:
    from milepost.sdk.home import WorkspacePlace
    from milepost.sdk.workspace import Workspace
    from milepost.store.store import Store


def chosen_name(given: str | None) -> tuple[str, str]:
    """The workspace's name and where it comes from, in words: given, named by a config.json, or "default".

    Raises UserErrorException for a config.json that cannot be used.
    """
    from milepost.sdk import config
    from milepost.sdk.exceptions import deferred
    from milepost.sdk.workspace import DEFAULT_NAME

    if given is not None:
        return given, "--workspace"
    found = config.find_config()
    url = config.server_url(found)
    if url is not None:
        raise deferred(f"A workspace on a server ({url})", "Give --workspace NAME for one on this machine.")
    if found is None:
        return DEFAULT_NAME, "no config.json here or above"
    return found.name, str(found.source)


def place_of(given: str | None) -> WorkspacePlace:
    """The workspace's place on this machine.  Raises Failed where it is not there, naming those that are."""
    from milepost.sdk import home

    name, source = chosen_name(given)
    place = home.find_workspace(name)
    if place is not None:
        return place
    raise _no_workspace(name, source)


def _no_workspace(name: str, source: str) -> Failed:
    from milepost.sdk import home

    names = [each.name for each in home.list_workspaces(on_error=lambda _error: None)]
    there = (
        f"Those there are: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}" if names else "There is none"
    )
    remedy = "give --workspace NAME" if names else "record a run first"
    why = "" if source == "--workspace" else f" ({source})"
    return Failed(f"There is no workspace {name!r}{why} in {home.workspaces_folder()}. {there}; {remedy}.")


@contextmanager
def opened(given: str | None) -> Iterator[tuple[Workspace, Store]]:
    """The workspace and its store, with all in it that ended processes left behind.

    Where that cannot be delivered just now it says so and goes on with what the store has.
    """
    from milepost.sdk.exceptions import ServiceException
    from milepost.sdk.recorder import translated
    from milepost.sdk.workspace import Workspace

    hear_warnings()
    with _closing(Workspace._at(place_of(given))) as workspace:
        try:
            store = workspace._recorder.fresh()
        except (ServiceException, OSError) as error:
            with translated():
                store = workspace._recorder.open_store()
            reason = error.message if isinstance(error, ServiceException) else str(error)
            tell(f"warning: what ended processes left behind cannot be delivered just now: {reason}")
        with translated():
            yield workspace, store


@contextmanager
def opened_or_made(given: str | None) -> Iterator[Workspace]:
    """The workspace that a script started here would record in, made where it is not there, as for a script.

    One that was named with ``--workspace`` must be there: a wrong name shall not make a workspace.
    """
    from milepost.sdk.recorder import translated
    from milepost.sdk.workspace import Workspace

    hear_warnings()
    found = Workspace.from_config() if given is None else Workspace._at(place_of(given))
    with _closing(found) as workspace, translated():
        yield workspace


@contextmanager
def _closing(workspace: Workspace) -> Iterator[Workspace]:
    from milepost.sdk.recorder import close_recorder

    try:
        yield workspace
    finally:
        close_recorder(workspace._recorder)
