"""What `push` and `import` share: to say how far they are, what was carried, and what was not."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from milepost.cli import output
from milepost.cli.options import Failed, server_address

if TYPE_CHECKING:
    from milepost.sdk.workspaces.home import WorkspacePlace
    from milepost.store.carrying.carrier import Carried
    from milepost.store.carrying.source import Source
    from milepost.store.errors import StoreError
    from milepost.store.store import Store

_EVERY_S: Final = 0.2
TOLD: Final = 20
"""Of things that went wrong so many are told one by one."""
_WIDEST: Final = 78

AsName = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="The workspace of the server. Default: the one of the same name."),
]


def server_place(url: str, name: str) -> WorkspacePlace:
    """The place on this machine of a server's workspace that is there and that this user may see.

    Raises Misused for what is no address, Failed where nobody is signed in, the server has no such workspace, or it
    cannot be reached.
    """
    from milepost.sdk.recording.server_store import ask_there, token_of
    from milepost.sdk.workspaces import home
    from milepost.store.errors import NotAllowed, NotFound

    server = server_address(url, "--to")
    place = home.server_workspace(server, name)
    try:
        ask_there(place)
    except NotFound as error:
        home.forget_server_workspace(place)
        raise Failed(
            f"The server {server} has no workspace {name!r} that you may see. Give the right one with --as NAME, or "
            f"make it: milepost workspace create {shlex.quote(name)} --server {server}"
        ) from error
    except NotAllowed as error:
        if token_of(server) is None:
            raise Failed(
                f"Nobody is signed in at {server} on this machine. Sign in: milepost login {server}, or set "
                "MILEPOST_TOKEN."
            ) from error
        raise
    return place


def carry_to_server(source: Source, url: str, name: str) -> tuple[Carried, dict[str, str]]:
    """Carry a workspace to a server's; gives what was carried and where to.  Raises as ``server_place`` does."""
    from milepost.sdk.recording.recorder import translated
    from milepost.sdk.recording.server_store import open_server_store

    place = server_place(url, name)
    assert place.server is not None
    target = open_server_store(place.server, place.name, place.folder, place.id)
    try:
        with translated():
            return carry(source, target), {"server": place.server, "to": place.name}
    finally:
        target.close()


def carry(source: Source, target: Store) -> Carried:
    """Carry a workspace, showing on a terminal how far it is.  Raises the store's errors."""
    from milepost.store.carrying.carrier import Carrier

    with one_line() as show:
        total = source.count_runs()

        def progress(carried: Carried) -> None:
            files = f", {carried.files:,} files ({output.size(carried.bytes)})" if carried.files else ""
            show(f"{carried.runs:,} of {total:,} runs, {carried.points:,} points{files}")

        return Carrier(source, target, progress=progress, waits=_tell_wait).carry()


def _tell_wait(error: StoreError, seconds: float) -> None:
    if seconds >= 1:
        output.tell(f"waiting {seconds:.0f} s: {error}")


@contextmanager
def one_line() -> Iterator[Callable[[str], None]]:
    """A function that shows how far something is: on one line, which is gone afterwards, and on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    shown = 0.0

    def show(text: str) -> None:
        nonlocal shown
        if time.monotonic() >= shown + _EVERY_S:
            shown = time.monotonic()
            sys.stderr.write(f"\r\x1b[K{output.safe(text)[:_WIDEST]}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def tell(carried: Carried, where: dict[str, str], *, as_json: bool) -> None:
    """Say what was carried.  Raises Failed where something could not be."""
    if as_json:
        output.write_json(
            {
                **where,
                "runs": carried.runs,
                "new_runs": carried.new_runs,
                "changed_runs": carried.changed_runs,
                "points": carried.points,
                "files": carried.files,
                "file_bytes": carried.bytes,
                "models": carried.models,
                "active_runs": carried.active,
                "refused": carried.refused,
            }
        )
    else:
        server = f" of {where['server']}" if "server" in where else ""
        _say(carried, f"workspace {where['to']!r}{server}")
    if carried.refused:
        for run_id, reason in list(carried.refused.items())[:TOLD]:
            output.tell(f"warning: run {run_id}: {reason}")
        count = len(carried.refused)
        raise Failed(f"{count:,} run{_s(count)} could not be carried, or not wholly; all else was.")


def _say(carried: Carried, to: str) -> None:
    news = [
        f"{count:,} {what}{_s(count)}"
        for count, what in (
            (carried.new_runs, "new run"),
            (carried.changed_runs, "changed run"),
            (carried.points, "point"),
            (carried.files, "file"),
            (carried.models, "model version"),
        )
        if count
    ]
    looked = f"{carried.runs:,} run{_s(carried.runs)} compared"
    output.say(f"Carried to {to}: {', '.join(news)} ({looked})." if news else f"{to} has it all: {looked}.")
    if carried.active:
        count = len(carried.active)
        output.say(
            f"{count:,} run{_s(count)} {'has' if count == 1 else 'have'} not ended: carried as far as they are. Do it "
            "again when they have."
        )


def _s(count: int) -> str:
    return "" if count == 1 else "s"
