"""What git says of a folder: where its code comes from, and how it differs from what was committed."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import subprocess

TIMEOUT_S: Final = 5.0
MOST_DIFF: Final = 1 << 20
"""Bytes of a diff that are kept."""

_MOST_STATUS: Final = 16 << 20
# No program that a repository is set up with is run (but for filters such as LFS: without them each of their files
# would seem changed), nothing is written, and nobody is asked for anything.
_SAFE: Final = (
    "--no-pager",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "color.ui=never",
    "-c",
    "core.quotePath=false",
)
# A git hook that starts the training would have it look at the hook's repository.
_NOT_INHERITED: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_EXTERNAL_DIFF")
_WITH_USER: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^/@]*(?:@[^/@]*)*)@(?P<rest>.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class GitFacts:
    """A folder's place in its repository."""

    properties: dict[str, str] = field(default_factory=dict)
    """``azureml.git.*`` and ``mlflow.source.git.*``: repository, branch, commit, and whether the folder differs from
    the commit ("True" or "False"; new files count, ignored ones do not).  What is not known is not there."""
    diff: str = ""
    """How the folder's tracked files differ from the commit, as ``git diff HEAD`` prints it; up to 1 MiB of it."""


def facts(folder: Path) -> GitFacts | None:
    """What git says of a folder; None where it is in no repository, or there is no git.

    Takes at most some seconds: what git has not said by then is left out.  Raises nothing.
    """
    try:
        place = Path(os.path.realpath(folder))
        if not any(os.path.lexists(each / ".git") for each in (place, *place.parents)):
            return None
        return _ask(place)
    except OSError:
        return None  # no git, or the folder is gone


def _ask(place: Path) -> GitFacts | None:
    with _running(place, TIMEOUT_S) as start:
        # All at once: most of the time goes into starting them.
        heads = start("rev-parse", "--verify", "--quiet", "HEAD")
        status = start(
            "status", "--porcelain=v2", "--branch", "--ignore-submodules=dirty", "--untracked-files=normal", "--", "."
        )
        remotes = start("config", "-z", "--get-regexp", r"^(remote\..*\.url|branch\..*\.remote)$")
        changes = start("diff", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", "HEAD", "--", ".")
        commit = _said(heads, 4096).decode("ascii", "replace").strip()
        settings = _settings(_said(remotes, _MOST_STATUS))
        state = _said(status, _MOST_STATUS)
        # One that has more to say than is read does not end by itself.
        is_known = len(state) == _MOST_STATUS or status.wait() == 0
        diff = _said(changes, MOST_DIFF + 1)
        if len(diff) <= MOST_DIFF and changes.wait() != 0:
            diff = b""
    if not is_known and not commit:
        return None  # a folder that git does not take for a repository, or does not trust
    return _facts(commit, state if is_known else None, settings, diff)


def _facts(commit: str, state: bytes | None, settings: dict[str, str], diff: bytes) -> GitFacts:
    branch = dirty = None
    if state is not None:
        lines = state.decode("utf-8", "replace").splitlines()
        heads = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# ") and " " in line[2:])
        branch = heads.get("branch.head")
        dirty = any(not line.startswith("# ") for line in lines)
    if branch == "(detached)":
        branch = None
    found = {
        "azureml.git.repository_uri": _repository(settings, branch),
        "azureml.git.branch": branch,
        "azureml.git.commit": commit or None,
        "azureml.git.dirty": None if dirty is None else str(dirty),
    }
    found["mlflow.source.git.repoURL"] = found["azureml.git.repository_uri"]
    found["mlflow.source.git.branch"] = found["azureml.git.branch"]
    found["mlflow.source.git.commit"] = found["azureml.git.commit"]
    return GitFacts({key: value for key, value in found.items() if value}, _cut(diff))


def _settings(said: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in said.decode("utf-8", "replace").split("\0"):
        key, _, value = entry.partition("\n")
        found.setdefault(key, value)  # a remote may have several addresses; git fetches from the first
    return found


def _repository(settings: dict[str, str], branch: str | None) -> str | None:
    """Where the branch comes from; else the remote "origin"; else any."""
    addresses = {
        key.removeprefix("remote.").removesuffix(".url"): value
        for key, value in settings.items()
        if key.startswith("remote.") and key.endswith(".url") and value
    }
    for name in (settings.get(f"branch.{branch}.remote", ""), "origin", *addresses):
        if name in addresses:
            return without_secrets(addresses[name])
    return None


def without_secrets(address: str) -> str:
    """A repository's address without user names, passwords and tokens (``git@`` of an ssh address stays)."""
    found = _WITH_USER.fullmatch(address)
    if found is None:
        return _without_query(address) if "://" in address else address
    user = found["user"].partition(":")[0] + "@" if found["scheme"].lower().endswith("ssh") else ""
    return _without_query(f"{found['scheme']}://{user}{found['rest']}")


def _without_query(address: str) -> str:
    return re.split("[?#]", address, maxsplit=1)[0]


def _cut(diff: bytes) -> str:
    if len(diff) <= MOST_DIFF:
        return diff.decode("utf-8", "replace")
    kept = diff[:MOST_DIFF].rpartition(b"\n")[0]
    return kept.decode("utf-8", "replace") + f"\n... cut here: the diff is longer than {MOST_DIFF >> 20} MiB\n"


@contextmanager
def _running(place: Path, timeout_s: float) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts git with arguments, as often as wanted; all of them have ended afterwards, killed after the timeout."""
    import subprocess

    environment = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603
            ["git", *_SAFE, "-C", str(place), *arguments],  # noqa: S607
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        started.append(process)
        return process

    def end() -> None:
        for process in started:
            process.kill()

    watch = threading.Timer(timeout_s, end)
    watch.daemon = True
    watch.start()
    try:
        yield start
    finally:
        watch.cancel()
        end()
        for process in started:
            if process.stdout is not None:
                process.stdout.close()
            process.wait()


def _said(process: subprocess.Popen[bytes], limit: int) -> bytes:
    """The first ``limit`` bytes of what it prints."""
    assert process.stdout is not None
    return process.stdout.read(limit)
