"""Finding and opening the workspace that a command is about.  Only `opened_or_made` makes one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milepost.cli.options import Failed
from milepost.cli.output import hear_warnings, tell

if TYPE_CHECKING:
    from milepost.sdk.workspaces.home import WorkspacePlace
    from milepost.sdk.workspaces.workspace import Workspace
    from milepost.store.store import Store


@dataclass(frozen=True, slots=True)
class Chosen:
    """The workspace that a command is about."""

    name: str
    server: str | None
    """The address of the server that it is on; None for one of this machine."""
    source: str
    """Where that comes from, in words: --workspace, a config.json, or that there is none."""


def chosen(given: str | None) -> Chosen:
    """The workspace that is given, or named by a config.json, or "default"; as a script would take it.

    Raises UserErrorException for a config.json or a ``MILEPOST_URL`` that cannot be used.
    """
    from milepost.sdk.workspaces import config
    from milepost.sdk.workspaces.workspace import DEFAULT_NAME

    if given is not None:
        return Chosen(given, config.server_url(None), "--workspace")
    found = config.find_config()
    name, source = (found.name, str(found.source)) if found is not None else ("", "no config.json here or above")
    return Chosen(name or DEFAULT_NAME, config.server_url(found), source)


def place_of(given: str | None) -> WorkspacePlace:
    """The workspace's place on this machine; one of a workspace on a server is made, and nobody is asked.

    Raises Failed where there is no such workspace on this machine, naming those that are.
    """
    from milepost.sdk.workspaces import home

    wanted = chosen(given)
    name, source = wanted.name, wanted.source
    if wanted.server is not None:
        return home.server_workspace(wanted.server, name)
    place = home.find_workspace(name)
    if place is not None:
        return place
    raise _no_workspace(name, source, more=_named_server() if given is not None else "")


def _named_server() -> str:
    """What to add where --workspace was given and a config.json names a server: it is not asked then."""
    from milepost.sdk.exceptions import UserErrorException
    from milepost.sdk.workspaces import config

    try:
        found = config.find_config()
    except UserErrorException:
        return ""
    if found is None or found.url is None:
        return ""
    return f" For a workspace of the server that {found.source} names, set {config.URL_VARIABLE}={found.url}."


def _no_workspace(name: str, source: str, remedy: str = "give --workspace NAME", more: str = "") -> Failed:
    from milepost.sdk.workspaces import home

    names = [each.name for each in home.list_workspaces(on_error=lambda _error: None)]
    there = (
        f"Those there are: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}" if names else "There is none"
    )
    remedy = remedy if names else "record a run first"
    why = "" if source == "--workspace" else f" ({source})"
    return Failed(f"There is no workspace {name!r}{why} in {home.workspaces_folder()}. {there}; {remedy}.{more}")


@contextmanager
def opened(given: str | None, *, deed: str | None = None) -> Iterator[tuple[Workspace, Store]]:
    """The workspace and its store, with all in it that ended processes left behind.

    Where that cannot be delivered just now it says so and goes on with what the store has.  ``deed``: what is to be
    recorded there, in words ("tag runs").  Raises AuthenticationException where a server lets this user read only:
    else that would be kept, and done some day when nobody asks for it any more.
    """
    place = place_of(given)
    if place.server is not None:
        from milepost.sdk.recording.server_store import check_there

        check_there(place, needed=True, deed=deed)
    with opened_at(place) as both:
        yield both


@contextmanager
def opened_here(name: str) -> Iterator[tuple[Workspace, Store]]:
    """As `opened`, a workspace of this machine by its name, whatever ``MILEPOST_URL`` says.

    Raises Failed where there is no such workspace, naming those that are.
    """
    from milepost.sdk.workspaces import home

    place = home.find_workspace(name)
    if place is None:
        raise _no_workspace(name, "--workspace", remedy="give the name of one that is there")
    with opened_at(place) as both:
        yield both


@contextmanager
def opened_at(place: WorkspacePlace) -> Iterator[tuple[Workspace, Store]]:
    """As `opened`, the workspace of a place."""
    from milepost.sdk.exceptions import ServiceException
    from milepost.sdk.recording.recorder import translated
    from milepost.sdk.workspaces.workspace import Workspace

    hear_warnings()
    with _closing(Workspace._at(place)) as workspace:
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
    from milepost.sdk.recording.recorder import translated
    from milepost.sdk.workspaces.workspace import Workspace

    hear_warnings()
    if given is None:
        found = Workspace.from_config()
    else:
        from milepost.sdk.recording.server_store import check_there

        place = place_of(given)
        check_there(place)
        found = Workspace._at(place)
    with _closing(found) as workspace, translated():
        yield workspace


@contextmanager
def _closing(workspace: Workspace) -> Iterator[Workspace]:
    from milepost.sdk.recording.recorder import close_recorder

    try:
        yield workspace
    finally:
        close_recorder(workspace._recorder)
