"""What the pages of each tool are, how its server is started, and how a page tells that it has drawn what it shows."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from portal.data import LIMIT, DataSet, first_filtered, first_newest, first_sorted

FIRST_SCREEN = {"million": 1, "many": 2, "overlay": 1}
"""The charts that a first screen of 1440 x 900 must have at least."""


@dataclass(frozen=True)
class View:
    """A page with one of the data sets."""

    name: str
    path: str
    """Its address below the server's."""
    drawn: str
    """JavaScript: a function of what ``drawn.js`` offers, true once the page shows its data."""
    data: str
    """A regular expression: addresses of the requests that bring what is drawn."""
    stored: dict[str, str] = field(default_factory=dict)
    """What the browser's local storage holds from an earlier visit."""


@dataclass(frozen=True)
class Tool:
    """A tool's server and pages."""

    command: Callable[[Path, Path, int], list[str]]
    """(interpreter, folder of the data, port): what starts its server."""
    views: Callable[[DataSet, list[str]], list[View]]
    """The pages to look at for a data set, whose runs have these ids."""
    front: View
    """The page that the tool opens with."""
    environment: dict[str, str] = field(default_factory=dict)
    tells_link: bool = False
    """Whether it prints a link with a token, without which it shows nothing."""


def _charts(selector: str, test: str, at_least: int, lines: int = 0) -> str:
    """All that the selector finds in the window pass the test, and there are so many."""
    return f"""({{ all, seen, inked, stroked }}) => {{
      const found = all({json.dumps(selector)}).filter(seen)
      return found.length >= {max(at_least, lines)} && found.every((each) => {test}(each))
    }}"""


def _text(selector: str, text: str) -> str:
    """One of what the selector finds in the window has this text."""
    return f"""({{ all, seen }}) =>
      all({json.dumps(selector)}).some((each) => each.textContent.includes({json.dumps(text)}) && seen(each))"""


# -- Milepost ----------------------------------------------------------------------------------------------------


def _milepost_views(data: DataSet, runs: list[str]) -> list[View]:
    experiment = f"/experiments/{data.name}"
    if data.name == "table":
        asked = quote(f'metrics.loss < {LIMIT} and tags.stage = "prod"')
        return [
            View("opened", experiment, _text("a", first_newest(data.runs)), "/api/v1/runs\\?"),
            View("sorted", f"{experiment}?sort=metrics.loss", _text("a", first_sorted(data.runs)), "/api/v1/runs\\?"),
            View("filtered", f"{experiment}?filter={asked}", _text("a", first_filtered(data.runs)), "/api/v1/runs\\?"),
        ]
    if data.name == "overlay":
        drawn = f"""({{ all, seen, inked }}) => {{
          const charts = all('[role=group][aria-label*=" {data.runs} lines"] canvas').filter(seen)
          return charts.length > 0 && charts.every(inked)
        }}"""
        chosen = ",".join(runs)
        return [View("lines", f"{experiment}?chart=loss&chosen={chosen}", drawn, "/metrics/series")]
    drawn = _charts(".uplot canvas", "inked", FIRST_SCREEN[data.name])
    return [View("lines", f"{experiment}/runs/{runs[0]}?tab=metrics", drawn, "/metrics/series")]


# -- MLflow ------------------------------------------------------------------------------------------------------


def _mlflow_views(data: DataSet, runs: list[str]) -> list[View]:
    listed = "/#/experiments/1/runs"
    if data.name == "table":
        asked = quote(f"metrics.loss < {LIMIT} and tags.stage = 'prod'", safe="")
        by_loss = f"orderByKey={quote('metrics.`loss`', safe='')}&orderByAsc=true"
        search = "ajax-api/2.0/mlflow/runs/search"
        return [
            View("opened", listed, _text("a", first_newest(data.runs)), search),
            View("sorted", f"{listed}?{by_loss}", _text("a", first_sorted(data.runs)), search),
            View("filtered", f"{listed}?searchFilter={asked}", _text("a", first_filtered(data.runs)), search),
        ]
    history = "get-history-bulk-interval"
    if data.name == "overlay":
        # Its charts show the first ten runs; "show all" means the hundred that the page has loaded.
        state = {"runsHiddenMode": "SHOWALL"}
        stored = {'MLflowLocalStorage-1.1-ExperimentPage-["1"]-ReactComponentState': json.dumps(state)}
        drawn = _charts(".js-line", "stroked", 1, min(100, data.runs))
        return [View("lines", f"{listed}?compareRunsMode=CHART", drawn, history, stored)]
    drawn = f"""({{ all, seen, stroked }}) => {{
      const cards = all('[data-testid="experiment-view-compare-runs-card"]').filter(seen)
      return cards.length >= {FIRST_SCREEN[data.name]} &&
        cards.every((card) => [...card.querySelectorAll('.js-line')].some((line) => stroked(line)))
    }}"""
    return [View("lines", f"/#/experiments/1/runs/{runs[0]}/model-metrics", drawn, history)]


# -- Aim ---------------------------------------------------------------------------------------------------------


def _aim_views(data: DataSet, runs: list[str]) -> list[View]:
    if data.name == "table":
        asked = _aim_state({"query": f"run.metrics['loss'].last < {LIMIT} and run.hparams.stage == 'prod'"})
        search = "/api/runs/search/run"
        return [
            View("opened", "/runs", _text("a", first_newest(data.runs)), search),
            View("filtered", f"/runs?select={asked}", _text("a", first_filtered(data.runs)), search),
        ]
    if data.name == "overlay":
        loss = {"label": "loss", "group": "loss", "type": "metrics", "color": "#3E72E7", "key": "loss"}
        option = {**loss, "value": {"option_name": "loss", "context": None}}
        drawn = _charts("path.Line", "stroked", 1, data.runs)
        return [View("lines", f"/metrics?select={_aim_state({'options': [option]})}", drawn, "/api/runs/search/metric")]
    drawn = f"""({{ all, seen, stroked }}) => {{
      const charts = all('[class*="RunMetricCard"], .RunOverviewTab, svg').filter((each) => each.querySelector('.Line'))
      return charts.filter(seen).length >= {FIRST_SCREEN[data.name]} &&
        all('path.Line').filter(seen).every((line) => stroked(line))
    }}"""
    return [View("lines", f"/runs/{runs[0]}/metrics", drawn, "/metric/get-batch")]


def _aim_state(chosen: dict[str, object]) -> str:
    """What its pages keep in their address, as they write it."""
    whole = {"options": [], "query": "", "advancedMode": False, "advancedQuery": "", **chosen}
    text = quote(json.dumps(whole, separators=(",", ":")), safe=";,/?:@&=+$-_.!~*'()#")
    return "O-" + base64.b64encode(text.encode()).decode().rstrip("=")


# -- TensorBoard -------------------------------------------------------------------------------------------------


def _tensorboard_views(data: DataSet, runs: list[str]) -> list[View]:
    if data.name == "table":
        return [View("opened", "/#hparams", _text("*", "run-000000"), "session_groups")]
    drawn = _charts("line-chart canvas", "inked", FIRST_SCREEN[data.name])
    return [View("lines", "/#timeseries", drawn, "timeseries/timeSeries")]


def _there(words: str) -> str:
    return f"() => document.body.innerText.includes({json.dumps(words)})"


TOOLS = {
    "milepost": Tool(
        lambda python, folder, port: [
            *(str(python), "-c", "from milepost.cli import main; main()"),
            *("portal", "--foreground", "--workspace", "bench", "--port", str(port)),
        ],
        _milepost_views,
        View("front", "/", _text("a", "many"), ""),
        tells_link=True,
    ),
    "mlflow": Tool(
        lambda python, folder, port: [
            *(str(python.with_name("mlflow")), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
            *("--default-artifact-root", str(folder / "artifacts")),
        ],
        _mlflow_views,
        View("front", "/#/experiments", _text("a", "bench"), ""),
        {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    ),
    "aim": Tool(
        lambda python, folder, port: [
            *(str(python.with_name("aim")), "up", "--repo", str(folder), "-y"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        _aim_views,
        View("front", "/", _there("Total runs"), ""),
        {"AIM_UI_TELEMETRY_ENABLED": "0", "__AIM_ANALYTICS_ENABLED__": "0"},
    ),
    "tensorboardx": Tool(
        lambda python, folder, port: [
            *(str(python), "-m", "tensorboard.main", "--logdir", str(folder / "runs")),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        _tensorboard_views,
        View("front", "/", _there("run-000"), ""),
    ),
}
TITLES = {"milepost": "Milepost", "mlflow": "MLflow", "aim": "Aim", "tensorboardx": "TensorBoard"}
