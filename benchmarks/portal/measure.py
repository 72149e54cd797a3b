"""The pages of each tool on each data set: filled, served, looked at, asked."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from portal import servers
from portal.data import SETS, DataSet
from portal.pages import TOOLS, View

HERE = Path(__file__).resolve().parent
TABLE_RUNS = {"milepost": 100_000, "mlflow": 100_000, "aim": 1_000, "tensorboardx": 1_000}
"""As many as each tool can be given in a few minutes."""
FILL_S = 1500.0
START_S = 180.0
LIMIT_S = 60.0
"""For a page to draw, and for an answer."""
QUICK_LIMIT_S = 30.0
TIMES = 5

Call = Callable[..., dict[str, Any]]
"""Runs a measure in a process of its own: (tool, measure, folder, timeout=..., **more)."""


@dataclass(frozen=True)
class Place:
    """What is measured with, and where."""

    call: Call
    python: Path
    """The tool's interpreter."""
    version: str
    environment: Callable[[Path, Path], dict[str, str]]
    """(folder of the data, home) -> the environment of the tool's processes."""
    home: Path
    """Data of peers stay here from one run of the benchmarks to the next."""
    logs: Path
    quick: bool


def data_of(tool: str, name: str, *, quick: bool) -> DataSet:
    """A data set in the size that the tool gets."""
    data = SETS[name]
    if name == "table":
        data = DataSet(name, TABLE_RUNS[tool], data.metrics, data.points)
    return data.small() if quick else data


def measure(place: Place, tool: str, name: str) -> dict[str, dict[str, Any]]:
    """The figures of each page with this data set, by the view's name; with ``many`` also of the page that opens.

    Raises NotStarted, and what ``call`` raises.
    """
    data = data_of(tool, name, quick=place.quick)
    folder = place.home / f"{tool}-{name}"
    runs = _filled(place, tool, data, folder)
    views = TOOLS[tool].views(data, runs)
    found = _look(place, tool, folder, views, front=name == "many")
    asked = _ask(place, tool, folder, {view: each.pop("requests", []) for view, each in found.items()})
    return {view: {"size": data.size, **figures, **asked.get(view, {})} for view, figures in found.items()}


def _filled(place: Place, tool: str, data: DataSet, folder: Path) -> list[str]:
    """The ids of the data's runs.  Peers' data are kept, for some of them take minutes to record."""
    marker = folder / "filled.json"
    made_by = hashlib.sha256((HERE / "data.py").read_bytes() + (HERE / f"fill_{tool}.py").read_bytes()).hexdigest()
    wanted = {"data": asdict(data), "version": place.version, "made_by": made_by}
    if tool != "milepost" and marker.is_file():
        kept = json.loads(marker.read_text())
        if {name: kept.get(name) for name in wanted} == wanted:
            return list(kept["runs"])
    shutil.rmtree(folder, ignore_errors=True)
    runs = place.call(tool, "portal_fill", folder, timeout=FILL_S, **asdict(data))["runs"]
    marker.write_text(json.dumps({**wanted, "runs": runs}))
    return list(runs)


def _look(place: Place, tool: str, folder: Path, views: list[View], *, front: bool) -> dict[str, dict[str, Any]]:
    """In the browser, beginning with a server that has just been started."""
    first = TOOLS[tool].front
    times, limit_s = (1, QUICK_LIMIT_S) if place.quick else (TIMES, LIMIT_S)
    timeout = (len(views) + 2) * (times + 1) * (limit_s + 2)
    with _serving(place, tool, folder) as server:

        def browse(some: list[View], *, keys: bool = False) -> dict[str, dict[str, Any]]:
            return place.call(
                *("milepost", "portal_browse", place.home / "browser"),
                timeout=timeout,
                views=[asdict(view) for view in some],
                base=server.base,
                link=server.link,
                keys=keys,
                times=times,
                limit_s=limit_s,
            )

        found = browse(views)
        if front:
            found |= browse([first], keys=tool == "milepost")
    for view, each in found.items():
        picture = each.pop("picture", None)
        if picture is not None:
            (place.logs / f"{tool}-{folder.name.rpartition('-')[2]}-{view}.png").write_bytes(base64.b64decode(picture))
    return found


def _ask(place: Place, tool: str, folder: Path, views: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Without a browser, beginning again with a server that has just been started."""
    views = {view: asked for view, asked in views.items() if any(each["is_data"] for each in asked)}
    if not views:
        return {}
    times = 2 if place.quick else TIMES
    with _serving(place, tool, folder) as server:
        return place.call(
            *("milepost", "portal_request", place.home / "browser"),
            timeout=len(views) * (times + 1) * LIMIT_S,
            views=views,
            port=server.port,
            link=server.link,
            times=times,
            limit_s=LIMIT_S,
        )


def _serving(place: Place, tool: str, folder: Path) -> AbstractContextManager[servers.Server]:
    data, home = folder / "data", folder / "tool-home"
    environment = place.environment(data, home)
    log = place.logs / f"{tool}-server.log"
    return servers.serving(TOOLS[tool], place.python, data, environment, log, START_S)
