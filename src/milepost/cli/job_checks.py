"""What ``milepost doctor`` looks at for submitted runs: uv, the agents, the cache of environments."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from milepost.cli.checks import NOTE, OK, PROBLEM, Finding
from milepost.cli.output import size

if TYPE_CHECKING:
    from milepost.sdk.workspaces.home import WorkspacePlace


def environments_cache() -> Path:
    """Where the built environments of this machine are."""
    from milepost.jobs.environments import cache_folder as cache_in
    from milepost.sdk.workspaces.home import home

    return cache_in(home())


def check_uv() -> Iterator[Finding]:
    """The program that builds environments is there."""
    from milepost.jobs.environments import EnvironmentFailed
    from milepost.jobs.uv_program import find_uv

    try:
        path = find_uv()
    except EnvironmentFailed as error:
        said, _, advice = str(error).partition(". ")
        yield Finding("uv", PROBLEM, f"environments cannot be built: {said[:1].lower()}{said[1:]}", advice)
        return
    if os.access(path, os.X_OK):
        yield Finding("uv", OK, f"environments are built with {path}", path=path)
    else:
        yield Finding(
            "uv",
            PROBLEM,
            f"environments cannot be built: {path} cannot be executed",
            "Reinstall it: pip install --force-reinstall uv",
            path=path,
        )


def check_cache() -> Iterator[Finding]:
    """How much the built environments take."""
    from milepost.sdk.exceptions import AzureMLException

    try:
        cache = environments_cache()
    except AzureMLException:  # told of by check_home
        return
    found = cached(cache)
    total = sum(found.values())
    advice = "`milepost environments prune --older-than 30d` removes those that are not used any more."
    count = f"{len(found):,} built environment{'' if len(found) == 1 else 's'}"
    yield Finding(
        "environments",
        NOTE if total > _MUCH else OK,
        f"{count}, {size(total)} in {cache}" if found else f"no built environments in {cache}",
        advice if total > _MUCH else "",
        path=str(cache),
    )


_MUCH = 20_000_000_000
"""Bytes of built environments that are worth a word."""


def cached(cache: Path) -> dict[str, int]:
    """digest -> bytes of each built environment; what links share with other environments counts for each."""
    found = {}
    with contextlib.suppress(OSError):
        for each in sorted(cache.iterdir()):
            if each.is_dir() and (each / "ready.json").exists():
                found[each.name] = _bytes(each)
    return found


def _bytes(folder: Path) -> int:
    total = 0
    for path, _folders, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_size  # noqa: PTH118 - tens of thousands of them
    return total


def in_use() -> set[str]:
    """The digests of the environments that submitted runs of any workspace are about to use, or use."""
    from milepost.jobs.job import job_folders, read_json
    from milepost.sdk.workspaces.home import list_server_workspaces, list_workspaces

    def ignore(_error: Exception) -> None:
        """The workspace's own check tells it."""

    found = set()
    for place in (*list_workspaces(on_error=ignore), *list_server_workspaces(on_error=ignore)):
        for folder in job_folders(place.folder):
            prepared = read_json(folder / "prepared.json")
            if isinstance(prepared, dict) and isinstance(prepared.get("digest"), str):
                found.add(prepared["digest"])
    return found


def check_jobs(place: WorkspacePlace) -> Iterator[Finding]:
    """Submitted runs are seen to by the workspace's agent."""
    from milepost.jobs.agent_start import is_held
    from milepost.jobs.job import job_folders, jobs_folder, read_job

    folder = jobs_folder(place.folder)
    if not folder.is_dir():
        return

    def finding(status: str, found: str, advice: str = "", path: Path = folder) -> Finding:
        return Finding("jobs", status, found, advice, path=str(path), workspace=place.name)

    try:
        folders = list(job_folders(place.folder))
    except OSError as error:
        yield finding(PROBLEM, f"{folder} cannot be looked into: {error}", "Check its rights.")
        return
    lock = folder / "agent.lock"
    alive = lock.exists() and is_held(lock)
    for each in folders:
        try:
            read_job(each)
        except FileNotFoundError:  # it has just ended
            continue
        except (OSError, ValueError) as error:
            yield finding(
                PROBLEM,
                f"a submitted run cannot be read: {error}",
                f"If another version of Milepost made it, use that one; else remove {each}.",
                each,
            )
    many = f"{len(folders):,} submitted run{'' if len(folders) == 1 else 's'}"
    if folders and not alive:
        yield finding(
            PROBLEM,
            f"{many} on the way, and no agent sees to them: those that wait do not get their turn",
            f"Run: milepost queue -w {place.name} (it starts one; what that says is in {folder / 'agent.log'})",
        )
    elif folders:
        yield finding(OK, f"{many} on the way, and the agent sees to them")
    else:
        yield finding(OK, "no submitted runs on the way" + ("; the agent is about to go" if alive else ""))
