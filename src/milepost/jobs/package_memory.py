"""What an interpreter's packages were when it was last asked, good as long as no place that it looked at has changed.

To ask takes a process of that interpreter, which of a short script is much of what it costs to run it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

from milepost.jobs import packages
from milepost.jobs.job import MARK, read_json, write_json

FOLDER: Final = "package-memory"
"""In the workspace's folder."""
_SETTLED_S: Final = 2.0
"""What was changed so shortly before it was looked at may change again without showing it in its time."""
_MOST: Final = 32
_OF_THE_RUN: Final = ("AZUREML_", MARK)
"""Variables that differ from run to run, and lead no interpreter anywhere."""

_Signature: TypeAlias = "list[int] | None"


def packages_of(interpreter: str, variables: Mapping[str, str], workspace: Path) -> dict[str, Any]:
    """``packages.of``, remembered in the workspace's folder."""
    place = workspace / FOLDER / f"{_key(interpreter, variables)}.json"
    known = read_json(place)
    if isinstance(known, dict) and _is_as_it_was(known.get("looked_at")):
        return dict(known["found"])
    began = time.time()
    found, looked_at = packages.of_and_where(interpreter, variables=variables)
    signatures = {path: _signature(path) for path in looked_at}
    newest = max((each[0] for each in signatures.values() if each is not None), default=0)
    if signatures and newest < (began - _SETTLED_S) * 1e9:
        with suppress(OSError):
            place.parent.mkdir(exist_ok=True)
            write_json(place, {"found": found, "looked_at": signatures})
            _forget_oldest(place.parent)
    return found


def _key(interpreter: str, variables: Mapping[str, str]) -> str:
    relevant = {name: value for name, value in variables.items() if not name.startswith(_OF_THE_RUN)}
    text = json.dumps([packages.FORMAT, interpreter, relevant], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_as_it_was(looked_at: object) -> bool:
    return isinstance(looked_at, dict) and all(_signature(path) == before for path, before in looked_at.items())


def _signature(path: str) -> _Signature:
    try:
        found = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return [found.st_mtime_ns, found.st_size, found.st_ino]


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob("*.json"), key=lambda each: each.stat().st_mtime_ns)
    for each in files[:-_MOST]:
        each.unlink(missing_ok=True)
