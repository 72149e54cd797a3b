"""Python interpreters of this machine: the one that a run asks for, and what is known of each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from milepost.jobs.environment_errors import EnvironmentFailed
from milepost.jobs.python_versions import PythonWish, Version

MEMORY: Final = "interpreters.json"
_TIMEOUT_S: Final = 60.0
_MARK: Final = "milepost-facts:"
# Any Python since 2.6 can run this.  The current folder is left out: what lies there is not installed.
_QUESTION: Final = f"""
import sys, json
sys.path[:] = [each for each in sys.path if each]
try:
    import importlib.util
    found = importlib.util.find_spec("milepost") is not None
except Exception:
    found = False
try:
    import sysconfig
    site = sysconfig.get_paths()["purelib"]
except Exception:
    site = ""
kind = getattr(getattr(sys, "implementation", None), "name", "cpython")
print("{_MARK}" + json.dumps([list(sys.version_info[:3]), kind, found, site]))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that is ready to run a script with.

    ``path`` is absolute; ``variables`` are to be set for the script; ``managed`` is true where Milepost has built the
    environment, which then has the name ``digest`` in the cache.  ``notes`` are the lines that the log of a run has
    which finds the environment built, without the secrets of addresses.
    """

    path: str
    variables: dict[str, str]
    managed: bool
    digest: str | None
    notes: list[str] = field(default_factory=list, compare=False)


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """What an interpreter says of itself."""

    version: Version
    implementation: str
    has_milepost: bool
    site: str
    """The folder that packages are installed in."""


def variables_for(path: Path, *, managed: bool) -> dict[str, str]:
    """The variables that an activated environment has.

    PATH is not among them: who starts the script puts the interpreter's folder first on the PATH of who submitted it,
    which this process need not have.
    """
    folder = path.parent
    prefix = folder if os.name == "nt" and folder.name.lower() != "scripts" else folder.parent
    found: dict[str, str] = {}
    if (prefix / "pyvenv.cfg").is_file():
        found["VIRTUAL_ENV"] = str(prefix)
    elif (prefix / "conda-meta").is_dir():
        found["CONDA_PREFIX"] = str(prefix)
    if managed:
        found["PYTHONNOUSERSITE"] = "1"
    return found


def locate(wanted: str | None, *, submitter: str, folder: Path) -> Path:
    """The interpreter that ``interpreterPath`` names; none or ``python`` is the one that submitted.

    Raises:
        EnvironmentFailed: it is not there, or is nothing that can be run.
    """
    if wanted is None or wanted.strip() in ("", "python"):
        return _runnable(Path(submitter), f"The interpreter that submitted the run, {submitter!r},")
    shown = repr(wanted[:300])
    if "\0" in wanted:
        raise EnvironmentFailed(f"The interpreter {shown} is no path: it has a NUL byte.")
    try:
        path = Path(wanted).expanduser()
    except RuntimeError as error:
        raise EnvironmentFailed(f"The interpreter {shown} cannot be found: {error}.") from error
    if path.is_absolute() or "/" in wanted or os.sep in wanted:
        return _runnable(Path(os.path.normpath(folder.absolute() / path)), f"The interpreter {shown}")
    found = shutil.which(wanted)
    if found is None:
        raise EnvironmentFailed(
            f"The interpreter {shown} is not on PATH. Set python.interpreter_path to the path of a Python, or leave it "
            "as 'python' for the one that submits the run."
        )
    return Path(found).absolute()


def facts(path: Path, memory: Path | None) -> PythonFacts:
    """What the interpreter says of itself; ``memory`` is the folder that keeps the answer until it changes.

    Raises:
        EnvironmentFailed: it is no Python, or does not answer.
    """
    known = remembered(path, memory)
    if known is not None:
        return known
    found = _ask(path)
    stamp = _stamp(path, found.site)
    if stamp is not None:
        _answers[str(path)] = (stamp, found)
        if memory is not None:
            _keep(memory / MEMORY, str(path), stamp, found)
    return found


def remembered(path: Path, memory: Path | None) -> PythonFacts | None:
    """What is known of the interpreter without asking it; None if it must be asked."""
    if str(path) == sys.executable:
        return PythonFacts(sys.version_info[:3], sys.implementation.name, has_milepost=True, site="")
    for answer in (_answers.get(str(path)), _kept(memory, str(path))):
        if answer is not None and answer[0] == _stamp(path, answer[1].site):
            _answers[str(path)] = answer
            return answer[1]
    return None


def find_python(wish: PythonWish, uv: str, memory: Path | None) -> Path | None:
    """An interpreter on this machine with the version that is asked for, the newest such."""
    best: tuple[Version, Path] | None = None
    for version, path in installed(uv):
        if wish.satisfied_by(version) and (best is None or version > best[0]):
            try:
                facts(path, memory)
            except EnvironmentFailed:  # a shim with nothing behind it
                continue
            best = (version, path)
    return best[1] if best else None


def installed(uv: str) -> list[tuple[Version, Path]]:
    """The CPythons of this machine that uv knows of, and those of pyenv, which uv only sees when they are activated."""
    try:
        answer = subprocess.run(  # noqa: S603
            [uv, "python", "list", "--only-installed", "--output-format", "json"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
        rows: Any = json.loads(answer.stdout or b"[]")
    except (OSError, subprocess.SubprocessError, ValueError):
        rows = []
    found: dict[Path, Version] = {}
    for row in rows:
        if row.get("path") and row.get("implementation") == "cpython" and row.get("variant", "default") == "default":
            parts = row["version_parts"]
            found[Path(row["path"])] = (parts["major"], parts["minor"], parts["patch"])
    for path in _pyenv():
        numbers = path.parent.parent.name.split(".")
        if len(numbers) == 3 and all(each.isdigit() for each in numbers):
            found.setdefault(path, (int(numbers[0]), int(numbers[1]), int(numbers[2])))
    return sorted((version, path) for path, version in found.items())


def _pyenv() -> Iterator[Path]:
    try:
        root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        yield from sorted(root.glob("versions/*.*.*/bin/python"))
    except (OSError, RuntimeError):
        return


def _runnable(path: Path, what: str) -> Path:
    try:
        if path.is_dir():
            inside = next((each for each in ("bin/python", "python.exe") if (path / each).is_file()), None)
            hint = f" Did you mean {path / inside}?" if inside else " Give the path of the program itself."
            raise EnvironmentFailed(f"{what} is a folder ({path}).{hint}")
        if not path.is_file():
            gone = f"{what} is a link that leads nowhere" if path.is_symlink() else f"{what} is not there"
            raise EnvironmentFailed(
                f"{gone} ({path}). Set python.interpreter_path to the path of a Python on this machine."
            )
    except OSError as error:
        raise EnvironmentFailed(f"{what} cannot be used: {error}.") from error
    if not os.access(path, os.X_OK):
        raise EnvironmentFailed(f"{what} is not executable ({path}). Give a Python, not a script.")
    return path.absolute()


def _ask(path: Path) -> PythonFacts:
    try:
        answer = subprocess.run(  # noqa: S603
            [str(path), "-E", "-c", _QUESTION],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            cwd=path.parent,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailed(
            f"The interpreter {str(path)!r} did not answer within {_TIMEOUT_S:.0f} s. Is it a Python?"
        ) from error
    except OSError as error:
        raise EnvironmentFailed(
            f"The interpreter {str(path)!r} cannot be started ({error.strerror or error}). Is it a Python?"
        ) from error
    for line in answer.stdout.decode(errors="replace").splitlines():
        if line.startswith(_MARK):
            try:
                version, kind, has, site = json.loads(line[len(_MARK) :])
                return PythonFacts((int(version[0]), int(version[1]), int(version[2])), str(kind), bool(has), str(site))
            except (ValueError, TypeError, IndexError):
                break
    said = (answer.stderr or answer.stdout).decode(errors="replace").strip()[-300:]
    raise EnvironmentFailed(
        f"The interpreter {str(path)!r} is no Python: asked for its version, it ended with the code "
        f"{answer.returncode}" + (f" and said {said!r}." if said else " and said nothing.")
    )


_Stamp = list[int]
_answers: dict[str, tuple[_Stamp, PythonFacts]] = {}


def _stamp(path: Path, site: str) -> _Stamp | None:
    """Changes when the interpreter does, and when something is installed in it or removed."""
    try:
        program = path.stat()
        packages = os.stat(site).st_mtime_ns if site else 0  # noqa: PTH116
    except OSError:
        return None
    return [program.st_mtime_ns, program.st_size, packages]


def _kept(memory: Path | None, key: str) -> tuple[_Stamp, PythonFacts] | None:
    if memory is None:
        return None
    try:
        row = json.loads((memory / MEMORY).read_bytes())[key]
        told = row["facts"]
        version = told["version"]
        found = PythonFacts(
            (int(version[0]), int(version[1]), int(version[2])),
            str(told["implementation"]),
            bool(told["has_milepost"]),
            str(told["site"]),
        )
        return [int(each) for each in row["stamp"]], found
    except (OSError, ValueError, KeyError, TypeError, IndexError):  # damaged: it is asked for again
        return None


def _keep(file: Path, key: str, stamp: _Stamp, found: PythonFacts) -> None:
    """Of two processes that write at once one wins; the other's answer is asked for again some day."""
    try:
        rows = json.loads(file.read_bytes())
        if not isinstance(rows, dict):
            rows = {}
    except (OSError, ValueError):
        rows = {}
    rows = {each: row for each, row in rows.items() if Path(each).exists()}
    rows[key] = {"stamp": stamp, "facts": asdict(found)}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".", dir=file.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(rows, out)
        Path(draft).replace(file)
    except OSError:  # it only saves time
        return
