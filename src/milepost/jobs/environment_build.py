"""Builds a planned environment in a folder: Python, then what the definition asks for, then what Milepost needs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from milepost.jobs import conda, interpreters, local_sources, pip_configuration, uv_program
from milepost.jobs.environment_cache import python_in
from milepost.jobs.environment_errors import EnvironmentFailed
from milepost.jobs.environment_plan import OLDEST_PYTHON, Plan, own_requirements
from milepost.jobs.masking import mask, secrets_in
from milepost.jobs.pip_configuration import PipConfiguration
from milepost.jobs.pip_requirements import name_of

SOURCES: Final = "milepost-sources"
"""The folder in an environment with the packages that it has from the source directory."""
_PROBES_MAX: Final = 60
# Conda's environments always had these, and scripts of that time import pkg_resources, which later ones lack.
_TOOLS: Final = ("pip", "setuptools<81")

Log = Callable[[str], None]


def build(plan: Plan, folder: Path, *, submitter: Path, memory: Path, log: Log) -> list[str]:
    """Build the environment in ``folder``, which is not there yet, but its parent is.

    Gives those lines of the log, beside the plan's notes, that whoever finds it built shall be told too: the Python
    that was taken, what could not be installed.

    Raises:
        EnvironmentFailed: something could not be had; the message names it.
        OSError: the folder cannot be written.
    """
    drafts = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        return _Builder(plan, folder, submitter, memory, drafts, log).build()
    finally:
        shutil.rmtree(drafts, ignore_errors=True)  # there are passwords in it


class _Builder:
    def __init__(self, plan: Plan, folder: Path, submitter: Path, memory: Path, drafts: Path, log: Log) -> None:
        self._plan = plan
        self._folder = folder
        self._submitter = submitter
        self._memory = memory
        self._drafts = drafts
        self._log = log
        self._notes: list[str] = []
        self._uv = uv_program.find_uv()
        self._configuration = pip_configuration.read()
        ours = self._configuration
        urls = [ours.index_url or "", *ours.extra_index_urls, *ours.find_links]
        urls += [value for key, value in os.environ.items() if key.startswith("UV_") and "://" in value]
        self._secrets = {*plan.secrets, *(secret for url in urls for secret in secrets_in(url))}

    def _note(self, line: str) -> None:
        self._notes.append(line)
        self._log(line)

    def build(self) -> list[str]:
        plan = self._plan
        for each in plan.notes:
            self._log(mask(each, self._secrets))
        if plan.conda_program is not None:
            self._make_with_conda(plan.conda_program)
        else:
            self._make_with_uv()
        python = python_in(self._folder)
        facts = interpreters.facts(python, None)
        self._note("Python " + ".".join(map(str, facts.version)) + f" in {self._folder}")
        packages = [*plan.packages, *self._local()]
        if packages:
            self._install(python, packages)
        else:
            self._log("No pip packages are asked for.")
        self._add_own(python, facts)
        return self._notes

    def _make_with_uv(self) -> None:
        plan = self._plan
        python: str = str(self._submitter)
        if plan.wish is not None:
            found = interpreters.find_python(plan.wish, self._uv, self._memory)
            if found is None:
                self._log(f"{plan.wish.text}: not on this machine; uv tries to fetch it.")
            else:
                version = interpreters.facts(found, self._memory).version
                full = ".".join(map(str, version))
                other = plan.wish.exact is not None and plan.wish.exact != version
                self._note(
                    f"{plan.wish.text}: using Python {full} at {found}"
                    + (", another patch release of the one asked for" if other else "")
                )
            python = str(found) if found else plan.wish.request
        outcome = self._run([self._uv, "venv", "--quiet", "--no-project", f"--python={python}", str(self._folder)])
        if outcome.returncode == 0:
            return
        if plan.wish is None:
            raise EnvironmentFailed(
                f"The environment {plan.name!r} could not be made from the interpreter {python!r}: "
                + uv_program.explain(outcome)
            )
        program = conda.find_program()
        if program is not None:
            self._log(f"uv could not fetch it; {program} tries.")
            shutil.rmtree(self._folder, ignore_errors=True)
            self._make_with_conda(program)
            return
        there = sorted({version for version, _ in interpreters.installed(self._uv)})
        raise EnvironmentFailed(
            f"The environment {plan.name!r} asks for {plan.wish.text!r}. That Python is not on this machine and uv "
            "could not fetch it. There are: "
            + (", ".join(".".join(map(str, each)) for each in there) or "none that uv finds")
            + f". Install it (for example with: uv python install '{plan.wish.request}'), or change the environment's "
            f"Python. uv said: {uv_program.own_words(outcome, 300)}"
        )

    def _make_with_conda(self, program: str) -> None:
        plan = self._plan
        conda.create(
            program,
            self._folder,
            [*plan.conda_packages, plan.conda_python],
            plan.channels,
            drafts=self._drafts,
            log=self._log,
            secrets=tuple(self._secrets),
        )
        python = python_in(self._folder)
        if not os.access(python, os.X_OK):
            raise EnvironmentFailed(f"{program} ended well, but there is no {python} in the environment.")

    def _local(self) -> list[str]:
        """The lines for the packages that lie on this machine.  Folders are copied: they belong to one run."""
        lines = []
        for number, each in enumerate(self._plan.pip.local):
            place = each.path
            if place.is_dir():
                place = self._folder / SOURCES / f"{number}-{each.path.name}"
                local_sources.copy(each.path, place)
            lines.append(("-e " if each.editable else "") + _as_line(place, each.extras))
        return lines

    def _install(self, python: Path, packages: Sequence[str]) -> None:
        pip = self._plan.pip
        self._log("Packages: " + ", ".join(mask(each, self._secrets) for each in packages))
        arguments = ["--require-hashes"] if pip.require_hashes else []
        if pip.constraints:
            arguments.append(f"--constraints={self._file('constraints.txt', pip.constraints)}")
        outcome = self._uv_pip(python, "install", packages, arguments)
        if outcome.returncode == 0:
            return
        missing = self._missing(python, packages) if uv_program.not_found(outcome) else []
        raise EnvironmentFailed(
            f"The environment {self._plan.name!r} could not be built: {uv_program.explain(outcome, missing)}"
        )

    def _missing(self, python: Path, packages: Sequence[str]) -> list[str]:
        """Those of the packages that the index does not have, each asked for alone: uv names the first one only."""
        found: list[str] = []
        named = [each for each in packages if name_of(each) and not each.startswith("-")]
        for each in named[:_PROBES_MAX] if len(named) > 1 else []:
            outcome = self._uv_pip(python, "compile", [each], ["--no-deps", "--quiet"], log=lambda _: None)
            found += uv_program.not_found(outcome)
        return found

    def _add_own(self, python: Path, facts: interpreters.PythonFacts) -> None:
        """What Milepost needs to deliver from within the script: never at the price of what was asked for."""
        if facts.version < OLDEST_PYTHON:
            self._note(
                "Milepost needs Python 3.10 or later, so azureml.core cannot be imported in this environment's scripts."
            )
            wanted: list[str] = []
        else:
            wanted = own_requirements()
        site = interpreters.facts(python, None).site
        there = {each.name: each.version for each in metadata.distributions(path=[site]) if each.name}
        names = {name_of(each) for each in there}
        tools = [each for each in _TOOLS if name_of(each) not in names]
        pinned = [f"{name}=={version}" for name, version in there.items() if name_of(name) is not None]
        constraints = f"--constraints={self._file('installed.txt', pinned)}"
        along = [each for each in self._plan.came_along if name_of(each) not in names]
        for each, what in (
            (wanted, "What Milepost needs"),
            (tools, "pip and setuptools"),
            (along, "What Azure's packages brought along"),
        ):
            if not each:
                continue
            self._log(f"{what}, beside it: " + ", ".join(each))
            outcome = self._uv_pip(python, "install", each, [constraints])
            if outcome.returncode != 0:
                self._note(
                    f"{what} could not be installed beside the packages asked for. The environment is used without; "
                    "what its scripts log is delivered when they end."
                    if each is wanted
                    else f"{what} could not be installed. The environment is used without."
                )

    def _uv_pip(
        self, python: Path, command: str, lines: Iterable[str], arguments: Sequence[str], log: Log | None = None
    ) -> uv_program.Outcome:
        pip, ours = self._plan.pip, self._configuration
        no_index = pip.no_index or ours.no_index
        extra = () if no_index else (*pip.extra_index_urls, *ours.extra_index_urls)
        head = ["--no-index"] if no_index else _index_lines(pip.index_url or ours.index_url, extra)
        head += [f"--find-links {_as_address(each)}" for each in dict.fromkeys((*pip.find_links, *ours.find_links))]
        head += pip.binaries
        file = self._file("requirements.txt", [*head, *lines])
        full = [self._uv, "pip", command, f"--python={python}", *arguments]
        full += [f"--allow-insecure-host={each}" for each in (*pip.trusted_hosts, *ours.trusted_hosts)]
        full += ["--prerelease=allow"] if pip.prereleases else []
        full += ["--requirements", str(file)] if command == "install" else [str(file)]
        return self._run(full, log, several=bool(extra))

    def _run(self, arguments: Sequence[str], log: Log | None = None, *, several: bool = False) -> uv_program.Outcome:
        return uv_program.run(
            arguments,
            folder=self._drafts,
            log=log or self._log,
            secrets=self._secrets,
            variables=_variables(self._configuration, own_index=self._plan.pip.index_url is not None, several=several),
        )

    def _file(self, name: str, lines: Iterable[str]) -> Path:
        path = self._drafts / name
        path.write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
        return path


def _variables(configuration: PipConfiguration, *, own_index: bool, several: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    if own_index:  # what the definition says goes before what this machine is set up with
        found |= {"UV_DEFAULT_INDEX": "", "UV_INDEX_URL": ""}
    if several and not os.environ.get("UV_INDEX_STRATEGY"):
        # As pip does: all indexes count alike.  uv would take a package from the first index that has it at all.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if configuration.certificates and not os.environ.get("SSL_CERT_FILE"):
        found["SSL_CERT_FILE"] = configuration.certificates
    return found


def _index_lines(index: str | None, extra: Iterable[str]) -> list[str]:
    lines = [f"--index-url {_as_address(index)}"] if index else []
    return lines + [f"--extra-index-url {_as_address(each)}" for each in dict.fromkeys(extra)]


def _as_address(text: str) -> str:
    """A URL as it is; a path as a file's URL, since a path may have spaces."""
    return text if "://" in text else Path(text).absolute().as_uri()


def _as_line(path: Path, extras: str) -> str:
    return f"{path.absolute().as_uri()}{extras}"
