"""What is to be done to build a managed environment, and the digest that it has in the cache."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from milepost.jobs import conda, conda_packages, local_sources, specification
from milepost.jobs.environment_errors import EnvironmentFailed
from milepost.jobs.interpreters import PythonFacts
from milepost.jobs.masking import mask, secrets_in
from milepost.jobs.pip_requirements import PipRequirements, name_of
from milepost.jobs.python_versions import PythonWish

FORMAT: Final = 1
"""Raised when environments are built in another way, so that the old ones are not taken for the new."""
# These come with every Python environment; they are no reason to call conda.
_TOOLS: Final = frozenset(("pip", "setuptools", "wheel"))
OLDEST_PYTHON: Final = (3, 10)
"""That Milepost works with."""
_NEWEST_TRIED: Final = 40
# What Azure's packages depended on, and scripts with no word of it in their environments import.
_CAME_ALONG: Final = {
    "azureml-defaults": ("numpy", "pandas", "python-dateutil", "pytz", "requests", "six"),
    "azureml-sdk": ("numpy", "pandas", "python-dateutil", "pytz", "requests", "six"),
    "azureml-dataprep": ("numpy", "pandas"),
    "azureml-dataset-runtime": ("numpy", "pandas", "pyarrow"),
    "azureml-core": ("python-dateutil", "pytz", "requests"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How to build an environment.  ``secrets`` must not be shown in any log."""

    name: str
    digest: str
    wish: PythonWish | None
    """The Python to look for; None: the one that submitted."""
    pip: PipRequirements
    packages: tuple[str, ...]
    """The lines for pip: ``pip.packages``, and what is taken from PyPI in place of conda."""
    conda_program: str | None
    """The program that makes the environment; None: uv does."""
    conda_packages: tuple[str, ...]
    conda_python: str
    """The Python in conda's words."""
    channels: tuple[str, ...]
    notes: tuple[str, ...]
    secrets: tuple[str, ...]
    came_along: tuple[str, ...] = ()
    """What is installed too where that takes nothing from the packages asked for: what came with Azure's."""

    @property
    def shown_notes(self) -> list[str]:
        """The notes as a log may show them."""
        return [mask(each, self.secrets) for each in self.notes]


def make(definition: Mapping[str, Any], submitter: PythonFacts, folder: Path) -> Plan:
    """Plan the environment.  Runs no program, and asks nothing of the network.

    Raises:
        EnvironmentFailed: the definition is not understood, or names what cannot be had; the message names all of it.
    """
    wanted = specification.read(definition, folder)
    pip = wanted.pip
    notes = [*wanted.notes, *pip.notes]
    short = ".".join(map(str, submitter.version[:2]))
    if pip.left_out:
        notes.append("left out, as Milepost provides it: " + ", ".join(dict.fromkeys(pip.left_out)))
    wish = wanted.python
    if wish is not None and pip.left_out and not _can_have_milepost(wish):
        # Its scripts import azureml.core, which they could not.
        notes.append(
            f"{wish.text}: Milepost, which the environment needs for {pip.left_out[0]}, works with Python 3.10 or "
            "later; the Python that submitted the run is used in its place"
        )
        wish = None
    if wish is None:
        notes.append(f"Python {short}: that of the interpreter that submitted the run")
    elif wish.satisfied_by(submitter.version):
        full = ".".join(map(str, submitter.version))
        notes.append(f"{wish.text}: Python {full}, which submitted the run, will do")
    packages, program, for_conda = list(pip.packages), None, []
    if any(each.name not in _TOOLS for each in wanted.conda):
        program = conda.find_program()
    if program is not None:
        for_conda = [_for_conda(each) for each in wanted.conda]
    else:
        instead = conda_packages.on_pypi(wanted.conda)
        if instead.missing:
            raise EnvironmentFailed(
                f"The environment {wanted.name!r} needs conda packages that PyPI does not have: "
                f"{', '.join(instead.missing)}. Install conda, mamba or micromamba on this machine, which Milepost "
                "then uses; or take them out of the environment and install them on the machine itself."
            )
        notes += instead.notes
        others = [each for each in instead.requirements if name_of(each) not in _TOOLS]
        if others:
            notes.append("no conda here, so these are taken from PyPI: " + ", ".join(others))
        packages += [each for each in instead.requirements if each not in packages]
    named = {name_of(each) for each in pip.left_out}
    along = sorted({each for name, found in _CAME_ALONG.items() if name in named for each in found})
    asked_for = {name_of(each) for each in packages}
    along = [each for each in along if each not in asked_for]
    own = wish is None or wish.satisfied_by(submitter.version)
    python = f"{submitter.implementation}-{short}" if own or wish is None else wish.request
    urls = [*packages, *wanted.channels, *pip.extra_index_urls, *pip.find_links, pip.index_url or ""]
    return Plan(
        wanted.name,
        _digest(pip, packages, python, for_conda, wanted.channels, folder, program is not None, along),
        None if own else wish,
        pip,
        tuple(packages),
        program,
        tuple(for_conda),
        "python" + _python_for_conda(wish, short),
        wanted.channels,
        tuple(notes),
        tuple(sorted({secret for url in urls for secret in secrets_in(url)})),
        tuple(along),
    )


def own_requirements() -> list[str]:
    """What Milepost itself needs in an environment; empty where it is not installed as a package."""
    from importlib import metadata

    try:
        told = metadata.requires("milepost") or []
    except metadata.PackageNotFoundError:
        return []
    return [each for each in told if "extra ==" not in each.partition(";")[2]]


def _can_have_milepost(wish: PythonWish) -> bool:
    return any(wish.satisfied_by((3, minor, 0)) for minor in range(OLDEST_PYTHON[1], _NEWEST_TRIED))


def _for_conda(package: conda_packages.CondaPackage) -> str:
    channel = f"{package.channel}::" if package.channel else ""
    if package.build and len(package.clauses) <= 1:
        version = package.clauses[0][1] if package.clauses else "*"
        return f"{channel}{package.name}={version}={package.build}"
    return f"{channel}{package.name}{package.version}"


def _python_for_conda(wish: PythonWish | None, short: str) -> str:
    if wish is None:
        return f"={short}"
    clauses = [
        ("=" if operator == "==" else operator) + ".".join(map(str, version)) for operator, version in wish.clauses
    ]
    return ",".join(clauses)


def _digest(
    pip: PipRequirements,
    packages: list[str],
    python: str,
    for_conda: list[str],
    channels: tuple[str, ...],
    folder: Path,
    with_conda: bool,
    along: list[str],
) -> str:
    """Names what the environment will be.  Secrets are left out: a new password makes no new environment."""
    links = [
        [_place(each, folder), "" if "://" in each else local_sources.listing(Path(each))] for each in pip.find_links
    ]
    local = [
        [each.editable, each.extras, each.path.name, local_sources.digest(each.path)]
        for each in sorted(pip.local, key=lambda source: source.text)
    ]
    content = {
        "format": FORMAT,
        "python": python,
        "platform": [sys.platform, platform.machine(), platform.libc_ver()[0]],
        "with_conda": with_conda,
        "conda": sorted(for_conda),
        "channels": [mask(each) for each in channels],
        "packages": sorted(mask(each) for each in packages),
        "constraints": sorted(mask(each) for each in pip.constraints),
        "local": local,
        "index": [mask(each) for each in (pip.index_url or "", *pip.extra_index_urls)],
        "links": links,
        "options": [pip.no_index, pip.prereleases, pip.require_hashes, sorted(pip.binaries)],
        "own": sorted(own_requirements()),
        "along": along,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _place(address: str, folder: Path) -> str:
    """A folder's path as it is within the source directory, which lies elsewhere in every run."""
    if "://" in address:
        return mask(address)
    path = Path(address)
    return path.relative_to(folder.absolute()).as_posix() if path.is_relative_to(folder.absolute()) else address
