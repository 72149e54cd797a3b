"""Reading YAML that somebody wrote by hand, or to do harm: plain values only, of a bounded size."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from milepost.sdk.exceptions import UserErrorException

_MAX_BYTES: Final = 1 << 20
_MAX_VALUES: Final = 100_000
_MAX_DEPTH: Final = 50


def read_yaml(path: Path) -> Any:
    """What a YAML (or JSON) file holds: dicts with text keys, lists, texts, numbers, booleans and None.

    Tags that would make objects are refused, and so is a file whose aliases stand for more than it could hold itself.

    Raises:
        UserErrorException: the file is not there, cannot be read, or is no such YAML; with its line where one is known.
    """
    import yaml

    try:
        if not path.is_file():  # opening a pipe would wait for ever
            raise UserErrorException(f"{str(path)!r} is {'a folder' if path.is_dir() else 'not there'}; give a file.")
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserErrorException(f"{str(path)!r} cannot be read: {reason}.", inner_exception=error) from error
    if len(content) > _MAX_BYTES:
        raise UserErrorException(f"{str(path)!r} is larger than {_MAX_BYTES:,} bytes, which no configuration is.")
    try:
        found = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0][:200]
        raise UserErrorException(
            f"{str(path)!r}{where} is not valid YAML: {problem}.", inner_exception=error
        ) from error
    return _plain(found, path, [0], 0)


def _plain(value: Any, path: Path, count: list[int], depth: int) -> Any:
    """The value without anything that JSON does not know, and with every alias written out."""
    count[0] += 1
    if count[0] > _MAX_VALUES or depth > _MAX_DEPTH:
        raise UserErrorException(f"{str(path)!r} holds more values, or deeper ones, than a configuration can.")
    if isinstance(value, dict):
        return {_key(key, path): _plain(each, path, count, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, path, count, depth + 1) for each in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)  # dates and the like, which YAML sees where a text was meant


def _key(key: object, path: Path) -> str:
    if isinstance(key, (str, int, float, bool)) or key is None:
        return str(key)
    raise UserErrorException(f"{str(path)!r} has a key that is no text: {key!r:.100}.")
