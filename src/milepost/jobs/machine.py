"""What is known of the machine that a run is on."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from milepost.jobs import cgroups

_LONGEST: Final = 200  # of a text


def facts(folder: Path | None = None) -> dict[str, Any]:
    """The machine's facts, fit for JSON.  Takes some milliseconds (longer where a GPU's driver sleeps); never raises.

    hostname, architecture: text
    os: {system, release, distribution (text or None)}
    container: whether this runs in one, as far as can be told
    cpu: {model (text or None), physical_cores, logical_cores, usable_cores (affinity and limits regarded; a float)}
    memory: {bytes, limit_bytes (of the control group, or None)}
    disk: {bytes, free_bytes} of ``folder``, where one is given
    gpus: [{index, name, memory_bytes, driver, uuid}], NVIDIA's
    What cannot be found out is None.
    """
    found: dict[str, Any] = {
        "hostname": _text(_tried(socket.gethostname)),
        "architecture": _text(_tried(platform.machine)),
        "os": {
            "system": _text(_tried(platform.system)),
            "release": _text(_tried(platform.release)),
            "distribution": _text(_tried(_distribution)),
        },
        "container": bool(_tried(_in_container)),
        "cpu": {
            "model": _text(_tried(_cpu_model)),
            "physical_cores": _tried(_physical_cores),
            "logical_cores": os.cpu_count(),
            "usable_cores": _tried(usable_cores),
        },
        "memory": {"bytes": _tried(_memory), "limit_bytes": _tried(cgroups.memory_limit)},
        "gpus": _tried(_gpus) or [],
    }
    if folder is not None:
        usage = _tried(lambda: shutil.disk_usage(existing(folder)))
        found["disk"] = {"bytes": usage and usage.total, "free_bytes": usage and usage.free}
    return found


def usable_cores() -> float:
    """How many cores this process may use at a time, as its affinity and the limits of its control groups allow."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    limit = cgroups.cpu_limit()
    return cores if limit is None else min(cores, limit)


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is (still) there."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _tried(look: Callable[[], Any]) -> Any:
    # Facts are a courtesy: whatever is wrong with this machine, the run goes on without them.
    with contextlib.suppress(Exception):
        return look()
    return None


def _text(value: object) -> str | None:
    """Printable, and of a bounded length: some come from files that anybody may have written."""
    if not isinstance(value, str):
        return None
    return "".join(character if character.isprintable() else "?" for character in value[:_LONGEST]).strip() or None


def _distribution() -> str | None:
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    if os.name == "nt":
        return f"Windows {platform.release()} {platform.version()}"
    return platform.freedesktop_os_release().get("PRETTY_NAME")


def _in_container() -> bool:
    if "KUBERNETES_SERVICE_HOST" in os.environ or Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return True
    try:
        groups = Path("/proc/1/cgroup").read_text(errors="replace")
    except OSError:
        return False
    return any(name in groups for name in ("docker", "kubepods", "containerd", "libpod", "/lxc"))


def _cpu_model() -> str | None:
    if os.name == "nt":
        return _windows_cpu_model()
    if sys.platform == "darwin":
        return _mac_cpu_model()
    fields: dict[str, str] = {}
    with Path("/proc/cpuinfo").open(errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
            if not line.strip() and "model name" in fields:
                break  # the next processor's
    for key in ("model name", "Model", "cpu model", "Hardware", "cpu"):  # x86, Raspberry Pi, MIPS, ARM, POWER
        if fields.get(key):
            return fields[key]
    implementer, part = fields.get("CPU implementer"), fields.get("CPU part")
    return f"ARM, implementer {implementer}, part {part}" if implementer and part else None


def _windows_cpu_model() -> str | None:
    import importlib

    winreg: Any = importlib.import_module("winreg")
    name = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, name) as key:
        return str(winreg.QueryValueEx(key, "ProcessorNameString")[0])


def _mac_cpu_model() -> str | None:
    import ctypes

    library = ctypes.CDLL(None)
    text, size = ctypes.create_string_buffer(256), ctypes.c_size_t(256)
    if library.sysctlbyname(b"machdep.cpu.brand_string", text, ctypes.byref(size), None, ctypes.c_size_t(0)):
        return None
    return text.value.decode("utf-8", "replace")


def _physical_cores() -> int | None:
    import psutil

    return psutil.cpu_count(logical=False)


def _memory() -> int:
    import psutil

    return int(psutil.virtual_memory().total)


def _gpus() -> list[dict[str, Any]]:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []  # no driver
    try:
        driver = _decoded(_tried(pynvml.nvmlSystemGetDriverVersion))
        return [_gpu(pynvml, index, driver) for index in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()


def _gpu(pynvml: Any, index: int, driver: str | None) -> dict[str, Any]:
    handle = _tried(lambda: pynvml.nvmlDeviceGetHandleByIndex(index))  # a GPU that fell off the bus has none
    return {
        "index": index,
        "name": _decoded(_tried(lambda: pynvml.nvmlDeviceGetName(handle))),
        "memory_bytes": _tried(lambda: int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)),
        "driver": driver,
        "uuid": _decoded(_tried(lambda: pynvml.nvmlDeviceGetUUID(handle))),
    }


def _decoded(value: object) -> str | None:
    """NVIDIA's library gave bytes in former versions."""
    return _text(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)
