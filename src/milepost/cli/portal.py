"""``milepost portal`` and ``milepost server``: the pages of a workspace."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from milepost.cli import output
from milepost.cli.opening import place_of
from milepost.cli.options import AsJson, Failed, Misused, WorkspaceName

if TYPE_CHECKING:
    from milepost.sdk.portal_file import PortalState

portal = typer.Typer(help="Show a workspace in the browser.", invoke_without_command=True)


@portal.callback()
def open_portal(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="The port to listen at. Default: 8765, or another free one."),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the link and open no browser.")] = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Start the portal of a workspace, if it does not run, and give the link that opens it.

    It listens on this machine's own address only, goes on in the background, and ends by itself after 12 hours in
    which nobody looked. The link holds a token: whoever has it can see and change all that is in the workspace.
    """
    if context.invoked_subcommand is not None:
        return
    from milepost.sdk.portal_file import running
    from milepost.sdk.portal_start import PortalFailed, start_portal

    place = place_of(name)
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
    if not no_browser and _has_screen():
        import webbrowser

        webbrowser.open(link)


@portal.command("stop")
def stop(name: WorkspaceName = None, as_json: AsJson = False) -> None:
    """End the portal of a workspace."""
    from milepost.sdk.portal_start import PortalFailed, stop_portal

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


def server(
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="The port to listen at.")] = None,
    name: WorkspaceName = None,
) -> None:
    """Serve a workspace in the foreground, on this machine's own address.

    Other addresses are refused: there are no users and no permissions yet.
    """
    if host not in ("127.0.0.1", "localhost"):
        raise Misused(
            f"milepost server does not listen at {host!r}: whoever reaches it could change everything. Listening "
            "beyond this machine comes with the team server, which knows users. Until then, reach it through a "
            "tunnel, such as: ssh -L 8765:127.0.0.1:8765 HOST."
        )
    from milepost.sdk.portal_file import running
    from milepost.sdk.portal_process import be_portal

    place = place_of(name)
    before = running(place.folder)
    if before is not None:
        raise Misused(f"The portal of {place.name!r} runs at port {before.port}. End it first: milepost portal stop")
    be_portal(place.folder, port, ready=_announce)


def _announce(state: PortalState) -> None:
    output.say(state.link("/"))
    sys.stdout.flush()


def _has_screen() -> bool:
    """Whether a browser would come up in a window: one in the terminal would be in the way."""
    if os.name == "nt" or sys.platform == "darwin":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
