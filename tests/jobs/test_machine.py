"""The machine's facts are found without fail, and the limits of control groups regarded."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.jobs import cgroups, machine


class TestThisMachine:
    def test_its_facts_are_those_that_the_system_tells(self, tmp_path: Path) -> None:
        facts = machine.facts(tmp_path)
        assert facts["hostname"] == socket.gethostname()
        assert facts["cpu"]["logical_cores"] == os.cpu_count()
        assert 0 < facts["cpu"]["usable_cores"] <= (os.cpu_count() or 1)
        assert facts["memory"]["bytes"] == psutil.virtual_memory().total
        assert facts["disk"]["bytes"] == shutil.disk_usage(tmp_path).total
        assert facts["os"]["system"]
        assert facts["container"] in (True, False)

    def test_they_are_fit_for_json(self) -> None:
        facts = machine.facts()
        assert json.loads(json.dumps(facts, allow_nan=False)) == facts

    def test_the_disk_of_a_folder_that_is_gone_is_that_of_the_nearest_one_above(self, tmp_path: Path) -> None:
        assert machine.existing(tmp_path / "a" / "b") == tmp_path
        assert machine.facts(tmp_path / "a" / "b")["disk"]["bytes"] == shutil.disk_usage(tmp_path).total

    def test_a_fact_that_cannot_be_found_is_none_and_the_others_are_there(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: object) -> Any:
            raise OSError("this machine is broken")

        for name in ("_cpu_model", "_memory", "_distribution", "_in_container", "_gpus", "_physical_cores"):
            monkeypatch.setattr(machine, name, fails)
        facts = machine.facts()
        assert facts["cpu"]["model"] is None
        assert facts["memory"]["bytes"] is None
        assert facts["gpus"] == []
        assert facts["hostname"]

    def test_texts_are_printable_and_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(machine, "_cpu_model", lambda: "Xeon\x00\x1b[31m\n" + "x" * 10_000)
        model = machine.facts()["cpu"]["model"]
        assert model.isprintable()
        assert len(model) <= 200

    @pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
    def test_affinity_limits_the_usable_cores(self) -> None:
        before = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {min(before)})
            assert machine.usable_cores() <= 1
        finally:
            os.sched_setaffinity(0, before)


class NvmlError(Exception):
    pass


def fake_nvml(**more: Any) -> SimpleNamespace:
    """In place of NVIDIA's library: the machines that run these tests have no GPU."""
    functions: dict[str, Any] = {
        "NVMLError": NvmlError,
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlSystemGetDriverVersion": lambda: b"550.54",
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda _: "NVIDIA A100",
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(total=40 << 30, used=1 << 30),
        "nvmlDeviceGetUUID": lambda handle: f"GPU-{handle}",
    }
    return SimpleNamespace(**{**functions, **more})


class TestGpus:
    def test_without_a_driver_there_are_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def init() -> None:
            raise NvmlError("library not found")

        monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(nvmlInit=init))
        assert machine.facts()["gpus"] == []

    def test_they_are_told_with_memory_and_driver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pynvml", fake_nvml())
        told = {"name": "NVIDIA A100", "memory_bytes": 40 << 30, "driver": "550.54"}
        assert machine.facts()["gpus"] == [
            {"index": 0, **told, "uuid": "GPU-0"},
            {"index": 1, **told, "uuid": "GPU-1"},
        ]

    def test_what_a_gpu_does_not_tell_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(*_: object) -> None:
            raise NvmlError("not supported")

        monkeypatch.setitem(
            sys.modules, "pynvml", fake_nvml(nvmlDeviceGetMemoryInfo=fails, nvmlSystemGetDriverVersion=fails)
        )
        gpu = machine.facts()["gpus"][0]
        assert (gpu["memory_bytes"], gpu["driver"], gpu["name"]) == (None, None, "NVIDIA A100")


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class TestControlGroups:
    def test_the_smallest_limit_of_the_group_and_those_around_it_holds(self, tmp_path: Path) -> None:
        write(tmp_path, "proc/self/cgroup", "0::/a/b\n")
        write(tmp_path, "sys/fs/cgroup/a/b/memory.max", "max\n")
        write(tmp_path, "sys/fs/cgroup/a/memory.max", "1073741824\n")
        write(tmp_path, "sys/fs/cgroup/memory.max", "4294967296\n")
        write(tmp_path, "sys/fs/cgroup/a/b/cpu.max", "400000 100000\n")
        write(tmp_path, "sys/fs/cgroup/a/cpu.max", "150000 100000\n")
        assert cgroups.memory_limit(tmp_path) == 1 << 30
        assert cgroups.cpu_limit(tmp_path) == 1.5

    def test_version_1_has_files_of_other_names(self, tmp_path: Path) -> None:
        write(tmp_path, "proc/self/cgroup", "5:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n0::/\n")
        write(tmp_path, "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "2147483648\n")
        write(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
        write(tmp_path, "sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "50000\n")
        write(tmp_path, "sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n")
        assert cgroups.memory_limit(tmp_path) == 2 << 30
        assert cgroups.cpu_limit(tmp_path) == 0.5

    def test_no_limit_is_told_as_none(self, tmp_path: Path) -> None:
        write(tmp_path, "proc/self/cgroup", "0::/\n1:cpu:/\n1:memory:/\n")
        write(tmp_path, "sys/fs/cgroup/memory.max", "max\n")
        write(tmp_path, "sys/fs/cgroup/cpu.max", "max 100000\n")
        write(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
        write(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
        assert cgroups.memory_limit(tmp_path) is None
        assert cgroups.cpu_limit(tmp_path) is None

    def test_a_group_that_is_not_seen_from_here_is_looked_for_at_the_top(self, tmp_path: Path) -> None:
        write(tmp_path, "proc/self/cgroup", "0::/docker/not-here\n")
        write(tmp_path, "sys/fs/cgroup/memory.max", "1048576\n")
        assert cgroups.memory_limit(tmp_path) == 1 << 20

    def test_a_machine_without_them_has_no_limits(self, tmp_path: Path) -> None:
        assert cgroups.memory_limit(tmp_path) is None
        assert cgroups.cpu_limit(tmp_path) is None

    @given(
        st.text(alphabet="0:/amemory,cpu.\n", max_size=60),
        st.text(alphabet="max0123456789 -\n", max_size=30),
    )
    def test_files_with_anything_in_them_are_no_trouble(
        self, tmp_path_factory: pytest.TempPathFactory, groups: str, limits: str
    ) -> None:
        root = tmp_path_factory.mktemp("machine")
        write(root, "proc/self/cgroup", groups)
        write(root, "sys/fs/cgroup/memory.max", limits)
        write(root, "sys/fs/cgroup/cpu.max", limits)
        assert (cgroups.memory_limit(root) or 0) >= 0
        assert (cgroups.cpu_limit(root) or 1) > 0
