"""A virtual environment of its own for each peer, with the versions that ``peers/*.txt`` pin."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / ".cache" / "bench"
PEERS = ("mlflow", "wandb", "aim", "tensorboardx", "trackio")
INSTALL_TIMEOUT_S = 900


@dataclass(frozen=True)
class Peer:
    """A peer's interpreter, or why there is none."""

    name: str
    python: Path | None
    error: str = ""


def ensure(name: str) -> Peer:
    """The peer in its own environment, made at the first call and again when its pins change."""
    folder = CACHE / name
    pins = HERE / "peers" / f"{name}.txt"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    marker = folder / ".installed"
    wanted = f"{sys.version_info[:2]}\n{pins.read_text()}"
    if marker.is_file() and marker.read_text() == wanted and python.exists():
        return Peer(name, python)
    print(f"[peers] installing {name} into {folder.relative_to(HERE.parent)}", file=sys.stderr, flush=True)
    base = getattr(sys, "_base_executable", sys.executable)
    marker.unlink(missing_ok=True)
    try:
        for command in (
            [base, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(pins)],
        ):
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
            if done.returncode:
                lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr[-300:]]
                return Peer(name, None, f"could not be installed: {lines[-1].strip()[:300]}")
    except subprocess.TimeoutExpired:
        return Peer(name, None, f"could not be installed within {INSTALL_TIMEOUT_S} s")
    except OSError as error:
        return Peer(name, None, f"could not be installed: {error}")
    marker.write_text(wanted)
    return Peer(name, python)


if __name__ == "__main__":
    for each in sys.argv[1:] or PEERS:
        peer = ensure(each)
        print(each, peer.python or peer.error)
