"""What a job uses of its machine, sampled every few seconds.

| name | unit | what |
|---|---|---|
| cpu_percent | percent | CPU of the job's processes, those that came and went meanwhile among them; 100 is one core |
| cpu_percent_machine | percent | CPU of the whole machine; 100 is all cores |
| memory_bytes | bytes | memory of the job's processes; what several of them share counts once where that is known |
| memory_percent_machine | percent | memory of the whole machine that is in use |
| disk_read_bytes_per_s | bytes/s | what the job's processes read from disks (not from the cache) |
| disk_write_bytes_per_s | bytes/s | what they caused to be written to disks |
| network_received_bytes_per_s | bytes/s | of the whole machine, without what it says to itself |
| network_sent_bytes_per_s | bytes/s | the same, sent |
| disk_free_bytes | bytes | free on the disk of the job's folder |
| processes | count | of the job |
| threads | count | of the job |
| gpu.N.utilization_percent | percent | of each of the machine's NVIDIA GPUs, N from 0: the time in which it computed |
| gpu.N.memory_bytes | bytes | in use |
| gpu.N.temperature_c | degrees Celsius | |
| gpu.N.power_w | watts | |

What a system does not tell (macOS has no disk counters of processes) is left out.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from milepost.jobs import machine, process_table

# Shared memory is counted by walking a process's page tables, about 10 ms for a GiB.  So it is not done at every sample
# for large processes, and not at all for the largest.
_WALK_S_PER_BYTE: Final = 0.010 / (1 << 30)
_LONGEST_WALK_S: Final = 0.2
_WALKS_PER_SAMPLE_S: Final = 0.005
_WALK_SHARE: Final = 200  # a walk is repeated after 200 times the time that it takes
_SHORTEST_S: Final = 0.001  # no rates over less

Key = tuple[int, str | None]  # a process id, and what tells its process from a later one


class _Use(NamedTuple):
    """What a process has used, with its children that it has waited for."""

    cpu_s: float = 0.0
    read: float = 0.0
    written: float = 0.0

    def plus(self, other: _Use) -> _Use:
        return _Use(*(a + b for a, b in zip(self, other, strict=True)))

    def less(self, other: _Use) -> _Use:
        """Never below nothing."""
        return _Use(*(max(0.0, a - b) for a, b in zip(self, other, strict=True)))


@dataclass
class _Seen:
    key: Key
    parent: int
    use: _Use
    threads: int
    resident: int


@dataclass
class _Uses:
    """How much more a changing set of processes has used since it was looked at last.

    A process that ends vanishes, but what it used appears once more as its parent's when that waits for it; so it is
    remembered what each parent will get of which we have already counted the part that we saw.
    """

    last: dict[Key, _Seen] = field(default_factory=dict)
    counted: dict[Key, _Use] = field(default_factory=dict)

    def look(self, seen: Iterable[_Seen]) -> _Use:
        now = {each.key: each for each in seen}
        by_pid = {each.key[0]: each.key for each in now.values()}
        before = {each.key[0]: each for each in self.last.values()}
        for key, gone in self.last.items():
            if key not in now:
                heir = self._heir(gone, by_pid, before)
                if heir is not None:
                    self.counted[heir] = self.counted.get(heir, _Use()).plus(gone.use)
        total = _Use()
        for key, each in now.items():
            old = self.last.get(key)
            grown = each.use.less(old.use) if old else each.use
            counted = self.counted.get(key)
            if counted is not None:
                rest = counted.less(grown)
                grown = grown.less(counted)
                if any(rest):
                    self.counted[key] = rest
                else:
                    del self.counted[key]
            total = total.plus(grown)
        self.counted = {key: use for key, use in self.counted.items() if key in now}
        self.last = now
        return total

    @staticmethod
    def _heir(gone: _Seen, by_pid: dict[int, Key], before: dict[int, _Seen]) -> Key | None:
        """The nearest ancestor that still runs."""
        pid, steps = gone.parent, 0
        while pid not in by_pid and pid in before and steps < len(before):
            pid, steps = before[pid].parent, steps + 1
        return by_pid.get(pid)


@dataclass
class _Shared:
    """What part of a process's memory is its own: proportional (shared parts divided among their users) / resident."""

    part: float
    at: float
    took_s: float


@dataclass
class Sampler:
    """Samples what the processes that ``pids`` gives use, and the machine.

    ``pids``: the ids of the job's processes that run now.
    ``folder``: on the disk whose free space is told; it may be removed meanwhile.
    """

    pids: Callable[[], list[int]]
    folder: Path
    _at: float = 0.0
    _elapsed: float = 0.0
    _uses: _Uses = field(default_factory=_Uses)
    _shared: dict[Key, _Shared] = field(default_factory=dict)
    _machine_cpu: tuple[float, float] | None = None
    _network: dict[str, tuple[int, int]] = field(default_factory=dict)
    _gpus: list[tuple[int, Any]] | None = None

    def __post_init__(self) -> None:
        self.sample()  # what was used before does not count

    def sample(self) -> dict[str, float]:
        """The values now, and the rates since the last call (or since this was made), by name; see the module's table.

        Takes some milliseconds.  Never raises; what cannot be found out is left out.
        """
        now = time.monotonic()
        self._elapsed, self._at = now - self._at, now
        values: dict[str, float] = {}
        for part in (self._processes, self._processors, self._memory, self._networks, self._disk, self._gpu_values):
            # A sample is a courtesy: whatever is wrong with this machine, the run goes on.
            with contextlib.suppress(Exception):
                for name, value, is_total in part():
                    if not is_total:
                        values[name] = float(value)
                    elif self._elapsed >= _SHORTEST_S:
                        values[name] = float(value) / self._elapsed
        return values

    # Each part gives names and values, and True where it is a total since the last call that is told per second.

    def _processes(self) -> Iterator[tuple[str, float, bool]]:
        seen = [each for pid in self.pids() if (each := _look(pid)) is not None]
        use = self._uses.look(seen)
        # Clock ticks, and what a process that has ended adds late, may make more of it than there can be.
        yield "cpu_percent", 100 * min(use.cpu_s, self._elapsed * (os.cpu_count() or 1)), True
        if _HAS_DISK_COUNTERS:
            yield "disk_read_bytes_per_s", use.read, True
            yield "disk_write_bytes_per_s", use.written, True
        yield "processes", len(seen), False
        yield "threads", sum(each.threads for each in seen), False
        yield "memory_bytes", self._memory_of(seen), False

    def _memory_of(self, seen: list[_Seen]) -> float:
        if len(seen) < 2 or not _LINUX:
            return float(sum(each.resident for each in seen))
        now = time.monotonic()
        known = {each.key: self._shared[each.key] for each in seen if each.key in self._shared}
        due = []
        for each in seen:
            old = known.get(each.key)
            cost = each.resident * _WALK_S_PER_BYTE if old is None else old.took_s
            age = float("inf") if old is None else now - old.at
            if cost <= _LONGEST_WALK_S and age >= cost * _WALK_SHARE:
                due.append((-age, cost, each))
        for _, _, each in sorted(due, key=lambda one: one[:2]):
            if time.monotonic() - now > _WALKS_PER_SAMPLE_S:
                break
            began = time.monotonic()
            proportional = _proportional(each.key[0])
            if proportional is not None and each.resident:
                took = time.monotonic() - began
                known[each.key] = _Shared(min(1.0, proportional / each.resident), began, took)
        self._shared = known
        return sum(each.resident * (known[each.key].part if each.key in known else 1.0) for each in seen)

    def _processors(self) -> Iterator[tuple[str, float, bool]]:
        import psutil

        times = psutil.cpu_times()
        # Linux counts guests as users, too.
        every = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        before, self._machine_cpu = self._machine_cpu, (every, idle)
        if before is not None and every > before[0]:
            busy = 1 - (idle - before[1]) / (every - before[0])
            yield "cpu_percent_machine", 100 * min(1.0, max(0.0, busy)), False

    def _memory(self) -> Iterator[tuple[str, float, bool]]:
        import psutil

        yield "memory_percent_machine", psutil.virtual_memory().percent, False

    def _networks(self) -> Iterator[tuple[str, float, bool]]:
        import psutil

        every = {
            name: (counters.bytes_recv, counters.bytes_sent)
            for name, counters in psutil.net_io_counters(pernic=True).items()
            if not name.lower().startswith(("lo0", "loopback")) and name != "lo"
        }
        # Bridges and tunnels of this machine carry once more what goes over its real interfaces, where it has any.
        real = {name: counters for name, counters in every.items() if Path("/sys/class/net", name, "device").exists()}
        now = real or every
        # An interface that was not there before is new: all that it counts came meanwhile.
        old, self._network = self._network, now
        for index, name in enumerate(("network_received_bytes_per_s", "network_sent_bytes_per_s")):
            yield name, sum(max(0, each[index] - old.get(key, (0, 0))[index]) for key, each in now.items()), True

    def _disk(self) -> Iterator[tuple[str, float, bool]]:
        yield "disk_free_bytes", shutil.disk_usage(machine.existing(self.folder)).free, False

    def _gpu_values(self) -> Iterator[tuple[str, float, bool]]:
        if self._gpus == []:
            return
        import pynvml

        if self._gpus is None:
            self._gpus = []
            pynvml.nvmlInit()  # raises where there is no driver, and is not tried again
            for index in range(pynvml.nvmlDeviceGetCount()):
                with contextlib.suppress(pynvml.NVMLError):
                    self._gpus.append((index, pynvml.nvmlDeviceGetHandleByIndex(index)))
        for index, handle in self._gpus:
            for name, look in _GPU_VALUES.items():
                # Not every GPU tells everything.
                with contextlib.suppress(pynvml.NVMLError):
                    yield f"gpu.{index}.{name}", look(pynvml, handle), False


_GPU_VALUES: Final[dict[str, Callable[[Any, Any], float]]] = {
    "utilization_percent": lambda nvml, handle: nvml.nvmlDeviceGetUtilizationRates(handle).gpu,
    "memory_bytes": lambda nvml, handle: nvml.nvmlDeviceGetMemoryInfo(handle).used,
    "temperature_c": lambda nvml, handle: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
    "power_w": lambda nvml, handle: nvml.nvmlDeviceGetPowerUsage(handle) / 1000,  # from milliwatts
}
_LINUX: Final = sys.platform.startswith("linux")
_HAS_DISK_COUNTERS: Final = _LINUX or os.name == "nt" or "bsd" in sys.platform


def _look(pid: int) -> _Seen | None:
    """A process as it is now; None if it has ended, or is not for us to look at."""
    import psutil

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            cpu = process.cpu_times()
            read = written = 0
            if _HAS_DISK_COUNTERS:
                with contextlib.suppress(psutil.AccessDenied):
                    counters = process.io_counters()
                    read, written = counters.read_bytes, counters.write_bytes
            spent = cpu.user + cpu.system + getattr(cpu, "children_user", 0.0) + getattr(cpu, "children_system", 0.0)
            return _Seen(
                (pid, process_table.started(pid)),
                process.ppid(),
                _Use(spent, read, written),
                process.num_threads(),
                process.memory_info().rss,
            )
    except (psutil.Error, OSError):
        return None


def _proportional(pid: int) -> int | None:
    """The bytes of memory of a process, each shared page divided by the number of its users."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
