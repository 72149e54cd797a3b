"""The tree of commands, and how they end."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from milepost import __version__
from milepost.cli import (
    compute,
    deleting,
    delivering,
    doctor,
    ending,
    environments,
    exporting,
    logs,
    output,
    portal,
    pushing,
    queue,
    run_details,
    run_metrics,
    server,
    server_admin,
    signing_in,
    snapshots,
    submitting,
    sweeping,
    workspaces,
)
from milepost.cli.options import Failed, Misused
from milepost.cli.runs import runs

TRACEBACK_VARIABLE = "MILEPOST_TRACEBACK"


class _InOrder(TyperGroup):
    """Lists the commands in the order in which people need them; typer would put all groups last."""

    ORDER = (
        "submit",
        "sweep",
        "runs",
        "portal",
        "queue",
        "experiments",
        "models",
        "environments",
        "compute",
        "workspace",
        "sync",
        "push",
        "export",
        "import",
        "doctor",
        "login",
        "logout",
        "whoami",
        "server",
    )

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=self.ORDER.index)


app = typer.Typer(
    name="milepost",
    cls=_InOrder,
    help="Submit training runs, and look at and manage those that Milepost recorded.",
    epilog="Exit codes: 0 done, 1 failed, 2 used wrongly, 3 the run was canceled. NO_COLOR=1 turns colours off.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command("submit")(submitting.submit)
app.command("sweep")(sweeping.sweep)
app.add_typer(runs, name="runs")
app.add_typer(portal.portal, name="portal")
app.command("queue")(queue.show_queue)
app.add_typer(workspaces.experiments, name="experiments")
app.add_typer(workspaces.models, name="models")
app.add_typer(environments.environments, name="environments")
app.add_typer(compute.compute, name="compute")
app.add_typer(workspaces.workspace, name="workspace")
app.command("sync")(delivering.sync)
app.command("push")(pushing.push)
app.command("export")(exporting.export)
app.command("import")(exporting.import_)
app.command("doctor")(doctor.doctor)
app.command("login")(signing_in.login)
app.command("logout")(signing_in.logout)
app.command("whoami")(signing_in.whoami)
app.add_typer(server.server, name="server")
server.server.add_typer(server_admin.admin, name="admin")
# These modules add their commands to ``runs``.
_ = (run_details, run_metrics, deleting, ending, logs, snapshots)
_GROUPS = ("runs", "experiments", "models", "environments", "compute", "workspace")


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"milepost {__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Submit training runs, and look at and manage those that Milepost recorded."""


def run(args: Sequence[str]) -> int:
    """Run one command and give its exit code.  Whatever goes wrong is told in one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a console of another encoding
    if not args or (len(args) == 1 and args[0] in _GROUPS):
        args = [*args, "--help"]
    try:
        done = app(args=list(args), prog_name="milepost", standalone_mode=False)
        sys.stdout.flush()
        return done if isinstance(done, int) else 0
    except BrokenPipeError:
        # Whoever read our output has seen enough.  Python must not try to flush the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, typer.Abort):
        output.tell("stopped")
        return 130
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        code, message = _explain(error)
        output.tell(message)
        return code


def _explain(error: Exception) -> tuple[int, str]:
    """The exit code and the line that tells of an error."""
    if isinstance(error, Misused):
        return 2, str(error)
    if hasattr(error, "format_message"):  # typer's own: an unknown option, a missing argument
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "milepost"
        said = error.format_message().rstrip(".")
        if command == "milepost submit" and type(error).__name__ == "NoSuchOption":
            said += ". What the script is given comes after --, as in: milepost submit train.py -- --alpha 0.1"
        return getattr(error, "exit_code", 2), f"{said}. See: {command} --help"
    if isinstance(error, Failed):
        return 1, str(error)
    if _is_foreseen(error):
        return 1, str(getattr(error, "message", None) or error)
    return 1, (
        f"this should not happen: {type(error).__name__}: {error}. Set {TRACEBACK_VARIABLE}=1 to see where, and please "
        "report it."
    )


def _is_foreseen(error: Exception) -> bool:
    """Whether the error's own words say what happened and what to do."""
    from milepost.sdk.exceptions import AzureMLException, AzureMLRestClientException

    if isinstance(error, OSError | AzureMLException | AzureMLRestClientException):
        return True
    from milepost.store.errors import StoreError

    return isinstance(error, StoreError)
