"""The package index that this machine's pip uses: uv does not read pip's configuration, and a network behind a
firewall often has its own index named nowhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_KEYS: Final = ("index-url", "extra-index-url", "find-links", "trusted-host", "no-index", "cert")
# Who has told uv where its packages are needs no help from pip.
_UVS_OWN: Final = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX")


@dataclass(frozen=True, slots=True)
class PipConfiguration:
    """What pip is configured with here; empty where it is not."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    no_index: bool = False
    certificates: str | None = None


def read(variables: Mapping[str, str] | None = None) -> PipConfiguration:
    """pip's configuration: its files, then the ``PIP_*`` variables.  Empty where uv has been given indexes of its own.

    Files that cannot be read are passed over, as pip does.
    """
    variables = os.environ if variables is None else variables
    if any(variables.get(each) for each in _UVS_OWN):
        return PipConfiguration(certificates=variables.get("PIP_CERT"))
    values: dict[str, str] = {}
    for path in _files(variables):
        values |= _read_file(path)
    for key in _KEYS:
        value = variables.get("PIP_" + key.upper().replace("-", "_"))
        if value:
            values[key] = value
    return PipConfiguration(
        values.get("index-url") or None,
        tuple(values.get("extra-index-url", "").split()),
        tuple(values.get("find-links", "").split()),
        tuple(values.get("trusted-host", "").split()),
        values.get("no-index", "").lower() in ("1", "true", "yes", "on"),
        values.get("cert") or None,
    )


def _files(variables: Mapping[str, str]) -> Iterator[Path]:
    """In pip's order: a later one wins."""
    own = variables.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    try:
        home = Path.home()
    except RuntimeError:
        home = Path("/nonexistent")
    if os.name == "nt":
        yield Path(variables.get("PROGRAMDATA", r"C:\ProgramData"), "pip", name)
        yield home / "pip" / name
        yield Path(variables.get("APPDATA", home / "AppData" / "Roaming"), "pip", name)
    else:
        if sys.platform == "darwin":
            yield Path("/Library/Application Support/pip", name)
        for folder in variables.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep):
            yield Path(folder or "/etc/xdg", "pip", name)
        yield Path("/etc", name)
        yield home / ".pip" / name
        if sys.platform == "darwin":
            yield home / "Library/Application Support/pip" / name
        yield Path(variables.get("XDG_CONFIG_HOME") or home / ".config", "pip", name)
    yield Path(sys.prefix, name)
    if own:
        yield Path(own)


def _read_file(path: Path) -> dict[str, str]:
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            for key, value in parser.items(section):
                plain = key.lower().replace("_", "-").lstrip("-")
                if plain in _KEYS and value.strip():
                    found[plain] = value.strip()
    return found
