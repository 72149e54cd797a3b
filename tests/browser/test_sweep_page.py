"""The page of a sweep: its trials best first, why some were stopped, the best so far, the parameters against it."""

from __future__ import annotations

import os
import re

from tests.browser import recorded
from tests.browser.conftest import Open, Portal
from tests.browser.drawn import WAIT_MS

SWEEP = """
from azureml.core import Experiment, Workspace

with Experiment(Workspace.get("portal"), "swept").start_logging(snapshot_directory=None, run_id="swept") as run:
    run.add_properties({"primary_metric_config": '{"name": "loss", "goal": "minimize"}'})
    for number, rate in enumerate((0.5, 0.1, 0.9)):
        child = run.child_run(f"rate {rate}", run_id=f"{run.id}_{number}")
        child._say("params", {"set": {"rate": str(rate), "kernel": "rbf" if number else "linear"}})
        child.log_list("loss", [1.0, rate])
        if rate > 0.8:
            child.tag("early_termination", "Bandit: it is too far behind")
            child.cancel()
        else:
            child.complete()
"""


def test_a_sweep_shows_its_trials_and_where_they_lead(open_page: Open, portal: Portal) -> None:
    recorded.record(
        portal.home.parent, SWEEP, {**os.environ, "MILEPOST_HOME": str(portal.home), "MILEPOST_PORTAL": "0"}
    )
    watched = open_page("/experiments/swept/runs/swept")
    page = watched.page
    page.get_by_role("tab", name="Trials").click()
    table = page.get_by_role("region", name="Trials")
    rows = table.get_by_role("row")
    rows.nth(3).wait_for(timeout=WAIT_MS)
    texts = [rows.nth(number).inner_text() for number in range(4)]
    assert re.findall(r"loss|kernel|rate|Stopped early because", texts[0]) == [
        *("loss", "kernel", "rate", "Stopped early because")
    ]
    assert [re.search(r"rate (0\.\d)", text)[1] for text in texts[1:]] == ["0.1", "0.5", "0.9"]  # type: ignore[index]
    assert "best" in texts[1]
    assert "Canceled" in texts[3]
    assert "Bandit: it is too far behind" in texts[3]
    page.get_by_role("group", name=re.compile("^Chart of Best loss so far")).wait_for(timeout=WAIT_MS)
    lines = page.get_by_role("region", name="Parameters and result")
    lines.get_by_role("link", name=re.compile(r"^rate 0\.1: .*rate: 0\.1.*loss: 0\.1")).wait_for(timeout=WAIT_MS)
    table.get_by_role("link", name="rate 0.1").click()
    page.get_by_role("heading", name="rate 0.1").wait_for(timeout=WAIT_MS)
    assert page.get_by_role("tab", name="Trials").count() == 0  # a trial is no sweep
    assert watched.trouble == []
