"""Gives a run its environment: an interpreter that is there, or one that is built, with uv or conda, and kept.

``definition`` is an environment as Azure writes it in ``azureml_environment.json``.  Built environments lie in a cache
that all workspaces of this machine share, under a digest of what they have; each is built once (environment_cache).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from milepost.jobs import (
    conda,
    environment_build,
    environment_cache,
    environment_plan,
    interpreters,
    specification,
)
from milepost.jobs.environment_cache import prune
from milepost.jobs.environment_errors import EnvironmentFailed
from milepost.jobs.environment_plan import Plan
from milepost.jobs.interpreters import Interpreter

__all__ = ["EnvironmentFailed", "Interpreter", "notes", "prepare", "prune", "ready"]


def ready(definition: Mapping[str, Any], *, cache: Path, submitter: str, folder: Path) -> Interpreter | None:
    """The environment if it can be used at once; None if it must be prepared.  Runs no program.

    Its ``notes`` are for the run's build log, as ``prepare`` gives them to ``log``; empty where nothing is ever built.

    ``submitter`` is the path of the interpreter that submitted the run, ``folder`` where relative paths lead from.
    While ``folder`` is not there, what is wrong with the definition is left to ``prepare``: a file of that folder may
    be all that is missing.

    Raises:
        EnvironmentFailed: the definition is not understood, or names what cannot be had.
    """
    try:
        return _ready(definition, cache, submitter, folder)
    except OSError as error:
        raise _trouble(definition, error) from error
    except EnvironmentFailed:
        if folder.is_dir():
            raise
        return None


def prepare(
    definition: Mapping[str, Any], *, cache: Path, submitter: str, folder: Path, log: Callable[[str], None]
) -> Interpreter:
    """The environment, built if need be.  ``log`` gets every line of the build, without the secrets of addresses.

    Raises:
        EnvironmentFailed: it cannot be had; the message names what is missing.
    """
    try:
        for each in notes(definition):
            log(each)
        python = specification.section(definition, "python")
        base = specification.text_of(python, "baseCondaEnvironment", "python")
        if base is not None:
            return _conda(python, base, cache, log)
        if python.get("userManagedDependencies"):
            wanted = specification.text_of(python, "interpreterPath", "python")
            path = interpreters.locate(wanted, submitter=submitter, folder=folder)
            if str(path) != str(Path(submitter).absolute()):
                interpreters.facts(path, cache)  # is it a Python?
            log(f"The script runs with {path}")
            return _given(path)
        path = interpreters.locate(None, submitter=submitter, folder=folder)
        plan = environment_plan.make(definition, interpreters.facts(path, cache), folder)
        log(_named(plan, cache))
        built = False

        def build(target: Path, both: Callable[[str], None]) -> list[str]:
            nonlocal built
            built = True
            return environment_build.build(plan, target, submitter=path, memory=cache, log=both)

        found = environment_cache.get(cache, plan.digest, build, log)
        if not built:  # the log of who built it is not this run's
            for each in (*plan.shown_notes, *found.notes):
                log(each)
        return _built(found.folder, plan.digest)
    except OSError as error:
        raise _trouble(definition, error) from error


def notes(definition: Mapping[str, Any]) -> list[str]:
    """What a run's log shall say of the parts of a definition that have no effect here, such as a container's image.

    ``prepare`` writes these itself.

    Raises:
        EnvironmentFailed: a part cannot be passed over without harm, such as a Dockerfile.
    """
    if not isinstance(definition, Mapping):
        raise EnvironmentFailed(f"An environment's definition is a mapping, not {type(definition).__name__}.")
    return specification.notes(definition)


def _ready(definition: Mapping[str, Any], cache: Path, submitter: str, folder: Path) -> Interpreter | None:
    said = notes(definition)
    python = specification.section(definition, "python")
    if python.get("baseCondaEnvironment"):
        return None
    if python.get("userManagedDependencies"):
        wanted = specification.text_of(python, "interpreterPath", "python")
        path = interpreters.locate(wanted, submitter=submitter, folder=folder)
        if str(path) != str(Path(submitter).absolute()) and interpreters.remembered(path, cache) is None:
            return None
        return _given(path)
    path = interpreters.locate(None, submitter=submitter, folder=folder)
    facts = interpreters.remembered(path, cache)
    if facts is None:
        return None
    plan = environment_plan.make(definition, facts, folder)
    found = environment_cache.find(cache, plan.digest)
    if found is None:
        return None
    said += [_named(plan, cache), found.in_words(), *plan.shown_notes, *found.notes]
    return _built(found.folder, plan.digest, said)


def _named(plan: Plan, cache: Path) -> str:
    return f"The environment {plan.name!r} is {plan.digest} in {cache}"


def _given(path: Path) -> Interpreter:
    return Interpreter(str(path), interpreters.variables_for(path, managed=False), managed=False, digest=None)


def _built(folder: Path, digest: str, said: Sequence[str] = ()) -> Interpreter:
    path = environment_cache.python_in(folder)
    variables = interpreters.variables_for(path, managed=True)
    return Interpreter(str(path), variables, managed=True, digest=digest, notes=list(said))


def _conda(python: Mapping[str, Any], name: str, cache: Path, log: Callable[[str], None]) -> Interpreter:
    path = conda.existing(name)
    interpreters.facts(path, cache)
    if not python.get("userManagedDependencies") and specification.section(python, "condaDependencies"):
        log(f"The packages that the environment lists are not installed into the conda environment {name!r}.")
    log(f"The conda environment {name!r} is used as it is: the script runs with {path}")
    return _given(path)


def _trouble(definition: Mapping[str, Any], error: OSError) -> EnvironmentFailed:
    return EnvironmentFailed(
        f"The environment {specification.name_of(definition)!r} could not be prepared: {error}. "
        "Is there space on the disk, and may this user write there?"
    )


def cache_folder(home: Path) -> Path:
    """Where managed environments are."""
    return home / "environments"
