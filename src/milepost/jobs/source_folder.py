"""Which files of a source folder belong to a snapshot.

Left out without a word is what the ignore files leave out, and what is never anybody's source: version control's own
folders, compiled Python, editors' copies, and Milepost's own files where they lie in the folder.  Left out and told
are virtual environments (they do not work from another place), links that lead out of the folder or nowhere, and what
is no file: sockets, FIFOs, devices.  All else must come along, or the snapshot is refused: a run without a file that
its script needs would be worse.

A link that leads to a file or folder within the tree stands for what it leads to, also for the ignore rules.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from milepost.jobs.ignore import AMLIGNORE, GITIGNORE, MAX_BYTES, Rules
from milepost.store.errors import BadInput
from milepost.store.names import check_name

MOST_FILES: Final = 100_000
"""Files and folders of one snapshot."""
LIMIT_VARIABLE: Final = "MILEPOST_SNAPSHOT_LIMIT"

_NEVER: Final = frozenset(
    {".git", ".hg", ".svn", "__pycache__", ".ipynb_checkpoints", ".ipynb_aml_checkpoints", ".DS_Store"}
)
_NEVER_ENDINGS: Final = (".pyc", ".pyo", ".amltmp", ".amltemp")
_LOOK_ON: Final = 5_000
"""Once it is clear that a folder is too large, so many more entries are looked at, to tell what makes it so large."""
_SHOWN: Final = 5
_PIECE: Final = 64
"""After so many entries others get their turn."""

Identity = tuple[int, int]


class SnapshotRefused(Exception):
    """A folder cannot become a snapshot; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to take: its name in the snapshot, its path (links resolved), and what ``stat`` said of it."""

    name: str
    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    executable: bool


@dataclass(frozen=True, slots=True)
class Source:
    """The files of a folder, and in short texts what was left out that may surprise."""

    files: list[SourceFile]
    left_out: list[str]


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    name: str
    """From the root, with "/" at its end; "" for the root."""
    rules: tuple[tuple[int, Rules], ...]
    """The ignore files that hold here, the deepest first, and how long the names of their folders are."""
    above: frozenset[Identity]
    """The folder itself and those above it: what a link must not lead back to."""


@dataclass
class _Walk:
    root: str
    ignore_name: str
    limit_bytes: int
    apart: frozenset[Identity]
    pause: Callable[[], None] | None
    files: list[SourceFile] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    bytes: int = 0
    entries: int = 0
    end: int = field(default_factory=lambda: MOST_FILES)
    """After so many entries it stops."""


def find_files(
    folder: Path,
    *,
    limit_bytes: int,
    apart: Collection[Path] = (),
    pause: Callable[[], None] | None = None,
) -> Source:
    """The files of a folder that belong to its snapshot, sorted by name.

    ``apart``: folders that never belong to it.  ``pause`` is called now and then, to let other threads work or to
    end it by an exception.  Raises SnapshotRefused for a folder that is none, is the root of a disk or the user's
    home, is too large, or has files whose names cannot be kept or folders that cannot be read.
    """
    root = _checked_root(folder)
    walk = _Walk(
        root=root,
        ignore_name=AMLIGNORE if os.path.isfile(os.path.join(root, AMLIGNORE)) else GITIGNORE,  # noqa: PTH113, PTH118
        limit_bytes=limit_bytes,
        apart=frozenset(found for each in apart if (found := _identity(each)) is not None),
        pause=pause,
    )
    own = _identity(root)
    waiting = [_Folder(root, "", (), frozenset({own} if own else ()))]
    while waiting and walk.entries <= walk.end:
        waiting += reversed(_look_into(walk, waiting.pop()))
    if walk.bytes > limit_bytes or walk.entries > MOST_FILES:
        raise SnapshotRefused(_too_large(folder, walk))
    if walk.trouble:
        raise SnapshotRefused(refusal(folder, walk.trouble))
    return Source(sorted(walk.files, key=lambda each: each.name), walk.left_out)


def refusal(folder: Path, trouble: Collection[str]) -> str:
    """What to say of a folder with files that cannot be taken."""
    shown = [*trouble][: 2 * _SHOWN]
    more = f"; and {len(trouble) - len(shown)} more" if len(trouble) > len(shown) else ""
    return (
        f"the snapshot of {str(folder)!r} cannot be taken: {'; '.join(shown)}{more}. Mend that, or leave out what the "
        f"run does not need with a line in {where_to_leave_out(folder)}"
    )


def where_to_leave_out(folder: Path) -> str:
    """The ignore file to write into, and what that means for the other kind."""
    path = str(folder / AMLIGNORE)
    if (folder / GITIGNORE).is_file() and not (folder / AMLIGNORE).is_file():
        return f"{path} (it holds in place of {GITIGNORE}, so copy that file's lines into it)"
    return path


def limit_from(text: str | None) -> int:
    """The limit in bytes that a value of MILEPOST_SNAPSHOT_LIMIT means ("1GB", "500 MB", bytes); 300 MB for none.

    Raises SnapshotRefused for what is no size.
    """
    if not text or not text.strip():
        return 300 << 20
    number = text.strip().upper().removesuffix("B").removesuffix("I").strip()
    power = " KMGT".find(number[-1:]) if number[-1:] else -1
    try:
        found = float(number[:-1] if power > 0 else number) * 1024 ** max(power, 0)
        if 0 <= found < 1 << 62:
            return int(found)
    except ValueError:
        pass
    raise SnapshotRefused(f"{LIMIT_VARIABLE} is {text[:80]!r}, which is no size: set it to one such as 500MB or 2GB")


def shown_size(count: int) -> str:
    """Bytes in a short form; a MB has 1024 * 1024 of them."""
    size = float(count)
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}".replace(".0 ", " ")


def _checked_root(folder: Path) -> str:
    shown = repr(str(folder))
    if "\0" in str(folder):
        raise SnapshotRefused(f"{shown} is no path: it has a NUL character")
    root = os.path.realpath(folder)
    try:
        mode = Path(root).stat().st_mode
    except OSError as error:
        raise SnapshotRefused(
            f"there is no source folder {shown} (from {_here()}): {error.strerror or error}; give the folder of the "
            "script"
        ) from error
    if not stat.S_ISDIR(mode):
        raise SnapshotRefused(f"{shown} is a file, not a folder: give the folder that the script is in")
    if root == os.path.dirname(root):  # noqa: PTH120
        raise SnapshotRefused(
            f"{shown} is the root of the disk, and all that lies below it would be taken: give the script a folder of "
            "its own"
        )
    if root == os.path.realpath(os.path.expanduser("~")):  # noqa: PTH111
        raise SnapshotRefused(
            f"{shown} is your home folder, and all that lies below it would be taken: give the script a folder of its "
            "own"
        )
    return root


def _here() -> str:
    try:
        return repr(str(Path.cwd()))
    except OSError:
        return "a folder that is gone"


def _look_into(walk: _Walk, folder: _Folder) -> list[_Folder]:
    """Take the folder's files; gives the folders in it that must be looked into."""
    try:
        with os.scandir(folder.path) as found:
            entries = sorted(found, key=lambda each: each.name)
    except OSError as error:
        if folder.name and isinstance(error, FileNotFoundError):
            return []  # removed meanwhile
        walk.trouble.append(f"the folder {_at(folder.name)} cannot be read ({error.strerror or error})")
        return []
    if folder.name and any(each.name == "pyvenv.cfg" for each in entries):
        _leave_out(walk, folder.name, "it is a virtual environment, which works in its own place only")
        return []
    folder = _with_rules(walk, folder, entries)
    folders = []
    for entry in entries:
        walk.entries += 1
        if walk.pause is not None and walk.entries % _PIECE == 0:
            walk.pause()
        if walk.entries > walk.end:
            break
        if entry.name in _NEVER or entry.name.endswith(_NEVER_ENDINGS):
            continue
        try:
            inner = _take(walk, folder, entry)
        except FileNotFoundError:
            continue  # removed meanwhile
        except OSError as error:
            walk.trouble.append(f"{_at(folder.name + entry.name)} cannot be read ({error.strerror or error})")
            continue
        if inner is not None:
            folders.append(inner)
    return folders


def _with_rules(walk: _Walk, folder: _Folder, entries: list[os.DirEntry[str]]) -> _Folder:
    for entry in entries:
        if entry.name == walk.ignore_name and entry.is_file():
            try:
                with open(entry.path, "rb") as file:  # noqa: PTH123
                    content = file.read(MAX_BYTES)
            except OSError as error:
                walk.trouble.append(f"{_at(folder.name + entry.name)} cannot be read ({error.strerror or error})")
            else:
                mine = (len(os.fsencode(folder.name)), Rules(content))
                return _Folder(folder.path, folder.name, (mine, *folder.rules), folder.above)
    return folder


def _take(walk: _Walk, folder: _Folder, entry: os.DirEntry[str]) -> _Folder | None:
    """Take a file; give a folder that must be looked into.  Raises OSError."""
    name = folder.name + entry.name
    path, info = entry.path, os.lstat(entry.path)
    leads_out = None
    if stat.S_ISLNK(info.st_mode):
        path, info, leads_out = _followed(walk, path, info)
    is_folder = stat.S_ISDIR(info.st_mode)
    if _is_left_out(folder, os.fsencode(name), is_folder=is_folder):
        return None
    if leads_out is not None:
        _leave_out(walk, name, f"it is a link that leads {leads_out}")
        return None
    if is_folder:
        identity = (info.st_dev, info.st_ino)
        if identity in walk.apart:
            return None
        if identity in folder.above:
            _leave_out(walk, name, "it is a link that leads back to a folder it lies in")
            return None
        return _Folder(path, name + "/", folder.rules, folder.above | {identity})
    if not stat.S_ISREG(info.st_mode):
        _leave_out(walk, name, f"it is {_kind(info.st_mode)}")
        return None
    try:
        plain = check_name(name) == name
    except BadInput as error:
        walk.trouble.append(str(error))
        return None
    assert plain
    executable = os.name != "nt" and bool(info.st_mode & stat.S_IXUSR)
    walk.files.append(SourceFile(name, path, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino, executable))
    walk.bytes += info.st_size
    if walk.bytes > walk.limit_bytes:
        walk.end = min(walk.end, walk.entries + _LOOK_ON)
    return None


def _leave_out(walk: _Walk, name: str, why: str) -> None:
    walk.left_out.append(f"{_at(name)} is not in the snapshot: {why}")


def _followed(walk: _Walk, path: str, info: os.stat_result) -> tuple[str, os.stat_result, str | None]:
    """Where a link leads: the path, what is there, and in words why it is not followed (None: it is)."""
    real = os.path.realpath(path)
    try:
        there = os.stat(real)  # noqa: PTH116
    except OSError:
        return path, info, "nowhere"
    if real != walk.root and not real.startswith(os.path.join(walk.root, "")):  # noqa: PTH118
        return path, there, f"out of the folder, to {real!r}"
    if any(part in _NEVER for part in Path(real[len(walk.root) :]).parts):
        return path, there, f"to what no snapshot has, {real!r}"
    return real, there, None


def _is_left_out(folder: _Folder, name: bytes, *, is_folder: bool) -> bool:
    for start, rules in folder.rules:
        decided = rules.decide(name[start:], is_folder=is_folder)
        if decided is not None:
            return decided
    return False


def _identity(path: str | os.PathLike[str]) -> Identity | None:
    try:
        info = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return info.st_dev, info.st_ino


def _kind(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return "a socket"
    if stat.S_ISFIFO(mode):
        return "a FIFO"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "no regular file"


def _at(name: str) -> str:
    return repr(name.rstrip("/") or ".")


def _too_large(folder: Path, walk: _Walk) -> str:
    sizes: defaultdict[str, int] = defaultdict(int)
    counts: defaultdict[str, int] = defaultdict(int)
    for file in walk.files:
        top, is_below, _rest = file.name.partition("/")
        if is_below:
            sizes[top + "/"] += file.size
            counts[top + "/"] += 1
    least = "more than " if walk.entries > walk.end else ""
    if walk.bytes > walk.limit_bytes:
        files = {each.name: each.size for each in walk.files}
        what = (
            f"its files have {least}{shown_size(walk.bytes)}, and a snapshot takes up to "
            f"{shown_size(walk.limit_bytes)}. The largest files: {_largest(files, shown_size)}"
        )
        if sizes:
            what += f"; the largest folders: {_largest(sizes, shown_size)}"
        more = f", or raise the limit with the environment variable {LIMIT_VARIABLE}, for example {LIMIT_VARIABLE}=2GB"
    else:
        what = (
            f"it has more than {MOST_FILES:,} files and folders, which is the most a snapshot takes. Those with most "
            f"of the files looked at: {_largest(counts, '{:,}'.format)}"
        )
        more = ""
    return (
        f"the snapshot of {str(folder)!r} cannot be taken: {what}. Leave out what the run does not need with lines in "
        f"{where_to_leave_out(folder)}{more}"
    )


def _largest(amounts: Mapping[str, int], shown: Callable[[int], str]) -> str:
    found = sorted(amounts.items(), key=lambda each: -each[1])[:_SHOWN]
    return ", ".join(f"{name!r} ({shown(amount)})" for name, amount in found) or "none"
