"""What ``milepost doctor`` looks at in every workspace: its own file, its store, its journals."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from milepost.cli.checks import NOTE, OK, PROBLEM, Finding, check_mount, from_error, unwritable
from milepost.cli.job_checks import check_jobs
from milepost.cli.output import size

if TYPE_CHECKING:
    from milepost.sdk.workspaces.home import WorkspacePlace

_PROBE_S: Final = 20.0
"""How long one store file is looked through."""
_PROBE_STEPS: Final = 100_000
"""After how many steps of SQLite's the time is looked at."""
_BUSY_S: Final = 5.0


def check_workspaces() -> Iterator[Finding]:
    """Every workspace: its own file, its store, its journals."""
    from milepost.sdk.exceptions import AzureMLException
    from milepost.sdk.workspaces import home

    broken: list[str] = []
    try:
        places = home.list_workspaces(on_error=lambda error: broken.append(error.message))
        on_servers = home.list_server_workspaces(on_error=lambda error: broken.append(error.message))
    except AzureMLException as error:
        yield from_error("workspace", error.message)
        return
    yield from (from_error("workspace", message) for message in broken)
    if not places and not on_servers and not broken:
        yield Finding("workspace", OK, f"there is no workspace in {home.workspaces_folder()} yet")
    for place in (*places, *on_servers):
        yield from check_workspace(place)


def check_workspace(place: WorkspacePlace) -> Iterator[Finding]:
    """One workspace."""
    # A link may lead to another disk than the home's.
    if place.folder.resolve() != place.folder.absolute():
        yield from check_mount(place.folder, place.name)
    for folder in (place.folder, place.folder / "journals"):
        trouble = unwritable(folder) if folder.exists() else ""
        if trouble:
            yield Finding(
                "workspace",
                PROBLEM,
                f"{folder} cannot be written: {trouble}",
                "Give yourself the right to write there (chown, if another user made it).",
                path=str(folder),
                workspace=place.name,
            )
    yield from check_store(place) if place.server is None else check_server(place)
    yield from check_journals(place)
    yield from check_jobs(place)


def check_store(place: WorkspacePlace) -> Iterator[Finding]:
    """The workspace's database can be read, is sound, and not newer than this Milepost."""
    file = place.folder / "store.db"

    def finding(status: str, found: str, advice: str = "") -> Finding:
        return Finding("store", status, found, advice, path=str(file), workspace=place.name)

    if not file.exists():
        blobs = place.folder / "blobs"
        if blobs.is_dir() and any(each.is_file() for each in blobs.rglob("*")):
            yield finding(
                PROBLEM, f"{file} is not there, but files of runs are", "Put it back from a backup, with its -wal file."
            )
        else:
            yield finding(OK, f"workspace {place.name!r} has no store yet: nothing was recorded")
        return
    restore = (
        f"Move {file} away, together with {file.name}-wal and {file.name}-shm, and put a backup in its place, or save "
        "what is left with the command of sqlite3 .recover. Journals that are not stored yet are kept."
    )
    try:
        with contextlib.closing(_open_to_look(file)) as connection:
            yield from _look_at_store(connection, finding, restore)
    except sqlite3.Error as error:
        said = str(error)
        if "locked" in said or "busy" in said:
            yield finding(NOTE, f"{file} is busy just now; it was not looked at", "Try again later.")
        elif "unable to open" in said or "readonly" in said or "disk I/O" in said:
            yield finding(
                PROBLEM, f"{file} cannot be read: {said}", "Check the rights of the file and its folder, and the disk."
            )
        else:
            yield finding(PROBLEM, f"{file} is damaged: {said}", restore)


def check_server(place: WorkspacePlace) -> Iterator[Finding]:
    """The workspace's server answers and lets this user in, and no file waits for it."""
    from milepost.journal.recovery import journal_ids
    from milepost.remote.uploads import waiting_in
    from milepost.sdk.exceptions import AzureMLException
    from milepost.sdk.recording.server_store import ask_there
    from milepost.store.errors import NotAllowed, NotFound, StoreError

    def finding(status: str, found: str, advice: str = "") -> Finding:
        return Finding("server", status, found, advice, path=str(place.folder), workspace=place.name)

    server = place.server or ""
    try:
        role = ask_there(place)
    except NotAllowed as error:
        yield finding(PROBLEM, str(error), "Nothing that was logged is lost; after signing in run: milepost sync")
    except NotFound as error:
        yield finding(
            PROBLEM, f"{server} has no such workspace ({error})", f"If it was deleted for good, remove {place.folder}."
        )
    except (StoreError, AzureMLException) as error:
        yield finding(
            PROBLEM, str(error), "What is logged meanwhile is kept; when the server is back, run: milepost sync"
        )
    else:
        if role == "reader" and journal_ids(place.folder / "journals"):
            yield finding(
                PROBLEM,
                f"you are a reader of the workspace {place.name!r} of {server}, which takes nothing from readers",
                "Ask one of its owners for the role contributor, then run: milepost sync. If nobody needs what was "
                f"recorded, remove {place.folder / 'journals'}.",
            )
        else:
            yield finding(OK, f"{server} answers")
    waiting = len(waiting_in(place.folder / "uploads"))
    if waiting:
        yield finding(PROBLEM, f"{_count(waiting, 'file')} not sent to {server} yet", "Run: milepost sync")
    refused = sorted((place.folder / "refused").glob("*.json"))
    if refused:
        yield finding(
            NOTE,
            f"{_count(len(refused), 'record')} that the server refused for good, in {refused[0].parent}",
            "Each file says why. Nothing needs them any more: remove them when you have seen them.",
        )


def _open_to_look(file: Path) -> sqlite3.Connection:
    from urllib.parse import quote

    # rw and not ro: a reader that may not write leaves the files of the log behind.  Nothing is written all the same.
    return sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True, timeout=_BUSY_S, isolation_level=None)


def _look_at_store(connection: sqlite3.Connection, finding: Callable[..., Finding], restore: str) -> Iterator[Finding]:
    import time

    from milepost.store.migrate import HEAD, REVISIONS

    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    revisions = (
        [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]
        if "alembic_version" in tables
        else []
    )
    if tables and (not revisions or ("journals" not in tables)):
        yield finding(
            PROBLEM,
            "the store's file holds the tables of another program",
            "Move it away, and put a backup in its place.",
        )
        return
    newer = [each for each in revisions if each not in REVISIONS]
    if newer:
        yield finding(
            PROBLEM,
            f"the store was made by a newer Milepost (its schema has version {newer[0]}, this one knows up to {HEAD})",
            "Upgrade with: pip install -U milepost",
        )
        return
    until = time.monotonic() + _PROBE_S
    connection.set_progress_handler(lambda: time.monotonic() > until, _PROBE_STEPS)
    try:
        said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        yield finding(NOTE, f"the store is large; no damage was found in the {_PROBE_S:g} s it was looked through")
        return
    if said != ["ok"]:
        yield finding(PROBLEM, f"the store is damaged: {'; '.join(said)}", restore)
        return
    older = f", of version {revisions[0]}: it is brought to {HEAD} at its next use" if revisions[:1] != [HEAD] else ""
    yield finding(OK, f"the store is sound{older}")


def check_journals(place: WorkspacePlace) -> Iterator[Finding]:
    """No process left a journal behind, and none is damaged."""
    from milepost.journal.recovery import DAMAGED, journal_ids, live_journals

    folder = place.folder / "journals"

    def finding(check: str, status: str, found: str, advice: str = "", path: Path = folder) -> Finding:
        return Finding(check, status, found, advice, path=str(path), workspace=place.name)

    try:
        ids = journal_ids(folder)
        held = set(live_journals(folder))
        live = {each for each in held if os.access(folder / each, os.W_OK)}
        aside = sorted(folder.glob(f"{DAMAGED}*"))
    except OSError as error:
        yield finding(
            "journals", PROBLEM, f"the journals in {folder} cannot be looked at: {error}", "Check its rights."
        )
        return
    dead = [each for each in ids if each not in held and (folder / each).is_dir()]
    foreign = {each: words for each in dead if (words := _foreign(folder / each))}
    left = [each for each in dead if each not in foreign]
    if left:
        taken = sum(_folder_bytes(folder / each) for each in left)
        yield finding(
            "journals",
            PROBLEM,
            f"{_count(len(left), 'journal')} of ended processes ({size(taken)}) not delivered in {folder}",
            "Run: milepost sync",
        )
    for each, words in foreign.items():
        yield finding(
            "journals", PROBLEM, f"a journal cannot be read here: {words}", "It is kept until then.", path=folder / each
        )
    if held != live:
        yield finding(
            "journals",
            NOTE,
            f"{_count(len(held - live), 'journal')} of another user: whether its process still runs cannot be seen",
            "That user's own scripts deliver it, or: milepost sync, run as that user.",
        )
    for path in aside:
        yield finding(
            "damaged-journals",
            PROBLEM,
            f"part of a journal could not be read ({size(_folder_bytes(path))}); the rest of it was delivered",
            f"Look into the disk's health. Nothing needs {path} any more: remove it when you have seen it.",
            path=path,
        )
    if not dead and not aside and held == live:
        still = f"; {_count(len(live), 'process', 'es')} recording just now" if live else ""
        yield finding("journals", OK, f"all journals are delivered{still}")
    elif live:
        yield finding("journals", OK, f"{_count(len(live), 'process', 'es')} recording just now")


def _foreign(journal: Path) -> str:
    """Why a journal can be read on another machine or by a newer Milepost only; "" where that is not so."""
    from milepost.journal.format import HEADER_SIZE, JournalDamaged, JournalForeign, parse_header
    from milepost.journal.segment import SUFFIX

    for path in sorted(journal.glob(f"*{SUFFIX}")):
        try:
            with path.open("rb") as file:
                parse_header(file.read(HEADER_SIZE))
        except JournalForeign as error:
            return str(error)
        except (JournalDamaged, OSError):
            continue
    return ""


def _folder_bytes(folder: Path) -> int:
    """Bytes on the disk; preallocated segments count with what they take."""
    total = 0
    for each in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += each.stat().st_size
    return total


def _count(number: int, what: str, plural: str = "s") -> str:
    return f"{number:,} {what}{'' if number == 1 else plural}"
