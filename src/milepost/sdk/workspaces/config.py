"""``config.json``: finding it as Azure's SDK does, reading it with care, writing it.

A file of Azure's own shape (``subscription_id``, ``resource_group``, ``workspace_name``) names the workspace; one
with ``url`` names a server.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.workspaces.home import check_workspace_name

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_NAME: Final = "config.json"
URL_VARIABLE: Final = "MILEPOST_URL"

_MAX_BYTES: Final = 1 << 20
_KEYS: Final = ("workspace_name", "subscription_id", "resource_group", "url")
_SUBFOLDERS: Final = ("", ".azureml", "aml_config")
_EXAMPLE: Final = '{"subscription_id": "...", "resource_group": "...", "workspace_name": "..."}'


@dataclass(frozen=True, slots=True)
class WorkspaceConfig:
    """What a ``config.json`` says.  Keys that are not there are ``""``, or None for ``url``."""

    name: str
    """Of the workspace; ``""`` where only ``url`` is given."""
    subscription_id: str
    resource_group: str
    url: str | None
    """Of a server."""
    source: Path
    """The file."""


def find_config(path: str | os.PathLike[str] | None = None, file_name: str | None = None) -> WorkspaceConfig | None:
    """Read the ``config.json`` that ``path`` leads to.

    Args:
        path: the file itself, or the folder to begin in (default: the current directory).  In each folder are
            tried ``config.json``, ``.azureml/config.json`` and the older ``aml_config/config.json``; then its parent.
            A file that has none of the keys belongs to some other program and is passed by while another may be found.
        file_name: what to look for in place of ``config.json``.

    Returns:
        None where ``path`` is a folder and no file was found.

    Raises:
        UserErrorException: ``path`` is not there, or the file found is not one; the message names the file, the
            trouble and the fix.
    """
    try:
        begin = Path(path if path is not None else ".").expanduser().absolute()
        if not begin.exists():
            raise UserErrorException(
                f"{begin} is not there. Give Workspace.from_config() the path of a {FILE_NAME} or of a folder to "
                "begin the search in."
            )
        if not begin.is_dir():
            return read_config(begin)
        foreign = None
        for candidate in _candidates(begin, _check_file_name(file_name)):
            if not os.path.lexists(candidate):
                continue
            facts = _facts(candidate)
            if any(key in facts for key in _KEYS):
                return _config(candidate, facts)
            foreign = foreign or candidate
    except (OSError, ValueError, RuntimeError) as error:  # NUL in the path, no rights to a folder, no home for "~"
        raise UserErrorException(
            f"{str(path)!r} cannot be searched for a {FILE_NAME}: {error}. Give another path.", inner_exception=error
        ) from error
    # Nothing else was found: the foreign file is more likely a mistake than no concern of ours.
    return _config(foreign, {}) if foreign else None


def read_config(path: Path) -> WorkspaceConfig:
    """What the file ``path`` says.

    Raises:
        UserErrorException: it cannot be read or is not of the right shape; see `find_config`.
    """
    return _config(path, _facts(path))


def server_url(config: WorkspaceConfig | None) -> str | None:
    """The address of the server to use: the config's own, else ``MILEPOST_URL``, else None (this machine).

    Raises:
        UserErrorException: ``MILEPOST_URL`` is not the address of a web server.
    """
    if config is not None and config.url is not None:
        return config.url
    url = os.environ.get(URL_VARIABLE, "").strip()
    return checked_url(url, f"The environment variable {URL_VARIABLE}") if url else None


def write_config(
    folder: str | os.PathLike[str] | None,
    name: str,
    subscription_id: str,
    resource_group: str,
    *,
    url: str | None = None,
    file_name: str | None = None,
) -> Path:
    """Write ``.azureml/config.json`` in ``folder`` (default: the current directory), in one step, and give its path.

    Raises:
        UserErrorException: ``file_name`` is not a plain name, or the file cannot be written.
    """
    facts = {"subscription_id": subscription_id, "resource_group": resource_group, "workspace_name": name}
    if url is not None:
        facts["url"] = url
    target = Path(folder if folder is not None else ".").expanduser().absolute()
    target = target / ".azureml" / _check_file_name(file_name)
    draft = target.with_name(f".{os.getpid()}-{os.urandom(8).hex()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(json.dumps(facts, indent=4) + "\n", encoding="utf-8")
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        raise UserErrorException(
            f"{target} cannot be written: {getattr(error, 'strerror', None) or error}. "
            "Give write_config(path=...) a folder you can write to.",
            inner_exception=error,
        ) from error
    return target


def _candidates(begin: Path, file_name: str) -> Iterator[Path]:
    for folder in (begin, *begin.parents):
        for sub in _SUBFOLDERS:
            yield folder / sub / file_name


def _check_file_name(file_name: str | None) -> str:
    if file_name is None:
        return FILE_NAME
    if not isinstance(file_name, str) or file_name in {"", ".", ".."} or any(each in file_name for each in "/\\\0"):
        raise UserErrorException(f"{file_name!r} is not a file's name: give a plain one such as {FILE_NAME!r}.")
    return file_name


def _facts(path: Path) -> dict[str, Any]:
    """The JSON object in the file ``path``, whose keys are not checked yet."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
            raise _wrong(path, "is a folder" if stat.S_ISDIR(mode) else "is not a regular file")
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise _wrong(path, f"cannot be read ({error.strerror or error})", error) from error
    if len(content) > _MAX_BYTES:
        raise _wrong(path, f"is larger than {_MAX_BYTES} bytes")
    try:
        # Editors and shells on Windows write a byte order mark, or UTF-16; json recognises both.
        facts = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _wrong(path, f"is not JSON ({error})", error) from error
    if not isinstance(facts, dict):
        raise _wrong(path, "holds no JSON object")
    return facts


def _config(path: Path, facts: dict[str, Any]) -> WorkspaceConfig:
    for key in _KEYS:
        if key in facts and not isinstance(facts[key], str):
            raise _wrong(path, f"gives {key!r} as {type(facts[key]).__name__}, not as text")
    name, url = facts.get("workspace_name", ""), facts.get("url")
    if not name and url is None:
        raise _wrong(path, "does not give 'workspace_name'")
    if name:
        try:
            check_workspace_name(name)
        except UserErrorException as error:
            raise _wrong(path, f"gives a name that cannot be one ({error.message})", error) from error
    if url is not None:
        url = checked_url(url, str(path))
    return WorkspaceConfig(name, facts.get("subscription_id", ""), facts.get("resource_group", ""), url, path)


def checked_url(url: str, where: str) -> str:
    """``url`` without a slash at its end.  Raises UserErrorException where it is no address of a web server."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.query or parts.fragment)
        parts.port  # noqa: B018  (raises ValueError where it is no number)
        secret = parts.username is not None
    except ValueError:
        good = secret = False
    if secret or (not good and "@" in url):  # "user:password@host" has none of these parts, but holds them
        # Configs are committed to repositories, and addresses land in logs.
        raise UserErrorException(f"{where} gives an address with a user or password in it. Leave them out.")
    if not good:
        raise UserErrorException(
            f"{where} gives {url[:200]!r}, which is not a server's address such as 'https://milepost.example'."
        )
    return url.rstrip("/")


def _wrong(path: Path, trouble: str, error: BaseException | None = None) -> UserErrorException:
    return UserErrorException(
        f"{path} {trouble}. A workspace's {FILE_NAME} looks like {_EXAMPLE}. Correct it, write a new one with "
        "Workspace.get(name).write_config(), or give Workspace.from_config(path=...) another path.",
        inner_exception=error,
    )
