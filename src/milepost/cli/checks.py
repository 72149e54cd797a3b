"""What ``milepost doctor`` looks at.  Every check only reads; each gives findings with what to do about them."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from milepost.cli.output import size

OK: Final = "ok"
PROBLEM: Final = "problem"
NOTE: Final = "note"
"""Worth knowing, nothing to mend."""

OLDEST_PYTHON: Final = (3, 10)
OLDEST_SQLITE: Final = (3, 35, 0)
"""The store needs WAL (3.7), ON CONFLICT (3.24) and RETURNING (3.35)."""

LOW_BYTES: Final = 1 << 30
LOW_FILES: Final = 1000
# File systems on which the locks and the shared memory that SQLite's WAL needs do not reach other machines.
_NETWORK: Final = re.compile(
    r"(fuse\.)?(9p|afs|beegfs|blobfuse2?|ceph|cephfs|cifs|coda|curlftpfs|davfs2?|gcsfuse|geesefs|glusterfs|goofys|gpfs|"
    r"juicefs|lustre|mount-s3|ncpfs|nfs[34]?|orangefs|panfs|rclone|s3fs|s3ql|smb[23]?|smbfs|smbnetfs|sshfs|wekafs)"
)
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Finding:
    """One result.  ``check``: the check's stable name; ``status``: ok, note or problem."""

    check: str
    status: str
    found: str
    advice: str = ""
    path: str | None = None
    workspace: str | None = None


# -- what is installed -----------------------------------------------------------------------------------------------


def check_versions(python: tuple[int, ...], sqlite: tuple[int, ...]) -> Iterator[Finding]:
    """Python and SQLite are new enough."""
    from milepost import __version__

    said = f"Milepost {__version__}, Python {_dotted(python)}, SQLite {_dotted(sqlite)} ({sys.executable})"
    if python[:2] < OLDEST_PYTHON:
        yield Finding(
            "versions",
            PROBLEM,
            f"Python {_dotted(python)} is too old",
            f"Use Python {_dotted(OLDEST_PYTHON)} or later: make a new virtual environment and install Milepost there.",
        )
    elif sqlite < OLDEST_SQLITE:
        yield Finding(
            "versions",
            PROBLEM,
            f"the SQLite {_dotted(sqlite)} of this Python is too old for the store",
            f"Use a Python built with SQLite {_dotted(OLDEST_SQLITE)} or later, such as conda's or python.org's.",
        )
    else:
        yield Finding("versions", OK, said)


def _dotted(version: Iterable[int]) -> str:
    return ".".join(map(str, version))


def check_azureml() -> Iterator[Finding]:
    """The package ``azureml`` is Milepost's own."""
    import importlib.util

    import milepost

    ours = Path(milepost.__file__).resolve().parent.parent / "azureml"
    others = azureml_owners()
    if others:
        yield Finding(
            "azureml",
            PROBLEM,
            f"the package azureml also belongs to {', '.join(others)}, whose files mix with Milepost's",
            f"Run: pip uninstall {' '.join(name.split()[0] for name in others)}; then: pip install --force-reinstall "
            "--no-deps milepost. Or give Milepost a virtual environment of its own.",
        )
    try:
        spec = importlib.util.find_spec("azureml")
        taken = [Path(each).resolve() for each in (spec.submodule_search_locations or ())] if spec else []
    except (ImportError, ValueError, AttributeError) as error:
        yield Finding("azureml", PROBLEM, f"the package azureml cannot be imported: {error}", "Reinstall milepost.")
        return
    shadows = [each for each in (Path("azureml"), Path("azureml.py")) if each.exists() and each.resolve() != ours]
    if ours not in taken:
        where = str(taken[0]) if taken else "nowhere"
        yield Finding(
            "azureml",
            PROBLEM,
            f"`import azureml` takes {where}, not Milepost's own",
            "Remove it from PYTHONPATH and from this environment, or reinstall milepost.",
            path=where,
        )
    elif shadows and not others:
        yield Finding(
            "azureml",
            PROBLEM,
            f"scripts started here import {shadows[0].absolute()} in place of the package azureml",
            "Rename it.",
            path=str(shadows[0].absolute()),
        )
    elif not others:
        yield Finding("azureml", OK, f"the package azureml is Milepost's ({ours})", path=str(ours))


def azureml_owners() -> list[str]:
    """Installed distributions other than Milepost that have files in the package ``azureml``: "name version"."""
    from importlib.metadata import distributions

    owners = set()
    for each in distributions():
        try:
            name = each.metadata["Name"]
            if not name or name.lower() == "milepost":
                continue
            tops = (each.read_text("top_level.txt") or "").split()
            # The text itself, since parsing every distribution's list of files takes seconds.
            record = each.read_text("RECORD") or each.read_text("installed-files.txt") or ""
            if "azureml" in tops or re.search(r"^(\.\./)?azureml/", record, re.MULTILINE):
                owners.add(f"{name} {each.version}")
        except (OSError, ValueError, KeyError):  # a half-removed distribution says nothing
            continue
    return sorted(owners)


# -- where things are ------------------------------------------------------------------------------------------------


def check_config() -> Iterator[Finding]:
    """The config.json on the way up can be used, and its workspace is there."""
    from milepost.cli.opening import chosen
    from milepost.sdk.exceptions import AzureMLException
    from milepost.sdk.workspaces import home

    try:
        wanted = chosen(None)
    except AzureMLException as error:
        yield from_error("config", error.message)
        return
    name = wanted.name
    where = f" on {wanted.server}" if wanted.server is not None else ""
    said = f"scripts here record in the workspace {name!r}{where} ({wanted.source})"
    if wanted.server is not None:
        yield Finding("config", OK, said)
        return
    try:
        is_there = home.find_workspace(name) is not None
    except AzureMLException:  # told of by check_workspaces
        is_there = True
    yield Finding("config", OK, said if is_there else f"{said}; it is made when the first one does")


def check_home() -> Iterator[Finding]:
    """The home can be written, is on a disk of this machine, and has room."""
    from milepost.sdk.exceptions import AzureMLException
    from milepost.sdk.workspaces import home

    try:
        folder = home.home()
    except AzureMLException as error:
        yield from_error("home", error.message)
        return
    present = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    trouble = unwritable(present)
    advice = f"Give yourself the right to write there, or set {home.HOME_VARIABLE} to a folder you can write to."
    if trouble:
        yield Finding("home", PROBLEM, f"{folder} cannot be written: {trouble}", advice, path=str(folder))
    else:
        yield Finding("home", OK, f"{folder} can be written", path=str(folder))
    yield from check_disk(present)
    yield from check_mount(present)


def unwritable(folder: Path) -> str:
    """Why no file can be made in the folder; "" where one can.  It makes one and removes it."""
    if not folder.is_dir():
        return f"{folder} is not a folder"
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def check_disk(folder: Path) -> Iterator[Finding]:
    """There is room on the disk."""
    try:
        free = shutil.disk_usage(folder).free
        files = _free_files(folder)
    except OSError as error:
        yield Finding("disk", PROBLEM, f"the disk of {folder} does not say how full it is: {error}", "Look at it.")
        return
    if free < LOW_BYTES:
        yield Finding(
            "disk",
            PROBLEM,
            f"only {size(free)} are free on the disk of {folder}",
            "Free some space there: `milepost runs delete` frees what runs take.",
            path=str(folder),
        )
    elif files is not None and files < LOW_FILES:
        yield Finding(
            "disk",
            PROBLEM,
            f"only {files:,} more files fit on the disk of {folder} (inodes)",
            "Remove files that are not needed there.",
            path=str(folder),
        )
    else:
        yield Finding("disk", OK, f"{size(free)} are free on the disk of {folder}", path=str(folder))


def _free_files(folder: Path) -> int | None:
    """How many more files fit; None where that is not limited or not known."""
    if sys.platform == "win32":
        return None
    facts = os.statvfs(folder)
    return facts.f_favail if facts.f_files else None


def check_mount(folder: Path, workspace: str | None = None) -> Iterator[Finding]:
    """The folder is not on a network file system."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        if workspace is None:
            yield Finding(
                "network-disk", NOTE, f"whether {folder} is on a network disk is not looked at on this system"
            )
        return
    kind = file_system(folder.resolve(), mounts)
    if _NETWORK.fullmatch(kind):
        yield Finding(
            "network-disk",
            PROBLEM,
            f"{folder} is on a network file system ({kind}), where SQLite's locks do not keep processes apart and a "
            "store can be damaged",
            "Set MILEPOST_HOME to a folder on a disk of this machine.",
            path=str(folder),
            workspace=workspace,
        )
    elif workspace is None:
        yield Finding("network-disk", OK, f"{folder} is on a disk of this machine ({kind})", path=str(folder))


def file_system(folder: Path, mounts: str) -> str:
    """The type of the file system that the folder is on, by a text like that of ``/proc/mounts``."""
    best, kind = "", "unknown"
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), fields[1])
        inside = str(folder) == point or str(folder).startswith(point.rstrip("/") + "/")
        # Of mounts on one point the last one is seen.
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind


def from_error(check: str, message: str) -> Finding:
    """A finding from a message of the SDK, which says in its first sentence what is wrong and then what to do."""
    found, _, advice = message.partition(". ")
    return Finding(check, PROBLEM, found, advice)
