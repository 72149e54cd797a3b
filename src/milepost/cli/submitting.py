"""``milepost submit`` and ``milepost runs rerun``."""

from __future__ import annotations

import math
import os
import re
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from milepost.cli import output
from milepost.cli.chosen_environment import chosen_environment
from milepost.cli.ending import end_by
from milepost.cli.following import exit_code, follow, tell_end, watch, watching
from milepost.cli.logs import usual_logs
from milepost.cli.opening import chosen, opened, opened_or_made
from milepost.cli.options import AsJson, Misused, RunId, WorkspaceName, key_values, seconds
from milepost.cli.runs import find_run, run_json, runs

if TYPE_CHECKING:
    from milepost.sdk.runs.run import Run
    from milepost.sdk.submitting.script_run_config import ScriptRunConfig
    from milepost.sdk.workspaces.workspace import Workspace

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME: Final = 255
_UNNAMED: Final = "experiment"
_OTHERS: Final = {
    ".sh": "bash run.sh",
    ".bash": "bash run.sh",
    ".r": "Rscript train.R",
    ".ipynb": "jupyter nbconvert --to notebook --execute train.ipynb --output-dir outputs",
}
"""What Python would only choke on, and how it is run."""

Follows = Annotated[
    bool, typer.Option("--follow", "-f", help="Show its logs until it has ended; the exit code tells how it did.")
]
Waits = Annotated[bool, typer.Option("--wait", help="Wait until it has ended; the exit code tells how it did.")]


def submit(
    script: Annotated[
        str | None, typer.Argument(metavar="SCRIPT", help="The script to run, in the source folder.")
    ] = None,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="-- ARGUMENT", help="What the script is given, after --.")
    ] = None,
    command: Annotated[
        str | None,
        typer.Option("--command", "-c", metavar="TEXT", help="In place of a script: a command for the shell."),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option("--experiment", "-e", metavar="NAME", help="Default: the name of the source folder."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--source",
            metavar="FOLDER",
            help="What is kept with the run and copied for it, less what .amlignore or .gitignore names. Default: this "
            "folder, or the script's where that is elsewhere.",
        ),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            "--env",
            metavar="FILE|NAME[:VERSION]",
            help="requirements.txt or environment.yml to build an environment from, a folder with an "
            "azureml_environment.json, or one that is registered. Default: the Python that runs this command.",
        ),
    ] = None,
    python: Annotated[
        str | None, typer.Option("--python", metavar="PATH", help="A Python interpreter to use as it is.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", "-t", metavar="POOL", help="The pool to wait in. Default: run at once.")
    ] = None,
    title: Annotated[str | None, typer.Option("--name", "-n", metavar="NAME", help="A name to show.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="KEY[=VALUE]", help="A tag; may be repeated.")
    ] = None,
    variable: Annotated[
        list[str] | None,
        typer.Option("--variable", metavar="KEY=VALUE", help="An environment variable; may be repeated."),
    ] = None,
    longest: Annotated[
        str | None,
        typer.Option("--max-duration", metavar="TIME", help="Cancel it when it takes longer: 90s, 30m, 2h, 1d."),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes", min=1, metavar="N", help="Start N processes for each node, with RANK, WORLD_SIZE, ... set."
        ),
    ] = None,
    nodes: Annotated[
        int | None, typer.Option("--nodes", min=1, metavar="N", help="So many nodes; all are on this machine.")
    ] = None,
    follows: Follows = False,
    waits: Waits = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Run a script in the background, with its files, packages and outputs recorded.

    milepost submit train.py -e tuning --env requirements.txt -- --alpha 0.1

    It runs on this machine in a copy of its folder, whatever becomes of this terminal.

    Exit codes: 2 where nothing was submitted because something is wrong; and with --follow or --wait, 0 Completed,
    1 Failed, 3 Canceled.
    """
    if follows and as_json:
        raise Misused("--follow and --json cannot be had at once.")
    if command is not None and script is not None:
        raise Misused("submit takes a script or --command, not both; what the command is given is part of its text.")
    if command is None and script is None:
        raise Misused("submit takes a script, such as train.py, or --command 'TEXT'.")
    if script is not None and Path(script).suffix.lower() in _OTHERS:
        other = _OTHERS[Path(script).suffix.lower()]
        raise Misused(f"{output.shortened(script)!r} is no Python script. Give it as a command: --command {other!r}.")
    tags = dict(key_values(tag, what="--tag"))
    variables = _variables(variable)
    limit = None if longest is None else max(1, math.ceil(seconds(longest, what="--max-duration")))
    folder, inside = _place(source, script)
    from milepost.sdk.exceptions import AzureMLException, WorkspaceException
    from milepost.sdk.submitting.script_run_config import ScriptRunConfig
    from milepost.sdk.workspaces.experiment import Experiment

    with opened_or_made(name) as workspace:
        try:
            config = ScriptRunConfig(
                folder,
                script=inside,
                arguments=list(arguments or []) or None,
                command=command,
                compute_target=known_pool(workspace, target),
                environment=chosen_environment(workspace, environment, python),
                max_run_duration_seconds=limit,
            )
            config.run_config.environment_variables = variables
            _distribute(config, processes, nodes)
            chosen = experiment if experiment is not None else valid_name(folder.name)
            run = Experiment(workspace, chosen).submit(config, tags=tags or None, display_name=title)
        except WorkspaceException:
            raise
        except AzureMLException as error:  # what was asked for cannot be run: nothing was submitted
            raise Misused(error.message) from error
        tell_submitted(run, workspace, as_json=as_json, follows=follows, waits=waits)


def valid_name(text: str) -> str:
    """An experiment's name that is like the text."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_IN_NAMES.sub("-", plain).strip("-_")[:_LONGEST_NAME] or _UNNAMED


def _variables(given: list[str] | None) -> dict[str, str]:
    found = {}
    for key, value in key_values(given, what="--variable"):
        if value is None:
            raise Misused(f"--variable takes KEY=VALUE, not {key!r}.")
        found[key] = value
    return found


def _place(source: Path | None, script: str | None) -> tuple[Path, str | None]:
    """The source folder, absolute, and the script as it is to be found there."""
    here = Path.cwd()
    folder = Path(os.path.normpath(here / source.expanduser())) if source is not None else here
    if script is None:
        return folder, None
    if (folder / script).is_file():
        # A path that leads elsewhere has its own folder as source, unless another one was given.
        place = Path(os.path.normpath(folder / script))
        if source is None and not place.is_relative_to(folder):
            return place.parent, place.name
        return folder, script
    place = Path(os.path.normpath(here / script))
    return folder, str(place) if source is not None and place.is_file() and place.is_relative_to(folder) else script


def known_pool(workspace: Workspace, name: str | None) -> str | None:
    """The pool as it is spelled in the workspace.  Raises Misused where there is none."""
    from milepost.sdk.compute_targets.compute import find_record
    from milepost.sdk.submitting.run_configuration import LOCAL

    if name is None or name.lower() == LOCAL:
        return None
    record = find_record(workspace, name) if name.strip() else None
    if record is not None:
        return record.name
    there = [each.name for each in workspace._recorder.open_store().computes()]
    known = f"It has: {', '.join(there)}. " if there else ""
    raise Misused(
        f"Workspace {workspace.name!r} has no pool {output.shortened(name)!r}. {known}"
        "`milepost compute create` makes one."
    )


def _distribute(config: ScriptRunConfig, processes: int | None, nodes: int | None) -> None:
    from milepost.sdk.submitting.distributed import PyTorchConfiguration
    from milepost.sdk.submitting.script_run_config import distribute

    if processes is None and nodes is None:
        return
    count = nodes or 1
    distribute(config.run_config, PyTorchConfiguration(process_count=(processes or 1) * count, node_count=count))


# -- again -----------------------------------------------------------------------------------------------------------


@runs.command("rerun")
def rerun(
    run: RunId,
    title: Annotated[str | None, typer.Option("--name", "-n", metavar="NAME", help="Another name to show.")] = None,
    follows: Follows = False,
    waits: Waits = False,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Submit a run again: the same files, environment, arguments and pool. Its tag rerun_of names the first one.

    Exit codes with --follow and --wait: 0 Completed, 1 Failed, 3 Canceled.
    """
    from milepost.sdk.exceptions import UserErrorException
    from milepost.sdk.submitting import submission

    if follows and as_json:
        raise Misused("--follow and --json cannot be had at once.")
    with opened(name) as (workspace, store):
        record = find_run(store, run)
        try:
            again = submission.rerun(workspace, record.run_id, display_name=title)
        except UserErrorException as error:
            raise Misused(error.message) from error
        tell_submitted(again, workspace, as_json=as_json, follows=follows, waits=waits)


# -- what is said then -----------------------------------------------------------------------------------------------


def tell_submitted(run: Run, workspace: Workspace, *, as_json: bool, follows: bool, waits: bool) -> None:
    """Say that a run was submitted, and watch it if that was asked for; the exit code tells its end then."""
    if follows:
        output.tell(f"run {run.id}")
        output.tell(f"its page: {run.get_portal_url()}")
        end_by(follow(run, workspace, usual_logs()))
        return
    experiment = run._experiment.name
    facts: dict[str, Any] = {"workspace": workspace.name, "id": run.id, "experiment": experiment}
    facts["url"] = run.get_portal_url()
    if not as_json:
        output.say(f"Run:    {run.id}")
        output.say(f"Page:   {facts['url']}")
        if not waits:
            output.say(f"Follow: milepost runs logs -f {run.id}{_elsewhere(workspace.name)}")
        sys.stdout.flush()
    if waits:
        with watching(run.id):
            record = watch(run)
        if not as_json:
            tell_end(record)
        facts |= run_json(record)
    if as_json:
        output.write_json(facts)
    if waits and exit_code(record.status):
        end_by(record)


def _elsewhere(workspace: str) -> str:
    """What a command needs to find a workspace that is not the one of this folder."""
    return "" if chosen(None).name.lower() == workspace.lower() else f" -w {workspace}"
