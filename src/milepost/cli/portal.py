"""``milepost portal``: the pages of a workspace."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from milepost.cli import output
from milepost.cli.opening import place_of
from milepost.cli.options import AsJson, Failed, Misused, WorkspaceName

if TYPE_CHECKING:
    from milepost.sdk.portal.portal_file import PortalState
    from milepost.sdk.workspaces.home import WorkspacePlace

portal = typer.Typer(help="Show a workspace in the browser.", invoke_without_command=True)


@portal.callback()
def open_portal(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="The port to listen at. Default: 8765, or another free one."),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the link and open no browser.")] = False,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay until Ctrl-C, though nobody looks, and open no browser.")
    ] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="With --foreground: change nothing.")] = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Start the portal of a workspace, if it does not run, and give the link that opens it.

    It listens on this machine's own address only, goes on in the background, and ends by itself after 12 hours in
    which nobody looked. The link holds a token: whoever has it can see and change all that is in the workspace.
    """
    if context.invoked_subcommand is not None:
        return
    if read_only and not foreground:
        raise Misused("--read-only goes with --foreground: others use the portal that runs in the background.")
    if foreground:
        _serve(place_of(name), port, read_only=read_only, as_json=as_json)
        return
    from milepost.sdk.access.signing_in import has_screen
    from milepost.sdk.portal.portal_file import running
    from milepost.sdk.portal.portal_start import PortalFailed, start_portal

    place = place_of(name)
    if place.server is not None:
        _show(place, no_browser, as_json)
        return
    before = running(place.folder)
    if before is not None and port not in (None, before.port):
        raise Misused(f"The portal of {place.name!r} runs at port {before.port}. End it first: milepost portal stop")
    try:
        state = start_portal(place.folder, port)
    except PortalFailed as error:
        raise Failed(f"The portal of {place.name!r} did not start: {error}") from error
    if port not in (None, state.port):
        raise Failed(f"Another process has started the portal of {place.name!r} at port {state.port}.")
    link = state.link("/")
    if as_json:
        output.write_json(
            {"workspace": place.name, "url": link, "port": state.port, "pid": state.pid, "started": before is None}
        )
        return
    output.say(link)
    if not no_browser and has_screen():
        import webbrowser

        webbrowser.open(link)


def _show(place: WorkspacePlace, no_browser: bool, as_json: bool) -> None:
    """The pages of a workspace on a server, which are there already."""
    from milepost.remote.address import Address
    from milepost.sdk.access.signing_in import has_screen

    link = Address(place.server or "", place.name).pages
    if as_json:
        output.write_json({"workspace": place.name, "url": link, "started": False})
        return
    output.say(link)
    if not no_browser and has_screen():
        import webbrowser

        webbrowser.open(link)


@portal.command("stop")
def stop(name: WorkspaceName = None, as_json: AsJson = False) -> None:
    """End the portal of a workspace."""
    from milepost.sdk.portal.portal_start import PortalFailed, stop_portal

    place = place_of(name)
    try:
        stopped = stop_portal(place.folder)
    except PortalFailed as error:
        raise Failed(f"The portal of {place.name!r} was not ended: {error}") from error
    if as_json:
        output.write_json({"workspace": place.name, "stopped": stopped})
    elif stopped:
        output.say(f"The portal of {place.name!r} has ended.")
    else:
        output.tell(f"no portal of {place.name!r} is running")


def _serve(place: WorkspacePlace, port: int | None, *, read_only: bool, as_json: bool) -> None:
    """Be the portal, until Ctrl-C or `milepost portal stop`."""
    from milepost.sdk.portal.portal_file import running
    from milepost.sdk.portal.portal_process import be_portal

    before = running(place.folder)
    if before is not None:
        raise Misused(f"The portal of {place.name!r} runs at port {before.port}. End it first: milepost portal stop")

    def announce(state: PortalState) -> None:
        link = state.link("/")
        if as_json:
            output.write_json({"workspace": place.name, "url": link, "port": state.port, "pid": state.pid})
        else:
            output.say(link)
        sys.stdout.flush()

    try:
        served = be_portal(place.folder, port, ready=announce, read_only=read_only)
    except OSError as error:
        raise Failed(f"The workspace {place.name!r} cannot be served: {error.strerror}") from error
    if not served:
        raise Failed(f"Another process has begun to serve the workspace {place.name!r} just now.")
