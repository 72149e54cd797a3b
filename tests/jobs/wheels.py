"""Small wheels, made by hand, so that tests of building need no network; and what a definition of an environment is."""

from __future__ import annotations

import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from milepost.jobs import environments
from milepost.jobs.environments import Interpreter


def make_wheel(folder: Path, name: str, version: str = "1.0", *, code: str = "", needs: tuple[str, ...] = ()) -> Path:
    """A wheel with one module of this name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    requires = "".join(f"Requires-Dist: {each}\n" for each in needs)
    with zipfile.ZipFile(path, "w") as out:
        out.writestr(f"{name}.py", code or f"VERSION = {version!r}\n")
        out.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}")
        out.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        out.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


# A package whose building tells that it has begun, and waits for a file before it goes on.
SLOW_BACKEND = """
import os, time, zipfile
from pathlib import Path

def build_wheel(folder, config_settings=None, metadata_directory=None):
    gate = Path(os.environ["TEST_GATE"])
    Path(os.environ["TEST_BEGUN"]).touch()
    while not gate.exists():
        time.sleep(0.02)
    name = "slowly-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder, name), "w") as out:
        out.writestr("slowly.py", "")
        out.writestr("slowly-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: slowly\\nVersion: 1.0\\n")
        out.writestr("slowly-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        out.writestr("slowly-1.0.dist-info/RECORD", "")
    return name
"""
SLOW_PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "slowly"
version = "1.0"
"""


def make_slow_package(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(SLOW_PROJECT)
    (folder / "backend.py").write_text(SLOW_BACKEND)


def definition(*dependencies: Any, channels: tuple[str, ...] = (), name: str = "test", **parts: Any) -> dict[str, Any]:
    """A managed environment's definition in Azure's shape."""
    return {
        "name": name,
        "version": None,
        "environmentVariables": {},
        "python": {
            "interpreterPath": "python",
            "userManagedDependencies": False,
            "condaDependencies": {"name": "x", "channels": list(channels), "dependencies": list(dependencies)},
            "condaDependenciesFile": None,
            "baseCondaEnvironment": None,
        },
        "docker": {"enabled": False, "baseImage": None, "baseDockerfile": None},
    } | parts


def user_managed(path: str | None = "python", **parts: Any) -> dict[str, Any]:
    return definition(name="given") | {"python": {"interpreterPath": path, "userManagedDependencies": True}} | parts


@dataclass
class Place:
    """A cache, the folder of a job, a folder of wheels; and what the last build has logged."""

    cache: Path
    folder: Path
    wheels: Path
    submitter: str = sys.executable
    log: list[str] = field(default_factory=list)

    def pip(self, *strings: str) -> dict[str, Any]:
        """These packages, from the folder of wheels alone."""
        return {"pip": ["--no-index", f"--find-links {self.wheels}", *strings]}

    def prepare(self, wanted: dict[str, Any]) -> Interpreter:
        self.log = []
        return environments.prepare(
            wanted, cache=self.cache, submitter=self.submitter, folder=self.folder, log=self.log.append
        )

    def ready(self, wanted: dict[str, Any]) -> Interpreter | None:
        return environments.ready(wanted, cache=self.cache, submitter=self.submitter, folder=self.folder)

    @property
    def text(self) -> str:
        return "\n".join(self.log)
