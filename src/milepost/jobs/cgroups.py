"""The control groups that this process is in (Linux): the folders where the kernel tells their limits and counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_NO_LIMIT = 1 << 60  # version 1 writes a number like this where there is no limit


def folders(controller: str, root: Path = Path("/")) -> Iterator[tuple[int, Path]]:
    """The version (2 or 1) and the folder of each group of this process for a controller ("cpu", "memory"): the
    innermost first, then those around it.  Nothing where there are none.  ``root``: where /proc and /sys are.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(errors="replace").splitlines()
    except OSError:
        return
    top = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, group = (*line.split(":", 2), "", "")[:3]
        if not controllers:
            for base in (top, top / "unified"):
                yield from ((2, each) for each in _upwards(base, group))
        elif controller in controllers.split(","):
            for base in (top / controller, top / controllers):
                yield from ((1, each) for each in _upwards(base, group))


def _upwards(base: Path, group: str) -> Iterator[Path]:
    parts = [part for part in group.split("/") if part]
    # Within a container the path may be the machine's, of which only the top is seen here.
    if ".." in parts or not base.joinpath(*parts).is_dir():
        parts = []
    for length in range(len(parts), -1, -1):
        yield base.joinpath(*parts[:length])


def memory_limit(root: Path = Path("/")) -> int | None:
    """The smallest limit of memory, in bytes, that holds for this process; None if there is none."""
    limits = []
    for version, folder in folders("memory", root):
        words = _words(folder / ("memory.max" if version == 2 else "memory.limit_in_bytes"))
        if words and words[0].isdecimal() and int(words[0]) < _NO_LIMIT:
            limits.append(int(words[0]))
    return min(limits, default=None)


def cpu_limit(root: Path = Path("/")) -> float | None:
    """The smallest limit of CPU, in cores, that holds for this process; None if there is none."""
    limits = []
    for version, folder in folders("cpu", root):
        if version == 2:
            words = _words(folder / "cpu.max")
        else:
            words = _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        if len(words) == 2 and all(word.isdecimal() and int(word) for word in words):
            limits.append(int(words[0]) / int(words[1]))
    return min(limits, default=None)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").split()
    except OSError:
        return []
