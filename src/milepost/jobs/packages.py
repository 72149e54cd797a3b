"""The exact packages of an interpreter, as that interpreter would import them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 30.0
FORMAT: Final = 1
"""Another one where the same packages are told otherwise."""
_LONGEST_OUTPUT: Final = 16 << 20
_MOST_PACKAGES: Final = 20_000
_LONGEST: Final = 200  # of a name or version
_LONGEST_SOURCE: Final = 1_000

# Runs in the interpreter that is asked, which may be any from Python 2.7 on; so it reads the packages' records itself.
# Not in its isolated mode: a script sees what PYTHONPATH and the user's own site folder give, so it counts.  But
# nothing is imported from the current folder, and what other code prints at the start is told apart by the mark.
_MARK: Final = "milepost-packages:"
_SCRIPT: Final = r"""
import sys
sys.path[:] = [p for p in sys.path if p not in ("", ".")]
import io, json, os, platform

def lines_of(path, most):
    try:
        with io.open(path, encoding="utf-8", errors="replace") as file:
            return [line for _, line in zip(range(most), file)]
    except (IOError, OSError):
        return []

def text_of(path):
    return "".join(lines_of(path, 1000)).strip()

def facts_of(path):
    found = {}
    for line in lines_of(path, 1000):
        if not line.strip():
            break
        key, _, value = line.partition(":")
        key = key.lower()
        if key in ("name", "version") and key not in found:
            found[key] = value.strip()
    return found

def listed(folder):
    try:
        return sorted(os.listdir(folder))
    except (IOError, OSError):
        return []

own = os.path.dirname(os.__file__)
looked_at = [sys.executable, os.path.join(sys.prefix, "pyvenv.cfg"), os.path.join(sys.prefix, "conda-meta")]

def records():
    for place in sys.path:
        looked_at.append(place)
        if place in (own, os.path.join(own, "lib-dynload")):
            continue  # the standard library
        egg = os.path.join(place, "EGG-INFO", "PKG-INFO")
        if os.path.isfile(egg):
            yield place, "", egg
        for name in listed(place):
            if name.endswith(".pth"):
                looked_at.append(os.path.join(place, name))
            if name.startswith("~"):
                continue  # what pip could not remove
            folder = os.path.join(place, name)
            if name.endswith(".dist-info"):
                yield place, folder, os.path.join(folder, "METADATA")
            elif name.endswith(".egg-info"):
                inner = os.path.join(folder, "PKG-INFO")
                yield place, folder, inner if os.path.isdir(folder) else folder

packages = []
for place, folder, path in records():
    looked_at += [folder, path]
    found = facts_of(path)
    if found.get("name"):
        installer = text_of(os.path.join(folder, "INSTALLER")) if folder else ""
        origin = text_of(os.path.join(folder, "direct_url.json")) if folder else ""
        packages.append([found["name"], found.get("version", ""), installer, origin, place])
conda = [name[:-5] for name in listed(os.path.join(sys.prefix, "conda-meta")) if name.endswith(".json")]
result = {
    "version": platform.python_version(),
    "implementation": platform.python_implementation(),
    "executable": sys.executable,
    "packages": packages,
    "conda": conda,
    "looked_at": looked_at,
}
sys.stdout.write("\n" + MARK + json.dumps(result) + "\n")
sys.stdout.flush()
"""


def of(interpreter: str, timeout_s: float = TIMEOUT_S, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The interpreter and the packages that it finds: fit for JSON, bounded, never raising.

    ``variables``: what the run's script has in its environment beyond this process's (PYTHONPATH matters).
    Gives {"python": {"version", "implementation", "executable"}, "packages": [{"name", "version", "source"?}]}, the
    packages by name.
    ``source`` is there where a package is not simply from an index: "git+https://...@COMMIT", a URL, "editable
    file:///...", or "conda".  Where the interpreter could not be asked there are no packages, and "problem" says why.
    """
    return of_and_where(interpreter, timeout_s, variables)[0]


def of_and_where(
    interpreter: str, timeout_s: float = TIMEOUT_S, variables: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """What ``of`` gives, and the files and folders that it was read from; none of those where there was no answer.

    As long as none of them changes, or appears, the answer is the same.
    """
    try:
        found = json.loads(_asked(interpreter, timeout_s, variables))
        listed = {
            "python": {
                "version": _short(found["version"]),
                "implementation": _short(found["implementation"]),
                "executable": _short(found["executable"] or interpreter, _LONGEST_SOURCE),
            },
            "packages": _listed(found["packages"], found["conda"]),
        }
        return listed, [str(each) for each in found["looked_at"] if each]
    except (_NoAnswer, OSError) as error:
        problem = str(error)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        problem = f"what it said could not be read ({type(error).__name__})"
    unknown = {
        "python": {"version": None, "implementation": None, "executable": _short(interpreter, _LONGEST_SOURCE)},
        "packages": [],
        "problem": _short(f"The packages of {interpreter} could not be listed: {problem}.", _LONGEST_SOURCE),
    }
    return unknown, []


class _NoAnswer(Exception):
    """The interpreter did not tell its packages; the message says why."""


def _asked(interpreter: str, timeout_s: float, variables: Mapping[str, str] | None) -> str:
    """What the interpreter prints of itself."""
    top = Path(Path.cwd().anchor)  # where no other user can put a module
    if os.path.dirname(interpreter):  # noqa: PTH120
        interpreter = os.path.abspath(interpreter)  # noqa: PTH100  (following no links: they make virtual environments)
    process = subprocess.Popen(  # noqa: S603
        [interpreter, "-c", f"MARK = {_MARK!r}\n{_SCRIPT}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=top,
        env={**os.environ, **(variables or {})},
    )
    said: list[bytes] = []
    # A thread reads, as a pipe cannot be read with a time limit on all systems.
    reader = threading.Thread(target=_read, args=(process, said), daemon=True)
    reader.start()
    reader.join(timeout_s)
    late = reader.is_alive()
    try:
        code = process.wait(0 if late else 1)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    if late:
        raise _NoAnswer(f"it did not answer within {timeout_s:g} s")
    output = b"".join(said)
    if len(output) > _LONGEST_OUTPUT:
        raise _NoAnswer("it printed without end")
    for line in reversed(output.splitlines()):
        if line.startswith(_MARK.encode()):
            return line[len(_MARK) :].decode("utf-8", "replace")
    raise _NoAnswer(f"it ended with exit code {code} and no answer; is it a Python?")


def _read(process: subprocess.Popen[bytes], said: list[bytes]) -> None:
    assert process.stdout is not None
    length = 0
    with process.stdout as stream, contextlib.suppress(OSError, ValueError):
        while length <= _LONGEST_OUTPUT and (part := stream.read1(1 << 16)):  # type: ignore[attr-defined]
            said.append(part)
            length += len(part)


def _listed(found: list[list[str]], conda: list[str]) -> list[dict[str, str]]:
    packages: dict[str, dict[str, str]] = {}
    for name, version, installer, origin, place in found[:_MOST_PACKAGES]:
        # The first on the search path is the one that is imported.
        if _normal(name) not in packages:
            packages[_normal(name)] = _package(name, version, _source(installer, origin, place))
    from_conda = []
    for each in conda[:_MOST_PACKAGES]:
        name, version = _conda_package(each)
        same = packages.get(_normal(name))
        if same is None or same["version"] != version:
            from_conda.append(_package(name, version, "conda"))
    return sorted([*packages.values(), *from_conda], key=lambda each: (_normal(each["name"]), each["version"]))


def _package(name: str, version: str, source: str | None) -> dict[str, str]:
    package = {"name": _short(name), "version": _short(version)}
    return package if source is None else {**package, "source": _short(source, _LONGEST_SOURCE)}


def _source(installer: str, origin: str, place: str) -> str | None:
    """Where a package is from, if not from an index."""
    if origin:
        with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
            told = json.loads(origin)
            url = _without_password(told["url"])
            if "vcs_info" in told:
                commit = told["vcs_info"].get("commit_id") or told["vcs_info"].get("requested_revision")
                url = f"{told['vcs_info']['vcs']}+{url}{f'@{commit}' if commit else ''}"
            if told.get("dir_info", {}).get("editable"):
                url = f"editable {url}"
            return f"{url}#subdirectory={told['subdirectory']}" if told.get("subdirectory") else url
    if installer == "conda":
        return "conda"
    if os.path.basename(place) not in ("site-packages", "dist-packages") and ".egg" not in place:  # noqa: PTH119
        return f"folder {place}"  # by PYTHONPATH or a .pth file, as old editable installs are
    return None


def _without_password(url: str) -> str:
    """The URL as others may see it: who can read a run need not know what its packages were fetched with."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _conda_package(stem: str) -> tuple[str, str]:
    """Of NAME-VERSION-BUILD, where only the name has further hyphens."""
    name, version, _ = ("", *stem.rsplit("-", 2))[-3:] if stem.count("-") >= 2 else (stem, "", "")
    return name, version


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _short(text: str, length: int = _LONGEST) -> str:
    """Printable and bounded: any package may have written it."""
    return "".join(_printable(text[:length])).strip()


def _printable(text: str) -> Iterator[str]:
    return (character if character.isprintable() else "?" for character in text)
