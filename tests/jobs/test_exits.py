"""How a process ended is told in plain words, from its exit code, the kernel's counters and the end of its log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
import unicodedata
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.jobs.exits import REASON_LENGTH, OomWatch, describe, reason_from_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")


class TestExitCodes:
    def test_success(self) -> None:
        assert describe(0) == {"code": "Success", "message": "Ended with exit code 0.", "details": ""}

    @pytest.mark.parametrize("code", [1, 2, 3, 64, 125, 255])
    def test_a_number_that_means_nothing_more_is_told_as_it_is(self, code: int) -> None:
        assert describe(code) == {"code": "ExitCode", "message": f"Ended with exit code {code}.", "details": ""}

    def test_what_a_shell_says_of_commands_that_it_cannot_start(self) -> None:
        assert "did not find the command" in describe(127)["message"]
        assert "could not execute" in describe(126)["message"]

    @POSIX
    def test_a_real_process_that_exits_with_a_code(self) -> None:
        code = subprocess.run([sys.executable, "-S", "-c", "raise SystemExit(7)"], check=False).returncode
        assert describe(code)["message"] == "Ended with exit code 7."

    @given(st.integers(-(2**33), 2**33))
    def test_any_number_gives_a_sentence(self, code: int) -> None:
        told = describe(code)
        assert set(told) == {"code", "message", "details"}
        assert told["message"].endswith(".")


@POSIX
class TestSignals:
    @pytest.mark.parametrize(
        ("number", "word"),
        [
            (signal.SIGSEGV, "crash in native code"),
            (signal.SIGABRT, "native code"),
            (signal.SIGBUS, "full disk"),
            (signal.SIGFPE, "divided by zero"),
            (signal.SIGXCPU, "CPU time"),
            (signal.SIGTERM, "asked it to end"),
        ],
    )
    def test_a_real_process_that_a_signal_ends(self, number: signal.Signals, word: str) -> None:
        script = "import os, sys, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
        script += "os.kill(os.getpid(), int(sys.argv[1]))"
        code = subprocess.run([sys.executable, "-S", "-c", script, str(int(number))], check=False).returncode
        told = describe(code)
        assert told["code"] == "Signal"
        assert number.name in told["message"]
        assert word in told["message"]

    def test_a_shell_whose_program_was_ended_by_a_signal(self) -> None:
        code = subprocess.run(["/bin/sh", "-c", "sh -c 'kill -SEGV $$'; exit $?"], check=False).returncode
        told = describe(code)
        assert told["code"] == "Signal"
        assert "exit code 139" in told["message"]
        assert "SIGSEGV" in told["message"]

    def test_a_signal_without_a_name(self) -> None:
        assert describe(-250)["message"] == "Ended by signal 250."


class TestWindows:
    @pytest.mark.parametrize("code", [0xC0000005, 0xC0000005 - 2**32])
    def test_an_access_violation_signed_or_not(self, code: int) -> None:
        told = describe(code)
        assert told["code"] == "Crash"
        assert "0xC0000005" in told["message"]
        assert "access violation" in told["message"]

    def test_memory_that_ran_out(self) -> None:
        assert describe(0xC0000017)["code"] == "OutOfMemory"

    def test_an_unknown_code_is_told_in_both_ways_of_writing(self) -> None:
        assert describe(0xC0001234)["message"] == "Ended with exit code 0xC0001234 (3221230132)."


class Machine:
    """A folder with the files of the kernel that count."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


EVENTS = "low 0\nhigh 0\nmax 5\noom 1\noom_kill {}\noom_group_kill 0\n"


@contextmanager
def memory_group(limit: int) -> Iterator[Callable[[], None]]:
    """A control group with so much memory, and what a process calls to enter it; skips where there can be none."""
    top = Path("/sys/fs/cgroup")
    version_1 = (top / "memory").is_dir()
    folder = (top / "memory" if version_1 else top) / f"milepost-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("no control groups can be made here")
    try:
        try:
            (folder / ("memory.limit_in_bytes" if version_1 else "memory.max")).write_text(str(limit))
        except OSError:
            pytest.skip("control groups have no memory controller here")
        yield lambda: _enter(folder / "cgroup.procs")
    finally:
        for _ in range(100):
            try:
                folder.rmdir()
                break
            except OSError:  # the last process is about to leave
                time.sleep(0.05)


def _enter(file: Path) -> None:
    file.write_text(str(os.getpid()))


class TestOutOfMemory:
    @pytest.mark.parametrize(
        ("group", "file", "text"),
        [
            ("0::/user.slice/a.scope\n", "sys/fs/cgroup/user.slice/a.scope/memory.events", EVENTS),
            ("0::/docker/abc\n", "sys/fs/cgroup/memory.events", EVENTS),
            ("0::/../../x\n", "sys/fs/cgroup/memory.events", EVENTS),
            ("4:memory:/docker/abc\n0::/\n", "sys/fs/cgroup/memory/docker/abc/memory.oom_control", EVENTS),
            ("4:cpu,memory:/docker/abc\n", "sys/fs/cgroup/memory/memory.oom_control", EVENTS),
            ("garbage\n", "proc/vmstat", "nr_free_pages 7\noom_kill {}\n"),
        ],
    )
    def test_a_count_that_rose_is_seen(self, machine: Machine, group: str, file: str, text: str) -> None:
        machine.write("proc/self/cgroup", group)
        machine.write(file, text.format(3))
        watch = OomWatch(machine.root)
        assert not watch.happened()
        machine.write(file, text.format(4))
        assert watch.happened()

    def test_kills_elsewhere_on_the_machine_do_not_count_where_the_group_counts(self, machine: Machine) -> None:
        machine.write("proc/self/cgroup", "0::/a\n")
        machine.write("sys/fs/cgroup/a/memory.events", EVENTS.format(0))
        machine.write("proc/vmstat", "oom_kill 0\n")
        watch = OomWatch(machine.root)
        machine.write("proc/vmstat", "oom_kill 1\n")
        assert not watch.happened()

    @pytest.mark.parametrize("text", ["", "oom_kill\n", "oom_kill x\n", "oom_kill_more 3\n"])
    def test_files_that_say_nothing_are_no_trouble(self, machine: Machine, text: str) -> None:
        machine.write("proc/self/cgroup", "0::/a\n")
        machine.write("sys/fs/cgroup/a/memory.events", text)
        assert not OomWatch(machine.root).happened()

    def test_where_nothing_counts_it_did_not_happen(self, machine: Machine) -> None:
        assert not OomWatch(machine.root).happened()

    def test_this_machine_is_read_without_trouble(self) -> None:
        assert OomWatch().happened() in (True, False)

    def test_a_real_kill_for_want_of_memory_is_seen(self) -> None:
        with memory_group(64 << 20) as enter:
            script = f"""
                import subprocess, sys
                sys.path[:0] = {sys.path!r}
                from milepost.jobs.exits import OomWatch, describe
                watch = OomWatch()
                hungry = "import os; open('/proc/self/oom_score_adj', 'w').write('1000'); x = os.urandom(1) * (1 << 30)"
                code = subprocess.run([sys.executable, "-S", "-c", hungry]).returncode
                print(code, describe(code, watch)["code"])
            """
            found = subprocess.run(
                [sys.executable, "-c", textwrap.dedent(script)],
                preexec_fn=enter,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        assert (found.stdout, found.stderr) == ("-9 OutOfMemory\n", "")

    @POSIX
    @pytest.mark.parametrize("code", [-9, 137])
    def test_sigkill_is_told_apart_by_whether_memory_ran_out(self, machine: Machine, code: int) -> None:
        machine.write("proc/vmstat", "oom_kill 0\n")
        watch = OomWatch(machine.root)
        told = describe(code, watch)
        assert told["code"] == "Signal"
        assert "SIGKILL: somebody ended it by force" in told["message"]
        machine.write("proc/vmstat", "oom_kill 1\n")
        told = describe(code, watch)
        assert told["code"] == "OutOfMemory"
        assert "ran out of memory" in told["message"]
        assert told["details"]


def output_of(script: str, *, version: tuple[int, int] = (3, 10)) -> bytes:
    """What a real Python prints when it runs this script."""
    if sys.version_info < version:
        pytest.skip(f"needs Python {version}")
    found = subprocess.run(
        [sys.executable, "-"], input=textwrap.dedent(script).encode(), capture_output=True, check=False
    )
    assert found.returncode != 0
    return found.stdout + found.stderr


class TestReasons:
    def test_an_exception(self) -> None:
        assert reason_from_log(output_of("print(1)\nraise ValueError('no such alpha')")) == "ValueError: no such alpha"

    def test_an_exception_without_a_message(self) -> None:
        assert reason_from_log(output_of("assert 1 == 2")) == "AssertionError"

    def test_an_exception_of_a_class_within_a_function(self) -> None:
        script = "def f():\n  class Bad(Exception): pass\n  raise Bad('x')\nf()"
        assert (
            reason_from_log(output_of(script)) == "__main__.f.<locals>.Bad: x"
            or reason_from_log(output_of(script)) == "f.<locals>.Bad: x"
        )

    def test_a_message_of_several_lines_comes_on_one(self) -> None:
        script = "raise RuntimeError('Error in Net:\\n\\tsize mismatch for a\\n\\tsize mismatch for b')"
        assert reason_from_log(output_of(script)) == (
            "RuntimeError: Error in Net: size mismatch for a size mismatch for b"
        )

    def test_a_message_of_a_thousand_lines_is_cut(self) -> None:
        reason = reason_from_log(output_of("raise ValueError('\\n'.join(map(str, range(30))))"))
        assert reason == "ValueError: 0 1 2 3 4"
        reason = reason_from_log(output_of("raise ValueError('x' * 10000)"))
        assert reason is not None
        assert len(reason) == REASON_LENGTH
        assert reason.endswith("...")

    def test_an_exception_with_its_direct_cause(self) -> None:
        script = "try:\n  {}['alpha']\nexcept KeyError as e:\n  raise ValueError('bad config') from e"
        assert reason_from_log(output_of(script)) == "ValueError: bad config (caused by KeyError: 'alpha')"

    def test_an_exception_while_another_was_handled(self) -> None:
        script = "try:\n  {}['alpha']\nexcept KeyError:\n  raise ValueError('bad config')"
        assert reason_from_log(output_of(script)) == "ValueError: bad config"

    def test_a_group_of_exceptions(self) -> None:
        script = """
            def f():
                raise ValueError("one")
            try:
                f()
            except ValueError as e:
                error = e
            raise ExceptionGroup("several", [error, ExceptionGroup("inner", [TypeError("two")]), OSError("three"),
                                             OSError("four")])
        """
        reason = reason_from_log(output_of(script, version=(3, 11)))
        assert reason is not None
        assert reason.endswith(
            "ExceptionGroup: several (4 sub-exceptions): ValueError: one; "
            "ExceptionGroup: inner (1 sub-exception); TypeError: two; ..."
        )

    def test_wrong_syntax_of_the_script_itself(self, tmp_path: Path) -> None:
        (tmp_path / "train.py").write_text("print(1)\nif True print(2)\n")
        found = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, check=False)
        reason = reason_from_log(found.stderr)
        assert reason is not None
        assert reason.startswith("SyntaxError: ")
        assert reason.endswith("(train.py, line 2)")

    def test_wrong_syntax_of_a_module_that_the_script_imports(self, tmp_path: Path) -> None:
        (tmp_path / "train.py").write_text("import mylib\n")
        (tmp_path / "mylib.py").write_text("def f():\nreturn 1\n")
        found = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, check=False)
        reason = reason_from_log(found.stderr)
        assert reason is not None
        assert reason.startswith("IndentationError: ")
        assert reason.endswith("(mylib.py, line 2)")

    def test_a_script_that_is_not_there(self) -> None:
        found = subprocess.run([sys.executable, "nowhere.py"], capture_output=True, check=False)
        reason = reason_from_log(found.stderr)
        assert reason is not None
        assert "can't open file" in reason

    def test_arguments_that_the_script_refuses(self) -> None:
        script = "import argparse; p = argparse.ArgumentParser('train.py'); p.add_argument('x'); p.parse_args([])"
        assert reason_from_log(output_of(script)) == ("train.py: error: the following arguments are required: x")

    def test_memory_that_ran_out(self) -> None:
        assert reason_from_log(output_of("raise MemoryError")) == "MemoryError"

    def test_the_traceback_of_a_rank_of_torch(self) -> None:
        log = (
            b"[rank1]: Traceback (most recent call last):\n"
            b'[rank1]:   File "train.py", line 3, in <module>\n'
            b"[rank1]:     main()\n"
            b"[rank1]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB\n"
            b"W1124 12:00:00 torchrun: Sending process 12 closing signal SIGTERM\n"
        )
        assert reason_from_log(log) == (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB "
            "W1124 12:00:00 torchrun: Sending process 12 closing signal SIGTERM"
        )

    def test_a_thread_or_a_destructor_that_failed_is_not_the_reason_if_there_is_another(self) -> None:
        script = """
            import atexit, threading
            class A:
                def __del__(self):
                    raise OSError("from a destructor")
            a = A()
            def f():
                raise OSError("from a thread")
            thread = threading.Thread(target=f)
            thread.start(); thread.join()
            raise ValueError("the reason")
        """
        assert reason_from_log(output_of(script)) == "ValueError: the reason"

    def test_a_thread_that_failed_is_the_reason_if_there_is_no_other(self) -> None:
        script = """
            import sys, threading
            def f():
                raise OSError("from a thread")
            thread = threading.Thread(target=f)
            thread.start(); thread.join()
            sys.exit(3)
        """
        assert reason_from_log(output_of(script)) == "OSError: from a thread"

    def test_a_traceback_that_the_script_went_on_from_is_not_the_reason(self) -> None:
        script = """
            import sys, traceback
            try:
                raise OSError("handled")
            except OSError:
                traceback.print_exc()
            for i in range(100):
                print("epoch", i, file=sys.stderr)
            sys.exit(3)
        """
        assert reason_from_log(output_of(script)) is None

    @pytest.mark.parametrize(
        "line",
        [
            "Killed",
            "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB",
            "Fatal Python error: Segmentation fault",
            "cp: error writing 'x': No space left on device",
            "/bin/sh: 1: trian: not found",
            "terminate called after throwing an instance of 'std::bad_alloc'",
        ],
    )
    def test_a_line_that_is_known_to_tell_why(self, line: str) -> None:
        assert reason_from_log(f"epoch 1\n{line}\nbye\n\n".encode()) == line

    def test_what_a_progress_bar_overwrote_is_not_looked_at(self) -> None:
        assert reason_from_log(b"Killed\r 10%|#    |\r 20%|##   |\n") is None
        assert reason_from_log(b"epoch 1\r\nKilled\r\n") == "Killed"

    def test_colours_are_taken_out(self) -> None:
        log = b"\x1b[1;35mTraceback (most recent call last):\x1b[0m\n  File\n"
        log += b"\x1b[31mValueError\x1b[0m: \x1b]8;;x\x07red\x1b[0m\n"
        assert reason_from_log(log) == "ValueError: red"

    @pytest.mark.parametrize("log", [b"", b"\n\n", b"hello\n", b"\xff\xfe\x00", b"Traceback (most recent call last):"])
    def test_a_log_that_says_nothing(self, log: bytes) -> None:
        assert reason_from_log(log) is None


PIECES = st.sampled_from(
    [
        "Traceback (most recent call last):",
        "  + Exception Group Traceback (most recent call last):",
        "  | ExceptionGroup: x (2 sub-exceptions)",
        "  +-+---------------- 1 ----------------",
        "    | ValueError: y",
        '  File "a.py", line 1',
        "SyntaxError: z",
        "ValueError: \u202e\x07bad\u2028\x00",
        "The above exception was the direct cause of the following exception:",
        "Exception ignored in: <x>",
        "[rank0]: Traceback (most recent call last):",
        "[rank0]: KeyError: 1",
        "\x1b[31",
        "\x1b]8;;",
        "Killed",
        "",
        " ",
        "|",
    ]
)
LOGS = st.one_of(
    st.binary(max_size=2000),
    st.lists(st.one_of(PIECES, st.text(max_size=30)), max_size=60).map(
        lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass")
    ),
)


class TestHostileLogs:
    @given(LOGS)
    @example(b"Traceback (most recent call last):\nA: " + b"\xf0\x9f\x98\x80" * 3000)
    @example(b"Traceback (most recent call last):\nA: b \x00 c")
    @example(b"Traceback (most recent call last):\nA: \xe2\x80\xae\xe2\x80\xaeevil")
    def test_a_reason_is_short_and_of_printable_characters(self, log: bytes) -> None:
        reason = reason_from_log(log)
        if reason is not None:
            assert 0 < len(reason) <= REASON_LENGTH
            assert not any(unicodedata.category(each).startswith("C") for each in reason)
            assert reason == " ".join(reason.split())

    @pytest.mark.parametrize(
        "log",
        [
            b"Traceback (most recent call last):\n" * 10_000,
            b"".join(b" %d Traceback (most recent call last):\n" % each for each in range(10_000)),
            b"  + Exception Group Traceback (most recent call last):\n" * 10_000,
            b"\x1b[" * 200_000,
            b"\x1b]" * 200_000,
            b"\r" * 400_000,
            b"\n" * 400_000,
            b"a" * 400_000,
            b"Traceback " * 40_000,
            (b"Traceback (most recent call last):\nA: b\n\n" + b"x" * 60 + b"\n") * 4_000,
        ],
        ids=range(10),
    )
    @pytest.mark.timeout(30)
    def test_a_log_made_to_take_long_does_not(self, log: bytes) -> None:
        reason_from_log(log)
