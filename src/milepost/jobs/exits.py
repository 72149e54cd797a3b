"""How a process ended, in plain words: exit codes, signals, memory that ran out, the last words of its log."""

from __future__ import annotations

import re
import signal
import unicodedata
from pathlib import Path
from typing import Final

from milepost.jobs import cgroups

REASON_LENGTH: Final = 500
"""A reason found in a log is never longer, in characters."""

_TAIL_BYTES: Final = 1 << 18
_LINES_AFTER: Final = 40
"""A traceback with more lines after it was one that the script went on from."""
_TRACEBACKS: Final = 50  # that are looked at, from the end
_MORE_LINES: Final = 4  # of a message, beyond its first
_CHARACTERS: Final = 2_000  # of a line that are looked at

# What most often ends a process by this signal.
_SIGNALS: Final = {
    "SIGABRT": "it ended itself after an error in native code (a failed assertion, damaged memory, an exception that "
    "C++ code did not catch)",
    "SIGALRM": "a timer that it had set itself ran out",
    "SIGBUS": "it touched memory that is no longer there, most often a memory-mapped file on a full disk, or /dev/shm "
    "being too small for the workers of a data loader",
    "SIGFPE": "native code divided by zero",
    "SIGHUP": "the terminal or session that it belonged to was closed",
    "SIGILL": "native code was built for another processor than this one",
    "SIGINT": "it was interrupted, as with Ctrl-C",
    "SIGPIPE": "it wrote to another program that had ended",
    "SIGSEGV": "a crash in native code (a C extension, a driver or a library), not an error in Python code; "
    "`python -X faulthandler` shows where",
    "SIGSYS": "it used a system call that this machine does not allow it",
    "SIGTERM": "somebody or something asked it to end, such as a user, a time limit or a shutdown",
    "SIGXCPU": "its limit of CPU time was used up (`ulimit -t`)",
    "SIGXFSZ": "it wrote a file larger than its limit (`ulimit -f`)",
}
_KILLED: Final = (
    "somebody ended it by force; if nobody did, it was most likely a program that guards this machine's memory, such "
    "as systemd-oomd or earlyoom"
)

# NTSTATUS values that Windows gives as exit codes.
_WINDOWS: Final = {
    0x40010004: "its debugger ended it",
    0x80000003: "it met a breakpoint without a debugger",
    0xC0000005: "a crash in native code (access violation), not an error in Python code; "
    "`python -X faulthandler` shows where",
    0xC0000006: "a file that it had mapped could not be read: a disk or network drive failed",
    0xC0000017: "the machine ran out of memory",
    0xC000001D: "native code was built for another processor than this one",
    0xC0000094: "native code divided by zero",
    0xC00000FD: "its stack overflowed, most often by endless recursion in native code",
    0xC000012D: "the machine ran out of memory (its commit limit)",
    0xC0000135: "a library (DLL) that it needs was not found",
    0xC0000139: "a library (DLL) that it needs has another version than expected",
    0xC000013A: "it was interrupted, as with Ctrl-C, or its console was closed",
    0xC0000142: "a library (DLL) that it needs could not be started",
    0xC0000374: "native code damaged its memory (heap corruption)",
    0xC0000409: "it ended itself after an error in native code (stack buffer overrun or abort)",
}
_WINDOWS_MEMORY: Final = (0xC0000017, 0xC000012D)


class OomWatch:
    """Remembers how often the kernel has killed for want of memory, to tell later whether it did so meanwhile."""

    def __init__(self, root: Path = Path("/")) -> None:
        """``root``: where /proc and /sys are."""
        self._root = root
        self._before = _oom_kills(root)

    def happened(self) -> bool:
        """True if the kernel has killed a process for want of memory since this watch was made.

        Where the kernel counts by control group, only processes of this one's group are meant; else any of the machine.
        """
        now = _oom_kills(self._root)
        return any(count > self._before.get(file, count) for file, count in now.items())


def describe(returncode: int, oom: OomWatch | None = None) -> dict[str, str]:
    """What a return code of `subprocess.Popen` means: {"code", "message", "details"}.

    ``code`` is one word for programs: Success, ExitCode, Signal, OutOfMemory or Crash (Windows); ``message`` one
    sentence, or two; ``details`` says how it is known, or nothing.
    """
    if returncode == 0:
        return _told("Success", "Ended with exit code 0.")
    if returncode > 255 or returncode < -255:
        return _windows(returncode & 0xFFFF_FFFF)
    if returncode < 0:
        return _signal(-returncode, oom)
    return _exit(returncode, oom)


def _told(code: str, message: str, details: str = "") -> dict[str, str]:
    return {"code": code, "message": message, "details": details}


def _exit(code: int, oom: OomWatch | None) -> dict[str, str]:
    if code == 126:
        return _told("ExitCode", "Ended with exit code 126: a shell found the command but could not execute it.")
    if code == 127:
        return _told("ExitCode", "Ended with exit code 127: a shell did not find the command.")
    name = _signal_name(code - 128) if code > 128 else None
    if name is not None:
        # What a shell, or a launcher written like one, gives for a program that was ended by a signal.
        inner = _signal(code - 128, oom)
        return _told(inner["code"], f"Ended with exit code {code}. {inner['message']}", inner["details"])
    return _told("ExitCode", f"Ended with exit code {code}.")


def _signal(number: int, oom: OomWatch | None) -> dict[str, str]:
    name = _signal_name(number)
    if name is None:
        return _told("Signal", f"Ended by signal {number}.")
    if name == "SIGKILL":
        if oom is not None and oom.happened():
            return _told(
                "OutOfMemory",
                "Killed (SIGKILL) because the machine, or its container's limit, ran out of memory. Use less memory "
                "(smaller batches, fewer workers) or a larger machine or limit.",
                "The kernel's count of processes killed for want of memory rose while the run was going.",
            )
        return _told("Signal", f"Ended by the signal SIGKILL: {_KILLED}.")
    why = _SIGNALS.get(name)
    return _told("Signal", f"Ended by the signal {name}{f': {why}' if why else ''}.")


def _signal_name(number: int) -> str | None:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None


def _windows(code: int) -> dict[str, str]:
    why = _WINDOWS.get(code)
    if why is None:
        return _told("ExitCode", f"Ended with exit code 0x{code:08X} ({code}).")
    kind = "OutOfMemory" if code in _WINDOWS_MEMORY else "Crash"
    return _told(kind, f"Ended with Windows' exit code 0x{code:08X}: {why}.")


# -- memory that ran out -----------------------------------------------------------------------------------------


def _oom_kills(root: Path) -> dict[str, int]:
    """How many processes the kernel has killed for want of memory, by the file that says so."""
    for version, folder in cgroups.folders("memory", root):
        path = folder / ("memory.events" if version == 2 else "memory.oom_control")
        count = _counter(path, "oom_kill")
        if count is not None:
            return {str(path): count}
    count = _counter(root / "proc/vmstat", "oom_kill")
    return {} if count is None else {"vmstat": count}


def _counter(path: Path, name: str) -> int | None:
    try:
        with path.open(errors="replace") as file:
            for line in file:
                key, _, value = line.partition(" ")
                if key == name:
                    return int(value)
    except (OSError, ValueError):
        pass
    return None


# -- the last words of a log -------------------------------------------------------------------------------------

_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_TRACEBACK: Final = re.compile(r"(.{0,60}?)(Exception Group )?Traceback \(most recent call last\):\s*$")
_SYNTAX: Final = re.compile(r"(?:SyntaxError|IndentationError|TabError): ")
_PLACE: Final = re.compile(r'\s*File "(.{1,500})", line (\d{1,9})')
_EXCEPTION: Final = re.compile(r"[^\W\d][\w.<>]{0,200}(?::\s|$)")
_NOT_A_MESSAGE: Final = ("Exception ignored in", "Exception in thread", "During handling of", "The above exception")
_BESIDE: Final = ("Exception ignored in", "Exception in thread", "--- Logging error ---")
_DIRECT_CAUSE: Final = "The above exception was the direct cause of the following exception:"
# Lines that say why, where there is no traceback.
_KNOWN: Final = re.compile(
    r"CUDA out of memory|OutOfMemoryError|MemoryError|^Killed$|std::bad_alloc|[Cc]annot allocate memory"
    r"|^Fatal Python error: |[Ss]egmentation fault|^Bus error|^Illegal instruction|^Aborted"
    r"|No space left on device|Disk quota exceeded|error while loading shared libraries"
    r"|can't open file|command not found|: not found$|[Pp]ermission denied$|No module named"
    r"|is killed by signal|^[\w./ -]{1,100}: error: "
)


def reason_from_log(tail: bytes) -> str | None:
    """What the end of a log says of why the process failed, on one line; None where it says nothing known.

    The message of the last Python traceback (with its direct cause, or the exceptions of its group), or else a line
    known to tell why: memory, disk, a missing file, wrong arguments.  A traceback that much other output follows was
    not the end, and is passed over.  Without control characters, and at most `REASON_LENGTH` characters.
    """
    text = _ESCAPES.sub("", tail[-_TAIL_BYTES:].decode("utf-8", "replace"))
    # A progress bar writes over its line; only what was written last is seen.
    lines = [line.rstrip("\r").rpartition("\r")[2][:_CHARACTERS].rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    reason = _from_traceback(lines) or _from_syntax_error(lines) or _from_known_line(lines)
    return _clean(reason) if reason else None


def _from_traceback(lines: list[str]) -> str | None:
    """The message of the last traceback; of those of threads and destructors only where there is no other."""
    starts = [(number, found) for number, line in enumerate(lines) if (found := _TRACEBACK.match(line))]
    second: str | None = None
    for number, found in reversed(starts[-_TRACEBACKS:]):
        prefix = found[1]
        if prefix.lstrip().startswith("|"):  # within a group, which has its own
            continue
        told = _group(lines, number) if found[2] else _plain(lines, number, prefix)
        if told is None:
            continue
        if any(each in line for line in lines[max(0, number - 1) : number] for each in _BESIDE):
            second = second or told
            continue
        return told
    return second


def _plain(lines: list[str], start: int, prefix: str) -> str | None:
    first = None
    for number in range(start + 1, len(lines)):
        line = lines[number].removeprefix(prefix)
        if line and not line[0].isspace():
            first = number
            break
    if first is None or not _EXCEPTION.match(lines[first].removeprefix(prefix)):
        return None
    message = [lines[first].removeprefix(prefix)]
    for line in lines[first + 1 : first + 1 + _MORE_LINES]:
        more = line.removeprefix(prefix).strip()
        if not more or _TRACEBACK.match(line) or more.startswith(_NOT_A_MESSAGE):
            break
        message.append(more)
    if not _is_near_the_end(lines, first):
        return None
    cause = _direct_cause(lines, start, prefix)
    text = " ".join(message) + _place_of_syntax_error(lines, first)
    return text if cause is None else f"{_cut(text, REASON_LENGTH * 3 // 5)} (caused by {cause})"


def _direct_cause(lines: list[str], start: int, prefix: str) -> str | None:
    """The first line of the exception that this one was raised from."""
    base = max(0, start - 40)
    above = [line.removeprefix(prefix).strip() for line in lines[base:start]]
    while above and not above[-1]:
        above.pop()
    if not above or above.pop() != _DIRECT_CAUSE:
        return None
    while above and not above[-1]:
        above.pop()
    for number in range(len(above) - 1, -1, -1):
        raw = lines[base + number].removeprefix(prefix)
        if raw and raw[0].isspace():
            # Below the frames: the exception's first line.
            following = above[number + 1 : number + 2]
            return following[0] if following and _EXCEPTION.match(following[0]) else None
    return None


def _group(lines: list[str], start: int) -> str | None:
    """The message of an exception group, and those of the exceptions in it."""
    title: str | None = None
    members: list[str] = []
    last = start
    indent = len(lines[start]) - len(lines[start].lstrip(" "))
    for number in range(start + 1, len(lines)):
        line = lines[number]
        bare = line.lstrip(" ")
        if not bare.startswith(("|", "+")):
            break
        last = number
        if not bare.startswith("| ") or bare[2:3] in ("", " "):
            continue
        depth, text = len(line) - len(bare), bare[2:]
        if depth == indent:
            title = title or text
        elif _EXCEPTION.match(text) and not _TRACEBACK.match(text):
            members.append(text)
    if title is None or not _is_near_the_end(lines, last):
        return None
    shown = "; ".join(_cut(each, 120) for each in members[:3]) + ("; ..." if len(members) > 3 else "")
    return f"{_cut(title, 200)}: {shown}" if members else title


def _from_syntax_error(lines: list[str]) -> str | None:
    """An error in the text of the script itself has no traceback, only its place."""
    for number in range(len(lines) - 1, max(-1, len(lines) - 1 - _LINES_AFTER), -1):
        place = _place_of_syntax_error(lines, number)
        if place:
            return _cut(lines[number], 300) + place
    return None


def _place_of_syntax_error(lines: list[str], number: int) -> str:
    """Where the text is wrong, if the line of that number tells such an error; else nothing."""
    if _SYNTAX.match(lines[number]):
        for above in reversed(lines[max(0, number - 6) : number]):
            place = _PLACE.match(above)
            if place:
                name = re.split(r"[\\/]", place[1])[-1]
                return f" ({_cut(name, 100)}, line {place[2]})"
    return ""


def _from_known_line(lines: list[str]) -> str | None:
    for line in reversed(lines[-_LINES_AFTER:]):
        if _KNOWN.search(line):
            return line
    return None


def _is_near_the_end(lines: list[str], number: int) -> bool:
    return sum(1 for line in lines[number + 1 :] if line.strip()) <= _LINES_AFTER


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def _clean(text: str) -> str | None:
    """On one line, without what a terminal or a page would act on (controls, marks of direction, lone surrogates)."""
    spaced = " ".join(text.split())
    kept = "".join(character for character in spaced if not unicodedata.category(character).startswith("C"))
    return _cut(" ".join(kept.split()), REASON_LENGTH) or None
