"""What ``milepost runs show`` says of how a run came about: command, snapshot, git, environment, packages, machine."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from milepost.cli import output, tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from milepost.store.records import RunRecord, SnapshotRecord

_GIT: Final = {
    "repository": "azureml.git.repository_uri",
    "branch": "azureml.git.branch",
    "commit": "azureml.git.commit",
    "dirty": "azureml.git.dirty",
}
OWN_PROPERTIES: Final = (*_GIT.values(), "ContentSnapshotId")
_SHORT_COMMIT: Final = 12


def command_line(definition: Any) -> str:
    """What a run's definition says is run; "" where it says nothing."""
    if not isinstance(definition, dict):
        return ""
    if command := definition.get("command"):
        return command if isinstance(command, str) else shlex.join(map(str, command))
    arguments = definition.get("arguments")
    given = arguments if isinstance(arguments, list) else []
    script = definition.get("script")
    return shlex.join([str(script), *map(str, given)]) if script else ""


def git_facts(properties: Mapping[str, str]) -> dict[str, str]:
    """Of repository, branch, commit and dirty ("True" or "False") those that are known."""
    return {name: properties[key] for name, key in _GIT.items() if properties.get(key)}


def packages_of(document: Any) -> dict[str, str]:
    """name -> version of the packages that a run's document lists."""
    rows = _table(document).get("packages")
    return {str(each.get("name")): str(each.get("version")) for each in rows or [] if isinstance(each, dict)}


def python_of(document: Any) -> str:
    """The version of Python that a run's document tells of; "" where it does not."""
    return str(_table(_table(document).get("python")).get("version") or "")


def show_origin(record: RunRecord, snapshots: Sequence[SnapshotRecord], documents: Mapping[str, Any]) -> None:
    """Print it, if there is anything to say."""
    definition = documents.get("definition")
    rows = [
        ("Command", output.shortened(command_line(definition), 400)),
        ("Processes", _processes(definition)),
        *(("Snapshot" if index == 0 else "", _snapshot(each)) for index, each in enumerate(snapshots)),
        ("Git", _git(git_facts(record.properties), "git_diff" in documents)),
        ("Environment", _environment(documents.get("environment"), documents.get("packages"))),
        ("Machine", _machine(documents.get("machine"))),
    ]
    if any(value for _label, value in rows):
        tables.heading("Origin")
        tables.details(rows, indent=2)


def origin_json(record: RunRecord, snapshots: Sequence[SnapshotRecord], documents: Mapping[str, Any]) -> dict[str, Any]:
    """The same as ``--json`` writes it."""
    from milepost.cli.snapshots import snapshot_json

    git = git_facts(record.properties)
    return {
        "definition": documents.get("definition"),
        "snapshots": [snapshot_json(each) for each in snapshots],
        "git": {**git, "dirty": git.get("dirty") == "True"} if git else None,
        "git_diff": documents.get("git_diff"),
        "environment": documents.get("environment"),
        "packages": documents.get("packages"),
        "machine": documents.get("machine"),
    }


def _processes(definition: Any) -> str:
    nodes = definition.get("nodeCount") if isinstance(definition, dict) else None
    how = definition.get("communicator") if isinstance(definition, dict) else None
    if not isinstance(nodes, int) or how in (None, "None"):
        return ""
    return f"{how}, {nodes} node{'' if nodes == 1 else 's'}"


def _snapshot(record: SnapshotRecord) -> str:
    return f"{record.id} ({record.files:,} file{'' if record.files == 1 else 's'}, {output.size(record.bytes)})"


def _git(facts: Mapping[str, str], diff: bool) -> str:
    if not facts:
        return ""
    parts = [facts.get("commit", "")[:_SHORT_COMMIT]]
    if "branch" in facts:
        parts.append(f"on {facts['branch']}")
    if "repository" in facts:
        parts.append(f"of {facts['repository']}")
    if facts.get("dirty") == "True":
        parts.append("with changes that were not committed" + (" (kept: --json, git_diff)" if diff else ""))
    return " ".join(part for part in parts if part)


def _environment(environment: Any, packages: Any) -> str:
    if not isinstance(environment, dict):
        return ""
    from milepost.cli.environments import in_words

    name, version = environment.get("name"), environment.get("version")
    shown = f"{name}:{version}" if version else str(name or "")
    python, count = python_of(packages), len(packages_of(packages))
    more = [f"Python {python}" if python else "", f"{count:,} packages" if count else ""]
    told = "; ".join([output.shortened(in_words(environment), 120), *(each for each in more if each)])
    return f"{shown}: {told}"


def _machine(facts: Any) -> str:
    if not isinstance(facts, dict):
        return ""
    cpu, memory, system = (_table(facts.get(key)) for key in ("cpu", "memory", "os"))
    gpus = facts.get("gpus")
    cores = cpu.get("usable_cores") or cpu.get("logical_cores")
    parts = [
        str(facts.get("hostname") or ""),
        str(system.get("distribution") or system.get("system") or ""),
        f"{cores:g} cores" if isinstance(cores, int | float) else "",
        output.size(memory["bytes"]) if isinstance(memory.get("bytes"), int) else "",
        ", ".join(str(_table(each).get("name") or "GPU") for each in gpus) if isinstance(gpus, list) else "",
    ]
    return ", ".join(part for part in parts if part)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
