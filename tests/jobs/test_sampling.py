"""What a job uses is sampled rightly, whatever its processes do meanwhile."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.jobs import sampling
from milepost.jobs.sampling import Sampler, _Seen, _Use, _Uses

if TYPE_CHECKING:
    from collections.abc import Iterator

POSIX = pytest.mark.skipif(os.name == "nt", reason="the processes are made with fork")
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")

PROCESS_NAMES = {
    "cpu_percent",
    "disk_read_bytes_per_s",
    "disk_write_bytes_per_s",
    "memory_bytes",
    "processes",
    "threads",
}
MACHINE_NAMES = {
    "cpu_percent_machine",
    "memory_percent_machine",
    "network_received_bytes_per_s",
    "network_sent_bytes_per_s",
    "disk_free_bytes",
}


@contextmanager
def python(script: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs this script and has printed a line."""
    with subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            if process.poll() is None:
                for each in psutil.Process(process.pid).children(recursive=True):
                    each.kill()
                process.kill()


def say(process: subprocess.Popen[bytes], text: str = "") -> None:
    assert process.stdin is not None
    process.stdin.write(text.encode() + b"\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline()


class TestNames:
    @LINUX
    def test_every_value_is_there_with_the_name_that_the_table_tells(self, tmp_path: Path) -> None:
        sampler = Sampler(lambda: [os.getpid()], tmp_path)
        time.sleep(0.05)
        assert set(sampler.sample()) == PROCESS_NAMES | MACHINE_NAMES

    def test_the_table_tells_all_names(self) -> None:
        rows = re.findall(r"^\| ([\w.]+) \|", sampling.__doc__ or "", re.MULTILINE)
        gpu = {f"gpu.N.{name}" for name in sampling._GPU_VALUES}
        assert set(rows) - {"name"} == PROCESS_NAMES | MACHINE_NAMES | gpu

    def test_all_values_are_finite_numbers_not_below_nothing(self, tmp_path: Path) -> None:
        sampler = Sampler(lambda: [os.getpid()], tmp_path)
        for _ in range(3):
            for value in sampler.sample().values():
                assert type(value) is float
                assert math.isfinite(value)
                assert value >= 0


class TestProcesses:
    def test_processes_and_threads_are_counted(self, tmp_path: Path) -> None:
        script = "import threading, time\nfor _ in range(2): threading.Thread(target=time.sleep, args=(60,)).start()\n"
        with python(script + "print(flush=True)") as one, python("print(flush=True); input()") as two:
            values = Sampler(lambda: [one.pid, two.pid], tmp_path).sample()
            assert values["processes"] == 2
            assert values["threads"] == 4

    def test_a_process_that_computes_takes_cpu_and_one_that_sleeps_takes_none(self, tmp_path: Path) -> None:
        compute = (
            "import time\nprint(flush=True)\ninput()\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\ninput()"
        )
        with python(compute) as busy, python("print(flush=True); input()") as idle:
            of_idle = Sampler(lambda: [idle.pid], tmp_path)
            earliest = time.monotonic()
            of_both = Sampler(lambda: [busy.pid, idle.pid], tmp_path)
            latest = time.monotonic()
            say(busy)
            hear(busy)
            at_least_s = time.monotonic() - latest
            share = of_both.sample()["cpu_percent"] / 100
            at_most_s = time.monotonic() - earliest
            assert share * at_least_s < 0.65  # seconds of CPU, however long they took
            assert share * at_most_s > 0.4
            assert of_idle.sample()["cpu_percent"] == 0
            time.sleep(0.05)
            assert of_both.sample()["cpu_percent"] == 0

    @POSIX
    def test_what_children_used_that_came_and_went_between_two_samples_counts_once(self, tmp_path: Path) -> None:
        script = """if True:
            import os, time
            def child(seconds):
                pid = os.fork()
                if pid == 0:
                    until = time.process_time() + seconds
                    while time.process_time() < until: pass
                    input()
                    os._exit(0)
                return pid
            print(flush=True)
            long = child(0.6)
            input()
            short = os.fork()
            if short == 0:
                while time.process_time() < 0.6: pass
                os._exit(0)
            os.waitpid(short, 0)
            os.kill(long, 9); os.waitpid(long, 0)
            print(flush=True)
            input()
        """
        with python(script) as process:
            parent = psutil.Process(process.pid)
            sampler = Sampler(lambda: [process.pid, *(each.pid for each in parent.children())], tmp_path)
            total, last = 0.0, time.monotonic()

            def sample() -> float:
                nonlocal total, last
                time.sleep(0.02)
                value = sampler.sample()["cpu_percent"]
                now = time.monotonic()
                total += value / 100 * (now - last)
                last = now
                return value

            while total < 0.55:  # the long child's
                sample()
            say(process)
            hear(process)
            sample()
            assert 1.1 < total < 1.6
            sample()
            assert 1.1 < total < 1.6

    @LINUX
    def test_shared_memory_counts_once(self, tmp_path: Path) -> None:
        size = 64 << 20
        script = f"""if True:
            import os, time
            block = bytearray(os.urandom(1)) * {size}
            for _ in range(5):
                if os.fork() == 0:
                    time.sleep(60)
            print(flush=True)
            input()
        """
        with python(script) as process:
            pids = [process.pid, *(each.pid for each in psutil.Process(process.pid).children())]
            assert len(pids) == 6
            sampler = Sampler(lambda: pids, tmp_path)
            while len(sampler._shared) < 6:  # only some are looked at in each sample
                sampler.sample()
            assert size < sampler.sample()["memory_bytes"] < 2 * size

    def test_the_memory_of_one_process_is_what_is_resident(self, tmp_path: Path) -> None:
        with python("block = b'x' * (64 << 20); print(flush=True); input()") as process:
            resident = psutil.Process(process.pid).memory_info().rss
            memory = Sampler(lambda: [process.pid], tmp_path).sample()["memory_bytes"]
            assert resident * 0.9 < memory < resident * 1.1
            assert memory > 64 << 20

    @LINUX
    def test_what_is_written_to_the_disk_is_told_as_a_rate(self, tmp_path: Path) -> None:
        script = """if True:
            import os, sys
            print(flush=True)
            input()
            with open(sys.argv[1], "wb") as file:
                file.write(b"x" * (8 << 20))
                file.flush(); os.fsync(file.fileno())
            print(flush=True)
            input()
        """
        with python(script, str(tmp_path / "file")) as process:
            earliest = time.monotonic()
            sampler = Sampler(lambda: [process.pid], tmp_path)
            latest = time.monotonic()
            say(process)
            hear(process)
            at_least_s = time.monotonic() - latest
            rate = sampler.sample()["disk_write_bytes_per_s"]
            at_most_s = time.monotonic() - earliest
            if psutil.Process(process.pid).io_counters().write_bytes == 0:
                pytest.skip("the tests' folder is not on a disk")
            assert rate * at_least_s < 10 << 20
            assert rate * at_most_s > 7 << 20

    def test_a_process_that_is_gone_is_no_trouble(self, tmp_path: Path) -> None:
        with python("print(flush=True); input()") as process:
            sampler = Sampler(lambda: [process.pid], tmp_path)
            process.kill()
            process.wait()
            time.sleep(0.01)
            values = sampler.sample()
            assert values["processes"] == 0
            assert values["memory_bytes"] == 0
            assert values["cpu_percent"] == 0

    @POSIX
    def test_processes_that_come_and_go_all_the_time_are_no_trouble(self, tmp_path: Path) -> None:
        script = """if True:
            import os
            print(flush=True)
            while True:
                pid = os.fork()
                if pid == 0: os._exit(0)
                os.waitpid(pid, 0)
        """
        with python(script) as process:
            parent = psutil.Process(process.pid)
            sampler = Sampler(lambda: [process.pid, *(each.pid for each in parent.children())], tmp_path)
            for _ in range(20):
                time.sleep(0.005)
                values = sampler.sample()
                assert values["processes"] >= 1
                assert values["cpu_percent"] <= 100 * (os.cpu_count() or 1) * 1.001


class TestTrouble:
    def test_where_the_processes_cannot_be_told_the_machine_still_is(self, tmp_path: Path) -> None:
        def fails() -> list[int]:
            raise OSError("no /proc")

        names = set(Sampler(fails, tmp_path).sample())
        assert not names & PROCESS_NAMES
        assert "disk_free_bytes" in names

    def test_a_folder_that_is_gone_tells_the_disk_that_it_was_on(self, tmp_path: Path) -> None:
        assert Sampler(list, tmp_path / "gone" / "away").sample()["disk_free_bytes"] > 0

    @pytest.mark.parametrize("name", ["cpu_times", "virtual_memory", "net_io_counters", "Process"])
    def test_a_part_that_fails_does_not_take_the_others_along(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        def fails(*_: object, **__: object) -> None:
            raise RuntimeError("this machine is broken")

        monkeypatch.setattr(psutil, name, fails)
        sampler = Sampler(lambda: [os.getpid()], tmp_path)
        time.sleep(0.05)
        assert len(sampler.sample()) >= 5

    def test_two_samples_at_once_give_no_rates_that_are_not_numbers(self, tmp_path: Path) -> None:
        sampler = Sampler(lambda: [os.getpid()], tmp_path)
        assert all(math.isfinite(value) for _ in range(50) for value in sampler.sample().values())


class NvmlError(Exception):
    pass


class TestGpus:
    """With a library in place of NVIDIA's: the machines that run these tests have no GPU."""

    @pytest.fixture
    def nvml(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        def power(handle: int) -> int:
            if handle == 1:
                raise NvmlError("not supported")
            return 250_500

        fake = SimpleNamespace(
            NVMLError=NvmlError,
            NVML_TEMPERATURE_GPU=0,
            nvmlInit=lambda: None,
            nvmlDeviceGetCount=lambda: 2,
            nvmlDeviceGetHandleByIndex=lambda index: index,
            nvmlDeviceGetUtilizationRates=lambda handle: SimpleNamespace(gpu=90 + handle),
            nvmlDeviceGetMemoryInfo=lambda _: SimpleNamespace(total=40 << 30, used=3 << 30),
            nvmlDeviceGetTemperature=lambda _, __: 65,
            nvmlDeviceGetPowerUsage=power,
        )
        monkeypatch.setitem(sys.modules, "pynvml", fake)
        return fake

    def gpus(self, sampler: Sampler) -> dict[str, float]:
        return {name: value for name, value in sampler.sample().items() if name.startswith("gpu.")}

    @pytest.mark.usefixtures("nvml")
    def test_each_is_told_as_far_as_it_tells(self, tmp_path: Path) -> None:
        assert self.gpus(Sampler(list, tmp_path)) == {
            "gpu.0.utilization_percent": 90.0,
            "gpu.0.memory_bytes": float(3 << 30),
            "gpu.0.temperature_c": 65.0,
            "gpu.0.power_w": 250.5,
            "gpu.1.utilization_percent": 91.0,
            "gpu.1.memory_bytes": float(3 << 30),
            "gpu.1.temperature_c": 65.0,
        }

    def test_without_a_driver_there_are_none_and_it_is_tried_once(self, tmp_path: Path, nvml: SimpleNamespace) -> None:
        tried: list[int] = []

        def init() -> Any:
            tried.append(1)
            raise NvmlError("library not found")

        nvml.nvmlInit = init
        sampler = Sampler(list, tmp_path)
        assert self.gpus(sampler) == self.gpus(sampler) == {}
        assert len(tried) == 1

    def test_one_that_falls_off_the_bus_does_not_take_the_others_along(
        self, tmp_path: Path, nvml: SimpleNamespace
    ) -> None:
        def handle_of(index: int) -> int:
            if index == 0:
                raise NvmlError("GPU is lost")
            return index

        nvml.nvmlDeviceGetHandleByIndex = handle_of
        assert set(self.gpus(Sampler(list, tmp_path))) == {
            "gpu.1.utilization_percent",
            "gpu.1.memory_bytes",
            "gpu.1.temperature_c",
        }


# -- the sums over processes that come and go --------------------------------------------------------------------


class Tree:
    """Processes as the kernel counts them: who waits for a child gets all that the child has used."""

    def __init__(self) -> None:
        self.parents = {1: 0}
        self.used = {1: 0}
        self.total = 0
        self.ids = 1

    def fork(self, parent: int) -> None:
        self.ids += 1
        self.parents[self.ids], self.used[self.ids] = parent, 0

    def work(self, pid: int, amount: int) -> None:
        self.used[pid] += amount
        self.total += amount

    def exit(self, pid: int) -> None:
        for child in [each for each, parent in self.parents.items() if parent == pid]:
            self.exit(child)
        parent = self.parents.pop(pid)
        self.used[parent] += self.used.pop(pid)

    def seen(self) -> list[_Seen]:
        return [_Seen((pid, None), parent, _Use(float(self.used[pid])), 1, 1) for pid, parent in self.parents.items()]


STEPS = st.lists(
    st.tuples(st.sampled_from(["fork", "work", "work", "exit", "look"]), st.integers(0, 20), st.integers(1, 100)),
    max_size=60,
)


@given(STEPS)
def test_all_that_a_tree_of_processes_uses_is_counted_once(steps: list[tuple[str, int, int]]) -> None:
    tree, uses = Tree(), _Uses()
    uses.look(tree.seen())
    counted = 0.0
    for step, which, amount in steps:
        pid = sorted(tree.parents)[which % len(tree.parents)]
        if step == "fork":
            tree.fork(pid)
        elif step == "work":
            tree.work(pid, amount)
        elif step == "exit" and pid != 1:
            tree.exit(pid)
        elif step == "look":
            counted += uses.look(tree.seen()).cpu_s
            assert counted == tree.total
    counted += uses.look(tree.seen()).cpu_s
    assert counted == tree.total


@given(st.lists(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 6), st.floats(0, 1e6)), max_size=6), max_size=12))
def test_whatever_is_seen_the_sum_is_never_below_nothing(looks: list[list[tuple[int, int, float]]]) -> None:
    uses = _Uses()
    for look in looks:
        use = uses.look([_Seen((pid, None), parent, _Use(amount, amount, 0.0), 1, 1) for pid, parent, amount in look])
        assert all(each >= 0 for each in use)
