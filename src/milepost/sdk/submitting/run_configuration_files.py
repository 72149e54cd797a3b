"""Run configurations as files: ``.azureml/NAME.runconfig`` in YAML, with the keys that Azure's own files have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.yaml_files import read_yaml

if TYPE_CHECKING:
    from milepost.sdk.submitting.run_configuration import RunConfiguration

_FOLDERS: Final = (".azureml", "aml_config")
"""Where run configurations lie in a project: the folder of today, and that of the SDK's first versions."""
_SUFFIX: Final = ".runconfig"
_SUFFIXES: Final = (_SUFFIX, ".yml", ".yaml")
_ENVIRONMENT_FILE: Final = "environment.yml"
_IN_FILES: Final = {"pyTorch": "pytorch", "amlCompute": "amlcompute"}
"""Keys that Azure spells otherwise in files than in a run's definition."""
_CANONICAL: Final = {in_file: key for key, in_file in _IN_FILES.items()}


def save(
    config: RunConfiguration, path: str | os.PathLike[str] | None, name: str | None, separate_environment: bool
) -> None:
    """Write a run configuration; see `RunConfiguration.save`.  Raises UserErrorException."""
    import yaml

    target = _target(path, name)
    definition = {_IN_FILES.get(key, key): value for key, value in config._to_definition().items()}
    environment = definition["environment"]
    python = environment.get("python") or {}
    if separate_environment and python.get("condaDependencies"):
        _write(
            target.with_name(_ENVIRONMENT_FILE),
            yaml.safe_dump(python["condaDependencies"], sort_keys=False, allow_unicode=True),
        )
        environment["python"] = {**python, "condaDependencies": None, "condaDependenciesFile": _ENVIRONMENT_FILE}
    try:
        text = yaml.safe_dump(definition, sort_keys=False, allow_unicode=True)
    except yaml.YAMLError as error:
        raise UserErrorException(
            f"The run configuration holds something that cannot be written to a file: {error}. Use plain texts, "
            "numbers, lists and dicts.",
            inner_exception=error,
        ) from error
    _write(target, f"# A run configuration: read it with RunConfiguration.load().\n{text}")


def load(path: str | os.PathLike[str], name: str | None) -> RunConfiguration:
    """Read a run configuration; see `RunConfiguration.load`.  Raises UserErrorException."""
    from milepost.sdk.submitting.run_configuration import RunConfiguration

    source = _existing(path, name)
    definition = read_yaml(source)
    if not isinstance(definition, dict):
        raise UserErrorException(f"{str(source)!r} holds no run configuration: keys such as 'script:' are expected.")
    definition = {_CANONICAL.get(key.lower(), key): value for key, value in definition.items()}
    if isinstance(definition.get("environment"), dict):
        definition["environment"] = _with_packages(definition["environment"], source)
    return RunConfiguration._from_definition(definition, f"{str(source)!r}:")


def delete(path: str | os.PathLike[str], name: str) -> None:
    """Delete a run configuration's file; see `RunConfiguration.delete`.  Raises UserErrorException."""
    found = _existing(path, name)
    try:
        found.unlink()
    except OSError as error:
        raise UserErrorException(
            f"{str(found)!r} cannot be deleted: {error.strerror}.", inner_exception=error
        ) from error


def _with_packages(environment: dict[str, Any], source: Path) -> dict[str, Any]:
    """The environment with its packages in it, where they lie in a file of their own."""
    python = environment.get("python")
    if not isinstance(python, dict) or not python.get("condaDependenciesFile"):
        return environment
    file = python["condaDependenciesFile"]
    python = {**python, "condaDependenciesFile": None}
    if not python.get("userManagedDependencies") and not python.get("condaDependencies"):
        project = source.parent.parent if source.parent.name in _FOLDERS else source.parent
        places = [base / str(file) for base in (project, source.parent)]
        found = next((each for each in places if _is_file(each)), None)
        if found is None:
            raise UserErrorException(
                f"{str(source)!r} takes the packages of its environment from {file!r}, which is neither in "
                f"{str(project)!r} nor in {str(source.parent)!r}. Put the file there, or name another under "
                "environment: python: condaDependenciesFile."
            )
        packages = read_yaml(found)
        if not isinstance(packages, dict):
            raise UserErrorException(f"{str(found)!r} is no conda specification: 'dependencies:' is expected.")
        python["condaDependencies"] = packages
    return {**environment, "python": python}


def _target(path: str | os.PathLike[str] | None, name: str | None) -> Path:
    """Where to write."""
    folder = _path(path)
    if name is None:
        if folder.suffix.lower() not in _SUFFIXES:
            raise UserErrorException("save() needs a name: save(path, name='train') writes .azureml/train.runconfig.")
        return folder
    return (folder if folder.name in _FOLDERS else folder / _FOLDERS[0]) / _file_name(name)


def _existing(path: str | os.PathLike[str], name: str | None) -> Path:
    """What to read.  Raises UserErrorException that says where it was looked for."""
    place = _path(path)
    if name is None:
        candidates = [place, place.with_name(place.name + _SUFFIX)] if place.name else [place]
    else:
        candidates = [folder / _file_name(name) for folder in (place / _FOLDERS[0], place / _FOLDERS[1], place)]
    found = next((each for each in candidates if _is_file(each)), None)
    if found is not None:
        return found
    looked = ", ".join(repr(str(each)) for each in candidates)
    there = sorted(each.stem for folder in {each.parent for each in candidates} for each in _runconfigs(folder))
    hint = f" There are: {', '.join(there[:20])}." if there else ""
    missing = "; give name= too" if name is None and place.is_dir() else ""
    raise UserErrorException(f"There is no run configuration {looked}{missing}.{hint}")


def _runconfigs(folder: Path) -> list[Path]:
    try:
        return list(folder.glob(f"*{_SUFFIX}"))
    except OSError:
        return []


def _path(path: str | os.PathLike[str] | None) -> Path:
    try:
        return Path("." if path is None else path).expanduser().absolute()
    except (TypeError, RuntimeError, OSError) as error:
        raise UserErrorException(f"{path!r:.200} is not a path: {error}.", inner_exception=error) from error


def _file_name(name: object) -> str:
    if not isinstance(name, str) or name in {"", ".", ".."} or any(each in name for each in "/\\\0"):
        raise UserErrorException(f"{name!r:.200} cannot name a run configuration: give a plain name such as 'train'.")
    return name if name.lower().endswith(_SUFFIXES) else name + _SUFFIX


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _write(target: Path, text: str) -> None:
    """Write a file in one step, so that nobody reads half of it."""
    draft = target.with_name(f".{os.getpid()}-{os.urandom(8).hex()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserErrorException(
            f"{str(target)!r} cannot be written: {reason}. Give a folder you can write to.", inner_exception=error
        ) from error
