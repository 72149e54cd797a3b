"""``milepost environments``: those that are registered, and the cache of those that were built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from milepost.cli import output, tables
from milepost.cli.opening import opened
from milepost.cli.options import AsJson, Misused, WorkspaceName, seconds
from milepost.cli.tables import Column

if TYPE_CHECKING:
    from milepost.store.records import EnvironmentRecord
    from milepost.store.store import Store

environments = typer.Typer(help="The registered environments of a workspace, and the cache of built ones.")


@environments.command("list")
def list_environments(
    environment: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="All versions of this one. Default: the newest of each.")
    ] = None,
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """List registered environments."""
    with opened(name) as (workspace, store):
        if environment is not None:
            _find(store, environment)  # an unknown one is an error, not an empty list
        found = store.environments(environment, latest=environment is None)
    if as_json:
        rows = [_environment_json(each) for each in found]
        output.write_json({"workspace": workspace.name, "environments": rows})
        return
    if not found:
        output.tell(f"workspace {workspace.name!r} has no registered environments")
        return
    columns = [
        Column("ENVIRONMENT", whole=False),
        Column("VERSION", right=True),
        Column("CREATED", drop=1),
        Column("LABELS", whole=False, drop=3),
        Column("WHAT", whole=False, drop=2),
    ]
    shown = [
        [
            each.name,
            str(each.version),
            output.local(each.created_ns),
            " ".join(each.labels),
            output.shortened(in_words(each.definition)),
        ]
        for each in found
    ]
    tables.table(*tables.without_empty(columns, shown, ("LABELS",)))


@environments.command("show")
def show_environment(
    environment: Annotated[str, typer.Argument(metavar="NAME[:VERSION]", help="The newest version by default.")],
    name: WorkspaceName = None,
    as_json: AsJson = False,
) -> None:
    """Show a registered environment."""
    with opened(name) as (workspace, store):
        found = _find(store, environment)
    if as_json:
        output.write_json({"workspace": workspace.name, **_environment_json(found)})
        return
    tables.details(
        [
            ("Environment", found.name),
            ("Version", str(found.version)),
            ("Labels", " ".join(found.labels)),
            ("Created", output.local(found.created_ns)),
            ("What", in_words(found.definition)),
        ]
    )
    variables = found.definition.get("environmentVariables")
    if isinstance(variables, dict) and variables:
        tables.heading("Variables")
        tables.details([(str(key), str(value)) for key, value in variables.items()], indent=2)
    packages = _packages(found.definition)
    if packages:
        tables.heading(f"Packages ({len(packages)})")
        for each in packages:
            tables.lines(each)


@environments.command("prune")
def prune_environments(
    older: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help="Those that no run has used for so long: 30d, 12h.")
    ] = "30d",
    as_json: AsJson = False,
) -> None:
    """Remove built environments that have not been used for long. A run that needs one again has it built anew.

    All workspaces of this machine share them. Those of runs that are on their way stay.
    """
    from milepost.cli.job_checks import cached, environments_cache, in_use
    from milepost.jobs.environments import prune

    limit = seconds(older, what="--older-than")
    cache = environments_cache()
    before = cached(cache)
    gone = prune(cache, limit, in_use()) if cache.is_dir() else []
    freed = sum(before.get(each, 0) for each in gone)
    if as_json:
        output.write_json({"cache": str(cache), "removed": gone, "freed_bytes": freed, "kept": len(before) - len(gone)})
    else:
        space = f" ({output.size(freed)})" if gone else ""
        output.say(f"Removed {_count(len(gone))}{space}; {_count(len(before) - len(gone))} kept in {cache}.")


def _count(number: int) -> str:
    return f"{number:,} environment{'' if number == 1 else 's'}"


def _find(store: Store, given: str) -> EnvironmentRecord:
    """The environment of that name, NAME:VERSION or NAME:LABEL.  Raises Misused where there is none."""
    from milepost.store.errors import BadInput, NotFound

    name, _, version = given.partition(":")
    try:
        if version.isdigit():
            return store.environment(name, version=int(version))
        return store.environment(name, label=version or None)
    except (NotFound, BadInput) as error:
        raise Misused(f"{error}. `milepost environments list` shows those that are registered.") from error


def in_words(definition: dict[str, Any]) -> str:
    """What an environment is, in a line."""
    python = definition.get("python") or {}
    if python.get("baseCondaEnvironment"):
        return f"the conda environment {python['baseCondaEnvironment']} as it is"
    if python.get("userManagedDependencies"):
        path = python.get("interpreterPath") or "python"
        return "the Python that submits, as it is" if path == "python" else f"{path} as it is"
    packages = _packages(definition)
    return f"built: {', '.join(packages)}" if packages else "built, without packages"


def _packages(definition: dict[str, Any]) -> list[str]:
    conda = (definition.get("python") or {}).get("condaDependencies") or {}
    found: list[str] = []
    for each in conda.get("dependencies") or []:
        if isinstance(each, dict):
            found += [str(package) for package in each.get("pip") or []]
        else:
            found.append(str(each))
    return found


def _environment_json(record: EnvironmentRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "version": record.version,
        "labels": list(record.labels),
        "created": output.utc(record.created_ns),
        "definition": record.definition,
    }
